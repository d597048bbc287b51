"""Which equations of a program matter for its results: a compiler leaves out the others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from jaxdiff_magic.cost.counting.operands import is_literal
from jaxdiff_magic.primitives.bodies import (
    Mask,
    bodies_of,
    call_body,
    jaxpr_of,
    parameters_of,
    scan_carried,
    until_still,
)
from jaxdiff_magic.subject.foreign import expanded


@dataclass(frozen=True)
class LiveEquations:
    """The equations that matter, each with which of its results do; and which inputs of the program matter."""

    equations: tuple[tuple[Any, Mask], ...]
    inputs: Mask


@dataclass(frozen=True)
class Liveness:
    """Of many jaxprs, each looked at once for each set of used results."""

    _known: dict[tuple[int, Mask], LiveEquations] = field(default_factory=dict)
    _expanded: dict[int, Any] = field(default_factory=dict)

    def of(self, body: Any, used: Mask) -> LiveEquations:
        """What matters in a jaxpr, of whose results some are used."""
        jaxpr = jaxpr_of(body)
        key = (id(jaxpr), used)
        if key not in self._known:
            self._known[key] = self._of(jaxpr, used)
        return self._known[key]

    def body_of(self, equation: Any) -> Any | None:
        """What a call runs, or a primitive that is made of code; None where the equation is none of them."""
        if (body := call_body(equation)) is not None:
            return body
        if id(equation) not in self._expanded:  # kept, since programs are known by their identity
            self._expanded[id(equation)] = expanded(equation)
        return self._expanded[id(equation)]

    def _of(self, jaxpr: Any, used: Mask) -> LiveEquations:
        live = {atom for atom, use in zip(jaxpr.outvars, used, strict=True) if use and not is_literal(atom)}
        equations: list[tuple[Any, Mask]] = []
        for equation in reversed(jaxpr.eqns):
            results = tuple(result in live for result in equation.outvars)
            if any(results) or equation.effects:
                equations.append((equation, results))
                needs = self.needs(equation, results)
                live |= {
                    atom for atom, need in zip(equation.invars, needs, strict=True) if need and not is_literal(atom)
                }
        return LiveEquations(tuple(reversed(equations)), tuple(variable in live for variable in jaxpr.invars))

    def needs(self, equation: Any, used: Mask) -> Sequence[bool]:
        """Which operands the used results of an equation depend on."""
        everything = (True,) * len(equation.invars)
        if equation.effects:
            return everything
        if (body := self.body_of(equation)) is not None:
            jaxpr = jaxpr_of(body)
            if len(jaxpr.invars) == len(everything) and len(jaxpr.outvars) == len(used):
                return self.of(body, used).inputs
        match equation.primitive.name:
            case "scan":
                return self.scan_used(equation, used)[1]
            case "while":
                params, (goes_on, _) = equation.params, bodies_of(equation)
                carried, operands = self.while_used(equation, used)
                condition = self.of(goes_on, (True,)).inputs[: params["cond_nconsts"]]
                return (*condition, *operands[: params["body_nconsts"]], *carried)
            case "cond":
                branches = [self.of(branch, used).inputs for branch in bodies_of(equation)]
                return (True, *(any(needs) for needs in zip(*branches, strict=True)))
        return everything

    def scan_used(self, equation: Any, used: Mask) -> tuple[Mask, Mask]:
        """Which results of a scan's body matter, when those of the scan do, and which of its operands.

        What is carried may come to matter.
        """
        (body,) = bodies_of(equation)
        return until_still(used, lambda used: self.of(body, used).inputs, scan_carried(parameters_of(equation)))

    def while_used(self, equation: Any, used: Mask) -> tuple[Mask, Mask]:
        """Likewise for a while loop, whose condition matters in any case."""
        (goes_on, body), params = bodies_of(equation), equation.params
        tested = self.of(goes_on, (True,)).inputs[params["cond_nconsts"] :]
        used = tuple(map(any, zip(used, tested, strict=True)))
        return until_still(used, lambda used: self.of(body, used).inputs, slice(params["body_nconsts"], None))
