"""Every elementwise primitive's value, Jacobian and Hessian, beside JAX's in float64."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from jaxdiff_magic.base.errors import OutOfReach
from jaxdiff_magic.engines.symbolic.elementwise import ELEMENTWISE

from .agreement import assert_formulas_match, assert_formulas_match_differences, formulas_of, primitives_of

SHAPES = ((), (1,), (3,), (2, 0), (2, 3))
REALS, POSITIVE, UNIT, ABOVE_ONE = (-2.0, 2.0), (0.1, 3.0), (-0.9, 0.9), (1.1, 3.0)

SMOOTH: dict[str, tuple[Callable[..., Any], list[tuple[float, float]]]] = {
    "add": (lax.add, [REALS, REALS]),
    "add_any": (lambda x: jax.vjp(lambda y: y * y * 1.5, x)[1](x)[0], [REALS]),
    "sub": (lax.sub, [REALS, REALS]),
    "mul": (lax.mul, [REALS, REALS]),
    "div": (lax.div, [REALS, POSITIVE]),
    "neg": (lax.neg, [REALS]),
    "pow": (lax.pow, [POSITIVE, REALS]),
    "integer_pow": (lambda x: lax.integer_pow(x, 3) + lax.integer_pow(x, -2), [REALS]),
    "square": (lax.square, [REALS]),
    "sqrt": (lax.sqrt, [POSITIVE]),
    "rsqrt": (lax.rsqrt, [POSITIVE]),
    "cbrt": (lax.cbrt, [REALS]),
    "exp": (lax.exp, [REALS]),
    "exp2": (lax.exp2, [REALS]),
    "log": (lax.log, [POSITIVE]),
    "log1p": (lax.log1p, [UNIT]),
    "expm1": (lax.expm1, [REALS]),
    "logistic": (lax.logistic, [REALS]),
    "sin": (lax.sin, [REALS]),
    "cos": (lax.cos, [REALS]),
    "tan": (lax.tan, [UNIT]),
    "asin": (lax.asin, [UNIT]),
    "acos": (lax.acos, [UNIT]),
    "atan": (lax.atan, [REALS]),
    "atan2": (lax.atan2, [REALS, REALS]),
    "sinh": (lax.sinh, [REALS]),
    "cosh": (lax.cosh, [REALS]),
    "tanh": (lax.tanh, [REALS]),
    "asinh": (lax.asinh, [REALS]),
    "acosh": (lax.acosh, [ABOVE_ONE]),
    "atanh": (lax.atanh, [UNIT]),
    "erf": (lax.erf, [REALS]),
    "erfc": (lax.erfc, [REALS]),
    "lgamma": (lax.lgamma, [POSITIVE]),
    "digamma": (lax.digamma, [POSITIVE]),
    "polygamma": (lambda x: lax.polygamma(jnp.ones_like(x), x), [POSITIVE]),
    "erf_inv": (lax.erf_inv, [UNIT]),
    "igamma": (lambda x: lax.igamma(jnp.full_like(x, 1.7), x), [POSITIVE]),
    "igammac": (lambda x: lax.igammac(jnp.full_like(x, 1.7), x), [POSITIVE]),
    "regularized_incomplete_beta": (
        lambda x: jax.scipy.special.betainc(jnp.full_like(x, 1.7), jnp.full_like(x, 0.6), x),
        [(0.1, 0.9)],
    ),
    "bessel_i0e": (lax.bessel_i0e, [REALS]),
    "bessel_i1e": (lax.bessel_i1e, [POSITIVE]),
    "stop_gradient": (lambda x: lax.stop_gradient(x) * x, [REALS]),
}
"""Each with the intervals its operands are drawn from."""

OF_NEWER_JAX: dict[str, tuple[Callable[..., Any], list[tuple[float, float]]]] = {
    "one_minus_square": (lambda x: getattr(lax, "one_minus_square")(x), [REALS]),  # noqa: B009
    "log2": (jnp.log2, [POSITIVE]),
    "polynomial": (lambda x: getattr(lax, "polynomial")(x, [1.5, -2.0, 0.5, 3.0]), [REALS]),  # noqa: B009
}
SMOOTH |= {name: case for name, case in OF_NEWER_JAX.items() if hasattr(lax, f"{name}_p")}

KINKED: dict[str, tuple[Callable[..., Any], list[tuple[float, float]]]] = {
    "abs": (lax.abs, [REALS]),
    "sign": (lambda x: lax.sign(x) * x, [REALS]),
    "floor": (lambda x: lax.floor(x) * x, [REALS]),
    "round": (lambda x: jnp.round(3 * x) * x + lax.round(3 * x) * x**2, [REALS]),
    "ceil": (lambda x: lax.ceil(x) * x, [REALS]),
    "max": (lambda x, y: lax.max(x, y) ** 2, [REALS, REALS]),
    "min": (lambda x, y: lax.min(x, y) ** 2, [REALS, REALS]),
    "clamp": (lambda x: lax.clamp(-0.5, x, 0.75) ** 2, [REALS]),
    "rem": (lambda x, y: lax.rem(x, y) ** 2, [REALS, POSITIVE]),
    "select_n": (lambda x, y: lax.select_n(x > y, x**2, y**3), [REALS, REALS]),
    "is_finite": (lambda x: jnp.where(lax.is_finite(x), x**2, 0.0), [REALS]),
    "eq": (lambda x: jnp.where(lax.eq(jnp.sign(x), 1.0), x, -3.0 * x), [REALS]),
    "ne": (lambda x: jnp.where(lax.ne(jnp.sign(x), 1.0), x, -3.0 * x), [REALS]),
    "lt": (lambda x, y: jnp.where(lax.lt(x, y), x, -3.0 * x), [REALS, REALS]),
    "le": (lambda x, y: jnp.where(lax.le(x, y), x, -3.0 * x), [REALS, REALS]),
    "gt": (lambda x, y: jnp.where(lax.gt(x, y), x, -3.0 * x), [REALS, REALS]),
    "ge": (lambda x, y: jnp.where(lax.ge(x, y), x, -3.0 * x), [REALS, REALS]),
    "and": (lambda x, y: jnp.where((x > 0) & (y > 0), x * y, x), [REALS, REALS]),
    "or": (lambda x, y: jnp.where((x > 0) | (y > 0), x * y, x), [REALS, REALS]),
    "xor": (lambda x, y: jnp.where((x > 0) ^ (y > 0), x * y, x), [REALS, REALS]),
    "not": (lambda x: jnp.where(~(x > 0), x**2, x), [REALS]),
}


def test_no_rule_goes_untested() -> None:
    assert {*SMOOTH, *KINKED, *OF_NEWER_JAX, "zeta"} == set(ELEMENTWISE)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("primitive", [*SMOOTH, *KINKED])
def test_formulas_are_jaxs_numbers(primitive: str, shape: tuple[int, ...]) -> None:
    f, intervals = (SMOOTH | KINKED)[primitive]
    rng = np.random.default_rng(3)
    point = [rng.uniform(*interval, shape) for interval in intervals]
    assert primitive in primitives_of(f, *point)
    assert assert_formulas_match(f, *point)


def test_zeta_has_a_slope_although_jax_gives_none() -> None:
    assert_formulas_match_differences(lambda x: lax.zeta(jnp.full_like(x, 2.5), x), np.array([0.4, 1.7]))


def test_slopes_that_have_no_closed_form_are_out_of_reach() -> None:
    _, derivation = formulas_of(lambda a: lax.igamma(a, jnp.full_like(a, 1.5)), np.array([0.7, 2.0]))
    with pytest.raises(OutOfReach, match="no derivative is known for RegularizedGamma"):
        derivation.formula((0, 0))


class TestSelect:
    def test_case_zero_is_the_false_branch(self) -> None:
        assert assert_formulas_match(lambda x: lax.select_n(x > 0.0, x**2, jnp.sin(x)), np.array([-1.0, 2.0]))

    def test_two_scalar_variables_can_be_chosen_from(self) -> None:
        assert assert_formulas_match(lambda x, y: jnp.where(x > y, x, y) * x, 1.5, -0.5)

    def test_an_integer_chooses_among_several_cases_in_their_order(self) -> None:
        cases = lambda x: lax.select_n(jnp.array([2, 0, 1], np.int32), x, x**2, x**3)  # noqa: E731
        assert assert_formulas_match(cases, np.array([1.5, 2.5, 3.5]))

    def test_booleans_can_be_chosen(self) -> None:
        f = lambda x: jnp.where(jnp.where(x > 0, x > 1, x < -1), x**2, x)  # noqa: E731
        assert assert_formulas_match(f, np.array([-2.0, -0.5, 0.5, 2.0]))


class TestIntegers:
    POINT = np.array([0.5, 1.5, -2.5, 3.5, 1.0])

    def test_are_divided_toward_zero(self) -> None:
        f = lambda x: x * lax.div(jnp.arange(5) - 2, jnp.full(5, 2))  # noqa: E731
        assert assert_formulas_match(f, self.POINT)

    def test_have_remainders_with_the_sign_of_the_dividend(self) -> None:
        f = lambda x: x * lax.rem(jnp.arange(5) - 2, jnp.full(5, 3))  # noqa: E731
        assert assert_formulas_match(f, self.POINT)

    def test_follow_python_where_the_code_says_python(self) -> None:
        assert assert_formulas_match(lambda x: x * ((jnp.arange(5) - 2) // 2) * ((jnp.arange(5) - 2) % 3), self.POINT)

    def test_that_divide_exactly_are_not_rounded_down(self) -> None:
        assert assert_formulas_match(lambda x: x * (49 * jnp.arange(5) // 49) + x * (7 * jnp.arange(5) % 7), self.POINT)


class TestPowers:
    @pytest.mark.parametrize("exponent", [0.0, 0.5, 2.5, -1.5, 1 / 3, 0.1])
    def test_with_a_fixed_exponent(self, exponent: float) -> None:
        assert assert_formulas_match(lambda x: x**exponent, np.array([0.3, 1.7]))

    @pytest.mark.parametrize("exponent", [2, 3, -1, -2, 5])
    def test_of_negative_bases(self, exponent: int) -> None:
        assert assert_formulas_match(lambda x: x**exponent, np.array([-0.3, -1.7]))

    def test_of_a_square_is_an_absolute_value(self) -> None:
        assert assert_formulas_match(lambda x: jnp.sqrt(x**2) + jnp.log(x**2), np.array([-0.3, 1.7]))


def test_an_axis_of_length_one_goes_with_every_element() -> None:
    x, y = np.array([[0.5], [1.5]]), np.array([[1.0, 2.0, 3.0]])
    assert assert_formulas_match(lambda x, y: x * y + jnp.sin(y) * x[0], x, y)


def test_modulo_has_the_sign_of_the_divisor() -> None:
    assert assert_formulas_match(lambda x: jnp.mod(x, 0.8) * jnp.mod(x, -0.7), np.array([-1.3, 1.3, 0.2]))
