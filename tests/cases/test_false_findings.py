"""Findings that would be false: zero everywhere, continuous gradients, right numbers at jumps, one kink told often.

And one that was missing: a difference of squares in float32.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import pytest

from jaxdiff_magic import Report, derive
from jaxdiff_magic.report import Finding


def report_of(f: Callable[..., Any], *args: Any, order: int = 1) -> Report:
    return derive(f, order=order, cost="none", budget=60.0, points=4)(*(jnp.array(x) for x in args))


def of_kind(report: Report, kind: str) -> list[Finding]:
    return [finding for finding in report.findings if finding.kind == kind]


HERE = "elsewhere it need not be"
EVERYWHERE = "at every point"


@pytest.mark.parametrize(
    ("f", "x"),
    [
        (lambda x: jnp.sign(x) * x, 0.0),
        (lambda x: jnp.round(x) * x, 0.5),
        (lambda x: jnp.sort(x) @ jnp.arange(3.0), [1.0, 1.0, 0.0]),
        (lambda x: jnp.floor(x[0]) * x[0] + x[1], [0.25, 1.0]),
        (lambda x: (x[0] > 1) * x[0] + x[1], [0.5, 1.0]),
        (lambda x: jnp.take(jnp.zeros(3).at[0].set(2.0), x[0].astype(int)) * x[0] + x[1], [1.5, 1.0]),
    ],
    ids=["sign(x)*x", "round(x)*x", "sort", "floor(x)*x", "a comparison", "a table"],
)
def test_a_zero_that_is_one_here_is_not_called_one_everywhere(f: Callable[..., Any], x: Any) -> None:
    said = [finding.message for finding in of_kind(report_of(f, x), "zero-gradient")]
    assert said and not any(EVERYWHERE in message for message in said)
    assert any(HERE in message for message in said)


@pytest.mark.parametrize(
    "f",
    [
        lambda x: jnp.floor(x[0]) + x[1],
        lambda x: jax.lax.stop_gradient(x[0]) * x[1],
        lambda x: jnp.round(x[0]) + x[1] ** 2,
        lambda x: x[1] ** 2,
    ],
    ids=["floor", "stop_gradient", "round", "unread"],
)
def test_a_zero_that_is_one_everywhere_is_called_so(f: Callable[..., Any]) -> None:
    said = [finding.message for finding in of_kind(report_of(f, [0.3, 1.0]), "zero-gradient")]
    assert said and all(EVERYWHERE in message for message in said)


class TestTheMedianOfEqualNumbers:
    def test_has_no_continuous_gradient(self) -> None:
        report = report_of(jnp.median, [1.0, 1.0, 1.0], order=2)
        (finding,) = [finding for finding in of_kind(report, "kink") if finding.severity == "warning"]
        assert "The gradient is continuous" not in finding.message
        assert "is 0 from both sides; JAX returns 1" in finding.message  # moving one of three leaves it

    def test_a_slope_that_jax_does_not_return_is_told(self) -> None:
        report = report_of(lambda x: jax.nn.relu(x) - jax.nn.relu(-x), 0.0)  # which is x
        (finding,) = of_kind(report, "kink")
        assert "is 1 from both sides; JAX returns 0" in finding.message

    def test_a_gradient_that_is_continuous_is_called_so(self) -> None:
        (finding,) = of_kind(report_of(lambda x: x * jnp.abs(x), 0.0, order=2), "kink")
        assert "The gradient is continuous" in finding.message and "-2 from the left and 2" in finding.message


@pytest.mark.parametrize(
    "f",
    [lambda x: jnp.nan_to_num(1 / x), lambda x: jnp.nan_to_num(jnp.log(x)), lambda x: jnp.nan_to_num(1 / x**2)],
    ids=["1/x", "log", "1/x²"],
)
def test_no_number_is_called_right_where_the_function_jumps(f: Callable[..., Any]) -> None:
    said = [finding.message for finding in of_kind(report_of(f, 0.0), "nan")]
    assert said and not any("which is right" in message for message in said)
    assert any("jumps here" in message for message in said)


def test_a_number_is_called_right_where_it_is() -> None:
    report = report_of(lambda x: jnp.where(x > 0, jnp.sqrt(jnp.abs(x)), 0.0) + jnp.where(x < 1, x, x), 0.0)
    assert not any("jumps" in finding.message for finding in of_kind(report, "nan"))


NODES = jnp.array([0.0, 1.0, 2.0])


class TestInterpolation:
    def test_bends_at_a_node(self) -> None:
        report = report_of(lambda x: jnp.interp(x, NODES, jnp.array([0.0, 1.0, 4.0])), 1.0)
        (finding,) = of_kind(report, "kink")
        assert "is 1 from the left and 3 from the right" in finding.message
        assert not of_kind(report, "frozen-branch")

    def test_says_nothing_at_a_node_without_a_kink(self) -> None:
        report = report_of(lambda x: jnp.interp(x, NODES, 3 * NODES), 1.0)
        assert report.verdict in ("proved", "agrees")
        assert not of_kind(report, "kink") and not of_kind(report, "frozen-branch")

    def test_tells_the_nearest_node_beside_it(self) -> None:
        report = report_of(lambda x: jnp.interp(x, NODES, jnp.array([0.0, 1.0, 4.0])), 1.25)
        said = " ".join(finding.message for finding in of_kind(report, "frozen-branch"))
        assert "indexing" in said and "0.2 from the boundary" in said  # 0.25 of 1.25, not 0.5


@pytest.mark.parametrize(
    ("f", "x"),
    [
        (lambda x: jnp.hypot(x, 0.0), 0.0),
        (lambda x: jnp.abs(x) + jnp.maximum(x, 0.0), 0.0),
        (lambda x: jnp.where(x > 0, x, -x) + jnp.clip(x, 0.0, 1.0), 0.0),
        (lambda x: jnp.max(jnp.abs(x)), [0.0, 0.0]),
    ],
    ids=["hypot", "abs and max", "where and clip", "max of abs"],
)
def test_one_kink_is_one_finding(f: Callable[..., Any], x: Any) -> None:
    assert len([finding for finding in of_kind(report_of(f, x), "kink") if finding.severity == "warning"]) == 1


def test_two_kinks_of_one_line_are_two() -> None:
    report = report_of(lambda x: jnp.abs(x[0]) + jnp.maximum(x[1], 0.0), [0.0, 0.0])
    assert len([finding for finding in of_kind(report, "kink") if finding.severity == "warning"]) == 2


class TestADifferenceOfLargeNumbers:
    @pytest.mark.parametrize(
        ("f", "args"),
        [
            (lambda x, y: x**2 - y**2, (1000.0, 1000.001)),
            (lambda x, y: (x + 1e5) - (y + 1e5), (1.1, 1.3)),
            (lambda x, y: x * y - y * y, (3000.0, 3000.01)),
        ],
        ids=["squares", "sums", "products"],
    )
    def test_is_told_with_the_digits_that_are_right(self, f: Callable[..., Any], args: tuple[float, float]) -> None:
        (finding,) = of_kind(report_of(f, *args), "precision")
        assert "of its 7 digits right here" in finding.message and "cancel" in finding.message

    def test_of_exact_numbers_is_exact(self) -> None:
        assert not of_kind(report_of(lambda x, y: x - y, 1000.0, 1000.001), "precision")
