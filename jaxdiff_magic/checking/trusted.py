"""Rules that the reader said are meant to differ from their code: which derivatives pass through them."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Sequence

from jaxdiff_magic.base.errors import InputError
from jaxdiff_magic.checking.faults import in_order
from jaxdiff_magic.engines.reference.directions import Path
from jaxdiff_magic.subject.trace import Constant, Equation, RuleCall, Trace, Variable

Through = dict[tuple[int, int], RuleCall | Equation]
"""For positions of an output and an input a call, or a step, of some name between them."""


class Trusted:
    """The functions that a reader trusts, in one function's steps.

    Args:
        trace: of the function; None where it cannot be told.
        names: of the functions trusted.
        function: the name of the one that calls them.

    Raises:
        InputError: the function calls nothing of a name.
    """

    def __init__(self, trace: Trace | None, names: Collection[str], function: str) -> None:
        self.names, self.is_followed = names, trace is not None
        if trace is not None:
            refuse_unknown(trace, names, function)
        self._through = passed_through(trace, names) if trace is not None and names else {}

    def doubt(self, path: Path) -> str:
        """Why a block of derivatives cannot be checked, or ""."""
        if self.names and not self.is_followed:
            return "it cannot be told which derivatives pass through the functions that are trusted"
        call = next((self._through[path[0], i] for i in path[1:] if (path[0], i) in self._through), None)
        if call is None:
            return ""
        place = f" ({call.location})" if call.location.line else ""
        return f"{call.name}{place} is trusted to differ from its code"


def refuse_unknown(trace: Trace, names: Collection[str], function: str) -> None:
    """Refuse names of which the function calls nothing.

    Raises:
        InputError: says what it does call.
    """
    known = list(dict.fromkeys(placed.call.name for placed in in_order(trace)))
    for name in names:
        if name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            hint = f" Did you mean {close[0]!r}?" if close else ""
            calls = f"It calls {', '.join(known)}." if known else "It calls no such function at all."
            raise InputError(
                f"trust={name!r}, but {function} calls no function of that name with a derivative rule of its own."
                f"{hint} {calls}"
            )


def passed_through(trace: Trace, names: Collection[str]) -> Through:
    """Which derivatives pass through a call of one of some functions, or a step of that primitive."""
    reaching: dict[Variable, frozenset[int]] = {v: frozenset([i]) for i, v in enumerate(trace.inputs)}
    passing: dict[Variable, dict[int, RuleCall | Equation]] = {}

    def pass_on(
        inputs: Sequence[Variable | Constant], outputs: Sequence[Variable | Constant], call: RuleCall | Equation | None
    ) -> None:
        operands = [atom for atom in inputs if isinstance(atom, Variable)]
        reached = frozenset().union(*(reaching.get(atom, frozenset()) for atom in operands))
        through = {i: by for atom in operands for i, by in passing.get(atom, {}).items()}
        if call is not None:
            through = dict.fromkeys(reached, call) | through
        for atom in outputs:
            if isinstance(atom, Variable):  # which may be an operand itself
                reaching[atom] = reaching.get(atom, frozenset()) | reached
                passing[atom] = passing.get(atom, {}) | through

    for k in range(len(trace.equations) + 1):
        for call in trace.rule_calls:
            if call.equations[1] == k and call.name in names:
                pass_on(call.inputs, call.outputs, call)
        if k < len(trace.equations) and trace.equations[k].primitive != "stop_gradient":  # no derivative passes it
            equation = trace.equations[k]
            pass_on(equation.inputs, equation.outputs, _inside(equation, names))
    return {
        (o, i): call
        for o, atom in enumerate(trace.outputs)
        if isinstance(atom, Variable)
        for i, call in passing.get(atom, {}).items()
    }


def _inside(equation: Equation, names: Collection[str]) -> RuleCall | Equation | None:
    """The step itself, or a call of one of the functions in a loop's body or a branch."""
    if equation.primitive in names:
        return equation
    calls = (placed.call for body in equation.bodies for placed in in_order(body))
    return next((call for call in calls if call.name in names), None)
