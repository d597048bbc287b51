"""Arrays without elements, alone and beside others: every part of a report comes out, and says nothing false."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxdiff_magic import Report, check, derive
from jaxdiff_magic.base.errors import OutOfReach
from jaxdiff_magic.cost.structure.verified_products import counts_of
from jaxdiff_magic.subject.subject import subject_of

NONE, NO_ROWS, NO_COLUMNS = jnp.zeros(0), jnp.zeros((0, 3)), jnp.zeros((3, 0))
PAIR, THREE = jnp.array([1.0, 2.0]), jnp.array([1.0, 2.0, 3.0])

# Derivatives without a single entry.
EMPTY: dict[str, tuple[Any, ...]] = {
    "a scalar of none": (lambda x: jnp.sum(x**2), NONE),
    "a scalar of no rows": (lambda x: jnp.sum(jnp.sin(x)), NO_ROWS),
    "a vector of none": (lambda x: x * x, NONE),
    "one number in an array": (lambda x: jnp.sum(x)[None], NONE),
    "an empty product": (lambda A, v: A @ v, NO_ROWS, THREE),
    "a product of none": (lambda A, v: A @ v, NO_COLUMNS, NONE),
    "an outer product": (lambda x, y: jnp.outer(x, y), NONE, PAIR),
    "other axes": (lambda x: x.reshape(0, 5), NO_ROWS),
    "an empty part": (lambda x: x[:0] ** 2, PAIR),
    "a sum along rows": (lambda x: jax.nn.logsumexp(x, axis=1), NO_ROWS),
    "a pytree": (lambda p: {"a": p["W"], "b": jnp.sum(p["b"][0])}, {"W": NO_ROWS, "b": [NONE]}),
    "a kink": (lambda x: jnp.abs(x), NO_ROWS),
    "a mean of none, which is nan": (lambda x: jnp.mean(x), NONE),
}

# Functions that have derivatives, and the same with arrays without elements beside.
BESIDE: dict[str, tuple[Callable[..., Any], Callable[..., Any], tuple[Any, ...], tuple[Any, ...]]] = {
    "a sum": (lambda x, y: jnp.sum(x**2) + jnp.sum(y**3), lambda y: jnp.sum(y**3), (NONE, PAIR), (PAIR,)),
    "behind": (lambda y, x: jnp.sum(x**2) + jnp.sum(y**3), lambda y: jnp.sum(y**3), (PAIR, NONE), (PAIR,)),
    "a product": (lambda A, v: jnp.sum((A @ v) ** 2) + v @ v, lambda v: v @ v, (NO_ROWS, THREE), (THREE,)),
    "joined": (lambda x, y: jnp.concatenate([x, y]) ** 2, lambda y: y**2, (NONE, PAIR), (PAIR,)),
    "a kink": (
        lambda x, y: jnp.sum(jax.nn.relu(x)) + jnp.sum(jax.nn.relu(y)),
        lambda y: jnp.sum(jax.nn.relu(y)),
        (NONE, jnp.array([0.0, 1.0])),
        (jnp.array([0.0, 1.0]),),
    ),
    "a bend": (
        lambda x, y: jnp.sum(x) + jnp.sum(jnp.abs(y) * y),
        lambda y: jnp.sum(jnp.abs(y) * y),
        (NONE, jnp.array([0.0, 1.0])),
        (jnp.array([0.0, 1.0]),),
    ),
    "a jump of several": (lambda y, x: (jnp.abs(y), jnp.abs(x)), jnp.abs, (jnp.zeros(2), NONE), (jnp.zeros(2),)),
    "a nan": (
        lambda x, y: jnp.sum(jnp.sqrt(x)) + jnp.sum(jnp.sqrt(y)),
        lambda y: jnp.sum(jnp.sqrt(y)),
        (NONE, jnp.array([0.0, 1.0])),
        (jnp.array([0.0, 1.0]),),
    ),
    "a branch in Python": (
        lambda x, y: jnp.sum(x) + y**2 if y > 0 else y,
        lambda y: y**2 if y > 0 else y,
        (NONE, 2.0),
        (2.0,),
    ),
    "a kink among many": (
        lambda x, y: jnp.sum(x) + jnp.sum(jax.nn.relu(y - y[0])),
        lambda y: jnp.sum(jax.nn.relu(y - y[0])),
        (NONE, jnp.linspace(-1.0, 1.0, 90)),
        (jnp.linspace(-1.0, 1.0, 90),),
    ),
}


def report_of(f: Callable[..., Any], *args: Any, **options: Any) -> Report:
    return derive(f, **{"cost": "none", "points": 4, "budget": 2.0, **options})(*args)


def shown(report: Report) -> str:
    """The report as text, when everything else that it can be made into has been made."""
    assert set(report._repr_mimebundle_()) >= {"text/html", "text/plain"}
    json.dumps(report.to_dict(), allow_nan=False)
    report.panel()
    return str(report)


OPTIONS: tuple[dict[str, Any], ...] = (
    {"order": 1, "cost": "measure"},
    {"order": 2, "cost": "measure", "layout": "denominator"},
    {"order": 3, "cost": "count"},
    {"order": 2, "symbolic": False},
)


@pytest.mark.parametrize("options", OPTIONS, ids=["first", "second", "third", "no symbols"])
@pytest.mark.parametrize("name", EMPTY)
def test_an_empty_derivative_is_right_and_said_to_have_no_entries(name: str, options: dict[str, Any]) -> None:
    f, *args = EMPTY[name]
    report = report_of(f, *args, **options)
    text = shown(report)
    assert report.verdict == "proved"
    assert report.check.summary == "no derivative has an entry that could be wrong"
    assert report.check.entries == ()
    assert "no entries." in text
    assert sum(block.values.size for block in report.blocks) == 0
    assert all(block.closed_form is None for block in report.blocks)


@pytest.mark.parametrize("name", EMPTY)
def test_the_empty_arrays_are_those_of_jax(name: str) -> None:
    f, *args = EMPTY[name]
    every = tuple(range(len(args))) if len(args) > 1 else 0
    report = report_of(f, *args)
    for ours, theirs in (
        (report.jacobian, jax.jacrev(f, every)(*args)),
        (report.hessian, jax.jacfwd(jax.jacrev(f, every), every)(*args)),
    ):
        assert jax.tree.map(jnp.shape, ours) == jax.tree.map(jnp.shape, theirs)
    assert check(f, points=4)(*args).outcome == "proved"


@pytest.mark.parametrize("options", OPTIONS[:3], ids=["first", "second", "third"])
@pytest.mark.parametrize("name", BESIDE)
def test_an_empty_neighbour_changes_no_outcome_and_no_number(name: str, options: dict[str, Any]) -> None:
    f, alone, args, others = BESIDE[name]
    if name == "a kink among many":
        options = options | {"order": min(options["order"], 2)}
    report, expected = report_of(f, *args, **options), report_of(alone, *others, **options)
    shown(report)
    assert report.verdict == expected.verdict
    kinds = sorted({finding.kind for finding in report.findings} - {"precision", "infeasible-mode"})
    assert kinds == sorted({finding.kind for finding in expected.findings} - {"precision", "infeasible-mode"})
    ours, theirs = ([block.values.ravel() for block in r.blocks if block.values.size] for r in (report, expected))
    np.testing.assert_allclose(np.concatenate(ours), np.concatenate(theirs), rtol=1e-6)
    if expected.curvature is not None and report.curvature is not None:
        assert report.curvature.definiteness == expected.curvature.definiteness


def test_the_shape_of_a_function_is_that_of_its_other_arguments() -> None:
    curvature = report_of(lambda x, y: jnp.sum(x**2) + y @ y, NONE, PAIR).curvature
    assert curvature is not None and curvature.newton_step is not None
    assert curvature.definiteness == "positive definite"
    assert [step.tolist() for step in curvature.newton_step] == [[], [-1.0, -2.0]]


class TestFormulas:
    """With no entries every formula is as right as any other: none is shown."""

    REPORT = report_of(lambda x: x * x, NONE)

    @pytest.mark.parametrize("notation", ["index", "matrix", "steps"])
    def test_of_nothing_are_refused(self, notation: Any) -> None:
        with pytest.raises(OutOfReach, match="no entries"):
            self.REPORT.formula("jacobian", notation)

    @pytest.mark.parametrize("notation", ["auto", "component"])
    def test_entry_by_entry_there_are_none(self, notation: Any) -> None:
        assert self.REPORT.formula("jacobian", notation).text == "[]"

    def test_of_an_array_beside_stand(self) -> None:
        report = report_of(lambda x, y: (y**2, x**2), NONE, PAIR)
        assert [
            block.closed_form.text for block in report.blocks if block.closed_form and block.what == "jacobian"
        ] == ["df[0]/dy = 2 diag(y)"]
        assert all(not step.partials for step in report.steps if not step.value.size)


class TestWhatIsSaid:
    def test_of_a_value_that_is_nan(self) -> None:
        report = report_of(jnp.mean, NONE)
        (finding,) = [finding for finding in report.findings if finding.kind == "domain"]
        assert "0 / 0 is nan" in finding.message
        assert "finite ones" not in finding.message  # there are none

    def test_of_the_smallest_of_none(self) -> None:
        # JAX's forward mode of a minimum counts how many elements attain it, and divides by that
        f = lambda x, y: jnp.min(x, initial=5.0) * y  # noqa: E731
        assert np.isnan(jax.jvp(f, (NONE, 2.0), (NONE, 1.0))[1])
        report = report_of(f, NONE, 2.0)
        assert report.verdict == "differs"
        (finding,) = [finding for finding in report.findings if finding.kind == "nan"]
        assert "is given no elements, and the smallest of none is inf." in finding.message
        assert "Reverse mode gives 5, which is right." in finding.message
        assert "where an array has no elements" in finding.cure

    def test_of_a_derivation_by_hand(self) -> None:
        report = report_of(lambda x, y: jnp.sum(x**2) + jnp.sum(y**2), NONE, PAIR, mine={"x": "2*x", "y": "2*y"})
        assert {grade.of: grade.outcome for grade in report.mine} == {"∂f/∂x": "undecided", "∂f/∂y": "right"}
        (empty,) = [grade for grade in report.mine if grade.outcome == "undecided"]
        assert empty.message == "the derivative has no entries with which to compare it."

    def test_of_a_wrong_rule_beside(self) -> None:
        g = jax.custom_jvp(lambda x: jnp.sin(x))
        g.defjvp(lambda p, t: (jnp.sin(*p), 1.5 * jnp.cos(*p) * t[0]))
        report = report_of(lambda x, y: jnp.sum(g(x)) + jnp.sum(g(y)), NONE, PAIR)
        assert report.verdict == "differs"
        assert {entry.inputs[0] for entry in report.check.entries if entry.outcome == "differs"} >= {"y[0]", "y[1]"}


@pytest.mark.parametrize("order", [(0, 1), (1, 0)], ids=["before", "behind"])
def test_random_columns_and_rows_count_the_entries_of_the_others(order: tuple[int, int]) -> None:
    args = [(NONE, jnp.arange(1.0, 7.0))[i] for i in order]

    def f(a: Any, b: Any) -> Any:
        x, y = (a, b)[order.index(0)], (a, b)[order.index(1)]
        return jnp.concatenate([x, y[1:] * y[:-1]]), x  # two entries in each row

    subject = subject_of(f, tuple(args), {})
    found = counts_of(subject, "jacobian")
    assert found["rows"].tolist() == [2] * 5
    assert sorted(found["columns"].tolist()) == [1, 1, 2, 2, 2, 2]


def test_no_rows_and_no_columns_have_no_counts() -> None:
    assert counts_of(subject_of(lambda x: x**2, (NONE,), {}), "jacobian")["rows"].tolist() == []
    found = counts_of(subject_of(lambda x: x[:0], (PAIR,), {}), "jacobian")
    assert (found["rows"].tolist(), found["columns"].tolist()) == ([], [0, 0])


def test_a_page_of_nothing_is_written(tmp_path: Any) -> None:
    report = report_of(lambda x: jnp.sum(x**2), NONE)
    assert report.save(tmp_path / "page.html").endswith("page.html")
