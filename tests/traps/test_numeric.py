"""What plain implementations of symbolic derivatives get wrong, one numbered trap a test: here in numeric checks."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxdiff_magic import WrongDerivative, check, derive

from .reports import RIGHT, assert_close, entry, forward_rule, report_of, reverse_rule, sin

SIZE, WRONG = 1000, 417
SMALL = jnp.array([0.5, 1.2, -0.7])


def points(seed: int, dtype: str = "float32") -> Any:
    return jnp.asarray(np.random.default_rng(seed).normal(size=SIZE), dtype)


def sum_of_squares(off: float, entry: int | None = None) -> Any:
    """With a rule that is off by a part of itself, in one entry or in all."""
    factor = np.full(SIZE, 1.0 + off) if entry is None else 1.0 + off * (np.arange(SIZE) == entry)
    return forward_rule(
        lambda x: jnp.sum(x**2), lambda x, t: jnp.sum(2.0 * x * jnp.asarray(factor[: x.size], x.dtype) * t)
    )


@pytest.mark.parametrize("seed", range(3))
def test_n01_a_sum_of_a_thousand_squares_is_right_in_float32_at_every_point(seed: int) -> None:
    """Differences along one direction reject it every time: the sum swallows the change."""
    x = points(seed)
    report = report_of(lambda x: jnp.sum(x**2), x, points=2)
    assert_close(report.gradient, 2 * np.asarray(x))
    assert report.verdict == "proved"


@pytest.mark.parametrize(
    ("off", "where", "dtype"),
    [(0.5, WRONG, "float32"), (1e-3, WRONG, "float64"), (1e-3, None, "float32")],
    ids=["one entry by half", "one entry by a thousandth", "all by a thousandth"],
)
def test_n01_a_rule_that_is_wrong_by_a_little_or_in_one_entry_is_found(off: float, where: Any, dtype: str) -> None:
    """One entry among a thousand hardly moves a direction, and 0.1 % passes a tolerance that is made for float32."""
    with jax.enable_x64(dtype == "float64"):
        report = report_of(sum_of_squares(off, where), points(0, dtype), points=2)
    assert report.verdict == "differs"
    (row,) = [row for row in report.check.entries if row.outcome == "differs"]
    assert row.forward == pytest.approx((1 + off) * row.symbolic, rel=1e-5)
    assert f"gives {row.forward:.6g} where the function's own derivative is {row.symbolic:.6g}" in row.reason
    if where is not None:
        assert row.inputs == (f"x[{WRONG}]",) and "wrong in 1 of 1000 entries" in report.check.summary


@pytest.mark.parametrize(
    ("f", "x", "slope", "verdicts"),
    [
        (lambda x: 1e6 + jnp.sin(x), jnp.float32(1.3), np.cos(1.3), RIGHT),
        (lambda x: jnp.tanh(x), jnp.float16(0.5), 1 - np.tanh(0.5) ** 2, RIGHT),
        (reverse_rule(sin, lambda x, g: g * jnp.cos(x)), jnp.float32(0.5), np.cos(0.5), RIGHT),
        (lambda x: jax.nn.relu(x), jnp.float32(0.0), 0.0, ("out of reach",)),
        (lambda x: jnp.abs(x), jnp.float32(0.0), 1.0, ("out of reach",)),
    ],
    ids=["on a large constant", "float16", "custom_vjp", "relu at 0", "abs at 0"],
)
def test_n01_what_is_right_is_not_rejected(f: Any, x: Any, slope: float, verdicts: tuple[str, ...]) -> None:
    """A large constant, half precision, a kink and a rule without forward mode fail plain difference checks."""
    report = report_of(f, x)
    assert float(report.gradient) == pytest.approx(slope, rel=1e-3)
    assert report.verdict in verdicts
    assert check(f, order=1, points=4)(x).outcome == ("agrees" if verdicts == RIGHT else "out of reach")


def test_n02_the_taylor_remainder_falls_with_the_square_of_the_step_where_the_rule_is_right() -> None:
    """Two for a right derivative and one for a wrong one, over a range of steps and in float64."""
    right = report_of(lambda x: jnp.sum(x**3), SMALL).check.taylor
    cube = forward_rule(lambda x: jnp.sum(x**3), lambda x, t: jnp.sum(3.03 * x**2 * t))
    wrong = report_of(cube, SMALL).check.taylor
    for slopes, falls, says in ((right, 2.0, "right"), (wrong, 1.0, "wrong")):
        assert {slope.mode for slope in slopes} == {"forward", "reverse"}
        assert [slope.slope for slope in slopes] == pytest.approx([falls] * 2, abs=0.1)
        assert {(slope.says, slope.dtype) for slope in slopes} == {(says, "float64")}
        assert all(slope.steps and slope.steps[0] > 100 * slope.steps[1] > 0 for slope in slopes)


def test_n02_where_rounding_hides_the_remainder_no_slope_is_read_off() -> None:
    """Beneath its floor of rounding a remainder does not fall any more, and of a linear function nothing is left."""
    large = report_of(lambda x: 1e6 + jnp.sin(x), 1.3).check.taylor
    assert all(slope.says == "right" and slope.steps and slope.steps[1] >= slope.floor > 0 for slope in large)
    assert large[0].slope == pytest.approx(2.0, abs=0.1)
    linear = report_of(lambda x: 3.0 * x, 1.3).check
    assert linear.outcome == "proved" and {slope.slope for slope in linear.taylor} == {None}


def test_n03_a_small_derivative_of_large_terms_is_measured_by_the_terms() -> None:
    """1e4 (x - sin x) has the slope 0.005 at 0.001: two terms of 1e4, and float32 keeps 1e-3 of them."""
    report = report_of(lambda x: 1e4 * (x - jnp.sin(x)), 0.001, order=2)
    row = entry(report, "gradient")
    assert row.symbolic == pytest.approx(1e4 * (1 - np.cos(0.001)), rel=1e-6)
    assert abs(float(report.gradient) - row.symbolic) > 0.04 * row.symbolic  # 5 % of the entry
    assert row.error is not None and row.error > 0.04 * 2**23  # and so says its error, in units of its last place
    assert report.verdict in RIGHT  # it is less than one rounding of the terms
    assert "rounding takes half the digits or more here" in report.check.summary


def test_n03_nan_on_both_sides_is_no_difference() -> None:
    """nan is not equal to nan, and no evidence against it either."""
    report = report_of(lambda x: jnp.sqrt(x**2) + x, 0.0)
    row = entry(report, "gradient")
    assert np.isnan(row.forward) and np.isnan(row.reverse) and np.isnan(row.symbolic)
    assert row.outcome == report.verdict == "out of reach"
    report.raise_if_wrong()


def test_n04_the_numeric_column_is_right_where_a_complex_step_is_not() -> None:
    """abs, where and maximum are not analytic: a step into the complex plane loses their slope."""

    def f(x: Any, module: Any = jnp) -> Any:
        return module.abs(x) * module.where(x < 0, module.cos(x), x) + module.maximum(x, -3.0)

    slope = -np.cos(0.7) + 0.7 * np.sin(0.7) + 1  # of -x cos x + x
    assert abs(f(np.complex128(-0.7 + 1e-20j), np).imag / 1e-20 - slope) > 0.1
    report = report_of(f, -0.7)
    row = entry(report, "gradient")
    assert [row.symbolic, row.numeric] == pytest.approx([slope] * 2, rel=1e-6)
    assert float(report.gradient) == pytest.approx(slope, rel=1e-5)
    assert report.verdict in RIGHT


def test_n05_a_small_derivative_is_shown_entry_by_entry() -> None:
    """One direction can hide a wrong entry: here the errors of two entries cancel along (1, 1, 1)."""
    off = jnp.array([1e-2, -1e-2, 0.0])
    report = report_of(forward_rule(lambda x: jnp.sum(jnp.sin(x)), lambda x, t: jnp.sum((jnp.cos(x) + off) * t)), SMALL)
    rows = {row.inputs[0]: row for row in report.check.entries}
    assert list(rows) == ["x[0]", "x[1]", "x[2]"] and report.check.not_covered == ()
    assert [row.outcome for row in rows.values()] == ["differs", "differs", rows["x[2]"].outcome]
    assert rows["x[2]"].outcome != "differs" and report.verdict == "differs"
    assert [row.symbolic for row in rows.values()] == pytest.approx(list(np.cos(np.asarray(SMALL, float))))


def test_n05_every_entry_of_a_thousand_is_covered_where_there_is_a_formula() -> None:
    """Nothing is left to directions then."""
    report = report_of(lambda x: jnp.sum(x**2), points(0), points=2)
    assert report.check.not_covered == () and "all 1000 entries" in report.check.summary


BIG = 120


def in_python(inner: Any) -> Any:
    """A function that cannot be traced, so that there is no formula."""
    return lambda x: inner(x) if x[0] > -100 else x[0]


def test_n05_without_a_formula_what_directions_do_not_cover_is_said() -> None:
    """Random directions and some single entries leave a gap, however small."""
    x = points(0)[:BIG]
    report = report_of(in_python(lambda x: jnp.sum(jnp.sin(x))), x, points=2)
    assert_close(report.gradient, np.cos(np.asarray(x)))
    assert report.verdict in RIGHT
    (gap,) = report.check.not_covered
    assert "random directions" in gap and f"of {BIG} entries" in gap and "could hide" in gap


def test_n05_without_a_formula_a_wrong_entry_is_found_all_the_same() -> None:
    """Each of several fresh directions meets every entry."""
    rule = forward_rule(
        lambda x: jnp.sum(jnp.sin(x)), lambda x, t: jnp.sum(jnp.cos(x) * jnp.where(jnp.arange(BIG) == 77, 1.5, 1.0) * t)
    )
    with pytest.raises(WrongDerivative, match=r"x\[77\]"):
        check(in_python(rule), order=1, points=2)(points(0)[:BIG])


@pytest.mark.parametrize("seed", range(6))
def test_n2_values_that_lost_their_digits_accuse_no_derivative(seed: int) -> None:
    """The Jacobian of tanh(W x) in float32, from which its Hessian is told here, is 1 - tanh**2, rounded as 1 is."""
    rng = np.random.default_rng(seed)
    w, x = (jnp.asarray(rng.normal(size=shape), jnp.float32) for shape in ((40, 30), 30))
    report = derive(lambda x: jnp.tanh(w @ x), symbolic=False, cost="none")(x)
    assert report.verdict in ("agrees", "out of reach")
    assert check(in_python(lambda x: jnp.tanh(w @ x)))(x).outcome == "out of reach"  # by values alone


@pytest.mark.parametrize("seed", [0, 1, 8])
@pytest.mark.parametrize(
    "cancels", [lambda x: 1 - jnp.tanh(x) ** 2, lambda x: 1 - jnp.cos(x * 1e-2), lambda x: (1e8 + x) - 1e8]
)
def test_n2_differences_of_noisy_values_accuse_no_derivative(cancels: Any, seed: int) -> None:
    x = jnp.asarray(3 * np.random.default_rng(seed).normal(size=3), jnp.float32)
    assert derive(cancels, symbolic=False, cost="none")(x).verdict in ("agrees", "out of reach")
