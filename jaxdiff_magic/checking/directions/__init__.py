"""The check of a function of many inputs: all derivatives at once, along random directions, in a few runs.

Of a function whose outputs are weighted by a cotangent u, one reverse sweep gives every entry of u'J, and one over
numbers with an infinitesimal along v every entry of u'(H v), by the reference as by JAX's programs. For random u and v
an entry of the Jacobian or of the Hessian that is wrong shows there with probability 1. Forward mode gives u'(J v), a
number; a search over leaves, then over halves of one, names the entry behind it.

Running bounds grow beyond use in a long program, so none are kept here: what rounding may do is seen from a second run,
at a point that differs from the first in the last digits (W. Kahan, "How futile are mindless assessments of roundoff in
floating-point computation?", 2006, weighs that way and its like, and warns: it is evidence, no proof). What is called
proved was proved by algebra.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

import jax.numpy as jnp
import numpy as np

from jaxdiff_magic.base.budget import left, now, passed, within
from jaxdiff_magic.base.errors import OutOfReach
from jaxdiff_magic.base.figures import both
from jaxdiff_magic.checking.directions.drawn import direction_of, largest_of, root_mean_square, weights_of
from jaxdiff_magic.checking.directions.forward import forward_fault
from jaxdiff_magic.checking.directions.leafwise import (
    BESIDE,
    Judged,
    Sides,
    by_numbers,
    judged,
    of_dtype,
    tolerance_of,
    undecided,
    worst_of,
)
from jaxdiff_magic.checking.directions.programs import Programs
from jaxdiff_magic.checking.directions.proving import is_proved
from jaxdiff_magic.checking.directions.telling import rows_of, said_of
from jaxdiff_magic.checking.directions.values import ValuesAlong
from jaxdiff_magic.checking.faults import faults_of
from jaxdiff_magic.checking.iterations import NEARER, STOPPED
from jaxdiff_magic.checking.native import dtypes_of
from jaxdiff_magic.checking.points import sample, where_it_ends
from jaxdiff_magic.checking.reasons import reasons_of
from jaxdiff_magic.checking.rules import literal_eps
from jaxdiff_magic.checking.sharper import SAFETY
from jaxdiff_magic.checking.summary import located
from jaxdiff_magic.checking.trusted import Trusted
from jaxdiff_magic.checking.words import Reason, Why
from jaxdiff_magic.engines.jax.not_built import WHEN_ASKED
from jaxdiff_magic.engines.jax.values import Derivatives, Values
from jaxdiff_magic.engines.reference.bounded import EPS, without_bounds
from jaxdiff_magic.engines.reference.derivatives import Reference
from jaxdiff_magic.engines.reference.directions import Found, leaf_places
from jaxdiff_magic.engines.symbolic.derivation import Derivation
from jaxdiff_magic.report import Check, worst
from jaxdiff_magic.report.fault import Fault
from jaxdiff_magic.subject.leaves import Leaf
from jaxdiff_magic.subject.length import executed
from jaxdiff_magic.subject.subject import Subject
from jaxdiff_magic.subject.trace import Trace

__all__ = ["FOLLOWED", "Directions", "is_many"]

MANY = 100
"""With more inputs than this, or more entries of a derivative than its square, derivatives are compared along
directions. A choice of time: nets of 113 and 209 parameters took 14 s and 2 GB one by one, 4 s and 0.5 GB so."""
MOST_WORK = 1_000_000
"""So are those of which each entry takes many steps: a choice of time, some seconds by NumPy."""
FOLLOWED = 3_000_000
"""No function of more inputs is followed step by step. A choice of memory: a run in float64 holds some dozen copies of
them, 24 MB each."""
MOST_POINTS = 2
"""Random points around the user's own. A choice: at the first everything has been compared; a rule that is wrong
elsewhere alone is mostly wrong at any of them."""
PERTURBED = 2.0**-36
"""By this part the inputs of the second run differ. A choice: 65,536 roundings, so that what they do stands out from
the run's own rounding, and small enough that no curvature shows."""
TIE_DIRECTIONS = 3
"""Along so many directions a function is looked at from both sides where a choice is at a tie: a bend is not seen only
along directions within its plane, where a random one almost never lies."""


def is_many(subject: Subject, trace: Trace | None, order: int) -> bool:
    """Whether a function has more derivatives, or takes more steps for them, than are looked at one by one.

    Args:
        trace: its steps; None where they are not known.
        order: of the highest derivative that was asked for.
    """
    entries = subject.output_size * subject.size ** min(order, 2)
    steps = executed(trace) if trace is not None and subject.size > 1 else 1
    return subject.size > MANY or entries > MANY * MANY or entries * steps > MOST_WORK


class Directions:
    """The check of first and second derivatives at the point and at a few random points around it.

    Args:
        derivatives, values, reference, points, seed, deadline, trust: as for `check_of`. The first derivative at the
            user's own point is compared whatever the time is.
        order: of the highest derivative to look at; above 2, the second is.
        derivation: the function's formulas, for proofs; None where there are none.

    Raises:
        InputError: a name in `trust` of which the function calls nothing.
    """

    def __init__(
        self,
        derivatives: Derivatives,
        values: Values,
        reference: Reference,
        *,
        order: int,
        points: int,
        seed: int,
        deadline: float,
        trust: Collection[str] = (),
        derivation: Derivation | None = None,
    ) -> None:
        self.derivation = derivation
        self.subject, self.values, self.reference = derivatives.subject, values, reference
        self.order, self.deadline = order, deadline
        self.trusted = Trusted(reference.trace, trust, self.subject.name)
        rng = np.random.default_rng(seed)
        drawn = sample(self.subject, min(points, MOST_POINTS), rng)
        self.points = where_it_ends(self.subject, reference, drawn, within(0.1 * max(left(deadline), 1.0)))
        leaves = (*self.subject.inputs, *self.subject.outputs)
        self.eps = max(float(jnp.finfo(d).eps) for d in (*(x.dtype for x in leaves), *dtypes_of(reference.trace)))
        self.first = "gradient" if self.subject.is_scalar else "jacobian"
        self.weights = weights_of(self.subject, values, rng)
        self.direction = direction_of(self.subject, rng)
        self.shaken = np.random.default_rng(seed + 1)
        self.along = ValuesAlong(reference, self.weights)
        self.programs = Programs(self.subject, values.missing)

    def check(self) -> Check:
        """What is found.

        Raises:
            OutOfReach: the function has a step without a rule, or takes too long to follow.
        """
        with np.errstate(all="ignore"), without_bounds():
            found, compared = self._compared()
            faults = self._faults(found, compared)
            found = _blamed(found, [fault for fault in faults if not fault.trusted])
            is_plain = not self.trusted.names and all(one.outcome == "agrees" for one in found)
            if (
                found
                and is_plain
                and is_proved(self.subject, self.derivation, self.programs, self.order, self.deadline)
            ):
                found = [replace(one, outcome="proved") for one in found]
        outcome = worst([one.outcome for one in found])
        least = max((one.tolerance for one in found), default=0.0)
        said = said_of(self.subject, found, outcome, self.programs.modes, compared, least)
        return Check(
            outcome=outcome,
            entries=rows_of(self.subject, found),
            summary=said + (located(faults) if outcome == "differs" else ""),
            points=compared,
            columns=self.programs.missing,
            not_covered=tuple(self._gaps(found)),
            faults=faults,
        )

    def _compared(self) -> tuple[list[Judged], int]:
        """What is found at the points for which there is time, and how many random ones these were."""
        found: list[Judged] = []
        for k in range(len(self.points[0])):
            began = now()
            found += self._at(k)
            if any(one.outcome == "differs" for one in found) or 1.5 * (now() - began) > left(self.deadline):
                return found, k
        return found, len(self.points[0]) - 1

    def _gaps(self, found: Sequence[Judged]) -> Iterator[str]:
        """The derivatives of which nothing was compared; a Hessian that was only not built was, by its products."""
        has_second = any(one.what == "hessian product" for one in found)
        for name, why in self.values.missing.items():
            if name not in ("forward", "reverse") and not (has_second and why.endswith(WHEN_ASKED)):
                yield f"{name}: {why}"

    # One point

    def _at(self, k: int) -> Iterator[Judged]:
        """What is found at one of the points, of the first derivative and of the second."""
        near = self._near(k)
        ours = self.reference.against(near, self.weights)
        sides = [Sides.of(found.values, scale) for found, scale in zip(ours, self._scales(ours, near), strict=True)]
        if k == 0 and (doubt := self._doubt(near) or ("" if not ours[0].at_tie[0] else self._bend(near, sides))):
            reason = doubt if isinstance(doubt, Reason) else Reason(Why.DOUBTFUL, said=doubt)
            yield from (undecided(self.first, leaf, reason) for leaf in self.subject.inputs)
            return
        if ours[0].at_tie[0] and k > 0:
            return  # elsewhere it says nothing of the user's own point
        first = list(self._reverse(k, near, sides))
        yield from first
        is_found = any(one.outcome == "differs" for one in first)
        if not is_found and (fault := self._forward(k, near, sides)) is not None:
            is_found = True
            yield fault
        is_asked = self.order >= 2 and not self.trusted.names and not (k == 0 and passed(self.deadline))
        if is_asked and not is_found:  # of a wrong derivative the next is wrong in every entry
            yield from self._second(k, near)

    def _near(self, k: int) -> list[np.ndarray]:
        """One of the points, and beside it the same with other last digits."""
        near = []
        for batch in self.points:
            shaken = batch[k] * (1 + PERTURBED * self.shaken.standard_normal(batch[k].shape))
            near.append(np.stack([batch[k], shaken]))
        return near

    def _reverse(self, k: int, near: Sequence[np.ndarray], sides: Sequence[Sides]) -> Iterator[Judged]:
        """Every entry of the weighted first derivative by reverse mode; at the user's own point JAX's numbers, too."""
        theirs = self.programs.along("reverse", near, self.weights[None], None)
        for i, (leaf, side) in enumerate(zip(self.subject.inputs, sides, strict=True)):
            if not leaf.size:
                continue
            doubts = (self.trusted.doubt((o, i)) for o in range(len(self.subject.outputs)))
            if doubt := next(filter(None, doubts), ""):
                yield undecided(self.first, leaf, Reason(Why.DOUBTFUL, said=doubt))
                continue
            confirm = lambda entry, i=i: self.along.by_entry(self._flat(k), i, entry)  # noqa: E731
            own = self._own_numbers(i) if k == 0 else None
            if theirs is None:
                if own is not None:
                    yield by_numbers(self.first, leaf, own, side, self.eps, confirm, self._mode)
                continue
            found = judged(self.first, "reverse", leaf, theirs[i], side, literal_eps(self.subject), confirm, k)
            if found.outcome == "differs" and self._is_of_limit(near, i, theirs[i], side):
                found = replace(found, outcome="out of reach", reason=Reason(Why.RULE_AHEAD, "reverse"))
            if found.outcome == "differs":
                found = (
                    self._beside_forward(near, i, found) if self.subject.is_scalar else self._of_output(near, i, found)
                )
            yield of_dtype(found, own, side, self.eps, self._mode) if own is not None else found

    def _beside_forward(self, near: Sequence[np.ndarray], i: int, found: Judged) -> Judged:
        """A wrong entry with what forward mode gives for it."""
        numbers = self.programs.along("forward", [x[:1] for x in near], None, self.along.unit(i, found.entry)[None])
        return found if numbers is None else replace(found, forward=float(np.ravel(numbers[0])[0]))

    def _of_output(self, near: Sequence[np.ndarray], i: int, found: Judged) -> Judged:
        """A wrong entry of the weighted derivative as that of the one output whose derivative is off by most."""
        unit = self.along.unit(i, found.entry)
        one, nested = [x[:1] for x in near], self.values.jacobian
        theirs = self.programs.along("forward", one, None, unit[None])
        if theirs is None and nested is not None:
            theirs = [np.asarray(blocks[i], np.float64)[(..., *found.entry)][None] for blocks in nested]
        ours = self.reference.along(one, unit)
        if theirs is None:
            return found
        off = [np.abs(t[0] - o.values[0]) for t, o in zip(theirs, ours, strict=True)]
        o = int(np.argmax([np.max(part, initial=0.0) for part in off]))
        at = worst_of(off[o])
        given, expected = float(theirs[o][0][at]), float(ours[o].values[0][at])
        if not abs(given - expected) > tolerance_of(literal_eps(self.subject)) * abs(expected):
            return found  # forward mode has a rule of its own, which is right
        reason = replace(found.reason, **dict(zip(("given", "expected"), both(given, expected), strict=True)))
        name = self.subject.outputs[o].element(at)
        return replace(found, output=name, given=given, expected=expected, reason=reason)

    def _forward(self, k: int, near: Sequence[np.ndarray], sides: Sequence[Sides]) -> Judged | None:
        """The derivative along the direction by forward mode, where it is not that of the code."""
        one = [x[:1] for x in near]

        def given(direction: np.ndarray) -> float | None:
            found = self.programs.along("forward", one, None, direction[None])
            return None if found is None else float(self.weights @ np.concatenate([np.ravel(x) for x in found]))

        confirm = lambda direction: self.along.derivative(self._flat(k), direction)  # noqa: E731
        known = self.subject, sides, self.direction, literal_eps(self.subject)
        return forward_fault(*known, given, confirm, self.first, k)

    def _second(self, k: int, near: Sequence[np.ndarray]) -> Iterator[Judged]:
        """Every entry of the weighted Hessian times the direction."""
        theirs = self.programs.along("second", near, self.weights[None], self.direction[None])
        if theirs is None:
            return
        ours = self.reference.curved(near, self.weights, self.direction)
        for i, (leaf, found, scale) in enumerate(zip(self.subject.inputs, ours, self._scales(ours, near), strict=True)):
            if leaf.size:
                confirm = lambda entry, i=i: self.along.bend_by_entry(self._flat(k), self.direction, i, entry)  # noqa: E731
                side = Sides.of(found.values, scale)
                yield judged("hessian product", "second", leaf, theirs[i], side, literal_eps(self.subject), confirm, k)

    # Two programs

    @property
    def _mode(self) -> str:
        """By which mode JAX's own numbers are."""
        return "reverse" if self.values.reverse is not None else "forward"

    def _own_numbers(self, i: int) -> np.ndarray | None:
        """JAX's numbers of the weighted first derivative by a leaf; None where it has none."""
        nested, leaf = self.values.jacobian, self.subject.inputs[i]
        if nested is None:
            return None
        whole = np.zeros(leaf.size)
        for o, place in enumerate(leaf_places([out.shape for out in self.subject.outputs])):
            weights, rows = self.weights[place], np.asarray(nested[o][i], np.float64).reshape(-1, leaf.size)
            whole += np.where(weights[:, None] == 0, 0.0, weights[:, None] * rows).sum(axis=0)
        return whole.reshape(leaf.shape)

    def _is_of_limit(self, near: Sequence[np.ndarray], i: int, theirs: np.ndarray, side: Sides) -> bool:
        """Whether the code comes much nearer to a rule's numbers if its loops only go on."""
        distance = float(np.max(np.abs(theirs[0] - side.value), initial=0.0))
        if not self.reference.longer or not distance <= STOPPED * side.largest:
            return False
        for longer in self.reference.longer:
            try:
                further = longer.against([x[:1] for x in near], self.weights)[i].values
            except OutOfReach:
                continue
            if np.max(np.abs(further - theirs[:1])) <= NEARER * distance:
                return True
        return False

    def _scales(self, ours: Sequence[Found], near: Sequence[np.ndarray]) -> list[float]:
        """For each leaf what a derivative by it counts as no smaller than."""
        sizes = [root_mean_square(x[0]) or 1.0 for x in near]
        largest = [largest_of(found.values[0]) * size for found, size in zip(ours, sizes, strict=True)]
        return [BESIDE * max(largest, default=0.0) / size for size in sizes]

    def _flat(self, k: int) -> np.ndarray:
        return np.concatenate([batch[k].ravel() for batch in self.points])

    # Doubts

    def _doubt(self, near: Sequence[np.ndarray]) -> str:
        """Why nothing can be said of the function, or ""."""
        found = self.reference.values(near)
        for leaf, value, expected in zip(self.subject.outputs, self.values.value, found, strict=True):
            actual = np.asarray(value, np.float64)
            if not np.isfinite(actual).any() and leaf.size == self.subject.output_size:
                return "the function's value is not finite here"
            side = Sides.of(expected, 0.0)
            off = (np.abs(actual - side.value) > side.allowed(self.eps)) & np.isfinite(actual)
            if np.any(off & (np.abs(actual - side.value) > self._bound(near, leaf))):
                return f"the derivation does not reproduce the value of {leaf.name}"
        return ""

    def _bound(self, near: Sequence[np.ndarray], leaf: Leaf) -> np.ndarray:
        """The most by which rounding in the user's dtype may change an output: of sums of many terms it is much."""
        with without_bounds(False):
            found = self.reference.along([x[:1] for x in near])[self.subject.outputs.index(leaf)]
        return SAFETY * found.errors[0] * self.eps / EPS

    def _bend(self, near: Sequence[np.ndarray], sides: Sequence[Sides]) -> Reason | None:
        """That a choice at a tie bends the function; None where it has one slope from both sides, and that is ours."""
        rng = np.random.default_rng(self.subject.size)
        gradient = np.concatenate([side.value.ravel() for side in sides])
        for _ in range(TIE_DIRECTIONS):
            direction = direction_of(self.subject, rng)
            if not self.along.is_smooth(self._flat(0), direction, gradient):
                dtypes = [leaf.dtype for leaf in (*self.subject.inputs, *self.subject.outputs)]
                told = reasons_of(self.reference.trace, [x[0] for x in near], {}, dtypes)
                return Reason(Why.AT_TIE).told(told)
        return None

    def _faults(self, found: Sequence[Judged], compared: int) -> tuple[Fault, ...]:
        """The rules that are wrong."""
        return faults_of(
            self.reference.trace,
            [[batch[k] for batch in self.points] for k in range(compared + 1)],
            order=min(self.order, 2),
            trusted=self.trusted.names,
            outcome=worst([one.outcome for one in found]),
            by_rule=any(one.reason.why is Why.RULE_WRONG for one in found),
            deadline=self.deadline,
            is_entangled=self.subject.is_entangled,
        )


def _blamed(found: Sequence[Judged], faults: Sequence[Fault]) -> list[Judged]:
    """Where a rule is known to be wrong, nothing agrees that may pass through it."""
    if not faults or any(one.outcome == "differs" for one in found):
        return list(found)
    reason = Reason(Why.HIDDEN, said=faults[0].sentence)
    return [replace(one, outcome="out of reach", reason=reason) for one in found]
