"""Every LaTeX string is one that KaTeX accepts, and says what it is meant to say: brackets, powers, indices, names."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxdiff_magic import derive
from jaxdiff_magic.base.errors import OutOfReach
from jaxdiff_magic.report.mathml import formula_html
from jaxdiff_magic.show.latex import render_latex
from jaxdiff_magic.subject.latex_names import indexed, latex_name

from ..engines.symbolic.latex_formulas import LONGEST, Shown, shown
from ..engines.symbolic.latex_reader import Unread, value
from ..engines.symbolic.programs import OPERATIONS, SHAPES, RandomProgram
from ..engines.tape.lessons import LESSONS
from ..front_end.test_front_end import run
from ..reach.catalogue import ROWS

ALL = os.environ.get("LATEX_CASES") == "all"

pytestmark = pytest.mark.filterwarnings("ignore:The function .* is deprecated:DeprecationWarning")  # of libraries
"""Of the catalogue and of random programs, all that there are: an hour; else a few of each."""
UNREADABLE = ("argmax", "argmin", "argcum")
"""Functions of whole arrays, along an axis that their sign does not show."""


@pytest.fixture(autouse=True)
def _double() -> Iterator[None]:
    with jax.enable_x64(True):
        yield


def random_programs(count: int) -> Iterator[tuple[str, RandomProgram]]:
    rng = np.random.default_rng(5)
    for k in range(count):
        shapes = tuple(SHAPES[i] for i in rng.choice([0, 2, 6, 7], size=rng.integers(1, 3)))
        steps = [(int(rng.integers(len(OPERATIONS))), *map(int, rng.integers((4, 4, 31)))) for _ in range(4)]
        yield f"random {k}", RandomProgram(shapes, tuple(steps), k)


def the_shown() -> Iterator[tuple[str, Shown]]:
    """Functions of lessons, of the catalogue, and random ones, as far as they have formulas."""
    every = [(name, f, [jnp.asarray(x, float) for x in args], {}) for name, (f, args) in LESSONS.items()]
    every = every if ALL else every[::7]
    rows = [row for row in ROWS.values() if not row.reason]
    for row in rows if ALL else rows[::40]:
        args = [jnp.asarray(x, float) if np.asarray(x).dtype.kind == "f" else x for x in row.args]
        every.append((row.name, row.function, args, row.held))
    every += [(name, program, program.point(), {}) for name, program in random_programs(300 if ALL else 4)]
    for name, f, args, held in every:
        try:
            yield name, shown(f, args, held)
        except OutOfReach:
            continue


def refused(strings: dict[str, str], folder: Path) -> dict[str, str]:
    file = folder / "formulas.json"
    file.write_text(json.dumps(list(strings.items())), encoding="utf-8")
    return json.loads(run("tests/katex.mjs", str(file)))


def test_katex_accepts_every_formula(tmp_path: Path) -> None:
    strings: dict[str, str] = {}
    for name, found in the_shown():
        if found.subject.size <= (64 if ALL else 16):
            strings |= {f"{name}: {what}": latex for what, latex in found.strings() if len(latex) < LONGEST}
    assert len(strings) > 60
    assert not refused(strings, tmp_path)


def params(p: Any) -> Any:
    return jnp.sum((p["W"] @ p["layers"][0]["b_1"]) ** 2) * p["x_hat"]


def awkward(
    w_2: Any, x_hat: Any, lambda_: Any, theta: Any, W_out_1: Any, __x__: Any, _p: Any, 가중치: Any, α: Any
) -> Any:
    h_1 = jnp.tanh(w_2 * x_hat + α) * lambda_
    return (jnp.sum(h_1 * theta) ** 2 * __x__) ** 3 + W_out_1 @ h_1 * _p * 가중치


def test_katex_accepts_reports_of_awkward_names(tmp_path: Path) -> None:
    v = jnp.array([0.3, 0.5])
    tree = {"W": jnp.ones((2, 2)), "layers": [{"b_1": v}], "x_hat": jnp.float64(2.0)}
    reports = {
        "a pytree": derive(params, cost="none", points=2)(tree),
        "names": derive(awkward, cost="none", points=2, order=1)(v, v, v, v, v, 1.5, 2.0, 3.0, v),
        "a key like code": derive(lambda d: d["a^b_{$"] ** 2, cost="none", points=2)({"a^b_{$": jnp.float64(2.0)}),
    }
    strings = {name: render_latex(report).strip("$\n") for name, report in reports.items()}
    for name, report in reports.items():
        strings |= {f"{name}: {step.name}": step.formula.latex for step in report.steps}
        strings[f"{name}: gradient"] = report.formula("gradient").latex
    assert not refused(strings, tmp_path)
    assert r"\mathrm{p\[" not in strings["a pytree"] and r"p_{\mathrm{layers},0,b_{1}}" in strings["a pytree"]


@pytest.mark.parametrize(
    ("name", "latex"),
    {
        "x": "x",
        "w_2": "w_{2}",
        "x1": "x_{1}",
        "x_hat": r"\hat{x}",
        "x\u0302": r"\hat{x}",
        "theta_hat": r"\hat{\theta}",
        "loss_bar": r"\overline{\mathrm{loss}}",
        "lambda_": r"\lambda",
        "theta": r"\theta",
        "theta_": r"\theta_{\_}",
        "Gamma": r"\Gamma",
        "λ": r"\lambda",
        "Ω": r"\Omega",
        "beta2": r"\beta_{2}",
        "W_out_1": r"W_{\mathrm{out},1}",
        "__x__": r"\mathrm{\_\_x\_\_}",
        "가중치": r"\text{가중치}",
        "params['W']": r"\mathrm{params}_{W}",
        "model.layers[0].weight": r"\mathrm{model}_{\mathrm{layers},0,\mathrm{weight}}",
        "inv(t_3)": "t_{3}^{-1}",
        "argsort(t_4)": r"\operatorname{argsort}(t_{4})",
        "ddf/dx/dt_1": r"\left(\frac{\partial^{2} f}{\partial x\, \partial t_{1}}\right)",
        "∇f": r"\nabla f",
    }.items(),
)
def test_a_name_is_what_one_would_write_on_a_board(name: str, latex: str) -> None:
    assert latex_name(name) == latex


def test_an_element_is_not_mistaken_for_one_of_another_array() -> None:
    written = [indexed(latex_name(name), ["1"]) for name in ("x", "x1", "x_hat", "inv(A)")]
    assert written == ["x_{1}", "(x_{1})_{1}", r"\hat{x}_{1}", "(A^{-1})_{1}"]


def test_component_and_index_formulas_read_as_numbers_of_the_function() -> None:
    """By a reader that knows the text alone, at another point than the formulas were derived at."""
    count, unread = 0, []
    for name, found in the_shown():
        if max(found.subject.size, found.subject.output_size) > (16 if ALL else 9):
            continue
        order = 2 if found.subject.size <= 2 and found.subject.output_size <= 2 else 1
        point = found.another_point()
        names, numbers = found.names(point), found.derivatives(order, point)
        for what, latex, shape, path, at in found.readings(order):
            expected: Any = numbers[len(path) - 1]
            for position in path:
                expected = expected[position]
            expected = np.asarray(expected) if at is None else np.asarray(expected)[at]
            try:
                read = value(latex, names, shape)
            except Unread as error:
                if not any(function in latex for function in UNREADABLE):
                    unread.append(f"{name}, {what}: {error}")
                continue
            scale = 1 + np.max(np.abs(expected), initial=0.0)
            np.testing.assert_allclose(read, expected, rtol=1e-6, atol=1e-7 * scale, err_msg=f"{name}, {what}: {latex}")
            count += 1
    assert count > 40
    assert len(unread) <= 0.05 * count, unread


x = jnp.array([0.3, 0.5, 1.2])
POWERS = {
    "a power of a sum": (lambda e: jnp.sum(e**2) ** 1.5 * jnp.sum(jnp.sin(e)) ** -2, [x]),
    "a power of a double sum": (lambda X: jnp.sum((X @ X.T) ** 2) ** 2, [jnp.array([[1.0, 2.0], [0.5, -1.0]])]),
    "a sum as a factor": (lambda e: jnp.sum(e) * e[0] * jnp.sum(e**3), [x]),
    "a sum of a difference": (lambda e: jnp.sum(1 - e) ** 2 * e, [x]),
    "a power of a choice": (lambda e: jnp.where(e > 0.4, e**2, 1 - e) ** 2 * e, [x]),
    "a variance": (lambda z: jnp.mean((z - jnp.mean(z)) ** 2) ** 3, [x]),
    "an inverse": (
        lambda A: jnp.sum(jnp.linalg.inv(A @ A.T + 2 * jnp.eye(2)) ** 2),
        [jnp.array([[1.0, 0.2], [0.5, 2.0]])],
    ),
    "a selection": (lambda z: jnp.sort(z**2) @ jnp.arange(3.0), [x]),
    "an error called e": (lambda e, sigma, delta: jnp.exp(e) * jax.nn.sigmoid(sigma) * delta, [x, x + 1, x - 2]),
}


@pytest.mark.parametrize("name", POWERS)
def test_brackets_stand_where_a_reader_needs_them(name: str, tmp_path: Path) -> None:
    f, args = POWERS[name]
    found = shown(f, args)
    point = found.another_point()
    names, numbers = found.names(point), found.derivatives(1, point)
    for what, latex, shape, path, at in found.readings(1):
        expected: Any = numbers[len(path) - 1]
        for position in path:
            expected = expected[position]
        expected = np.asarray(expected) if at is None else np.asarray(expected)[at]
        np.testing.assert_allclose(value(latex, names, shape), expected, rtol=1e-6, err_msg=f"{what}: {latex}")
    assert not refused(dict(found.strings()), tmp_path)


def test_the_reader_itself_knows_what_a_power_of_a_sum_is() -> None:
    v = np.array([1.0, 2.0])
    assert value(r"\left(\sum_{k=0}^{1} x_{k}\right)^{2}", {"x": v}, ()) == 9
    assert value(r"\sum_{k=0}^{1} x_{k}^{2}", {"x": v}, ()) == 5
    assert value(r"\sum_{k=0}^{1} 2 x_{k} - x_{0}", {"x": v}, ()) == 5
    assert value(r"f_{j} = (x_{1})_{j} \left[x_{j} > 1\right]", {"x": v, "x_{1}": v + 1}, (2,)).tolist() == [0, 3]
    with pytest.raises(Unread):
        value("y^{2}", {"x": v}, ())


@pytest.mark.parametrize(
    "latex",
    [
        r"\begin{aligned} &f = x \\ &g = 2 \end{aligned}",
        r"\begin{aligned} a &: \begin{aligned} &f = x \end{aligned} \end{aligned}",
        "f &= x",
    ],
)
def test_no_alignment_sign_reaches_mathml(latex: str) -> None:
    html = formula_html(latex, "f = x")
    assert "&amp;" not in html and "&#" not in html and ("<math" in html or html == formula_html("", "f = x"))
