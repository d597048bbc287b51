"""The counted work of a function and its derivatives, as a report holds it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jaxdiff_magic.cost.counting import Count, Programs
from jaxdiff_magic.report.cost_figures import ProgramCost


def program_costs(counted: Programs) -> tuple[ProgramCost, ...]:
    """The programs, those that could not be counted with the reason, in the order of counting."""
    names = dict.fromkeys([*counted.counts, *counted.missing])
    return tuple(_program(name, counted.counts, counted.missing) for name in names)


def _program(name: str, counts: Mapping[str, Count], missing: Mapping[str, str]) -> ProgramCost:
    if name in missing:
        return ProgramCost(name, missing=missing[name])
    count = counts[name]
    return ProgramCost(
        name,
        flops=(count.flops, count.flops_most),
        transcendentals=(count.transcendentals, count.transcendentals_most),
        bytes=(count.bytes, count.bytes_most),
        unknown=count.unknown,
    )


def most(counts: Mapping[str, Count], name: str) -> dict[str, Any]:
    """The counted fields of a `ModeCost`; where the program chooses between branches, the most that it can take."""
    if (count := counts.get(name)) is None:
        return {}
    return {"flops": count.flops_most, "transcendentals": count.transcendentals_most, "bytes": count.bytes_most}
