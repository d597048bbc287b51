"""Which step's derivative rule is wrong: every rule of the user's, and what it does, in the order of the program."""

from __future__ import annotations

import contextlib
import itertools
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from jaxdiff_magic.base.budget import passed, within
from jaxdiff_magic.base.errors import OutOfReach
from jaxdiff_magic.base.figures import both
from jaxdiff_magic.checking.audits import Defect, defect_of
from jaxdiff_magic.checking.excess import Residual, residual_of
from jaxdiff_magic.checking.opaque import is_opaque, opaque_faults
from jaxdiff_magic.checking.rules import RuleName, rule_trace
from jaxdiff_magic.checking.steps import subjects_of
from jaxdiff_magic.engines.reference.watching import Seen, Watched, watched
from jaxdiff_magic.primitives.facts import having
from jaxdiff_magic.report import Outcome
from jaxdiff_magic.report.fault import Fault
from jaxdiff_magic.subject.source import Location
from jaxdiff_magic.subject.trace import Equation, RuleCall, Trace

MAX_SEEN, MAX_PER_POINT = 8, 3
"""At how many sets of operands a call is looked at, in all and of one run. A choice of time: a rule that is wrong is
mostly wrong at any operands."""
MAX_AUDITED_EQUATIONS = 200
"""How many operations are looked at where no rule is at fault. A choice of time."""
RESIDUAL_SECONDS = 2.0
"""How long a formula is looked for of what one rule gives too much. A choice: it explains a fault that both numbers
show already."""
PATIENCE = 3.0
"""Seconds that a fault is searched for, though the time for the check is over, unless all is well. A choice: whose a
wrong derivative is, is what the reader needs first."""

SECOND = "second derivative"
ONE_TRIANGLE = having("triangle")
UNNAMED = "the function"
"""What a lambda is called."""

Operands = Sequence[Watched]


def faults_of(
    trace: Trace,
    points: Sequence[Sequence[np.ndarray]],
    *,
    order: int,
    trusted: Collection[str],
    outcome: Outcome,
    by_rule: bool,
    deadline: float,
    is_entangled: bool = False,
) -> tuple[Fault, ...]:
    """What is wrong with the derivative rules of a function's steps, those first that are done first.

    Calls of functions with rules of their own are looked at, of JAX's library only where the derivative differs and
    no rule of the user's is at fault; then single operations.

    Args:
        trace: of the function.
        points: where it was checked; the first is the user's own.
        order: of the highest derivative to look at.
        trusted: names of functions whose rules are meant to differ from their code.
        outcome: of the check so far.
        by_rule: whether JAX's programs of the derivative were found to give wrong numbers, not merely none.
        deadline: the instant (`budget.now`) after which no rule is looked at, unless the outcome asks for a reason.
        is_entangled: whether rules cannot be run alone: see `Subject.is_entangled`.
    """
    placed, differs = list(in_order(trace)), outcome == "differs" and by_rule
    opaque = outcome == "differs" or (outcome == "out of reach" and any(map(is_opaque, trace.equations)))
    if not differs and not opaque and all(item.call.is_library for item in placed):
        return ()
    if outcome in ("differs", "out of reach"):
        deadline = max(deadline, within(PATIENCE))
    search = _Search(points, order, deadline, trace)
    own = [item for item in placed if not item.call.is_library]
    found = [fault for fault in search.among(own, trusted) if not (is_entangled and fault.defect == "fails")]
    if outcome == "differs" and all(fault.trusted or fault.defect == SECOND for fault in found):
        found = search.further_in(own, found, trusted)
    if differs and all(fault.trusted for fault in found):
        found += list(search.among([item for item in placed if item.call.is_library], ()))[:1]
    if differs and all(fault.trusted for fault in found):
        found += list(itertools.islice(search.operations(), 1))
    if opaque and not found:
        native = [x.astype(v.dtype) for x, v in zip(points[0], trace.inputs, strict=True)]
        found += [replace(fault, trusted=fault.name in trusted) for fault in opaque_faults(trace, native, deadline)]
    return tuple(found)


@dataclass(frozen=True)
class Placed:
    """A call with a rule of its own, and those in whose code it is, the innermost first."""

    call: RuleCall
    within: tuple[RuleCall, ...]


def in_order(trace: Trace, within: tuple[RuleCall, ...] = ()) -> Iterator[Placed]:
    """The calls with rules of their own, in the order in which they end; those in bodies of loops and branches too."""
    calls = trace.rule_calls

    def around(begin: int, end: int, after: int = -1) -> tuple[RuleCall, ...]:
        spans = (call for call in calls[after + 1 :] if call.equations[0] <= begin and end <= call.equations[1])
        return (*spans, *within)

    ends = [(call.equations[1], 1, k) for k, call in enumerate(calls)]
    ends += [(k + 1, 0, k) for k, equation in enumerate(trace.equations) if equation.bodies]
    for _, is_call, k in sorted(ends):
        if is_call:
            yield Placed(calls[k], around(*calls[k].equations, after=k))
        else:
            for body in trace.equations[k].bodies:
                yield from in_order(body, around(k, k + 1))


class _Search:
    """The steps of a function at some points, and what was found about them."""

    def __init__(self, points: Sequence[Sequence[np.ndarray]], order: int, deadline: float, trace: Trace) -> None:
        self.order, self.deadline = order, deadline
        self.steps: list[Seen] = []
        self.operands: dict[int, list[Operands]] = {}
        for point in points:
            with contextlib.suppress(OutOfReach):
                seen = watched(trace, point)
                self.steps = self.steps or list(seen)
                here: Counter[int] = Counter()
                for item in seen:
                    known, here[id(item.step)] = self.operands.setdefault(id(item.step), []), here[id(item.step)] + 1
                    if len(known) < MAX_SEEN and here[id(item.step)] <= MAX_PER_POINT:
                        known.append(item.operands)

    def among(self, placed: Sequence[Placed], trusted: Collection[str]) -> Iterator[Fault]:
        """The faults of some calls. An inner one's is none where the rule of the function around it is right."""
        judged: dict[int, Defect | None] = {}
        calls = [item for item in placed if id(item.call) in self.operands]
        for item in calls:
            if not passed(self.deadline):
                with contextlib.suppress(OutOfReach):
                    judged[id(item.call)] = self._defect(item.call)
        named: set[tuple[str, Location, str]] = set()
        for call, around in ((item.call, item.within) for item in calls):
            defect, key = judged.get(id(call)), (call.name, call.defined, call.kind)
            overruled = any(id(outer) in judged and judged[id(outer)] is None for outer in around)
            if defect is not None and not overruled and key not in named:
                named.add(key)
                yield fault(call, defect, call.name in trusted, self._residual(defect))

    def within_rule(self, call: RuleCall, trusted: Collection[str]) -> Iterator[Fault]:
        """The faults of functions that a rule calls, which make it wrong in its own derivatives, the plainest first."""
        if self.order < 2 or passed(self.deadline) or id(call) not in self.operands:
            return
        name: RuleName = "forward" if call.kind == "custom_jvp" else "reverse"
        with contextlib.suppress(OutOfReach):
            for alone in subjects_of(call, self.operands[id(call)], call.arguments, called(call.name)):
                trace = rule_trace(alone.subject, name)
                seeds = alone.subject.inputs if name == "forward" else alone.subject.outputs
                ones = [np.ones(leaf.shape) for leaf in seeds]
                points = [[*(batch[k] for batch in alone.points), *ones] for k in range(len(alone.points[0]))]
                inner = _Search(points, self.order - 1, self.deadline, trace)
                placed = [item for item in in_order(trace) if not item.call.is_library]
                found = list(inner.among(placed, trusted))
                for item in placed:
                    found += inner.within_rule(item.call, trusted)
                yield from sorted(found, key=lambda fault: (fault.trusted, fault.defect == SECOND))

    def further_in(self, own: Sequence[Placed], found: list[Fault], trusted: Collection[str]) -> list[Fault]:
        """Faults of some calls, with those of what their rules call in the place of what these make wrong."""
        for call in (item.call for item in own):
            if inner := next(self.within_rule(call, trusted), None):
                found = [fault for fault in found if fault.trusted or fault.name != called(call.name)] + [inner]
        return found

    def _defect(self, call: RuleCall) -> Defect | None:
        return defect_of(call, self.operands[id(call)], call.arguments, called(call.name), min(self.order, 2))

    def _residual(self, defect: Defect) -> Residual | None:
        if defect.disputed is None:
            return None
        return residual_of(defect.disputed, min(self.deadline, within(RESIDUAL_SECONDS)))

    def operations(self) -> Iterator[Fault]:
        """The faults of single operations."""
        for equation in [item.step for item in self.steps if isinstance(item.step, Equation)][:MAX_AUDITED_EQUATIONS]:
            if passed(self.deadline):
                return
            opened = equation.bodies and equation.primitive != "custom_linear_solve"
            if opened or not any(value.varies for value in self.operands[id(equation)][0]):
                continue
            with contextlib.suppress(OutOfReach):
                names = ("",) * len(equation.inputs)
                defect = defect_of(equation, self.operands[id(equation)], names, equation.primitive, self.order)
                if defect is not None:
                    yield fault(equation, defect, False)


def fault(step: RuleCall | Equation, defect: Defect, trusted: bool, residual: Residual | None = None) -> Fault:
    """A defect with its place, in words, and as a formula."""
    is_call = isinstance(step, RuleCall)
    name = called(step.name) if is_call else step.primitive
    step_name = "" if is_call else step.primitive
    rule = step.rule if is_call and step.rule not in ("<lambda>", "_") else ""
    place = str(step.ruled) if is_call else ""
    return Fault(
        name=name,
        kind=step.kind if is_call else "primitive",
        defect=defect.kind,
        where=str(step.location),
        source=step.location.source,
        defined=str(step.defined) if is_call else "",
        rule=rule,
        rule_where=place,
        entry=defect.entry,
        given=defect.given,
        expected=defect.expected,
        trusted=trusted,
        likeness=defect.likeness,
        sentence=_one_triangle(name, defect)
        if step_name in ONE_TRIANGLE
        else _sentence(f"{rule or f'the rule of {name}'}{f' ({place})' if place else ''}", name, defect),
        residual=residual.formula if residual else None,
        residual_of=residual.of if residual else "",
    )


def _one_triangle(name: str, defect: Defect) -> str:
    """What JAX's rule does that takes both triangles of a matrix to vary together."""
    numbers = ""
    if defect.given is not None and defect.expected is not None:
        given, expected = both(defect.given, defect.expected)
        numbers = f": for {defect.entry} it gives {given} where the code gives {expected}"
    return (
        f"{name} reads one triangle of its matrix, and JAX's rule of it both{numbers}. Where the matrix changes "
        "symmetrically the derivative exists and is JAX's; by single elements it is not"
    )


def _sentence(rule: str, name: str, defect: Defect) -> str:
    """What is wrong, as a sentence without its full stop."""
    if defect.kind == "not linear":
        return f"{rule} is not linear in its {defect.message}: what it gives are no rows of a Jacobian"
    if defect.kind == "fails":
        return f"{rule} cannot be used: {defect.message.rstrip('.')}"
    assert defect.given is not None and defect.expected is not None
    given, expected = both(defect.given, defect.expected)
    numbers = f"{given} where the code of {name} gives {expected}"
    if defect.kind == "not finite":
        return f"{rule} gives {given} for {defect.entry}, where the code of {name} has the derivative {expected}"
    if defect.kind == "value":
        return f"{rule} returns another value than {name} itself: {defect.entry} is {numbers}"
    if defect.kind == SECOND:
        return (
            f"{rule} gives the derivative of {name}, but JAX's derivative of {rule.split(' (')[0]} is wrong: for "
            f"{defect.entry} it is {numbers}"
        )
    likeness = f" (it {defect.likeness})" if defect.likeness else ""
    return f"{rule} is not the derivative of {name}: for {defect.entry} it gives {numbers}{likeness}"


def called(name: str) -> str:
    """The name of a function in a sentence."""
    return UNNAMED if name in ("", "<lambda>") else name
