"""What a panel is told: the fixture that TypeScript is type-checked against is what Python sends."""

from __future__ import annotations

import json
import math
import os
from dataclasses import replace
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

from jaxdiff_magic import OutOfReach, derive
from jaxdiff_magic.show.panel.state import state_of

from .states import FIXTURE, SCENES, cubic, read, written


@pytest.fixture(scope="module")
def states() -> dict[str, Any]:
    found = {name: json.loads(json.dumps(state_of(make()), allow_nan=False)) for name, make in SCENES.items()}
    if os.environ.get("WRITE_FIXTURE"):
        FIXTURE.write_text(written(found), encoding="utf-8")
    return found


def likeness(ours: Any, theirs: Any, path: str) -> None:
    """The same keys and types everywhere, and the same numbers within rounding."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        assert list(ours) == list(theirs), path
        for key in ours:
            likeness(ours[key], theirs[key], f"{path}.{key}")
    elif isinstance(ours, float | int) and isinstance(theirs, float | int) and not isinstance(ours, bool):
        assert math.isfinite(ours), path
    else:
        assert type(ours) is type(theirs), path
        if isinstance(ours, list) and ours and theirs:
            likeness(ours[0], theirs[0], f"{path}[0]")


@pytest.mark.parametrize("name", SCENES)
def test_the_fixture_has_the_shape_of_what_is_sent(states: dict[str, Any], name: str) -> None:
    likeness(states[name], read()[name], name)


@pytest.mark.parametrize("name", SCENES)
def test_the_fixture_has_the_numbers_of_what_is_sent(states: dict[str, Any], name: str) -> None:
    for now, then in zip(states[name]["derivatives"], read()[name]["derivatives"], strict=True):
        assert now["what"] == then["what"]
        np.testing.assert_allclose(*(np.array(d["values"], float) for d in (now, then)), rtol=1e-5)
    assert (states[name]["tape"] is None) == (read()[name]["tape"] is None)


def test_outputs_and_inputs_are_numbered_leaf_after_leaf(states: dict[str, Any]) -> None:
    state = states["layer"]
    assert state["input_names"] == ["W[0, 0]", "W[0, 1]", "W[1, 0]", "W[1, 1]", "b[0]", "b[1]"]
    assert state["output_names"] == ["layer['h'][0]", "layer['h'][1]"]
    jacobian = np.reshape(state["derivatives"][1]["values"], (2, 6))
    assert jacobian.tolist() == [[1, 2, 0, 0, 1, 0], [0, 0, 0, 0, 0, 0]]  # the second unit is off: -1.5 + 0.25 < 0


def test_numbers_that_json_lacks_are_words(states: dict[str, Any]) -> None:
    assert states["outside"]["derivatives"][0]["values"] == ["nan"]


def test_without_a_tape_it_is_said_why(states: dict[str, Any]) -> None:
    assert states["special"]["tape"] is None
    assert states["special"]["tape_missing"]


def test_a_derivative_that_was_not_asked_for_is_not_there() -> None:
    state = state_of(derive(cubic, order=1, cost="none")(jnp.array([1.0, 2.0])))
    assert [d["what"] for d in state["derivatives"]] == ["value", "gradient"]


def test_a_derivative_that_is_too_large_is_described() -> None:
    state = state_of(derive(lambda x: jnp.sum(x**3), cost="none")(jnp.ones(100)))
    hessian = state["derivatives"][2]
    assert hessian["values"] is None
    assert "10,000 entries" in hessian["missing"]
    assert hessian["closed"]
    assert len(state["derivatives"][1]["values"]) == 100


def test_what_cannot_be_moved_by_hand_has_no_panel() -> None:
    with pytest.raises(OutOfReach, match="5,000 numbers"):
        state_of(derive(lambda x: jnp.sum(x**2), cost="none")(jnp.ones(5000)))


def test_more_rows_than_can_be_read_are_counted_and_the_worst_are_kept() -> None:
    report = derive(cubic, cost="none")(jnp.array([1.0, 2.0]))
    entries = (*report.check.entries * 100, replace(report.check.entries[0], outcome="differs"))
    check = state_of(replace(report, check=replace(report.check, entries=entries)))["check"]
    assert check["left_out"] == 401
    assert check["entries"][0]["outcome"] == "differs"
