"""The lessons' cells as a newcomer ends them: derived, or answered with the line to write, which then is derived."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from jaxdiff_magic.base.errors import InputError
from jaxdiff_magic.subject.subject import Subject, subject_of

pipeline = importlib.import_module("jaxdiff_magic.pipeline")

IMPORTS = "import jax\nimport jax.numpy as jnp\nfrom jax import Array\n"
LESSONS = {
    "A1": ("x = 2.0\ndef f(x):\n    return x**4", "x", 32.0),
    "A2": ("x = jnp.pi / 4\ndef f(x):\n    return jnp.sin(x)", "x", 0.70710678),
    "A3": ("x = 2.0\nf = jnp.tanh", "x", 0.070650816),
    "A4": ("x = 1.0\ndef f(x):\n    return x**3 + 2 * x**2 - 3 * x + 1", "x", 4.0),
    "A6": ("x = 1.0\nf = lambda x: x**2 + x + 4", "x", 3.0),
    "A7": ("x = 0.5\ndef f(x):\n    return x**3 - 5 * x + 2", "x", -4.25),
    "B1": ("x = jnp.array([1.0, 2.0])\ndef f(x):\n    return x[0]**2 + x[1]**2 + x[0] * x[1]", "x", [4.0, 5.0]),
    "B2": ("x = jnp.array([1.0, 2.0])\ndef f(x):\n    return x[0]**2 * x[1] + x[1]**3", "x", [4.0, 13.0]),
    "B3": ("x, y = 1.0, 1.0\ndef f(x, y):\n    return x**2 + y**2", "x, y", [2.0, 2.0]),
    "B4": ("x = jnp.array([1.0, 2.0])\ndef f(x):\n    return x[0]**2 + x[0] * x[1] + 2 * x[1]**2", "x", [4.0, 9.0]),
    "B5": ("x = jnp.zeros(2)\ndef f(x):\n    return x[0]**2 - x[1]**2", "x", [0.0, 0.0]),
    "B6": ("x = jnp.array([1.0, 2.0, 3.0])\ndef f(x):\n    return jnp.sum(x**3)", "x", [3.0, 12.0, 27.0]),
    "B7": ("x, y = 3.0, 2.0\ndef f(x, y):\n    a = x + y\n    b = x - y\n    return a * b", "x, y", [6.0, -4.0]),
    "C1": (
        "x = jnp.array([1.0, 2.0, 3.0])\ndef f(x):\n    return jnp.array([x[0] * x[1], x[1]**2 + x[2]])",
        "x",
        [2.0, 1.0, 0.0, 0.0, 4.0, 1.0],
    ),
    "C2": ("x = 1.0\ndef f(x):\n    return jnp.array([x**2, 4 * x])", "x", [2.0, 4.0]),
    "C6": ("x = jnp.zeros(2)\nf = jax.nn.softmax", "x", [0.25, -0.25, -0.25, 0.25]),
    "D": (
        "x = jnp.array([1.0, 2.0])\nA = jnp.array([[2.0, 1.0], [1.0, 3.0]])\ndef f(x):\n    return x @ A @ x",
        "x",
        [8.0, 14.0],
    ),
    "E1": (
        "X = jnp.array([[1.0, 0.0], [0.0, 2.0]])\nt = jnp.array([1.0, 1.0])\nw = jnp.array([2.0, 1.0])\n"
        "def f(w):\n    return 0.25 * jnp.sum((t - X @ w)**2)",
        "w",
        [0.5, 1.0],
    ),
    "E2": (
        "x = jnp.zeros(2)\ndef f(x):\n    return -jnp.log(jax.nn.softmax(x)[0])",
        "x",
        [-0.5, 0.5],
    ),
    "E7": (
        "W = jnp.array([[1.0, 2.0], [3.0, 4.0]])\nx = jnp.array([1.0, 1.0])\n"
        "def f(x):\n    return jnp.sum(jax.nn.relu(W @ x))",
        "x",
        [4.0, 6.0],
    ),
    "E9": (
        "params = {'W': jnp.array([1.0]), 'b': 0.0}\n"
        "def f(params):\n    return 0.5 * (jnp.tanh((params['W'][0] * 2.0 + params['b']) / 2) + 1)",
        "params",
        [0.20998717, 0.10499359],
    ),
    "F": ("x = jnp.array([1.0, 2.0])\ndef f(x):\n    return jnp.concatenate([x, x**2, x])", "x", None),
}
"""Definitions, arguments, and the first derivatives in a row; None where they are not looked at."""

ENDINGS = (
    "print({call})",
    "3 * {call}",
    "y0 = {call}",
    "y0: Array = {call}",
    "jnp.asarray({call}).sum()",
    "assert jnp.all(jnp.isfinite({call}))",
    "y0 = {call}\ny0",
    "for k in range(2):\n    print({call})",
    "print(jax.jacfwd(f)({args}))",
    "g = jax.jacrev(f)({args})\ng",
    "{call}, jax.jacfwd(f)({args})",
    "with jax.numpy_dtype_promotion('standard'):\n    {call}",
    "print('f is', {call})",
    "float(jnp.sum({call}))",
)


@pytest.fixture(scope="module")
def shell() -> Iterator[InteractiveShell]:
    patch = pytest.MonkeyPatch()
    patch.setattr(pipeline, "derive", lambda f, **options: lambda *args, **kwargs: subject_of(f, args, kwargs))
    config = Config()
    config.HistoryManager.hist_file = ":memory:"
    config.InteractiveShell.colors = "nocolor"
    shell = InteractiveShell(config=config)
    shell.run_line_magic("load_ext", "jaxdiff_magic")
    yield shell
    patch.undo()
    shell.restore_sys_module_state()


def ended(shell: InteractiveShell, cell: str) -> Any:
    """What a cell returns, or its error."""
    result = shell.run_cell(f"%%derive\n{IMPORTS}{cell}")
    return result.error_before_exec or result.error_in_exec or result.result


def line_in(message: str) -> str:
    """The line that an answer tells the reader to write."""
    _, mark, line = message.rpartition("first line: %%derive ")
    assert mark and line.endswith("."), message
    return line[:-1]


def derivatives(subject: Subject) -> np.ndarray:
    jacobian = jax.jacfwd(subject.flat, tuple(range(len(subject.inputs))))(*map(jnp.asarray, subject.point))
    return np.concatenate([np.asarray(block).ravel() for block in jax.tree_util.tree_leaves(jacobian)])


@pytest.mark.parametrize("lesson", LESSONS)
def test_a_lessons_call_is_derived(shell: InteractiveShell, lesson: str) -> None:
    body, args, expected = LESSONS[lesson]
    for last in (f"f({args})", f"f({args});", f"f({args})  # the point"):
        subject = ended(shell, f"{body}\n{last}")
        assert isinstance(subject, Subject)
        if expected is not None:
            np.testing.assert_allclose(derivatives(subject), np.ravel(expected), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("lesson", LESSONS)
def test_any_other_last_line_is_answered_with_a_line_that_is_derived(
    shell: InteractiveShell, lesson: str, capsys: pytest.CaptureFixture[str]
) -> None:
    body, args, expected = LESSONS[lesson]
    first = list(LESSONS).index(lesson)
    for ending in [*ENDINGS, *ENDINGS][first % len(ENDINGS) :][:4]:  # each ending with some lessons
        last = ending.format(call=f"f({args})", args=args)
        capsys.readouterr()
        error = ended(shell, f"{body}\n{last}")
        out = capsys.readouterr().out
        assert isinstance(error, InputError), (last, error)
        assert out.endswith(f"InputError: {error}\n") and "Traceback" not in out
        line = line_in(str(error))
        subject = ended(shell, f"{body}\n{line}")
        assert isinstance(subject, Subject), (last, line)
        if expected is not None and "sum" not in line:
            factor = 3 if line.startswith("(lambda") else 1
            np.testing.assert_allclose(derivatives(subject), factor * np.ravel(expected), rtol=1e-5, atol=1e-6)


def test_the_cell_is_run_as_it_stands_and_its_value_is_shown(
    shell: InteractiveShell, capsys: pytest.CaptureFixture[str]
) -> None:
    ended(shell, "def f(x):\n    return x**2\ny1 = 3.0\nprint(f(y1))")
    assert capsys.readouterr().out.startswith("9.0\n")
    ended(shell, "def f(x):\n    return x**2\nkept = f(4.0)")
    assert shell.user_ns["kept"] == 16.0
    ended(shell, "def f(x):\n    return x**2\n3 * f(2.0)")
    assert "12.0" in capsys.readouterr().out
    ended(shell, "def f(x):\n    return jnp.array([x, x])\nf(2.0).sum()")
    assert "Array(4., dtype=float32)" in capsys.readouterr().out


def test_a_cell_whose_last_line_fails_shows_its_own_error(shell: InteractiveShell) -> None:
    assert isinstance(ended(shell, "def f(x):\n    return x**2\nassert f(2.0) == 5"), AssertionError)
    assert isinstance(ended(shell, "def f(x):\n    return x**2\nprint(f(nowhere))"), NameError)


@pytest.mark.parametrize(
    ("last", "line"),
    [
        ("-f(2.0)", "(lambda x: -f(x))(2.0)"),
        ("f(2.0) ** 2 + a", "(lambda x: f(x) ** 2 + a)(2.0)"),
        ("b = c = f(a)", "f(a)"),
        ("if a > 1:\n    f(a)", "f(a)"),
        ("b += f(a)", "f(a)"),
        ("[f(a), f(2 * a)]", "f(a)"),
        ("f", "f(a)"),
        ("jax.make_jaxpr(f)(a)", "f(a)"),
        ("jnp.argmax(f(a))", "f(a)"),
        ("v, g = jax.value_and_grad(f)(a)\ng", "f(a)"),
        ("while a < 3:\n    a = a + f(a)", "f(a)"),
        ("round(f(a), 3)", "f(a)"),
        ("class Model:\n    def loss(self, x):\n        return x\nm = Model()\nprint(m.loss(a))", "m.loss(a)"),
    ],
)
def test_endings_that_no_lesson_has(shell: InteractiveShell, last: str, line: str) -> None:
    name = "a" if last == "f" else "x"
    error = ended(shell, f"a, b = 2.0, 1.0\ndef f({name}):\n    return {name}**2\n{last}")
    assert isinstance(error, InputError)
    assert f"Write {line} " in str(error) or f"%%derive {line}." in str(error), str(error)


def test_the_derivative_of_a_function_can_be_the_last_line(shell: InteractiveShell) -> None:
    subject = ended(shell, "def f(x):\n    return x**4\njax.grad(f)(2.0)")
    assert isinstance(subject, Subject)
    np.testing.assert_allclose(derivatives(subject), [48.0])
