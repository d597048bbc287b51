"""What a report writes as a test: exact built-in values and the reader's own source as it was, or a refusal by name."""

from __future__ import annotations

import collections
import enum
import functools
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxdiff_magic import InputError, derive
from jaxdiff_magic.show.exporting.literals import literal

ROOT = Path(__file__).parents[2]
WRITTEN = "import os; os.abort()"
"""Code that no exported file may hold: it is what the hostile objects below have for their `repr`."""


class HostileText(str):
    def __repr__(self) -> str:
        return WRITTEN


class HostileInteger(int):
    def __repr__(self) -> str:
        return WRITTEN


class HostileFloat(float):
    def __repr__(self) -> str:
        return WRITTEN


class HostileList(list):
    def __repr__(self) -> str:
        return WRITTEN


class HostileArray(np.ndarray):
    def __repr__(self) -> str:
        return WRITTEN


class Hostile:
    __module__ = "jax.numpy"
    __name__ = WRITTEN

    def __repr__(self) -> str:
        return WRITTEN


class Mode(enum.IntEnum):
    LINEAR = 1
    SQUARED = 2


class Shade(enum.StrEnum):
    DARK = "dark"


class Flags(enum.Flag):
    ONE = 1


Pair = collections.namedtuple("Pair", "left right")


def squared(x: Any, option: Any = None, **others: Any) -> Any:
    return x * x


def by_mode(x: Any) -> Any:
    return x**2 if Mode.SQUARED == 2 else x


def check(found: Unheard) -> Any:  # noqa: F821  # pyright: ignore[reportUndefinedVariable]
    """Has the name of a variable of the test, and an annotation that is never evaluated."""
    expected = 2.0
    return expected * jnp.sin(found)


def described(x: Any) -> Any:
    return jnp.cos(x) * len(TEXT)


TEXT = 'it\'s "quoted" \\ and\nhas \x00 lines \u202e '


CONSTANTS: dict[str, Any] = {
    "z": complex("nan+2j"),
    "nan": float("nan"),
    "big": 10**5000,
    "arrays": [np.array(["a"]), np.array([1 + 2j, np.nan]), np.array([1], ">i4"), np.float16(2)],
}


def with_constants(x: Any) -> Any:
    return len(CONSTANTS) * x * CONSTANTS["arrays"][3]


def nested() -> Callable[..., Any]:
    def told(x):
        text = """two
        lines, and
    a third"""
        template = f"""{len(text)}
            of them"""
        # a comment
        if True:
            return x * len(text) + len(template) * x**2

    return told


def with_a_default() -> Callable[..., Any]:
    hidden = 3.0

    def scaled(x, by=hidden):
        return by * x

    return scaled


def decorated_locally() -> Callable[..., Any]:
    def twice(f):
        return functools.wraps(f)(lambda x: 2 * f(x))

    @twice
    def inner(x):
        return x**3

    return inner


def exported(tmp_path: Path, name: str, f: Callable[..., Any], *args: Any, **kwargs: Any) -> str:
    report = derive(f, wrt=0, cost="none", order=1, points=2, symbolic=False)(*args, **kwargs)
    path = tmp_path / f"test_{name}.py"
    report.export_test(path)
    return path.read_text()


def run_at(folder: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(folder)],
        capture_output=True,
        text=True,
        cwd=folder,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), "JAX_PLATFORMS": "cpu"},
    )
    return done.stdout.strip().splitlines()[-1] if done.returncode == 0 else done.stdout + done.stderr


def test_what_is_written_runs_and_holds_the_strings_as_they_were(tmp_path: Path) -> None:
    exported(tmp_path, "options", squared, 1.5, {"text": TEXT, "raw": b"\x00'"}, deep=[[(1,)], {}], ünï=None)
    exported(tmp_path, "constants", with_constants, 1.5)
    exported(tmp_path, "local_names", check, 0.5)
    exported(tmp_path, "enumeration", by_mode, 0.5)
    exported(tmp_path, "text", described, 0.5)
    exported(tmp_path, "partial", functools.partial(squared, option="x"), 0.5)
    exported(tmp_path, "jitted", jax.jit(squared), 0.5)
    exported(tmp_path, "half", squared, jnp.array([0.5, 2.0], jnp.bfloat16))
    text = exported(tmp_path, "nested", nested(), 0.5)
    assert '"""two\n        lines, and\n    a third"""' in text
    assert 'f"""{len(text)}\n            of them"""' in text
    assert "\ndef told(x):\n    text = " in text
    assert run_at(tmp_path).startswith("18 passed")


def test_features_of_the_future_are_those_of_the_source(tmp_path: Path) -> None:
    (tmp_path / "plain_source.py").write_text("def plain(x):\n    return x * x\n")
    sys.path.insert(0, str(tmp_path))
    try:
        import plain_source  # type: ignore[import-not-found]
    finally:
        sys.path.remove(str(tmp_path))
    assert "__future__" not in exported(tmp_path, "plain", plain_source.plain, 0.5)
    assert "from __future__ import annotations\n" in exported(tmp_path, "annotated", squared, 0.5)


@pytest.mark.parametrize(
    ("args", "kwargs", "named"),
    [
        ((HostileText("a"),), {}, "argument 2 is HostileText"),
        ((HostileInteger(3),), {}, "argument 2 is HostileInteger"),
        ((HostileFloat(3),), {}, "argument 2 is HostileFloat"),
        (([HostileFloat(3)],), {}, r"argument 2\[0\] is HostileFloat"),
        ((HostileList([3]),), {}, "argument 2 is HostileList"),
        ((np.ones(2).view(HostileArray),), {}, "argument 2 is HostileArray"),
        ((np.ma.masked_array([1.0], [True]),), {}, "argument 2 is MaskedArray"),
        ((Hostile(),), {}, "argument 2 is Hostile"),
        (({"a": Hostile()},), {}, r"argument 2\['a'\] is Hostile"),
        (({HostileText("a"): 1},), {}, "a key of argument 2 is HostileText"),
        ((Mode.LINEAR,), {}, "argument 2 is Mode"),
        ((Shade.DARK,), {}, "argument 2 is Shade"),
        ((), {"flags": Flags.ONE}, "flags is Flags"),
        ((Pair(1.0, "a"),), {}, "argument 2 is Pair"),
        ((np.array([1, "a"], object),), {}, "argument 2 is an array of Python objects"),
        ((np.datetime64("2020-01-01"),), {}, r"argument 2 is an array of dtype datetime64"),
        ((np.zeros(1, [("a", float)]),), {}, "argument 2 is an array of dtype"),
        ((functools.reduce(lambda inner, _: [inner], range(300), [1.0]),), {}, "nested more than 50 deep"),
        ((), {"not a name": 1}, "The keyword 'not a name' is no name"),
        ((), {"a=1): pass\nimport os\nf(b": 1}, r"The keyword 'a=1\): pass\\nimport os\\nf\(b' is no name"),
        ((), {"lambda": 1}, "The keyword 'lambda' is no name"),
        ((), {"ﬁ": 1}, r"The keyword '\\ufb01' is no name"),
        ((), {HostileText("a"): 1}, "The keyword of type HostileText is no name"),
    ],
)
def test_what_is_not_exactly_of_a_built_in_type_is_refused_by_name(
    tmp_path: Path, args: tuple[Any, ...], kwargs: dict[str, Any], named: str
) -> None:
    report = derive(squared, wrt=0, cost="none", order=1, points=0, symbolic=False)(1.5, *args, **kwargs)
    with pytest.raises(InputError, match=named) as refused:
        report.export_test(tmp_path / "test_f.py")
    assert WRITTEN not in str(refused.value)
    assert list(tmp_path.iterdir()) == []


def test_what_a_definition_takes_from_around_it_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="scaled uses hidden where it is defined"):
        exported(tmp_path, "scaled", with_a_default(), 0.5)
    with pytest.raises(InputError, match="inner uses twice where it is defined"):
        exported(tmp_path, "inner", decorated_locally(), 0.5)
    assert list(tmp_path.iterdir()) == []


def test_a_name_of_the_test_s_own_is_not_taken_by_something_else(tmp_path: Path) -> None:
    names: dict[str, Any] = {}
    source = tmp_path / "renaming.py"
    source.write_text("import jax.numpy as np\n\n\ndef f(x):\n    return np.sin(x)\n")
    exec(compile(source.read_text(), str(source), "exec"), names)
    with pytest.raises(InputError, match="np is a name that the test itself needs"):
        exported(tmp_path, "f", names["f"], 0.5)
    assert not (tmp_path / "test_f.py").exists()


@pytest.mark.parametrize(
    "value", [complex("inf-nanj"), 10**5000, -(10**4200), np.str_("a'"), np.complex64(1 - 2j)], ids=type
)
def test_numbers_come_back_as_they_were(value: Any) -> None:
    def refuse(value: Any, name: str) -> str:
        raise AssertionError(name)

    back = eval(literal(value, "x", refuse), {"np": np, "jnp": jnp})
    assert type(back) is type(value)
    assert back == value or repr(back) == repr(value)


def test_the_exported_file_is_utf_8_whatever_the_locale(tmp_path: Path) -> None:
    text = exported(tmp_path, "umlauts", squared, 0.5, "ä\u2028\ud800")
    assert "\\ud800" in text
    assert "\u2028" not in text
    assert os.path.getsize(tmp_path / "test_umlauts.py") == len(text.encode())
