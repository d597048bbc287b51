"""The numeric column: the Taylor remainder's slope, its round-off floor, and what is said of coverage."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxdiff_magic import Report, derive
from jaxdiff_magic.checking.taylor import SAYS, line, remainders, steps_for

EPS = {"float64": float(np.finfo(np.float64).eps), "float32": float(np.finfo(np.float32).eps)}
Function = Callable[[Any], Any]


def remainder(f: Function, slope: float, at: float, dtype: str = "float64", rounding: float = 0.0) -> Any:
    """What the remainders of a function of one variable say of a slope, values being computed in a dtype."""
    eps, steps = EPS[dtype], steps_for(EPS[dtype], fine=True)
    with np.errstate(all="ignore"):
        (batch,) = line([np.array(at)], [np.array(1.0)], steps)
        found = f(batch.astype(dtype)).astype(float)
    bounds = 4 * eps * np.abs(found) + eps * abs(slope * at)
    return remainders(found, bounds, np.array(slope), np.array(rounding), steps)


RIGHT: dict[str, tuple[Any, ...]] = {
    "sine": (np.sin, np.cos(1.0), 1.0),
    "sine in float32": (np.sin, np.cos(1.0), 1.0, "float32"),
    "a large constant": (lambda x: 1e6 + np.sin(x), np.cos(1.3), 1.3),
    "an inflection, where it falls faster": (np.sin, 1.0, 0.0),
    "the edge of a domain": (np.log, 1e3, 1e-3),
    "a linear function": (lambda x: 3.0 * x, 3.0, 1.0),
    "a constant": (lambda x: 0.0 * x + 5.0, 0.0, 1.0),
}
WRONG: dict[str, tuple[Any, ...]] = {
    "off by 0.1 %": (np.sin, 1.001 * np.cos(1.0), 1.0),
    "off by 10 % in float32": (np.sin, 1.1 * np.cos(1.0), 1.0, "float32"),
    "of a linear function": (lambda x: 3.0 * x, 3.001, 1.0),
    "of the wrong sign": (np.exp, -np.exp(0.5), 0.5),
}
UNDECIDED: dict[str, tuple[Any, ...]] = {
    "a kink": (np.abs, 1.0, 0.0),
    "a kink, by another convention": (np.abs, 0.0, 0.0),
    "between smooth and not": (lambda x: np.abs(x) ** 1.5, 0.0, 0.0),
    "values in stairs": (lambda x: x.astype("float16").astype(float), 1.0, 1.0),
    "nothing above rounding": (lambda x: x.dtype.type(1e6) + np.sin(x), np.cos(1.3), 1.3, "float32"),
    "off by so little that few steps show it": (np.sin, (1 + 1e-6) * np.cos(1.0), 1.0),
    "not a number": (np.log, 1.0, -1.0),
}


@pytest.mark.parametrize("name", RIGHT)
def test_n2_a_right_derivative_has_slope_two_or_more(name: str) -> None:
    found = remainder(*RIGHT[name])
    assert SAYS[int(found.says)] == "right"
    assert math.isnan(found.slope) or found.slope > 1.9


@pytest.mark.parametrize("name", WRONG)
def test_n2_a_wrong_derivative_has_slope_one(name: str) -> None:
    found = remainder(*WRONG[name])
    assert SAYS[int(found.says)] == "wrong"
    assert float(found.slope) == pytest.approx(1.0, abs=0.1)


@pytest.mark.parametrize("name", UNDECIDED)
def test_n2_what_cannot_be_decided_is_not_decided(name: str) -> None:
    assert SAYS[int(remainder(*UNDECIDED[name]).says)] == "cannot decide"


def test_n2_steps_below_the_floor_of_rounding_are_left_out() -> None:
    found = {dtype: remainder(np.sin, np.cos(1.0), 1.0, dtype) for dtype in EPS}
    assert 1e-8 < found["float64"].floor < found["float64"].smallest < 1e-5
    assert 1e-4 < found["float32"].floor < found["float32"].smallest < 1e-1


def test_the_error_along_the_direction_is_bounded() -> None:
    for off in (0.0, 1e-9, 1e-3):
        found = remainder(np.sin, np.cos(1.0) + off, 1.0)
        assert off <= float(found.error) * 1.001 + 1e-10
        assert float(found.error) <= 1.1 * off + 1e-8


def inspect(f: Function, x: Any, dtype: str = "float32", **options: Any) -> Report:
    with jax.enable_x64(dtype == "float64"):
        return derive(f, cost="none", points=4, **options)(jnp.asarray(x, dtype))


def through_python(wrong: Function = lambda slope: slope) -> Function:
    """The sum of x sin x, with a sine that calls back into Python: no formula reaches it."""

    def called(function: Callable[[Any], Any]) -> Any:
        return jax.custom_jvp(
            lambda x: jax.pure_callback(
                function, jax.ShapeDtypeStruct(x.shape, x.dtype), x, vmap_method="broadcast_all"
            )
        )

    sine, cosine = called(np.sin), called(np.cos)
    sine.defjvp(lambda p, t: (sine(*p), wrong(cosine(*p)) * t[0]))
    cosine.defjvp(lambda p, t: (cosine(*p), -sine(*p) * t[0]))
    return lambda x: jnp.sum(sine(x) * x)


def one_entry(factor: float, entry: int = 3) -> Function:
    return lambda slope: slope * jnp.where(jnp.arange(slope.size) == entry, factor, 1.0).astype(slope.dtype)


VECTOR = np.random.default_rng(0).standard_normal(1000)


class TestTheReport:
    def test_shows_the_slope_the_steps_and_the_dtype_in_one_line(self) -> None:
        report = inspect(lambda x: x[0] ** 2 * x[1] + x[1] ** 3, [1.0, 2.0])
        assert {slope.says for slope in report.check.taylor} == {"right"}
        assert {slope.mode for slope in report.check.taylor} == {"forward", "reverse", "second"}
        assert "numeric: the Taylor remainder falls with slope 2.00 over h = 1e-01 … 1e-06 (float64)" in str(report)

    def test_shows_a_slope_of_one_for_a_wrong_rule(self) -> None:
        g = jax.custom_jvp(lambda x: jnp.sin(x))
        g.defjvp(lambda p, t: (g(*p), 1.001 * jnp.cos(p[0]) * t[0]))
        report = inspect(g, [0.4, 0.7])
        assert {slope.says for slope in report.check.taylor} == {"wrong"}
        assert all(slope.slope == pytest.approx(1.0, abs=0.1) for slope in report.check.taylor)
        assert "JAX's jacobian is wrong along a random direction of x" in " ".join(str(report).split())

    def test_has_a_direction_for_every_input_leaf(self) -> None:
        report = derive(lambda x, y: jnp.sum(jnp.sin(x) * y), cost="none")(jnp.ones(2), 3.0)
        directions = {slope.direction.removeprefix("a random direction of ") for slope in report.check.taylor}
        assert directions == {"x, y", "x", "y"}

    def test_decides_nothing_on_a_kink(self) -> None:
        report = inspect(jax.nn.relu, [0.0, 1.0])
        assert {slope.says for slope in report.check.taylor} == {"cannot decide"}

    def test_keeps_what_a_function_froze(self) -> None:
        report = inspect(lambda x: jnp.sum(jax.lax.stop_gradient(x) * x), VECTOR[:3], order=1)
        assert {slope.says for slope in report.check.taylor} == {"right"}


class TestWithoutAFormula:
    def test_n5_one_wrong_entry_among_a_thousand_is_found_and_named(self) -> None:
        report = inspect(through_python(one_entry(1.5)), VECTOR, order=1)
        assert report.verdict == "differs"
        (entry,) = [entry for entry in report.check.entries if entry.outcome == "differs"]
        assert entry.inputs == ("x[3]",)

    def test_n5_what_was_not_covered_is_stated(self) -> None:
        report = inspect(through_python(), VECTOR, order=1)
        assert report.verdict in ("agrees", "out of reach")
        (gap,) = report.check.not_covered
        assert gap.startswith("gradient of f with respect to x: of 1,000 entries")
        assert "were tried singly, all in 8 random directions: a single wrong entry that is off by less than" in gap
        assert "Not covered: gradient of f" in " ".join(str(report).split())

    def test_n5_one_entry_off_by_a_part_in_ten_thousand_is_not_passed(self) -> None:
        assert inspect(through_python(one_entry(1.0001, 500)), VECTOR, order=1).verdict != "agrees"

    def test_a_right_large_derivative_agrees(self) -> None:
        report = inspect(through_python(), VECTOR[:100], order=1)
        assert report.verdict == "agrees"
        assert "function values along random directions" in report.check.summary

    def test_n4_a_branch_in_python_needs_no_complex_numbers(self) -> None:
        # abs, where and maximum break complex steps; real ones do not mind
        f = lambda x: jnp.sum(jnp.abs(x) * jnp.maximum(x, -x)) if x[0] > -9 else x[0]  # noqa: E731
        report = inspect(f, [0.3, -0.8], order=1)
        assert report.verdict == "agrees"
        assert {slope.says for slope in report.check.taylor} == {"right"}


def test_n3_equal_nans_are_not_a_difference() -> None:
    report = inspect(lambda x: jnp.stack([jnp.sqrt(x[0]), x[1] ** 2]), [-1.0, 0.5])
    assert report.verdict == "out of reach"  # NaN beside NaN: neither passed nor accused
