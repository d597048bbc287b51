"""The verdict is never wrong: right derivatives are never "differs", wrong rules never "agrees" or "proved"."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from jaxdiff_magic import Report, WrongDerivative, check, derive

VECTOR = np.array([0.5, 1.2, -0.7])
Function = Callable[..., Any]


def inspect(f: Function, *args: Any, dtype: str = "float32", **kwargs: Any) -> Report:
    with jax.enable_x64(dtype == "float64"):
        point = [jnp.asarray(a, dtype) if isinstance(a, (float, np.ndarray)) else a for a in args]
        return derive(f, cost="none", points=32)(*point, **kwargs)


class Layer(NamedTuple):
    weight: Any
    bias: Any


def newton_sqrt(x: jax.Array) -> jax.Array:
    return lax.while_loop(lambda s: s[1] < 6, lambda s: (0.5 * (s[0] + x / s[0]), s[1] + 1), (x, 0))[0]


def branching(x: Any) -> Any:
    return x**2 if x > 0 else -x


def mean_of_captured(x: jax.Array) -> jax.Array:
    return jnp.mean(jnp.asarray(VECTOR, x.dtype) * x**2)


@jax.custom_vjp
def careful_log(x: jax.Array) -> jax.Array:
    return jnp.log(1.0 + x**2)


careful_log.defvjp(lambda x: (careful_log(x), x), lambda x, g: (g * 2.0 * x / (1.0 + x**2),))


@jax.custom_jvp
def reluctant(x: jax.Array) -> jax.Array:
    return jnp.maximum(x, 0.0)


reluctant.defjvp(lambda p, t: (reluctant(*p), jnp.where(p[0] > 0, t[0], 0.0)))

DECIDED: dict[str, tuple[Any, ...]] = {
    "polynomial": (lambda x: x[0] ** 2 * x[1] + x[1] ** 3 - x[2], VECTOR),
    "decimal coefficients": (lambda x: 0.1 * x**2 + 0.3 * x - 0.7, VECTOR),
    "a large constant": (lambda x: 1e6 + jnp.sin(x), 1.3),
    "a fractional power": (lambda x: x**2.5, 1.3),
    "the power zero": (lambda x: x**0.0, 1.3),
    "an integer power of a negative number": (lambda x: x**3, -1.3),
    "an integer argument": (lambda x, n: x**n, 1.5, 3),
    "a keyword": (lambda x, scale=2.0: scale * x**2, 1.5),
    "softmax": (jax.nn.softmax, VECTOR),
    "log-sum-exp": (jax.nn.logsumexp, VECTOR),
    "norm": (jnp.linalg.norm, VECTOR),
    "tanh network": (lambda x: jnp.sum(jnp.tanh(jnp.outer(x, x) @ x)), VECTOR),
    "relu away from its kink": (lambda x: jnp.sum(jax.nn.relu(x) ** 2), VECTOR),
    "a relu of the user's": (lambda x: reluctant(x) * x, VECTOR),
    "a choice": (lambda x: jnp.where(x > 0, jnp.exp(x), x**3), VECTOR),
    "a maximum": (lambda x: jnp.max(x**2), VECTOR),
    "a frozen value": (lambda x: jnp.sum(lax.stop_gradient(x) * x**2), VECTOR),
    "straight through": (lambda x: x + lax.stop_gradient(jnp.floor(x) - x), VECTOR),
    "several outputs": (lambda x: {"a": x @ x, "b": (jnp.sin(x), x[0])}, VECTOR),
    "a pytree": (lambda p: jnp.sum(jnp.tanh(p.weight * p.bias)), Layer(VECTOR, VECTOR + 1.0)),
    "a captured array": (mean_of_captured, VECTOR),
    "a right hand-written reverse rule": (lambda x: jnp.sum(careful_log(x)), VECTOR),
    "integer arithmetic beside": (lambda x: jnp.sum(x**2 * (jnp.arange(3) // 2 + jnp.arange(3) % 2)), VECTOR),
    "no elements": (lambda x: jnp.sum(x**2), np.zeros(0)),
    "log-gamma": (jax.scipy.special.gammaln, 1.7),
    "a coarser dtype inside": (lambda x: jnp.sin(x.astype("float16")).astype(x.dtype) * x, VECTOR),
}
"""Right derivatives of functions that a formula reaches."""


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", DECIDED)
def test_right_derivatives_agree(name: str, dtype: str) -> None:
    f, *args = DECIDED[name]
    args = [Layer(*(a.astype(dtype) for a in arg)) if isinstance(arg, Layer) else arg for arg in args]
    report = inspect(f, *args, dtype=dtype)
    assert report.verdict in ("proved", "agrees"), report.check.summary


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("size", [1e-6, 1e3, 1e6])
@pytest.mark.parametrize(
    "f", [lambda x: jnp.sum(x**3), lambda x: jnp.sum(x * jnp.sin(x)), lambda x: x / jnp.sqrt(jnp.sum(x**2))]
)
def test_right_derivatives_agree_at_any_size(f: Function, size: float, dtype: str) -> None:
    assert inspect(f, size * VECTOR, dtype=dtype).verdict in ("proved", "agrees")


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_right_derivatives_agree_in_half_precision(dtype: str) -> None:
    assert inspect(lambda x: jnp.sum(jnp.tanh(x) * x), VECTOR, dtype=dtype).verdict in ("proved", "agrees")


UNDECIDED: dict[str, tuple[Any, ...]] = {
    "relu on its kink": (jax.nn.relu, np.array([0.0, 1.0])),
    "an absolute value on its kink": (jnp.abs, 0.0),
    "a maximum with ties": (lambda x: jnp.max(x), np.array([1.0, 1.0, 0.0])),
    "a norm at zero": (jnp.linalg.norm, np.zeros(3)),
    "a root at zero": (jnp.sqrt, 0.0),
    "a logarithm of a negative number": (jnp.log, -1.0),
    "a power of zero": (lambda x: 0.0**x, 1.3),
    "terms that cancel": (lambda x: (0.1 * x + 0.2 * x - 0.3 * x) ** 2, 1.7),
    "a derivative that is zero but for rounding": (lambda x: jnp.arctan2(x, x), VECTOR),
    "a while loop": (newton_sqrt, 2.0),
    "a scan": (lambda x: lax.scan(lambda c, t: (jnp.sin(c * t), None), x, jnp.arange(1.0, 4.0))[0], 0.3),
    "a branch in Python": (branching, 1.5),
    "complex numbers inside": (lambda x: jnp.abs(jnp.exp(1j * x) + 1.0), 0.7),
    "a sort": (lambda x: jnp.sum(jnp.sort(x) * jnp.arange(3.0)), VECTOR),
    "random numbers": (lambda x: jnp.sum(x * jax.random.normal(jax.random.key(0), (3,), x.dtype)), VECTOR),
    "a determinant": (lambda x: jnp.linalg.det(jnp.outer(x, x) + jnp.eye(3, dtype=x.dtype)), VECTOR),
    "rounding": (lambda x: jnp.sum(x * jnp.round(x)), VECTOR),
}
"""Right derivatives that may be out of reach."""


@pytest.mark.parametrize("name", UNDECIDED)
def test_right_derivatives_never_differ(name: str) -> None:
    f, *args = UNDECIDED[name]
    for dtype in ("float32", "float64"):
        report = inspect(f, *args, dtype=dtype)
        assert report.verdict != "differs", report.check.summary


def test_a_captured_random_key_is_no_obstacle() -> None:
    key = jax.random.key(3)
    assert inspect(lambda x: x * jax.random.uniform(key), 0.5).verdict != "differs"


class TestWhatIsOutOfReachSaysWhy:
    def reason(self, f: Function, *args: Any) -> str:
        report = inspect(f, *args)
        assert report.verdict == "out of reach"
        return next(entry.reason for entry in report.check.entries if entry.outcome == "out of reach")

    def test_on_a_kink(self) -> None:
        assert "is at a tie" in self.reason(jax.nn.relu, 0.0)

    def test_where_the_value_is_not_finite(self) -> None:
        assert "value is not finite" in self.reason(jnp.log, -1.0)

    def test_where_the_function_ends(self) -> None:
        # exp(log(x)) is x, which has a slope at 0; the function has no values to the left of it
        said = "neither JAX nor the chain rule, step by step, is finite here"
        assert self.reason(lambda x: jnp.exp(jnp.log(x)), 0.0) == said

    def test_where_jax_is_not_finite_and_there_is_no_formula(self) -> None:
        report = derive(lambda x: jnp.linalg.norm(x) ** 2, cost="none", symbolic=False)(jnp.zeros(2))
        assert report.verdict == "out of reach"
        assert "JAX's forward mode is not finite here; without a formula" in report.check.summary


def norm(x: Any) -> Any:
    return jnp.linalg.norm(x)


# Functions whose derivative the chain rule makes 0 * inf of; their true gradients and Hessians, by hand.
CANCELLING: dict[str, tuple[Function, Any, Any, Any]] = {
    "the square of a norm": (lambda x: norm(x) ** 2, np.zeros(3), np.zeros(3), 2 * np.eye(3)),
    "with other terms": (
        lambda x: norm(x) ** 2 + 3 * x[0] + 5 * x[1],
        np.zeros(2),
        np.array([3.0, 5.0]),
        2 * np.eye(2),
    ),
    "a bell": (lambda x: jnp.exp(-(norm(x) ** 2)), np.zeros(2), np.zeros(2), -2 * np.eye(2)),
    "a variance": (lambda x: jnp.std(x) ** 2, np.ones(2), np.zeros(2), np.array([[0.5, -0.5], [-0.5, 0.5]])),
    "the root of a fourth power": (lambda x: jnp.sqrt(x**4), 0.0, 0.0, 2.0),
    "a logarithm undone": (lambda x: jnp.exp(jnp.log(x**2)), 0.0, 0.0, 2.0),
    # of whose Hessian the formula is 0 / 0
    "the cube of a norm": (lambda x: norm(x) ** 3, np.zeros(2), np.zeros(2), None),
}

# Functions that have no derivative at the point, whatever is left when their formulas are simplified.
NOWHERE: dict[str, tuple[Function, Any]] = {
    "a norm": (norm, np.zeros(3)),
    "a standard deviation": (lambda x: jnp.std(x), np.ones(3)),
    "the root of a square": (lambda x: jnp.sqrt(x**2), 0.0),
    "a power of a square": (lambda x: (x**2) ** 0.5, 0.0),
    "the square of a root, which ends": (lambda x: jnp.sqrt(x) ** 2, 0.0),
    "a logarithm undone, which ends": (lambda x: jnp.exp(jnp.log(x)), 0.0),
    "a quotient that has no value": (lambda x: x**3 / x, 0.0),
    "a ridge along a diagonal": (lambda x: jnp.sqrt((x[0] - x[1]) ** 2), np.array([1.0, 1.0])),
}


class TestWhereOnlyTheFormulaIsFinite:
    @pytest.mark.parametrize("dtype", ["float32", "float64"])
    @pytest.mark.parametrize("name", CANCELLING)
    def test_nan_differs_from_a_derivative_that_function_values_confirm(self, name: str, dtype: str) -> None:
        f, point, gradient, hessian = CANCELLING[name]
        report = inspect(f, point, dtype=dtype)
        assert np.isnan(np.asarray(report.gradient)).all()
        assert report.verdict == "differs"
        for what, truth in (("gradient", gradient), ("hessian", hessian)):
            entries = [entry for entry in report.check.entries if entry.what == what]
            if truth is None:
                assert {entry.outcome for entry in entries} == {"out of reach"}
                continue
            assert {entry.outcome for entry in entries} == {"differs"}
            by = "forward mode" if what == "gradient" else "second derivative"
            assert {entry.reason for entry in entries} == {f"JAX's {by} is not finite, the derivative is"}
            found = [entry.symbolic for entry in entries]
            np.testing.assert_allclose(np.array(found, float), np.ravel(truth), atol=1e-12)

    @pytest.mark.parametrize("name", NOWHERE)
    def test_nan_is_not_accused_where_there_is_no_derivative(self, name: str) -> None:
        f, point = NOWHERE[name]
        report = inspect(f, point)
        assert report.verdict == "out of reach"
        assert all(entry.symbolic is None or not np.isfinite(entry.symbolic) for entry in report.check.entries)

    def test_with_more_inputs_than_are_moved_one_by_one(self) -> None:
        report = derive(lambda x: norm(x) ** 2, cost="none", order=1)(jnp.zeros(100))
        assert (report.verdict, {entry.symbolic for entry in report.check.entries}) == ("differs", {0.0})
        assert derive(norm, cost="none", order=1)(jnp.zeros(100)).verdict == "out of reach"

    @pytest.mark.parametrize(("slope", "verdicts"), [(0.0, ("agrees", "proved")), (1.0, ("differs", "out of reach"))])
    def test_a_rule_of_ones_own_is_judged_there_too(self, slope: float, verdicts: tuple[str, ...]) -> None:
        g = jax.custom_jvp(lambda x: norm(x) ** 2)
        g.defjvp(lambda p, t: (g(*p), jnp.sum((2 * p[0] + slope) * t[0])))
        assert inspect(g, np.zeros(2)).verdict in verdicts

    def test_the_assertion_says_where_to_look(self) -> None:
        report = inspect(lambda x: norm(x) ** 2, np.zeros(2))
        with pytest.raises(WrongDerivative, match="findings of a report name the line"):
            report.raise_if_wrong()


def test_nan_where_there_is_a_derivative_differs() -> None:
    double_where = lambda x: jnp.where(x > 0, jnp.sqrt(x), 0.0)  # noqa: E731
    assert inspect(double_where, -1.0).verdict == "differs"


# Wrong rules of sin, as functions of the point and a direction.
WRONG: dict[str, Function] = {
    "the sign": lambda x, t: -jnp.cos(x) * t,
    "a factor two": lambda x, t: 2.0 * jnp.cos(x) * t,
    "one part in a thousand": lambda x, t: 1.001 * jnp.cos(x) * t,
    "a small term": lambda x, t: (jnp.cos(x) + 1e-4 * x) * t,
    "zero": lambda x, t: 0.0 * t,
    "one entry": lambda x, t: jnp.cos(x) * t * jnp.where(jnp.arange(x.size).reshape(x.shape) == x.size // 2, 1.5, 1.0),
    "the order of the entries": lambda x, t: (jnp.cos(x) * t)[::-1],
    "some points": lambda x, t: jnp.where(jnp.sum(x) > 1.02, 1.1, 1.0) * jnp.cos(x) * t,
}


def forward_rule(wrong: Function) -> Function:
    g = jax.custom_jvp(lambda x: jnp.sin(x))
    g.defjvp(lambda primals, tangents: (jnp.sin(*primals), wrong(*primals, *tangents)))
    return g


def reverse_rule(wrong: Function) -> Function:
    g = jax.custom_vjp(lambda x: jnp.sin(x))
    g.defvjp(lambda x: (jnp.sin(x), x), lambda x, cotangent: (wrong(x, cotangent),))
    return g


WITHIN: dict[str, Callable[[Function], Function]] = {
    "alone": lambda g: g,
    "in a sum": lambda g: lambda x: jnp.sum(g(x) * x),
    "in jit": lambda g: jax.jit(lambda x: g(x) ** 2),
    "in vmap": lambda g: lambda x: jax.vmap(g)(jnp.stack([x, 2.0 * x])),
    "in remat": lambda g: jax.checkpoint(lambda x: g(x) * x),
    "in a chain": lambda g: lambda x: jnp.tanh(g(jnp.exp(x))),
    "beside a stop_gradient": lambda g: lambda x: g(x) * lax.stop_gradient(x),
    "beside a large term": lambda g: lambda x: 100.0 * x + g(x),
    "in one output of two": lambda g: lambda x: (x**2, g(x)),
    "rounded inside": lambda g: lambda x: g(x).astype("float16").astype(x.dtype) * x,
}
OUT_OF_REACH: dict[str, Callable[[Function], Function]] = {
    "in scan": lambda g: lambda x: lax.scan(lambda c, _: (g(c), None), x, None, length=3)[0],
    "in while": lambda g: lambda x: lax.while_loop(lambda s: s[1] < 3, lambda s: (g(s[0]), s[1] + 1), (x, 0))[0],
    "in cond": lambda g: lambda x: lax.cond(jnp.sum(x) > 0.0, g, jnp.cos, x),
    "under a sort": lambda g: lambda x: jnp.sort(g(x)),
    "under a Python if": lambda g: lambda x: g(x) if jnp.sum(x) > 0 else x,
}
EVERYWHERE = [name for name in WRONG if name != "some points"]


@pytest.mark.parametrize("make", [forward_rule, reverse_rule])
@pytest.mark.parametrize("place", WITHIN)
@pytest.mark.parametrize("wrong", ["the sign", "one part in a thousand", "one entry"])
def test_a_wrong_rule_is_found_wherever_it_is(wrong: str, place: str, make: Callable[[Function], Function]) -> None:
    f = WITHIN[place](make(WRONG[wrong]))
    assert inspect(f, VECTOR).verdict == "differs"


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("make", [forward_rule, reverse_rule])
@pytest.mark.parametrize("wrong", WRONG)
def test_every_kind_of_wrong_rule_is_found(wrong: str, make: Callable[[Function], Function], dtype: str) -> None:
    report = inspect(make(WRONG[wrong]), VECTOR, dtype=dtype)
    assert report.verdict == "differs"
    with pytest.raises(WrongDerivative, match=r"with respect to x\[\d\] differs"):
        report.raise_if_wrong()


def test_one_wrong_entry_among_fifty_is_found_and_named() -> None:
    report = inspect(lambda x: forward_rule(WRONG["one entry"])(x), np.linspace(-1.0, 1.3, 50))
    assert report.verdict == "differs"
    wrong = [entry for entry in report.check.entries if entry.outcome == "differs" and entry.what == "jacobian"]
    assert {(entry.output, entry.inputs) for entry in wrong} == {("f[25]", ("x[25]",))}


@pytest.mark.parametrize("make", [forward_rule, reverse_rule])
@pytest.mark.parametrize("place", OUT_OF_REACH)
@pytest.mark.parametrize("wrong", ["the sign", "one part in a thousand", "one entry"])
def test_a_wrong_rule_beyond_the_formulas_is_never_passed(
    wrong: str, place: str, make: Callable[[Function], Function]
) -> None:
    assert inspect(OUT_OF_REACH[place](make(WRONG[wrong])), VECTOR).verdict in ("differs", "out of reach")


def test_a_small_wrong_entry_beside_large_ones_is_not_passed_without_a_formula() -> None:
    wrong = forward_rule(WRONG["a factor two"])
    f = lambda x: jnp.sort(jnp.stack([1e6 * x[0], wrong(x[1]) + 1e8]))  # noqa: E731
    assert inspect(f, VECTOR).verdict in ("differs", "out of reach")


def test_a_wrong_second_derivative_of_a_right_first_one_is_found() -> None:
    frozen_slope = forward_rule(lambda x, t: lax.stop_gradient(jnp.cos(x)) * t)
    report = inspect(frozen_slope, VECTOR)
    assert {entry.what for entry in report.check.entries if entry.outcome == "differs"} == {"hessian"}


def test_a_transposed_matrix_in_a_rule_is_found() -> None:
    a = np.array([[1.0, 2.0], [3.0, 5.0]], np.float32)
    product = jax.custom_jvp(lambda x: a @ x)
    product.defjvp(lambda p, t: (a @ p[0], a.T @ t[0]))
    assert inspect(lambda x: jnp.sum(jnp.sin(product(x))), np.array([0.3, 0.9])).verdict == "differs"


def test_forward_and_reverse_agreeing_with_each_other_proves_nothing() -> None:
    report = inspect(forward_rule(WRONG["a factor two"]), 0.7)
    (entry,) = [entry for entry in report.check.entries if entry.what == "gradient"]
    assert entry.forward == entry.reverse == pytest.approx(2 * np.cos(0.7), rel=1e-6)
    assert [entry.symbolic, entry.numeric] == pytest.approx([np.cos(0.7)] * 2, rel=1e-6)
    assert entry.outcome == "differs"


class TestRulesThatAreNotLinear:
    """Rows of a Jacobian are meaningless when the pullback is not linear."""

    @staticmethod
    def clipped(function: Function) -> Function:
        g = jax.custom_vjp(function)
        g.defvjp(lambda x: (function(x), None), lambda _, cotangent: (jnp.clip(cotangent, -1.0, 1.0),))
        return g

    def test_are_not_passed_even_where_the_numbers_are_right(self) -> None:
        report = inspect(self.clipped(lambda x: x), 0.3)
        assert report.verdict == "out of reach"
        assert "not linear" in report.check.entries[0].reason

    def test_are_wrong_where_the_numbers_are(self) -> None:
        f = self.clipped(lambda x: x)
        assert inspect(lambda x: 3.0 * f(x), 0.3).verdict == "differs"


DATA = jnp.asarray(np.random.default_rng(0).normal(size=(20, 100)), jnp.float32)


@pytest.mark.parametrize(
    ("function", "outcome"),
    [
        (lambda w: jnp.sum(jax.nn.softplus(DATA @ w)), "agrees"),
        (lambda w: jnp.sum(jnp.abs(w) ** 3), "agrees"),
        (lambda w: jnp.sum(jax.nn.relu(DATA @ w)), "out of reach"),
        (lambda w: jnp.sum((DATA @ w) ** 2) + 0.01 * jnp.abs(w[3]), "out of reach"),
        (lambda w: jnp.sum((DATA @ w) ** 2) + 0.01 * jnp.maximum(w[3], 0.0), "out of reach"),
    ],
    ids=["smooth at its tie", "flat at its tie", "all kinks", "one kink", "one maximum"],
)
def test_many_inputs_at_a_tie_are_looked_at_along_random_directions(function: Function, outcome: str) -> None:
    assert check(function, order=1, points=2)(jnp.zeros(100)).outcome == outcome
