"""A report as a pytest file: it runs alone, and fails once the derivative is wrong."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from jaxdiff_magic import InputError, derive
from jaxdiff_magic.show.exporting.literals import literal

from . import functions as given

P = {"w": jnp.array([0.5, -0.25])}


def exported(path: Path, f: Callable[..., Any], *args: Any, wrt: Any = None, **kwargs: Any) -> str:
    report = derive(f, wrt=wrt, cost="none", order=1, points=2)(*args, **kwargs)
    assert report.export_test(path) == str(path)
    return path.read_text()


def test_exported_files_pass_alone_and_fail_on_a_broken_rule(tmp_path: Path) -> None:
    text = exported(tmp_path / "test_loss.py", given.loss, P, 0.5, scale=2.0)
    exported(tmp_path / "test_clipped.py", given.clipped, jnp.array([0.1, 0.2]))
    exported(tmp_path / "test_double.py", given.double, 1.5)
    exported(tmp_path / "test_inner.py", given.local(), 1.5)
    exported(tmp_path / "test_wrt.py", given.loss, P, 0.5, wrt="x")
    with jax.enable_x64(True):
        wide = exported(tmp_path / "test_wide.py", given.penalty, jnp.array([0.1, 0.2]))
    assert 'jax.config.update("jax_enable_x64", True)' in wide
    assert 'dtype="float64"' in wide

    assert "2 * x * g" in text
    (tmp_path / "test_broken_vjp.py").write_text(text.replace("2 * x * g", "3 * x * g"))
    (tmp_path / "test_broken_jvp.py").write_text(text.replace("jnp.cos(primals[0])", "-jnp.cos(primals[0])"))
    (tmp_path / "test_changed.py").write_text(text.replace("rate = 0.1", "rate = 0.2"))

    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            "-rA",
            "--rootdir",
            str(tmp_path),
            str(tmp_path),
        ],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(Path(__file__).parents[3]), "JAX_PLATFORMS": "cpu"},
    )
    lines = re.findall(r"^(PASSED|FAILED|ERROR) (?:\S*/)?(test_\w+\.py::\w+)", done.stdout, re.M)
    found = {name: outcome for outcome, name in lines}
    right, same = "test_the_derivative_is_right", "test_the_derivative_has_the_same_numbers"
    for name in ("loss", "clipped", "double", "inner", "wrt", "wide"):
        assert found[f"test_{name}.py::{right}"] == "PASSED", done.stdout
        assert found[f"test_{name}.py::{same}"] == "PASSED", done.stdout
    for name in ("broken_vjp", "broken_jvp"):
        assert found[f"test_{name}.py::{right}"] == "FAILED"
        assert found[f"test_{name}.py::{same}"] == "FAILED"
    assert found[f"test_changed.py::{right}"] == "PASSED"
    assert found[f"test_changed.py::{same}"] == "FAILED"
    assert "WrongDerivative" in done.stdout


def test_what_the_function_needs_is_in_the_file_once(tmp_path: Path) -> None:
    text = exported(tmp_path / "test_loss.py", given.loss, P, 0.5)
    for line in ("import math", "from jax import nn", "from jax.numpy import tanh as squashed", "rate = 0.1"):
        assert text.count(f"\n{line}\n") == 1
    for name in ("square", "square_forward", "square_backward", "sine", "sine_rule", "penalty", "loss"):
        assert text.count(f"def {name}(") == 1
    assert text.count("square.defvjp(square_forward, square_backward)") == 1
    assert "LARGE" not in text


@pytest.mark.parametrize(
    ("f", "args", "message"),
    [
        (given.uses_large, (1.0,), "LARGE has 2,000 entries, too many"),
        (lambda x: x**2, (1.0,), "lambda within other code"),
        (given.powered, (2.0,), "lambda within other code"),
    ],
)
def test_what_cannot_be_written_is_named_and_nothing_is_written(
    tmp_path: Path, f: Any, args: tuple[Any, ...], message: str
) -> None:
    report = derive(f, cost="none", order=1, points=2)(*args)
    with pytest.raises(InputError, match=message):
        report.export_test(tmp_path / "test_f.py")
    assert list(tmp_path.iterdir()) == []


def test_only_exported_files_are_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "test_f.py"
    exported(path, given.penalty, P["w"])
    assert exported(path, given.penalty, 2 * P["w"]) == path.read_text()
    path.write_text("def test_mine(): ...\n")
    with pytest.raises(InputError, match=r"was not exported from a report\. Choose another name"):
        exported(path, given.penalty, P["w"])
    assert path.read_text() == "def test_mine(): ...\n"


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        -3,
        1e-300,
        float("inf"),
        "it's",
        [1.0, (2,), {"a": ()}],
        np.float32(0.1),
        np.array([[1, 2], [3, 4]], np.int8),
        np.array([True, False]),
        np.zeros((0, 3)),
        jnp.array([0.1, jnp.nan, -jnp.inf]),
        jnp.array(0.1, jnp.bfloat16),
        jnp.array([1 + 2j]),
        jax.random.key(3),
    ],
    ids=repr,
)
def test_values_come_back_as_they_were(value: Any) -> None:
    def refuse(value: Any, name: str) -> str:
        raise AssertionError(name)

    text = literal(value, "x", refuse)
    back = eval(text, {"jax": jax, "jnp": jnp, "np": np})
    assert type(back) is type(value)
    assert repr(back) == repr(value)
    if hasattr(value, "dtype"):
        assert back.dtype == value.dtype


def test_the_magic_exports_what_a_cell_defines(tmp_path: Path) -> None:
    config = Config()
    config.HistoryManager.hist_file = ":memory:"
    config.InteractiveShell.colors = "nocolor"
    shell = InteractiveShell(config=config)
    shell.run_line_magic("load_ext", "jaxdiff_magic")
    shell.run_cell("import jax.numpy as jnp\nA = jnp.array([[1.0, 2.0], [3.0, 4.0]])", store_history=True)
    shell.run_cell("def form(x):\n    return x @ A @ x", store_history=True)
    path = tmp_path / "test_g.py"
    cell = f"%%derive --order 1 --cost none --export-test {path}\ndef g(x):\n    return form(x) + 1\ng(jnp.ones(2))"
    shell.run_cell(cell, store_history=True).raise_error()
    text = path.read_text()
    shell.restore_sys_module_state()
    for part in ("def form(x):", "def g(x):", "A = jnp.array", "import jax.numpy as jnp"):
        assert text.count(part) == 1
    names: dict[str, Any] = {}
    exec(compile(text, str(path), "exec"), names)
    names["test_the_derivative_is_right"]()
    names["test_the_derivative_has_the_same_numbers"]()
