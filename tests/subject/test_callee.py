"""A call to paste names what the reader passed, by the name that it has where the reader's code stands."""

from __future__ import annotations

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from jaxdiff_magic import Report, derive

X = jnp.array([0.5, 1.5])


class Model:
    """A model with its weights inside, as libraries of layers have them."""

    def __init__(self, w: float) -> None:
        self.w = w

    def loss(self, x: Any) -> Any:
        return jnp.sum(jnp.sin(self.w * x))

    def __call__(self, x: Any) -> Any:
        return jnp.sum(jnp.cos(self.w * x))

    def call_within(self, x: Any) -> str:
        return call_of(derive(self.loss, cost="count", symbolic=False)(x))


def cubes(k: float, x: Any) -> Any:
    return jnp.sum(k * x**3)


def counted_of(functions: list[Any]) -> Report:
    """A report of something that has no name here."""
    return derive(functions[0], cost="count", symbolic=False)(X)


def call_of(report: Report) -> str:
    assert report.cost is not None
    return report.cost.call


def test_the_call_for_a_method_names_its_object() -> None:
    model = Model(2.0)
    report = derive(model.loss, cost="count", symbolic=False)(X)
    assert report.cost is not None
    assert report.cost.call == "jax.grad(model.loss)(x)"
    np.testing.assert_allclose(eval(report.cost.call, {"jax": jax, "model": model, "x": X}), 2 * np.cos(2 * X), 1e-6)
    assert {"jax.hessian(model.loss)(x)"} <= {way.call for way in report.cost.hessian}
    assert report.subject.outputs[0].name == "loss"  # the letters of formulas stay


def test_the_call_for_an_object_never_names_its_class() -> None:
    model = Model(2.0)
    report = derive(model, cost="count", symbolic=False)(X)
    assert call_of(report) == "jax.grad(model)(x)"


def test_the_call_for_a_partial_function_does_not_forget_what_was_bound() -> None:
    double = functools.partial(cubes, 2.0)
    report = derive(double, cost="count", symbolic=False)(X)
    assert call_of(report) == "jax.grad(double)(x)"


@pytest.mark.parametrize(
    "f", [Model(3.0), functools.partial(cubes, jnp.array(1.0))], ids=["an object", "a partial function"]
)
def test_a_name_that_is_not_known_is_said_to_stand_for_what_was_passed(f: Any) -> None:
    report = counted_of([f])
    assert call_of(report) == "jax.grad(f)(x)  # where f is what you passed"
    np.testing.assert_allclose(eval(call_of(report), {"jax": jax, "f": f, "x": X}), report.gradient)


def test_the_letter_that_stands_for_it_is_not_that_of_an_argument() -> None:
    report = counted_of([functools.partial(lambda k, f: jnp.sum(k * f), 2.0)])
    assert call_of(report) == "jax.grad(function)(f)  # where function is what you passed"


def test_a_function_of_a_library_is_written_as_the_reader_imports_it() -> None:
    assert call_of(counted_of([jnp.sum])) == "jax.grad(jnp.sum)(a)"  # Python's own sum is another function
    assert call_of(counted_of([jax.nn.logsumexp])) == "jax.grad(jax.nn.logsumexp)(a)"


def test_a_function_keeps_the_name_that_it_was_defined_with() -> None:
    def loss(x: Any) -> Any:
        return jnp.sum(x**2)

    assert call_of(counted_of([loss])) == "jax.grad(loss)(x)"


def test_within_its_own_class_a_method_belongs_to_self() -> None:
    assert Model(2.0).call_within(X) == "jax.grad(self.loss)(x)"


def test_products_of_a_large_hessian_are_of_the_same_object() -> None:
    model = Model(2.0)
    report = derive(model.loss, cost="none", symbolic=False, budget=1.0)(jnp.ones(2100))
    assert report.products is not None
    assert report.products.calls["hvp"] == "jax.jvp(jax.grad(model.loss), (x,), (v,))[1]"


def test_in_a_notebook_the_names_of_its_cells_are_known() -> None:
    config = Config()
    config.HistoryManager.hist_file = ":memory:"
    shell = InteractiveShell(config=config)
    try:
        shell.run_line_magic("load_ext", "jaxdiff_magic")
        shell.user_ns.update(model=Model(2.0), x=X)
        shell.run_cell("%%derive --no-symbolic --cost count --static\nmodel.loss(x)").raise_error()
        shell.run_cell("r = %derive --no-symbolic --cost count --static model(x)").raise_error()
        assert call_of(shell.user_ns["r"]) == "jax.grad(model)(x)"
        assert call_of(shell.user_ns["_"]) == "jax.grad(model.loss)(x)"
    finally:
        shell.restore_sys_module_state()
