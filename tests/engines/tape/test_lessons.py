"""Every function of the lessons has a tape, and the tape has JAX's numbers."""

from __future__ import annotations

import numpy as np
import pytest

from jaxdiff_magic.engines.tape import tape_of
from jaxdiff_magic.subject.subject import subject_of
from jaxdiff_magic.subject.trace import subject_trace

from .agreement import assert_agrees, assert_tape_as_jax
from .lessons import LESSONS, case_of_lesson


@pytest.mark.parametrize("name", LESSONS)
def test_the_tape_of_a_lesson_has_the_numbers_of_jax(name: str) -> None:
    assert_agrees(case_of_lesson(name))


@pytest.mark.parametrize("name", ["A1", "B2", "C4", "E5", "E7"])
def test_it_is_right_at_other_points_too(name: str) -> None:
    f, args = LESSONS[name]
    rng = np.random.default_rng(1)
    elsewhere = [np.asarray(arg) + rng.normal(size=np.shape(arg)) for arg in args]
    assert_tape_as_jax(f, *elsewhere, recorded_at=args)


def test_two_arguments_and_one_dict_have_the_same_tape() -> None:
    model, (W, b) = LESSONS["E9"]
    apart = subject_of(model, [np.asarray(W), np.asarray(b)], {}, None)
    together = subject_of(lambda p: model(p["W"], p["b"]), [{"W": np.asarray(W), "b": np.asarray(b)}], {}, None)
    assert tape_of(apart, subject_trace(apart)) == tape_of(together, subject_trace(together))


def test_a_polynomial_is_as_short_as_it_is_written() -> None:
    f, args = LESSONS["B2"]
    tape = assert_tape_as_jax(f, *args)
    assert tape.nodes == (
        ("input", 0),
        ("input", 1),
        ("square", 0),
        ("mul", 1, 2),
        ("const", 3.0),
        ("pow", 1, 4),
        ("add", 3, 5),
    )
    assert tape.guards == ()
