"""Deep networks of rectifiers: SymPy is not asked about all that stands in a choice, and its form is still right."""

from __future__ import annotations

import time
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import sympy as sp

from jaxdiff_magic import derive
from jaxdiff_magic.base.budget import within
from jaxdiff_magic.engines.symbolic import time_limits
from jaxdiff_magic.engines.symbolic.derivation import Derivation
from jaxdiff_magic.engines.symbolic.expression import Choice
from jaxdiff_magic.engines.symbolic.presentation import Presentation
from jaxdiff_magic.subject.subject import subject_of
from jaxdiff_magic.subject.trace import subject_trace

RNG = np.random.default_rng(0)


def leaky(h: Any) -> Any:
    return jnp.where(h > 0, h, 0.1 * h)


def network(layers: list[Any], activation: Any) -> Any:
    def net(x: Any) -> Any:
        for layer in layers:
            x = activation(layer @ x)
        return jnp.sum(x)

    return net


def weights(depth: int, width: int) -> list[Any]:
    return [jnp.asarray(RNG.normal(size=(width, width)) / np.sqrt(width), jnp.float32) for _ in range(depth)]


@pytest.mark.parametrize("activation", [jax.nn.relu, leaky], ids=["relu", "where"])
def test_a_deep_network_is_written_within_its_budget(activation: Any) -> None:
    net, x = network(weights(4, 10), activation), jnp.asarray(RNG.normal(size=10), jnp.float32)
    presentation = presented(net, x)
    started = time.thread_time()
    with time_limits.until(within(0.5)):
        presentation.function()
        presentation.closed_form((0, 0))
        presentation.index_form((0, 0))
    assert time.thread_time() - started < 3.0  # on a busy machine; it was half a minute


def test_what_is_not_written_in_time_is_given_up() -> None:
    presentation = presented(network(weights(2, 3), jax.nn.relu), jnp.ones(3))
    assert presentation.index_form((0, 0)) is not None
    with time_limits.until(within(-1.0)):
        assert presentation.index_form((0, 0)) is None


def presented(f: Any, x: Any) -> Presentation:
    subject = subject_of(f, (x,), {})
    derivation = Derivation(subject_trace(subject), ["x"], [subject.outputs[0].name], subject.point)
    return Presentation(subject, derivation, "numerator")


@pytest.mark.parametrize(("activation", "depth"), [(jax.nn.relu, 3), (leaky, 2)], ids=["relu", "where"])
def test_the_form_in_sympys_own_terms_has_the_same_values(activation: Any, depth: int) -> None:
    layers, x = weights(depth, 3), np.array([0.5, -1.25, 2.0], np.float32)
    report = derive(network(layers, activation), cost="none", budget=1.0)(jnp.asarray(x))
    h = x.astype(float)
    for layer in np.asarray(layers, float):  # NumPy, in float64
        h = layer @ h
        h = np.maximum(h, 0) if activation is jax.nn.relu else np.where(h > 0, h, np.float32(0.1) * h)
    form = report.formula("function", "index").sympy
    assert isinstance(form, sp.Expr)
    assert evaluated(form, {"x": x, **named(layers, form)}) == pytest.approx(h.sum(), rel=1e-6)


def test_a_choice_in_a_sum_within_a_sum_depends_on_what_it_did() -> None:
    """SymPy moves a Piecewise out of the sums around it, and leaves their indices behind."""
    c, d = jnp.asarray(RNG.normal(size=(3, 2)), jnp.float32), jnp.array([0.5, -1.25, 2.0])

    def f(c: Any) -> Any:
        return jnp.sum(d * jnp.sum(leaky(c), axis=1) ** 2)

    form = derive(f, cost="none", budget=1.0)(c).formula("function", "index").sympy
    assert isinstance(form, sp.Expr)
    assert not [symbol for symbol in form.free_symbols if isinstance(symbol, sp.Dummy)]
    values = np.asarray(c, float)
    truth = np.sum(np.asarray(d) * np.where(values > 0, values, np.float32(0.1) * values).sum(axis=1) ** 2)
    assert evaluated(form, {"c": values, "d": np.asarray(d)}) == pytest.approx(truth, rel=1e-6)


def named(layers: list[Any], form: Any) -> dict[str, np.ndarray]:
    """The captured arrays by the names that the formula gives them, in the order of their use."""
    names = sorted({str(base) for base in form.atoms(sp.IndexedBase)} - {"x"})
    return dict(zip(names, map(np.asarray, layers), strict=True))


def evaluated(form: Any, arrays: dict[str, np.ndarray]) -> float:
    """An expression of sums and choices with numbers for its arrays, the outermost sum first."""
    args: Any = form.args
    if isinstance(form, sp.Sum):
        body, (index, low, high), *rest = args
        inner = sp.Sum(body, *rest) if rest else body
        values = range(int(low), int(high) + 1)
        return sum(evaluated(inner.xreplace({index: sp.Integer(k)}), arrays) for k in values)
    if isinstance(form, sp.Indexed):
        base, *indices = args
        return float(arrays[str(base)][tuple(map(int, indices))])
    if isinstance(form, Choice):
        condition, yes, no = args
        return evaluated(yes if holds(condition, arrays) else no, arrays)
    if isinstance(form, sp.Piecewise):
        return next(evaluated(e, arrays) for e, condition in args if holds(condition, arrays))
    if isinstance(form, sp.Pow):
        return evaluated(args[0], arrays) ** evaluated(args[1], arrays)
    if isinstance(form, (sp.Add, sp.Mul, sp.Max)):
        combine: Any = sum if isinstance(form, sp.Add) else np.prod if isinstance(form, sp.Mul) else max
        return float(combine([evaluated(arg, arrays) for arg in args]))
    return float(form)


def holds(condition: Any, arrays: dict[str, np.ndarray]) -> bool:
    if condition in (sp.true, sp.false):
        return condition == sp.true
    if not isinstance(condition, sp.core.relational.Relational):  # and, or, not
        return bool(condition.func(*(sp.sympify(holds(arg, arrays)) for arg in condition.args)))
    return bool(condition.func(*(sp.Float(evaluated(arg, arrays)) for arg in condition.args)))
