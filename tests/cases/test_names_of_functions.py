"""A derivative, a partial function, a method, an object, a lambda: each is shown as what it is, and so is its call."""

from __future__ import annotations

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxdiff_magic import Report, derive
from jaxdiff_magic.subject.wrappers import as_latex


def quartic(x: Any) -> Any:
    return x**4


def q(x: Any) -> Any:
    return x[0] ** 2 * x[1] + x[1] ** 3


def area(x: Any, y: Any) -> Any:
    return x**2 * y


class Model:
    def __init__(self, w: float) -> None:
        self.w = w

    def loss(self, x: Any) -> Any:
        return jnp.sum(self.w * x**2)

    def __call__(self, x: Any) -> Any:
        return jnp.sum(self.w * x**3)


model = Model(2.0)
X = jnp.array([1.0, 2.0])
twice = lambda t: 2 * t**2  # noqa: E731
hidden = [lambda x: x**2]


def reported(functions: list[Any], *args: Any) -> Report:
    """A report of something that has no name here but those of the module."""
    return derive(functions[0], symbolic=False, cost="count", points=4, order=1)(*args)


# function, point, name, output, LaTeX of the name, call, its value
CASES: dict[str, tuple[Any, tuple[Any, ...], str, str, str, Any]] = {
    "the derivative of a number": (
        jax.grad(quartic),
        (2.0,),
        "quartic′",
        "quartic′",
        "jax.grad(jax.grad(quartic))(x)",
        48.0,
    ),
    "the second derivative": (
        jax.grad(jax.grad(quartic)),
        (2.0,),
        "quartic″",
        "quartic″",
        "jax.grad(jax.grad(jax.grad(quartic)))(x)",
        48.0,
    ),
    "a gradient": (jax.grad(q), (X,), "∇q", "∇q", "jax.jacfwd(jax.grad(q))(x)", [[4.0, 2.0], [2.0, 12.0]]),
    "a Hessian": (jax.hessian(q), (X,), "∇²q", "∇²q", "jax.jacfwd(jax.hessian(q))(x)", None),
    "a gradient's Jacobian": (
        jax.jacfwd(jax.grad(q)),
        (X,),
        "∇²q",
        "∇²q",
        "jax.jacfwd(jax.jacfwd(jax.grad(q)))(x)",
        None,
    ),
    "value and gradient": (jax.value_and_grad(q), (X,), "(q, ∇q)", "q", "jax.jacfwd(jax.value_and_grad(q))(x)", None),
    "a partial derivative": (
        jax.grad(area, argnums=1),
        (2.0, 3.0),
        "∂_y area",
        "∂_y area",
        "jax.grad(jax.grad(area, argnums=1), argnums=(0, 1))(x, y)",
        (4.0, 0.0),
    ),
    "a compiled gradient": (
        jax.jit(jax.grad(q)),
        (X,),
        "∇q",
        "∇q",
        "jax.jacfwd(jax.jit(jax.grad(q)))(x)",
        [[4.0, 2.0], [2.0, 12.0]],
    ),
    "a gradient of a method": (
        jax.grad(model.loss),
        (X,),
        "∇loss",
        "∇loss",
        "jax.jacfwd(jax.grad(model.loss))(x)",
        [[4.0, 0.0], [0.0, 4.0]],
    ),
    "a batched derivative": (
        jax.vmap(jax.grad(quartic)),
        (X,),
        "vmap(∇quartic)",
        "vmap(∇quartic)",
        "jax.jacfwd(jax.vmap(jax.grad(quartic)))(x)",
        [[12.0, 0.0], [0.0, 48.0]],
    ),
    "a bound argument": (
        functools.partial(area, 3.0),
        (2.0,),
        "area(3.0, ·)",
        "area",
        "jax.grad(functools.partial(area, 3.0))(y)",
        9.0,
    ),
    "a bound keyword": (
        functools.partial(area, y=3.0),
        (2.0,),
        "area(·, y=3.0)",
        "area",
        "jax.grad(functools.partial(area, y=3.0))(x)",
        12.0,
    ),
    "a method": (model.loss, (X,), "model.loss", "loss", "jax.grad(model.loss)(x)", [4.0, 8.0]),
    "an object": (model, (X,), "model", "Model", "jax.grad(model)(x)", [6.0, 24.0]),
    "a compiled function": (jax.jit(quartic), (2.0,), "quartic", "quartic", "jax.grad(jax.jit(quartic))(x)", 32.0),
    "a lambda with a name": (twice, (3.0,), "twice", "twice", "jax.grad(twice)(t)", 12.0),
    "a lambda without one": (hidden[0], (3.0,), "f", "f", "jax.grad(f)(x)  # where f is what you passed", 6.0),
}


@pytest.mark.parametrize("case", CASES)
def test_a_function_is_called_what_it_is_and_its_call_runs(case: str) -> None:
    function, args, name, output, call, expected = CASES[case]
    report = reported([function], *args)
    assert report.subject.name == name
    assert report.subject.outputs[0].name.partition("[")[0] == output
    assert report.cost is not None
    offered = [report.cost.call, *(way.call for way in report.cost.strategies)]
    assert call in offered or call.replace("jax.grad", "jax.jacfwd", 1) in offered, offered
    names = {**globals(), "f": function, **dict(zip(("x", "y"), args, strict=False)), "t": args[0]}
    if case == "a bound argument":
        names["y"] = args[0]
    found = eval(call, names)
    if expected is not None:
        np.testing.assert_allclose(found, expected, rtol=1e-6)


@pytest.mark.parametrize("case", CASES)
def test_that_a_derivative_is_differentiated_is_said(case: str) -> None:
    function, args, name, *_ = CASES[case]
    said = [finding for finding in reported([function], *args).findings if finding.kind == "derivative"]
    is_derivative = any(sign in name for sign in "∇′″∂")
    assert len(said) == is_derivative
    if is_derivative:
        assert "itself a derivative of" in said[0].message and said[0].severity == "info"


def test_a_name_that_means_something_else_now_is_not_written() -> None:
    space: dict[str, Any] = {"__name__": "reader", "derive": derive}
    exec(
        "import jax\ndef first(x):\n    return x**2\nkept = [first]\ndef first(x):\n    return x**3\n"
        "call = derive(kept[0], symbolic=False, cost='count', order=1, points=2)(3.0).cost.call",
        space,
    )
    assert space["call"].endswith("# where f is what you passed")


@pytest.mark.parametrize(
    ("name", "latex"),
    [
        ("f′", "f'"),
        ("f″", "f''"),
        ("∇f", r"\nabla f"),
        ("∇²f", r"\nabla^{2} f"),
        ("∂_y f", r"\partial_{y} f"),
        ("∇f[0]", r"\left(\nabla f\right)_{0}"),
        ("f(·, 2.0)", r"f(\cdot, 2.0)"),
        ("∇f, x", r"\nabla f, x"),
        ("x[0]", None),
        ("params['W']", None),
    ],
)
def test_a_name_has_its_latex(name: str, latex: str | None) -> None:
    assert as_latex(name, str) == latex


def test_the_name_stands_in_every_form_of_the_report() -> None:
    report = derive(jax.grad(quartic), cost="none", points=4)(2.0)
    assert str(report).startswith("quartic′ : ℝ → ℝ")
    shown = report._repr_mimebundle_()
    assert r"\mathrm{quartic}'" in shown["text/latex"]
    assert "quartic′ : ℝ → ℝ" in shown["text/html"] and "quartic′ : ℝ → ℝ" in shown["text/plain"]
    assert report.formula("gradient").latex.endswith("12 x^{2}")
