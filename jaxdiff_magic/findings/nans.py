"""Values and derivatives that are not finite: which, in which mode, which line makes them, what to write there."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from jaxdiff_magic.base.budget import now
from jaxdiff_magic.base.errors import OutOfReach
from jaxdiff_magic.base.figures import figure
from jaxdiff_magic.checking.reasons import SPECTRA, ties_of
from jaxdiff_magic.checking.sides import both_sides
from jaxdiff_magic.engines.reference.digits import with_digits
from jaxdiff_magic.engines.reference.directions import leaf_places
from jaxdiff_magic.findings.digits.against_truth import in_float64
from jaxdiff_magic.findings.digits.loss import MAX_LOSS_OPERATIONS
from jaxdiff_magic.findings.nonfinite.origins import Origin, Origins, Program
from jaxdiff_magic.findings.nonfinite.rebuilt import rebuilt
from jaxdiff_magic.findings.nonfinite.rewrites import rewritings, writer
from jaxdiff_magic.findings.nonfinite.sentences import brought, met, reason
from jaxdiff_magic.findings.nonfinite.trial import Trial, found_by_rules, tried
from jaxdiff_magic.findings.saying import listing
from jaxdiff_magic.findings.scene import Scene
from jaxdiff_magic.findings.smoothness.crossing import evaluated
from jaxdiff_magic.report import Finding
from jaxdiff_magic.subject.leaves import Leaf

DOUBLE_WHERE = (
    "Select the operand as well as the result: where a step is not smooth, give it another operand, at which it is, "
    "and select its value afterwards. No line that was tried here gives a finite derivative that is right."
)
INTO_DOMAIN = "Move the point into the domain; jax.config.update('jax_debug_nans', True) stops where a nan is born."
LOGARITHMS = (
    "Compute the logarithm itself: log_ndtr, logcdf and logsf of a distribution, jax.nn.log_softmax, jax.nn.logsumexp."
)
TAIL_DIGITS = (50, 300)
"""1 - Phi(x) has lost them all to the 1 at x = 14, and at x = 37, where float64 ends."""
WIDER = ' In float64 it is finite as well: jax.config.update("jax_enable_x64", True).'
CLEAN = "Replace or leave out such data before the function is called."
INFINITE = "Put infinities in after what is differentiated: jnp.where(ok, a * c, -jnp.inf) and ok where c is finite."
PUT_IN = ("nan", "infinite")
"""What an input or a captured array brings in by itself; other events are made of it on the way."""
ADVICE = {
    "outside": INTO_DOMAIN,
    "exponent": "Hold the exponent fixed (an integer, or wrt without it), or keep the base positive.",
    "matrix": "Keep the matrix regular; a small multiple of the identity added to it changes the function.",
    "spectrum": "Use only what does not depend on the choice among equal ones: their sum, a function of the matrix, "
    "the vectors of the others (in forward mode, jax.jacfwd, which does not make nan of them).",
    "empty": "Shapes are known to Python: leave the operation out, with an if, where an array has no elements.",
    "overflow": "Keep the numbers in range: subtract the largest before exp, work with logarithms, or use float64.",
}
SHOWN_AT_MOST = 3
"""How many lines are told for one output. A choice: what anybody reads."""


def find(scene: Scene) -> list[Finding]:
    """For each output: the lines that make it, its first or its second derivatives not finite; none where all are."""
    subject, values = scene.subject, scene.values
    telling = _Telling(scene, Origins(scene))
    findings: list[Finding] = []
    for o, output in enumerate(subject.outputs):
        value = np.asarray(values.value[o])
        if not np.isfinite(value).all():
            findings += telling.value(o, output, value)
        else:
            findings += telling.first_order(o, output) or telling.second_order(o, output)
    return findings


@dataclass(frozen=True)
class _Broken:
    """Derivatives with respect to one input that are not finite.

    Attributes:
        names: of the input's elements.
        block: of derivatives.
        program: in which they are looked into.
        alone: whether the other mode is finite.
        other: what the other mode gives for the first of them, or None.
        right: the first of the true ones, by local rules in float64 or else as the check found it, or None.
        is_same: whether all the true ones are that.
        at_tie: whether some choice of the function is at a tie, so that this is the derivative of one side.
        jumps: whether function values jump at the point along the first of them, so that there is no derivative.
    """

    names: list[str]
    block: np.ndarray
    program: Program
    alone: bool
    other: float | None
    right: float | None
    is_same: bool
    at_tie: bool
    jumps: bool


@dataclass(frozen=True)
class _Telling:
    """What is told about one scene."""

    scene: Scene
    origins: Origins

    def value(self, o: int, output: Leaf, value: np.ndarray) -> Iterator[Finding]:
        """Of an output that is not finite itself."""
        bad = [output.element(index) for index in np.argwhere(~np.isfinite(value)).tolist()]
        jacobian = self.scene.values.jacobian
        blocks = [] if jacobian is None else [np.asarray(block) for block in jacobian[o]]
        finite = sum(block.size for block in blocks) > 0 and all(np.isfinite(block).all() for block in blocks)
        even = ", though JAX returns finite ones" if finite else ""
        what = f"{listing(bad)} {'is' if len(bad) == 1 else 'are'} {_what(value)} here"
        end = f"Derivatives mean nothing there{even}."
        origins = self.origins.of_value(o)
        if not origins:
            message = f"{what}: outside the domain, or overflow. {end}"
            yield Finding("domain", "warning", bad[0], self.scene.subject.where, message, INTO_DOMAIN)
            return
        kind, advice = "domain", INTO_DOMAIN
        if (lost := self._lost(o, value, origins)) is not None:
            kind, end = "precision", "That 0 has underflowed, or all its digits have cancelled."
            what, advice = (
                f"{what}. Rounding in {value.dtype} alone does it, the point is in the domain: {lost[0]}",
                lost[1],
            )
        yield from self._told(kind, bad[0], what, end, origins, advice, 1)

    def _lost(self, o: int, value: np.ndarray, origins: Sequence[Origin]) -> tuple[str, str] | None:
        """What the value is, and what to do, where rounding alone makes it infinite or nan."""
        if self.scene.reference is None or any(
            origin.data is not None or origin.singular is None or origin.singular.kind == "overflow"
            for origin in origins
        ):
            return None
        truth = wide = None
        assert self.scene.trace is not None
        point = self.scene.subject.exact_point
        for digits in TAIL_DIGITS:
            with contextlib.suppress(OutOfReach):
                truth = with_digits(self.scene.trace, [(o,)], point, digits, MAX_LOSS_OPERATIONS)[(o,)]
                break
        with contextlib.suppress(OutOfReach):
            wide = in_float64(self.scene, (o,), point)
        truth = wide if truth is None else truth.astype(float)
        if truth is None or not np.isfinite(truth).all():
            return None
        first, dtype = tuple(np.argwhere(~np.isfinite(value))[0]), value.dtype
        is_kept = wide is not None and np.isfinite(wide).all() and dtype != np.float64
        return f"without rounding it is {figure(truth[first], 4)}", f"{LOGARITHMS}{WIDER if is_kept else ''}"

    def first_order(self, o: int, output: Leaf) -> list[Finding]:
        """Of first derivatives, the inputs that share an origin in one finding."""
        groups: dict[Any, tuple[list[_Broken], list[Origin]]] = {}
        for i in range(len(self.scene.subject.inputs)):
            if (broken := self._broken(o, i)) is None:
                continue
            entry = np.argwhere(~np.isfinite(broken.block))[0].tolist()
            rank = len(output.shape)
            origins = self.origins.of_derivative(broken.program, (o, entry[:rank]), (i, entry[rank:]))
            key = tuple(origin.key for origin in origins), broken.program, broken.alone
            groups.setdefault(key, ([], origins))[0].append(broken)
        return [finding for group, origins in groups.values() for finding in self._first(output, group, origins)]

    def _first(self, output: Leaf, group: Sequence[_Broken], origins: Sequence[Origin]) -> Iterator[Finding]:
        one = group[0]
        names = [name for broken in group for name in broken.names]
        mode = f" in {one.program} mode only" if one.alone else ""
        what = f"The derivative of {output.name} with respect to {listing(names)} is {_what(one.block)}{mode}"
        end = _instead(output, group, names[0])
        if not origins:
            why = (
                "most often a branch that is not taken still takes part, as 0 * inf or 0 * nan"
                if one.alone
                else f"{output.name} itself is finite; roots, norms and powers at 0 do this"
            )
            message = f"{what}: {why}. {end}".strip()
            yield Finding("nan", "warning", names[0], self.scene.subject.where, message, DOUBLE_WHERE)
            return
        yield from self._told("nan", names[0], what, end, origins, DOUBLE_WHERE, 1)

    def _broken(self, o: int, i: int) -> _Broken | None:
        values, leaf = self.scene.values, self.scene.subject.inputs[i]
        blocks: dict[Program, np.ndarray] = {}
        if values.reverse is not None:
            blocks["reverse"] = np.asarray(values.reverse[o][i])
        if values.forward is not None:
            blocks["forward"] = np.asarray(values.forward[o][i])
        broken: list[Program] = [mode for mode, block in blocks.items() if not np.isfinite(block).all()]
        if not broken:
            return None
        program: Program = broken[0]
        block = blocks[program]
        mask = ~np.isfinite(block)
        names = [leaf.element(k) for k in np.argwhere(mask.reshape(-1, *leaf.shape).any(axis=0)).tolist()]
        first = tuple(np.argwhere(mask)[0])
        other = next((b for mode, b in blocks.items() if mode not in broken), None)
        truth = found_by_rules(self.scene, (o, i), self.scene.subject.point)
        rights = [] if truth is None else truth.values[0][mask].tolist()
        if not np.isfinite(rights).any():
            rights = self._by_check(o, i, mask) or rights
        return _Broken(
            names=names,
            block=block,
            program=program,
            alone=other is not None,
            other=None if other is None else float(other[first]),
            right=rights[0] if rights else None,
            is_same=len(set(rights)) == 1,
            at_tie=truth is not None and bool(truth.at_tie[0]) and self._chooses,
            jumps=self._jumps(o, i, first),
        )

    @functools.cached_property
    def _chooses(self) -> bool:
        """Whether what is at a tie at the point is a choice, and not a spectrum with equal values alone."""
        scene = self.scene
        if scene.trace is None:
            return False
        return any(step.primitive not in SPECTRA for step in ties_of(scene.trace, scene.point))

    def _jumps(self, o: int, i: int, entry: tuple[int, ...]) -> bool:
        """Whether function values jump along the input of an entry; False where they do not tell."""
        scene = self.scene
        if scene.reference is None:
            return False
        leaf, place = scene.subject.inputs[i], leaf_places([leaf.shape for leaf in scene.subject.inputs])[i]
        rank, unit = len(scene.subject.outputs[o].shape), np.zeros((1, scene.subject.size))
        unit[0, place.start + int(np.ravel_multi_index(entry[rank:], leaf.shape)) if leaf.shape else place.start] = 1.0
        row = int(np.ravel_multi_index(entry[:rank], scene.subject.outputs[o].shape)) if rank else 0
        with contextlib.suppress(OutOfReach):
            (found,) = both_sides(evaluated(scene, [(o,)]), scene.point, unit)
            beside, here = (found.left.limit[row], found.right.limit[row]), found.middle[row]
            with np.errstate(invalid="ignore", over="ignore"):
                far = max(abs(beside[0] - here), abs(beside[1] - here)) > max(abs(here), 1.0)
            return bool(found.left.jumps[row] or found.right.jumps[row] or far)
        return False

    def _by_check(self, o: int, i: int, mask: np.ndarray) -> list[float]:
        """The true derivatives, where the check has found them all though local rules have none; else nothing."""
        output, leaf = self.scene.subject.outputs[o], self.scene.subject.inputs[i]
        rank = len(output.shape)
        known = {
            (entry.output, entry.inputs): entry.symbolic
            for entry in self.scene.check.entries
            if entry.outcome == "differs" and len(entry.inputs) == 1 and entry.symbolic is not None
        }
        places = [(output.element(at[:rank]), (leaf.element(at[rank:]),)) for at in np.argwhere(mask).tolist()]
        found = [known.get(place, np.nan) for place in places]
        return found if np.isfinite(found).all() else []

    def second_order(self, o: int, output: Leaf) -> list[Finding]:
        """Of the Hessian, where the first derivatives are finite."""
        values, inputs = self.scene.values, self.scene.subject.inputs
        if values.hessian is None:
            return []
        for i, row in enumerate(values.hessian[o]):
            for j, block in enumerate(map(np.asarray, row)):
                if np.isfinite(block).all():
                    continue
                entry = np.argwhere(~np.isfinite(block))[0].tolist()
                a, b = len(output.shape), len(output.shape) + len(inputs[i].shape)
                places = (o, entry[:a]), (i, entry[a:b]), (j, entry[b:])
                what = f"The Hessian of {output.name} has entries that are {_what(block)}"
                end = "Its first derivative is finite."
                if origins := self.origins.of_derivative("second", *places):
                    return list(self._told("nan", output.name, what, end, origins, DOUBLE_WHERE, 2))
                message = f"{what}, though its first derivative is finite."
                return [Finding("nan", "warning", output.name, self.scene.subject.where, message, DOUBLE_WHERE)]
        return []

    # Sentences

    def _told(
        self, kind: str, path: str, what: str, end: str, origins: Sequence[Origin], advice: str, order: int
    ) -> Iterator[Finding]:
        """One finding for each origin, the first with the lines to write instead."""
        data = next((origin for origin in origins if origin.data is not None), None)
        if data is not None and data.event not in PUT_IN:
            message = f"{what}. {met(data, self.scene)} {end}".strip()
            place = str(data.location) or self.scene.subject.where
            yield Finding("nan", "warning", path, place, message, INFINITE)
            return
        if data is not None:
            message = f"{what}: {brought(data, self.scene)}."
            yield Finding("nan", "warning", path, self.scene.subject.where, message, CLEAN)
            return
        cure = self._by_rule(origins) or self._cure(origins, order) or _advice(origins[0], advice)
        for k, origin in enumerate(origins[:SHOWN_AT_MOST]):
            place = str(origin.location) or self.scene.subject.where
            said = reason(origin)
            parts = [f"{what}." if k == 0 else "This line makes it as well.", said, end if k == 0 else ""]
            yield Finding(kind, "warning", path, place, " ".join(filter(None, parts)), cure if k == 0 else "")

    def _by_rule(self, origins: Sequence[Origin]) -> str:
        """What is to be done where a derivative rule of the user's gives what is not finite; "" where none does."""
        places = {str(origin.location) for origin in origins}
        faults = (fault for fault in self.scene.check.faults if fault.defect == "not finite")
        return next((f"Correct the rule of {fault.name}." for fault in faults if fault.where in places), "")

    def _cure(self, origins: Sequence[Origin], order: int) -> str:
        """The first rewriting that passes its trial, in a sentence; "" where there is none."""
        writers = [w for origin in origins if (w := writer(origin)) is not None]
        if len(writers) < len(origins) or not writers:
            return ""
        is_smooth = any(origin.culprit and origin.culprit.equation.primitive == "div" for origin in origins)
        longest = 0.0
        for rewriting in rewritings(writers):
            started = now()
            if started + longest > self.scene.deadline:
                return ""
            function = rebuilt(self.scene.subject.function, rewriting, origins[0].location)
            if function is not None and (trial := tried(self.scene, function, order, is_smooth)) is not None:
                return _shown(rewriting.shown(), trial)
            longest = max(longest, now() - started)
        return ""


def _instead(output: Leaf, group: Sequence[_Broken], name: str) -> str:
    """What the derivative is instead, in a sentence: by the other mode, or the true one; "" where neither is known."""
    one = group[0]
    if one.other is not None:
        mode = "Forward" if one.program == "reverse" else "Reverse"
        return f"{mode} mode gives {figure(one.other, 4)}{_worth(output, one, one.other)}."
    if one.jumps:
        return f"{output.name} jumps here: it has no derivative."
    if one.right is None or np.isnan(one.right):
        return ""
    alike = all(broken.is_same and broken.right == one.right for broken in group)
    of = "" if alike else f" with respect to {name}"
    right = f"On the branch taken it is{of}" if one.at_tie else f"The true one{of} is"
    return f"{right} {figure(one.right, 4) if np.isfinite(one.right) else 'infinite'}."


def _worth(output: Leaf, broken: _Broken, other: float) -> str:
    """What the number of the other mode is worth, in words that follow it; "" where that is not known."""
    if broken.jumps:
        return f", though {output.name} jumps here and has no derivative"
    if broken.right is None or not np.isclose(other, broken.right, rtol=1e-3):
        return ""
    return ", the derivative of the branch taken" if broken.at_tie else ", which is right"


def _shown(lines: Sequence[str], trial: Trial) -> str:
    written = "`" + "` and `".join(lines) + "`"
    run = f"Run: finite here, and equal to yours at {trial.compared} points nearby."
    if trial.chosen is None:
        return f"Write {written}. {run}"
    chosen = f"Where there is no finite derivative, it gives {figure(trial.chosen, 4)} by choice."
    return f"Write {written}. {run} {chosen}"


def _advice(origin: Origin, advice: str) -> str:
    """What can be done where no line was found to write instead."""
    if origin.singular is None:
        return advice
    return ADVICE.get(origin.singular.kind, advice)


def _what(array: np.ndarray) -> str:
    return "nan" if np.isnan(array).any() else "infinite"
