"""Reports made by hand, one for each thing that the renderers must show."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np

from jaxdiff_magic.report import Block, Check, CheckEntry, Curvature, Finding, Formula, Step
from jaxdiff_magic.report.cost_figures import Cost, ModeCost
from jaxdiff_magic.show.report import Report
from jaxdiff_magic.subject.subject import subject_of

PROVED = Check("proved", (), "the derivative JAX traces and SymPy's derivative of f are the same expression")


def report_of(
    f: Callable[..., Any],
    /,
    *args: Any,
    derivatives: dict[str, Any] | None = None,
    formulas: dict[str, Any] | None = None,
    closed_forms: dict[str, Formula] | None = None,
    **fields: Any,
) -> Report:
    """A report on `f(*args)`.

    Args:
        derivatives: for "gradient", "jacobian", "hessian", "d3", …: one array for each block, in the order of
            outputs and inputs.
        formulas: the same, with nested lists of `(latex, text)`.
        fields: other fields of the report.
    """
    subject = subject_of(f, args, {})
    blocks = []
    for what, arrays in (derivatives or {}).items():
        order = {"gradient": 1, "jacobian": 1, "hessian": 2}.get(what) or int(what[1:])
        places = [(o, i) for o in subject.outputs for i in np.ndindex((len(subject.inputs),) * order)]
        for position, ((output, which), values) in enumerate(zip(places, arrays, strict=True)):
            inputs = tuple(subject.inputs[i] for i in which)
            shape = output.shape + tuple(side for leaf in inputs for side in leaf.shape)
            given = (formulas or {}).get(what)
            blocks.append(
                Block(
                    what,
                    output,
                    inputs,
                    np.asarray(values, dtype=output.dtype).reshape(shape),
                    None if given is None else _formulas(given[position], shape),
                    (closed_forms or {}).get(what),
                )
            )
    defaults: dict[str, Any] = {
        "value": f(*args),
        "gradient": None,
        "jacobian": None,
        "built_hessian": None,
        "higher": {},
        "blocks": tuple(blocks),
        "function": None,
        "steps": (),
        "check": PROVED,
        "cost": None,
        "curvature": None,
        "findings": (),
    }
    return Report(subject=subject, **(defaults | fields))


def _formulas(pairs: list[tuple[str, str]], shape: tuple[int, ...]) -> np.ndarray:
    entries = np.empty(len(pairs), dtype=object)
    entries[:] = [Formula(latex, text) for latex, text in pairs]
    return entries.reshape(shape)


def cubic() -> Report:
    """x0**2 x1 + x1**3 at (1, 2), with every section."""

    def f(x):
        return x[0] ** 2 * x[1] + x[1] ** 3

    gradient = [(r"2 x_{0} x_{1}", "2*x[0]*x[1]"), (r"x_{0}^{2} + 3 x_{1}^{2}", "x[0]**2 + 3*x[1]**2")]
    hessian = [(r"2 x_{1}", "2*x[1]"), (r"2 x_{0}", "2*x[0]"), (r"2 x_{0}", "2*x[0]"), (r"6 x_{1}", "6*x[1]")]
    forward = ModeCost("forward", 2, 42e-6, (41e-6, 45e-6), 0.081, 128, call="jax.jacfwd(f)(x)")
    reverse = ModeCost("reverse", 1, 21e-6, (20e-6, 23e-6), 0.074, 256, call="jax.grad(f)(x)")
    return report_of(
        f,
        jnp.array([1.0, 2.0]),
        derivatives={"gradient": [[4, 13]], "hessian": [[4, 2, 2, 12]]},
        formulas={"gradient": [gradient], "hessian": [hessian]},
        function=Formula(r"x_{0}^{2} x_{1} + x_{1}^{3}", "x[0]**2*x[1] + x[1]**3", sympy=[]),  # not hashable
        check=Check(
            "proved",
            (
                CheckEntry("gradient", "f", ("x[0]",), 4.0, 4.0, 4.0, 4.0000001, 0.0, "proved"),
                CheckEntry("gradient", "f", ("x[1]",), 13.0, 13.0, 13.0, 13.0, 0.25, "agrees"),
                CheckEntry("hessian", "f", ("x[0]", "x[1]"), 2.0, 2.0, None, 2.0, 0.0, "proved"),
            ),
            PROVED.summary,
            points=64,
            not_covered=("points outside the region that was sampled",),
        ),
        cost=Cost(
            forward,
            reverse,
            (reverse, forward),
            "reverse",
            "One reverse pass gives the whole gradient; forward mode needs 2.",
            "value, gradient = jax.value_and_grad(f)(x)",
            True,
        ),
        curvature=Curvature(
            np.array([3.527864045, 12.472135955]),
            "positive definite",
            "not stationary",
            3.535,
            (np.array([-0.5, -1.0]),),
            0.0,
        ),
        steps=(
            Step(
                "a",
                Formula("a = x_{0}^{2} x_{1}", "a = x[0]**2*x[1]"),
                (
                    ("x[0]", Formula(r"\frac{\partial a}{\partial x_{0}} = 2 x_{0} x_{1}", "da/dx[0] = 2*x[0]*x[1]")),
                    ("x[1]", Formula(r"\frac{\partial a}{\partial x_{1}} = x_{0}^{2}", "da/dx[1] = x[0]**2")),
                ),
                np.array(2.0),
                np.array(1.0),
                "cell, line 2",
                "return x[0] ** 2 * x[1] + x[1] ** 3",
            ),
            Step(
                "f",
                Formula("f = a + x_{1}^{3}", "f = a + x[1]**3"),
                (
                    ("a", Formula(r"\frac{\partial f}{\partial a} = 1", "df/da = 1")),
                    ("x[1]", Formula(r"\frac{\partial f}{\partial x_{1}} = 3 x_{1}^{2}", "df/dx[1] = 3*x[1]**2")),
                ),
                np.array(10.0),
                np.array(1.0),
                "cell, line 2",
                "return x[0] ** 2 * x[1] + x[1] ** 3",
            ),
        ),
        findings=(
            Finding("precision", "info", "f", "", "float32 keeps about 7 digits.", "Enable x64 for more."),
            Finding("kink", "warning", "x[0]", "cell, line 2", "|x| has a kink <here>.", "Move the point."),
        ),
    )


def vector() -> Report:
    """[x0 x1, x1**2 + x2] at (1, 2, 3)."""

    def g(x):
        return jnp.array([x[0] * x[1], x[1] ** 2 + x[2]])

    zero, one = ("0", "0"), ("1", "1")
    formulas = [("x_{1}", "x[1]"), ("x_{0}", "x[0]"), zero, zero, (r"2 x_{1}", "2*x[1]"), one]
    return report_of(
        g,
        jnp.array([1.0, 2.0, 3.0]),
        derivatives={
            "jacobian": [[2, 1, 0, 0, 4, 1]],
            "hessian": [[0, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0]],
        },
        formulas={"jacobian": [formulas]},
    )


def two_arguments() -> Report:
    """x**2 + y**2 at (1, 1), two scalar arguments."""
    return report_of(
        lambda x, y: x**2 + y**2,
        1.0,
        1.0,
        derivatives={"gradient": [2, 2], "hessian": [2, 0, 0, 2]},
        formulas={"gradient": [[("2 x", "2*x")], [("2 y", "2*y")]]},
    )


def parameters() -> Report:
    """A function of a dict of arrays: names such as params['W'][0, 1]."""

    def loss(params):
        return params["W"].sum() * params["b"]

    return report_of(
        loss,
        {"W": jnp.ones((2, 2)), "b": 3.0},
        derivatives={"gradient": [[3, 3, 3, 3], 4]},
    )


def large() -> Report:
    """sum(x**3) over 300 inputs: too large to be listed."""
    x = np.linspace(-1.0, 2.0, 300, dtype="float32")
    return report_of(
        lambda x: (x**3).sum(),
        jnp.asarray(x),
        derivatives={"gradient": [3 * x**2], "hessian": [np.diag(6 * x)]},
        closed_forms={
            "gradient": Formula(r"\left(\nabla f\right)_{i} = 3 x_{i}^{2}", "df/dx[i] = 3*x[i]**2"),
            "hessian": Formula(r"H_{i j} = 6 \delta_{i j} x_{i}", "d2f/dx dx[i, j] = 6*δ(i, j)*x[i]"),
        },
        function=Formula(r"f = \sum_{i=0}^{299} x_{i}^{3}", "f = Sum(x[i]**3, (i, 0, 299))"),
    )


def out_of_reach() -> Report:
    reason = "no rule for the primitive 'erf_inv'"
    return report_of(
        lambda x: jnp.exp(x),
        0.5,
        derivatives={"gradient": [1.6487212]},
        unreachable=reason,
        check=Check(
            "out of reach",
            (CheckEntry("gradient", "f", ("x",), None, 1.6487212, 1.6487212, 1.64872, None, "out of reach", reason),),
            "there is no formula to compare with; the numeric checks stand",
            columns={"symbolic": reason},
        ),
    )


def differs() -> Report:
    return report_of(
        lambda x: x**2,
        3.0,
        derivatives={"gradient": [9.0]},
        check=Check(
            "differs",
            (
                CheckEntry(
                    "gradient", "f", ("x",), 6.0, 9.0, 9.0, 6.0, 6.3e6, "differs", "JAX says 9, the formula says 6"
                ),
            ),
            "one derivative is wrong: ∂f/∂x",
        ),
        findings=(Finding("custom-rule", "error", "f", "cell, line 4", "The rule of f is wrong.", "Correct it."),),
    )


def not_finite() -> Report:
    return report_of(
        lambda x: jnp.sqrt(x).sum(),
        jnp.array([0.0, -1.0, 4.0]),
        derivatives={"gradient": [[np.inf, np.nan, 0.25]]},
    )


def orders() -> Report:
    """tanh at 2 in float32: all orders in one table."""
    return report_of(
        lambda x: jnp.tanh(x),
        2.0,
        derivatives={"gradient": [0.070650816], "hessian": [-0.13621868], "d3": [0.25265405]},
    )


ALL = {
    sample.__name__: sample
    for sample in (cubic, vector, two_arguments, parameters, large, out_of_reach, differs, not_finite, orders)
}
