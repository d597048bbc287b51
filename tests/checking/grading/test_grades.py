"""A reader's own derivation: right ones are called right, wrong ones are told how they are wrong."""

from __future__ import annotations

import math

import jax
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .derivations import LESSONS, Lesson, graded

QUIETLY = settings(
    max_examples=12, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
lessons = st.sampled_from(LESSONS)


def matrices() -> list[Lesson]:
    return [lesson for lesson in LESSONS if lesson.derivative.ndim == 2]


@pytest.mark.parametrize("x64", [False, True], ids=["float32", "float64"])
@pytest.mark.parametrize("lesson", LESSONS, ids=repr)
def test_what_is_right_is_called_right_however_it_is_written(lesson: Lesson, x64: bool) -> None:
    with jax.enable_x64(x64):
        for mine in (lesson.right, *lesson.others):
            grade = graded(lesson, mine)
            assert grade.outcome == "right", f"{mine}: {grade.message}"


def test_the_same_expression_is_said_where_algebra_shows_it() -> None:
    assert sum("the same expression" in graded(lesson, lesson.right).message for lesson in LESSONS) >= 15


@QUIETLY
@given(lessons, st.sampled_from([2.0, -1.0, 0.5, 3.0, -0.25, 20.0, 1.7, 1.001]))
def test_a_factor_is_named(lesson: Lesson, factor: float) -> None:
    grade = graded(lesson, f"{factor} * ({lesson.right})")
    assert (grade.outcome, grade.kind) == ("wrong", "factor"), grade
    assert grade.factor is not None
    assert math.isclose(grade.factor, 1 / factor, rel_tol=1e-5)


@pytest.mark.parametrize("lesson", matrices(), ids=repr)
def test_a_transpose_is_recognised(lesson: Lesson) -> None:
    if np.array_equal(lesson.derivative.shape, lesson.derivative.T.shape) and np.allclose(
        lesson.derivative, lesson.derivative.T
    ):
        return  # its transpose is right
    grade = graded(lesson, f"({lesson.right}).T")
    is_jacobian = lesson.function(*lesson.args).ndim > 0
    assert (grade.outcome, grade.kind) == ("wrong", "layout" if is_jacobian else "transposed"), grade
    twice = graded(lesson, f"2 * ({lesson.right}).T")
    assert (twice.kind, "2 times" in twice.message) == (grade.kind, True), twice


@QUIETLY
@given(lessons, st.sampled_from(["[None]", "[..., None]", ".ravel()"]))
def test_the_right_numbers_in_another_shape_are_a_matter_of_layout(lesson: Lesson, turned: str) -> None:
    if turned == ".ravel()" and lesson.derivative.ndim < 2:
        return
    grade = graded(lesson, f"({lesson.right}){turned}")
    assert (grade.outcome, grade.kind) == ("wrong", "layout"), grade
    assert str(lesson.derivative.shape) in grade.message


@pytest.mark.parametrize("lesson", [lesson for lesson in LESSONS if lesson.without], ids=repr)
def test_a_missing_term_is_named(lesson: Lesson) -> None:
    for broken, term in lesson.without:
        grade = graded(lesson, broken)
        assert (grade.outcome, grade.kind) == ("wrong", "term"), grade
        assert term in grade.term, grade
        assert "missing" in grade.message, grade


@QUIETLY
@given(lessons, st.sampled_from(["{x}", "{x} ** 2", "jax.numpy.sin({x})"]))
def test_an_extra_term_is_never_right(lesson: Lesson, term: str) -> None:
    if np.shape(lesson.args[0]) != lesson.derivative.shape:
        return
    grade = graded(lesson, f"({lesson.right}) + {term.format(x=lesson.name)}")
    assert (grade.outcome, grade.kind in ("term", "different", "factor")) == ("wrong", True), grade


@pytest.mark.parametrize("lesson", [lesson for lesson in LESSONS if lesson.elementwise], ids=repr)
def test_a_product_of_the_wrong_kind_is_pointed_at(lesson: Lesson) -> None:
    for broken in lesson.elementwise:
        grade = graded(lesson, broken)
        assert (grade.outcome, grade.kind) == ("wrong", "elementwise"), grade


@pytest.mark.parametrize("lesson", LESSONS, ids=repr)
def test_numbers_of_the_point_are_right_at_this_point_only(lesson: Lesson) -> None:
    numbers = f"jnp.array({lesson.derivative.tolist()})"
    grade = graded(lesson, numbers)
    if lesson.is_constant or lesson.function.__name__ in ("rectified",):  # a constant, or one nearby
        assert grade.outcome == "right", grade
    else:
        assert (grade.outcome, grade.kind) == ("wrong", "this point only"), grade
    without_others = graded(lesson, numbers, points=0)
    assert without_others.outcome == "right"
    assert "random" not in without_others.message


@QUIETLY
@given(lessons)
def test_what_is_not_finite_raises_or_has_another_shape_is_said_so(lesson: Lesson) -> None:
    assert graded(lesson, f"({lesson.right}) / 0.0").kind == "not finite"
    raises = graded(lesson, f"({lesson.right}) + nowhere")
    assert (raises.kind, "NameError: name 'nowhere' is not defined" in raises.message) == ("raises", True), raises
    shape = graded(lesson, "jnp.ones((7, 11))")
    assert (shape.kind, "(7, 11)" in shape.message, str(lesson.derivative.shape) in shape.message) == (
        "shape",
        True,
        True,
    ), shape


@QUIETLY
@given(lessons, st.data())
def test_one_wrong_entry_is_found(lesson: Lesson, data: st.DataObject) -> None:
    if lesson.derivative.ndim == 0:
        return
    entry = tuple(data.draw(st.integers(0, side - 1)) for side in lesson.derivative.shape)
    grade = graded(lesson, f"jnp.asarray({lesson.right}, float).at[{entry}].add(0.01)")
    assert grade.outcome == "wrong", grade
