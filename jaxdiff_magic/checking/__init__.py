"""The four columns and the verdict: symbolic, forward mode, reverse mode, numeric.

Three things are compared, each with its own rounding bound. The *reference* (from the primal alone, by local rules, in
float64); *JAX's rules* (the programs that JAX traces for a JVP and a VJP, run at random points in float64); and *JAX's
numbers* (in the user's dtype). A rule is called wrong only when it misses the reference beyond both bounds and
function values side with the reference. Where they cannot decide, the outcome is "out of reach".
"""

from __future__ import annotations

import contextlib
import functools
import itertools
from collections.abc import Collection, Iterator, Sequence

import jax.numpy as jnp
import numpy as np

from jaxdiff_magic.base.budget import left, within
from jaxdiff_magic.base.errors import OutOfReach
from jaxdiff_magic.checking.blame import blamed
from jaxdiff_magic.checking.blocks import BlockCheck, entries_of
from jaxdiff_magic.checking.closed_forms import ClosedForms, confirmed
from jaxdiff_magic.checking.compared_rules import MAX_COMPARED, ComparedRules
from jaxdiff_magic.checking.decide import decided
from jaxdiff_magic.checking.differences import Column
from jaxdiff_magic.checking.doubts import doubts_of
from jaxdiff_magic.checking.evidence import PROVED, Decision, Evidence, RuleEvidence
from jaxdiff_magic.checking.faults import faults_of
from jaxdiff_magic.checking.freezing import may_freeze
from jaxdiff_magic.checking.hessian_products import hessian_products
from jaxdiff_magic.checking.instead import entries_instead, told
from jaxdiff_magic.checking.isolated import with_isolated
from jaxdiff_magic.checking.iterations import converging
from jaxdiff_magic.checking.native import columns_of, dtypes_of
from jaxdiff_magic.checking.numeric import Numeric
from jaxdiff_magic.checking.own_errors import with_own_errors
from jaxdiff_magic.checking.points import native_point, sample, where_it_ends
from jaxdiff_magic.checking.proofs import Proofs
from jaxdiff_magic.checking.reasons import reasons_of, with_reasons
from jaxdiff_magic.checking.rules import RuleName, rule_trace, rule_values
from jaxdiff_magic.checking.sharper import SAFETY, SECONDS, SECONDS_OF_LONG, Sharper
from jaxdiff_magic.checking.summary import summary_of
from jaxdiff_magic.checking.trusted import Trusted
from jaxdiff_magic.engines.jax.values import Derivatives, Values
from jaxdiff_magic.engines.reference.bounded import EPS
from jaxdiff_magic.engines.reference.derivatives import Reference
from jaxdiff_magic.engines.reference.directions import Found, Path
from jaxdiff_magic.engines.symbolic.derivation import Derivation
from jaxdiff_magic.report import Check, Outcome, Slope, worst
from jaxdiff_magic.report.fault import Fault
from jaxdiff_magic.subject.length import LONG, executed
from jaxdiff_magic.subject.trace import Trace

MAX_DIFFERENCED = 64
"""The numeric column is filled while there are no more scalar inputs than this. A choice of time: each input takes some
two dozen runs of the function at each point."""
MAX_PROVED = 64
"""Entries are proved one by one while a block has no more than this. A choice of time: each proof may take a second."""
MODES = ("forward", "reverse")
TO_SEE_IT_END = 0.1
"""The share of the time for the check in which the sampled points are tried, where the function has loops. A choice:
nine tenths are left to what the points are for."""
NATIVE_POINTS = 4
"""At how many of the points JAX's own numbers are compared, the user's point included. A choice: at one point alone a
wrong number may happen to be right; each more is another run of all derivatives."""


def check_of(
    derivatives: Derivatives,
    values: Values,
    reference: Reference | None,
    derivation: Derivation | None,
    unreachable: str,
    *,
    points: int,
    seed: int,
    deadline: float,
    trust: Collection[str] = (),
) -> Check:
    """Check value and derivatives, entry by entry, at the point and at random points around it.

    Args:
        derivatives, values: how JAX differentiates the function, and what it gives at the point.
        reference: the function's derivatives by local rules; None when out of reach, and `unreachable` says why.
        derivation: the function's formulas, for proofs; None when there are none.
        points: how many random points to compare.
        seed: of the random points.
        deadline: the instant (`budget.now`) after which no further proofs are tried.
        trust: functions whose derivative rules are meant to differ from their code.

    Raises:
        InputError: a name in `trust` of which the function calls nothing.
    """
    return _Checking(derivatives, values, reference, derivation, unreachable, points, seed, deadline, trust).check()


class _Checking:
    """One check in progress: what its blocks share."""

    def __init__(
        self,
        derivatives: Derivatives,
        values: Values,
        reference: Reference | None,
        derivation: Derivation | None,
        unreachable: str,
        points: int,
        seed: int,
        deadline: float,
        trust: Collection[str],
    ) -> None:
        self.derivatives, self.subject = derivatives, derivatives.subject
        self.reference, self.deadline = reference, deadline
        self.trace = reference.trace if reference else None
        self.trusted = Trusted(self.trace, trust, self.subject.name)
        points = min(points, max(NATIVE_POINTS - 1, MAX_COMPARED // max(self.subject.size, 1)))
        drawn = sample(self.subject, points, np.random.default_rng(seed))
        enough = within(TO_SEE_IT_END * max(left(deadline), 1.0))
        self.points = where_it_ends(self.subject, reference, drawn, enough)
        points = len(self.points[0]) - 1
        leaves = (*self.subject.inputs, *self.subject.outputs)
        inside = dtypes_of(reference.trace) if reference else ()
        self.eps = max(float(jnp.finfo(dtype).eps) for dtype in (*(leaf.dtype for leaf in leaves), *inside))
        self.tiny = max(float(jnp.finfo(leaf.dtype).tiny) for leaf in leaves)
        nearby = range(1, min(NATIVE_POINTS, 1 + points))
        self.native = [values, *(derivatives.at(native_point(self.subject, self.points, k)) for k in nearby)]
        self.proved: set[Path] = set()  # blocks of which some entry is proved
        self.missing = {mode: why for mode, why in values.missing.items() if mode in MODES}
        if reference is not None:
            unreachable = self._out_of_reach()
        if unreachable:
            self.reference, self.missing["symbolic"] = None, unreachable
        self.traces: dict[RuleName, Trace] = dict(self._traces()) if self.reference else {}
        programs = {name: rule_values(self.subject, name, trace) for name, trace in self.traces.items()}
        self.sharper = self.rules = self.proofs = None
        if self.reference is not None:
            least = SECONDS if executed(self.reference.trace) <= LONG else SECONDS_OF_LONG
            self.sharper = Sharper(self.reference, programs, self.subject.exact_point, deadline, least)
            known = self.points, self.native, self.eps, deadline
            self.rules = ComparedRules(derivatives, self.reference, programs, self.sharper, *known)
            self.proofs = Proofs(self.subject, derivation, self.traces, deadline) if derivation else None
        found = (lambda path: self._found(path, len(self.native))) if self.reference else None
        self.doubts = doubts_of(self.subject, self.native, found, self._tolerance)
        self.doubt = self.doubts.whole
        self.may_freeze = self.reference is None and may_freeze(self.subject)
        trusted = None if self.doubt else self.reference
        self.closed = ClosedForms(derivation, deadline)
        at = self.points, self.native, self.eps
        self.numeric = Numeric(derivatives, trusted, *at, self.closed, deadline, frozenset(self.doubts.outputs))

    def _out_of_reach(self) -> str:
        """Why the function cannot be evaluated step by step, or ""."""
        try:
            self._found((0,), 1)
        except OutOfReach as error:
            return error.reason
        return ""

    def _traces(self) -> Iterator[tuple[RuleName, Trace]]:
        names: tuple[RuleName, ...] = ("forward", "reverse", "second")
        for name in names if self.native[0].hessian is not None else names[:2]:
            with contextlib.suppress(OutOfReach):
                yield name, rule_trace(self.subject, name)

    def _found(self, path: Path, count: int) -> Found:
        """The reference at the first points."""
        assert self.reference is not None
        return self.reference.evaluate(path, self._first(count))

    def check(self) -> Check:
        if self.reference and not self.doubt:
            with contextlib.suppress(OutOfReach):  # one sweep of the highest order gives the lower ones as well
                self._found((0, *[0] * self._order()), len(self.native))
        named = list(self._paths())
        paths = [path for _, path in named]
        blocks = [*(self._block(what, path) for what, path in named), *self._products()]
        slopes = self._slopes(paths, blocks)
        if self.sharper is not None and not self.doubt:
            blocks = with_isolated(blocks, paths, self.sharper, [batch[0] for batch in self.points])
        wrong = [above for above, slope in slopes if slope.says == "wrong"]
        blocks[: len(paths)] = [
            block.unconfirmed() if path[:-1] in wrong else block for path, block in zip(paths, blocks, strict=False)
        ]
        blocks, outcome, faults = self._explained(blocks, paths)
        return self._told(blocks, outcome, faults, [slope for _, slope in slopes])

    def _slopes(self, paths: Sequence[Path], blocks: Sequence[BlockCheck]) -> list[tuple[Path, Slope]]:
        """What Taylor remainders say of derivatives, each by the path of what it is the derivative of.

        They accuse no rule that is the derivative of what the code's loops come to.
        """
        if self.doubt or self.may_freeze:
            return []
        settled = [path[:-1] for path, block in zip(paths, blocks, strict=False) if block.is_of_solution]
        slopes = self.numeric.slopes({name: self.rules.block(name) for name in self.traces} if self.rules else {})
        return [(above, slope) for above, slope in slopes if above not in settled or slope.says != "wrong"]

    def _explained(
        self, blocks: list[BlockCheck], paths: Sequence[Path]
    ) -> tuple[list[BlockCheck], Outcome, tuple[Fault, ...]]:
        """The blocks with the particular reasons of this function, the worst outcome, and the rules at fault."""
        outcome = worst([block.worst for block in blocks])
        faults = self._faults(blocks, outcome)
        if outcome != "differs" and self.trace is not None:
            blocks = blamed(blocks, faults, self.trace, self.subject, self._tolerance)
            outcome = worst([block.worst for block in blocks])
        if outcome in ("out of reach", "differs") and self.trace is not None:
            dtypes = [leaf.dtype for leaf in (*self.subject.inputs, *self.subject.outputs)]
            point = [batch[0] for batch in self.points]
            blocks = with_reasons(blocks, reasons_of(self.trace, point, self.traces, dtypes))
        return with_own_errors(blocks, paths, self.trace, self.subject, self.deadline), outcome, faults

    def _told(
        self,
        blocks: Sequence[BlockCheck],
        outcome: Outcome,
        faults: tuple[Fault, ...],
        slopes: Sequence[Slope],
    ) -> Check:
        """The check, with rows for what JAX refuses and local rules or differences have."""
        # where no rule could be compared, JAX's own numbers were, at the first points
        points = min(self.rules.compared if self.rules else (), default=len(self.native) - 1)
        by_rules = (lambda path: self._found(path, 1)) if self.reference else None
        instead = entries_instead(self.subject, self.native[0], by_rules, self.numeric.column, self.doubt)
        summary = summary_of(blocks, points, self.missing, faults)
        return Check(
            outcome=worst([outcome, "out of reach"]) if instead else outcome,
            entries=(*entries_of(blocks), *instead),
            summary=told(self.subject, self.native[0].missing, instead, summary) if instead else summary,
            faults=faults,
            points=points,
            columns=self.missing,
            not_covered=(
                *(f"{name}: {why}" for name, why in self.native[0].missing.items() if name not in MODES),
                *(gap for block in blocks for gap in block.gaps()),
            ),
            taylor=tuple(slopes),
        )

    def _faults(self, blocks: Sequence[BlockCheck], outcome: Outcome) -> tuple[Fault, ...]:
        """Rules that are wrong: of the user's own functions, and whatever makes the derivative wrong."""
        if self.trace is None:
            return ()
        at = {rule.comparison.at for block in blocks for rule in block.evidence.rules if rule.comparison.wrong.any()}
        places = dict.fromkeys((0, *sorted(at), *range(1, min(NATIVE_POINTS, len(self.points[0])))))
        points = [[batch[k] for batch in self.points] for k in places]
        return faults_of(
            self.trace,
            points,
            order=self._order() if self.native[0].jacobian is not None else 1,
            trusted=self.trusted.names,
            outcome=outcome,
            by_rule=bool(at),
            deadline=self.deadline,
            is_entangled=self.subject.is_entangled,
        )

    def _paths(self) -> Iterator[tuple[str, Path]]:
        outputs, inputs = range(len(self.subject.outputs)), range(len(self.subject.inputs))
        first = "gradient" if self.subject.is_scalar else "jacobian"
        if self.native[0].jacobian is not None:
            yield from ((first, path) for path in itertools.product(outputs, inputs))
        if self.native[0].hessian is not None:
            yield from (("hessian", path) for path in itertools.product(outputs, inputs, inputs))
        for order in self.native[0].higher:
            yield from ((f"d{order}", path) for path in itertools.product(outputs, *[inputs] * order))

    def _order(self) -> int:
        """The highest order of the derivatives that JAX computed."""
        values = self.native[0]
        return max([1, *([2] if values.hessian is not None else []), *values.higher])

    def _products(self) -> Iterator[BlockCheck]:
        """Where a Hessian was too large to build: its product with a random vector."""
        if self.native[0].jacobian is None or "hessian" not in self.native[0].missing or self.reference is None:
            return

        def evidence(path: Path) -> Evidence:
            shape = self.subject.outputs[path[0]].shape + self.subject.inputs[path[1]].shape
            doubt = self.doubts.of(path) or self.trusted.doubt(path)
            return Evidence(shape, self.eps, self._scale(path), doubt, None, [], (), None)

        yield from hessian_products(
            self.derivatives, self.reference, self._first(1), evidence, self._tolerance, self.deadline
        )

    def _first(self, count: int) -> list[np.ndarray]:
        return [batch[:count] for batch in self.points]

    def _tolerance(self, value: np.ndarray, bound: np.ndarray) -> np.ndarray:
        """How far JAX's numbers may be from a value: its rounding bound, in the user's dtype."""
        finite = np.abs(value[np.isfinite(value)])
        return SAFETY * bound * self.eps / EPS + 8 * self.eps * np.max(finite, initial=0.0) + 4 * self.tiny

    def _scale(self, path: Path, least: float = 0.0) -> float:
        """See `Evidence.scale`, and `Evidence.height` where inputs count as no smaller than `least`."""
        output, *inputs = path
        sizes = [max(float(np.max(np.abs(self.points[i][0]), initial=0.0)), least) or 1.0 for i in inputs]
        with np.errstate(all="ignore"):  # infinite or tiny inputs
            value = np.asarray(self.native[0].value[output], np.float64)
            size = np.max(np.abs(value), initial=0.0, where=~np.isnan(value))
            return float(size / np.prod(sizes))

    def _block(self, what: str, path: Path) -> BlockCheck:
        evidence = self._evidence(path)
        decision = self._with_proofs(path, decided(evidence, self._tolerance))
        inputs = tuple(self.subject.inputs[i] for i in path[1:])
        return BlockCheck(what, self.subject.outputs[path[0]], inputs, evidence, decision)

    def _evidence(self, path: Path) -> Evidence:
        """All that is known about one block."""
        output, *inputs = (self.subject.outputs[path[0]], *(self.subject.inputs[i] for i in path[1:]))
        shape = sum((leaf.shape for leaf in inputs), output.shape)
        size = int(np.prod(shape, dtype=int))
        formula, rules = self._by_local_rules(path)
        numeric = self.numeric.column(path) if size > 0 and self.subject.size <= MAX_DIFFERENCED else None
        probes = {} if numeric or formula or self.doubt or not size else self.numeric.probes(path)
        doubt = self.doubts.of(path) or self.trusted.doubt(path)
        if numeric is not None and path[0] in self.doubts.outputs:
            formula, rules, doubt = None, (), self.trusted.doubt(path)  # there are its values
        is_smooth = False
        if formula is not None and not doubt and size > 0:
            formula, is_smooth = self._completed(path, formula, numeric)
        has_digits = self.sharper is not None and path[0] not in self.doubts.outputs
        return Evidence(
            shape=shape,
            eps=self.eps,
            scale=self._scale(path),
            doubt=doubt,
            formula=formula,
            native=[columns_of(values, path) for values in self.native],
            rules=rules,
            numeric=numeric,
            probes=probes,
            is_smooth=is_smooth,
            may_freeze=self.may_freeze,
            ahead=functools.partial(self._ahead, path, formula),
            undefined=self.doubts.without_value(path, shape),
            has_hole=self.doubts.has_hole,
            height=self._scale(path, least=1.0),
            in_float64=functools.partial(self.numeric.in_float64, path),
            shown=self.sharper.column(path, numeric) if self.sharper and has_digits else numeric,
        )

    def _by_local_rules(self, path: Path) -> tuple[Found | None, tuple[RuleEvidence, ...]]:
        """The reference where JAX's numbers are known, and what JAX's rules say beside it.

        Where a rule is the derivative of what the code's loops come to, the reference is that of this, too.
        """
        if self.reference is None or self.sharper is None or self.rules is None:
            return None, ()
        try:
            formula = self.sharper.code(path, self._found(path, len(self.native)))
        except OutOfReach:
            return None, ()
        rules = self.rules.evidence(path)
        for solution in (rule.comparison.solution for rule in rules):
            if solution is not None:
                with contextlib.suppress(OutOfReach):
                    formula = solution.evaluate(path, self._first(len(self.native)), self.eps)
        return formula, rules

    def _completed(self, path: Path, formula: Found, numeric: Column | None) -> tuple[Found, bool]:
        """The reference, where it has none with what a closed form gives; and whether values show no bend there.

        Values are asked where a choice is at a tie, or a closed form stands in, and there is no numeric column.
        """
        value = self._found(path[:1], len(self.native)).values
        completed = self.closed.completed(path, self._first(1), formula, value)
        is_other = completed is not formula
        is_asked = (formula.at_tie[0] or is_other) and numeric is None and np.isfinite(completed.values[0]).all()
        is_smooth = bool(is_asked) and self.numeric.is_smooth(path, completed.values[0])
        return confirmed(formula, completed, numeric, is_smooth, self._scale(path)) if is_other else formula, is_smooth

    def _ahead(self, path: Path, formula: Found | None, k: int, numbers: np.ndarray) -> np.ndarray | bool:
        """See `Evidence.ahead`."""
        if self.reference is None or formula is None:
            return False
        return converging(self.reference, path, [b[k : k + 1] for b in self.points], numbers, formula.values[k])

    def _with_proofs(self, path: Path, decision: Decision) -> Decision:
        """The decision with what formulas prove."""
        # where the first derivative is too long to prove, the second is longer
        proofs, is_worth_it = self.proofs, len(path) == 2 or path[:2] in self.proved
        if proofs is None or self.rules is None or not is_worth_it:
            return decision
        if names := proofs.rules_for(path, self.rules.names_for(path)):
            if proofs.of_block(path, names):
                decision = decision.with_proofs(lambda _: True)
            elif decision.outcome.size <= MAX_PROVED:
                decision = decision.with_proofs(lambda entry: proofs.of_entry(path, names, entry))
            if np.any(decision.outcome == PROVED):
                self.proved.add(path)
        return decision
