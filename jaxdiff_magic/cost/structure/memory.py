"""What temporary memory the plain ways to a derivative take, asked of XLA only where it may be too much."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from jaxdiff_magic.base.budget import passed
from jaxdiff_magic.base.units import size
from jaxdiff_magic.cost.counting import Count, count
from jaxdiff_magic.cost.measuring import MOST_TEMP_BYTES, TimedProgram, compiled
from jaxdiff_magic.subject.subject import Subject


@dataclass(frozen=True)
class Memory:
    """The temporary memory of a subject's plain programs.

    Attributes:
        subject: what is differentiated.
        counts: of its programs that are counted already, by "jacobian forward", "hessian forward over reverse" ….
        programs: those that are compiled already, by "forward", "forward over reverse" ….
        deadline: an instant of `budget.now` after which nothing more is compiled.
        taken: XLA's figures in bytes, of those programs that may take more than there should be.
    """

    subject: Subject
    counts: Mapping[str, Count]
    programs: Mapping[str, TimedProgram]
    deadline: float
    taken: dict[str, int] = field(default_factory=dict)

    def excess(self, what: str, name: str, transformed: Callable[..., Any]) -> str:
        """Why a program that JAX has takes too much memory; "" where it does not, or where there is no time to ask.

        What its operations read and write is more than all their results take.
        """
        if self.subject.untraceable:
            return ""
        if name in self.programs:
            needed = self.programs[name].temp_bytes or 0
        elif passed(self.deadline) or self._moved(f"{what} {name}") <= MOST_TEMP_BYTES:
            return ""
        else:
            needed = compiled(self.subject, transformed).temp_bytes or 0
        if needed <= MOST_TEMP_BYTES:
            return ""
        self.taken[name] = needed
        return f"it needs {size(needed)} of temporary memory"

    def _moved(self, program: str) -> int:
        counted = self.counts[program] if program in self.counts else count(self.subject.programs[program].closed)
        return counted.bytes_most
