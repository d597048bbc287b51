"""A panel's state that is small enough to be sent and kept: what is least missed is left out first."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from jaxdiff_magic.base.errors import OutOfReach
from jaxdiff_magic.base.units import size
from jaxdiff_magic.show.limits import STATE_BYTES
from jaxdiff_magic.subject.latex_names import words

State = dict[str, Any]


def fitted(state: State, room: int = STATE_BYTES) -> State:
    """The state in so many bytes of JSON.

    In this order: formulas of single numbers, the second half of the longest list (findings, entries of the check,
    grades, leaves) as often as one has more than a few, formulas of the whole, second derivatives, the tape, first
    derivatives. Each says what is missing where it was.

    Raises:
        OutOfReach: the names and the point alone are larger.
    """
    left = bytes_of(state)
    for step in _steps(state):
        if left <= room:
            return state
        step()
        left = bytes_of(state)
    while left > room and _halved(state):
        left = bytes_of(state)
    if left > room:
        raise OutOfReach(f"names and point alone take {size(left)}; a panel takes {size(room)}")
    return state


def bytes_of(value: Any) -> int:
    """As JSON in UTF-8."""
    return len(json.dumps(value, ensure_ascii=False).encode())


def _steps(state: State) -> Iterator[Callable[[], object]]:
    """What is left out, one after the other."""
    for told in state["derivatives"]:
        if told["formulas"] is not None:
            yield lambda told=told: _without_formulas(told)
    for _ in range(MOST_HALVINGS):
        yield lambda: _halved(state)
    for told in state["derivatives"]:
        if told["closed"]:
            yield lambda told=told: told.update(
                closed=[words("Its formulas are too long for a panel: report.formula()")]
            )
    for what in ("hessian", "tape", "jacobian", "gradient"):
        if what == "tape" and state["tape"] is not None:
            missing = f"its program takes {size(bytes_of(state['tape']))}, too much for a panel"
            yield lambda missing=missing: state.update(tape=None, tape_missing=missing)
        for told in state["derivatives"]:
            if told["what"] == what and told["values"] is not None:
                missing = f"it has {len(told['values']):,} entries, too many for this panel"
                yield lambda told=told, missing=missing: told.update(values=None, formulas=None, missing=missing)


MOST_HALVINGS = 12
"""So often the longest list is halved before numbers are left out. A choice: from some hundred entries to a few."""
FEW = 4
"""A list of no more entries is not halved."""


def _without_formulas(told: State) -> None:
    count = sum(formula is not None for formula in told["formulas"])
    note = words(f"{count:,} formulas, too long for a panel: report.formula('{told['what']}')")
    told.update(formulas=None, closed=[*told["closed"], note])


def _halved(state: State) -> bool:
    """Leave out the second half of the longest of the lists; False where none is long."""
    check, leaves = state["check"], state["leaves"] or {}
    lists: list[tuple[Sequence[Any], State, str, State, str]] = [
        (state["findings"], state, "findings", state, "findings_left_out"),
        (check["entries"], check, "entries", check, "left_out"),
        (check["not_covered"], check, "not_covered", {}, ""),
        (state["mine"], state, "mine", {}, ""),
        (leaves.get("modules", ()), leaves, "modules", leaves, "left_out"),
    ]
    long = [one for one in lists if len(one[0]) > FEW]
    if not long:
        return False
    kept, holder, name, counter, counted = max(long, key=lambda one: bytes_of(one[0]))
    half = len(kept) // 2
    holder[name] = list(kept[:half])
    if counted:
        counter[counted] += len(kept) - half
    return True
