"""A reader's own derivation beside the right one: whether it is right, or how it is wrong.

It is run like the function itself, in float64 with bounds on its rounding, at the point and at random points around it,
and compared with the reference, which owes nothing to JAX's rules.
"""

from __future__ import annotations

import contextlib
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any, Literal

import jax.numpy as jnp
import numpy as np

from jaxdiff_magic.base.errors import DeriveError, OutOfReach
from jaxdiff_magic.checking.grading.answers import FILE, Answer, Mine, Written, answers_of, in_python, with_names
from jaxdiff_magic.checking.grading.diagnosis import Case, Diagnosis, diagnosed, from_swapped
from jaxdiff_magic.checking.grading.estimates import Estimated, Right, by_jax, estimates, right_values
from jaxdiff_magic.checking.grading.factors import named_numbers
from jaxdiff_magic.checking.grading.swaps import swaps
from jaxdiff_magic.checking.points import sample
from jaxdiff_magic.engines.jax.values import Derivatives
from jaxdiff_magic.engines.reference.derivatives import Reference
from jaxdiff_magic.engines.symbolic.derivation import Derivation, Path
from jaxdiff_magic.engines.symbolic.proof import SYMPY_FAILURES, proved_as_written
from jaxdiff_magic.engines.symbolic.terms import terms_of, terms_of_entry
from jaxdiff_magic.engines.symbolic.time_limits import until
from jaxdiff_magic.report import Check
from jaxdiff_magic.report.grade import Grade
from jaxdiff_magic.subject.leaves import Leaf
from jaxdiff_magic.subject.source import is_users
from jaxdiff_magic.subject.trace import Trace

__all__ = ["Mine", "Written", "grades_of", "with_names"]

MAX_POINTS = 16
"""At most so many points: a choice of time. A wrong derivation that is right at all of them would be right by more than
accident."""
MAX_COMPARED = 200_000
"""Fewer points are taken where they would make more numbers than this. A choice of time and memory: 1.6 MB for each
array of a run."""
CLEARLY = 200.0
"""How far beyond tolerance a derivation must be to be wrong where only JAX's own numbers are known. A choice of two
digits: nothing shows there how far off JAX's numbers are."""


def grades_of(
    derivatives: Derivatives,
    reference: Reference | None,
    derivation: Derivation | None,
    check: Check,
    mine: Mine | None,
    *,
    layout: Literal["numerator", "denominator"],
    points: int,
    seed: int,
    deadline: float,
) -> tuple[Grade, ...]:
    """Grade each of a reader's derivations of the gradient or Jacobian.

    Args:
        derivatives: how JAX differentiates the function.
        reference: the function's derivatives by local rules; None when out of reach.
        derivation: its formulas; None when there are none.
        check: what is known of JAX's own numbers.
        mine: the derivation by the first differentiated argument, or one for each argument; None for none.
        layout: which way round a Jacobian was to be written.
        points, seed: of the random points.
        deadline: the instant (`budget.now`) after which no formula is looked at.

    Raises:
        InputError: a derivation is of something that is not differentiated.
    """
    if mine is None:
        return ()
    grading = _Grading(derivatives, reference, derivation, check, layout, points, seed)
    with until(deadline):
        return tuple(grade for answer in answers_of(derivatives.subject, mine) for grade in grading.grades(answer))


class _Grading:
    """One grading in progress: what its derivations share."""

    def __init__(
        self,
        derivatives: Derivatives,
        reference: Reference | None,
        derivation: Derivation | None,
        check: Check,
        layout: Literal["numerator", "denominator"],
        points: int,
        seed: int,
    ) -> None:
        self.derivatives, self.subject = derivatives, derivatives.subject
        self.reference, self.derivation, self.check, self.layout = reference, derivation, check, layout
        entries = max(1, self.subject.size * self.subject.output_size)
        count = min(points, MAX_POINTS, max(2, MAX_COMPARED // entries))
        self.points = sample(self.subject, count, np.random.default_rng(seed))
        leaves = (*self.subject.inputs, *self.subject.outputs)
        self.eps = max(float(jnp.finfo(leaf.dtype).eps) for leaf in leaves)

    def grades(self, answer: Answer) -> Iterator[Grade]:
        """One grade for each block that a derivation is about."""
        paths = answer.paths
        order = "jacobian" if len(paths[0]) == 2 else "hessian"
        if order in self.derivatives.missing:
            for path in paths:
                yield self._undecided(path, answer, f"JAX gives no derivative: {self.derivatives.missing[order]}")
            return
        rights = [self._right(path) for path in paths]
        self.points = [batch[: min(len(right.values) for right in rights)] for batch in self.points]
        found: list[Estimated] | None = None
        error: Exception | None = None
        for reading in answer.readings:
            try:
                read = [self._turned(e, p) for e, p in zip(self._read(reading, len(paths)), paths, strict=True)]
            except Exception as raised:  # whatever the reader's own code raises
                error = error or raised
                continue
            if all(right.is_met(one) for right, one in zip(rights, read, strict=True)):
                found = read
                break
            found = found or read
        if found is not None and (second := self._as_second(answer, rights, found)) is not None:
            yield self._is_right(*second)
            return
        for k, path in enumerate(paths):
            if found is None:
                assert error is not None
                yield self._raised(path, answer, rights[k], error)
            else:
                yield self._grade(path, answer, rights[k], found[k])

    def _read(self, reading: Callable[..., Any], count: int) -> list[Estimated]:
        return estimates(self.subject, reading, count, self.points, self.eps)

    def _right(self, path: Path) -> Right:
        return right_values(self.subject, self.reference, self.derivatives, path, self.points, self.eps)

    def _sides(self, path: Path) -> tuple[Leaf, Leaf]:
        """What is differentiated last, and by what: for a second derivative, the first one is differentiated."""
        output, *inputs = self.subject.outputs[path[0]], *(self.subject.inputs[i] for i in path[1:])
        for leaf in inputs[:-1]:
            output = replace(output, name=f"∂{output.name}/∂{leaf.name}", shape=(*output.shape, *leaf.shape))
        return output, inputs[-1]

    def _turned(self, mine: Estimated, path: Path) -> Estimated:
        """A Jacobian that was to be written in denominator layout, in numerator layout."""
        if self.layout == "numerator" or len(path) > 2:
            return mine
        return mine.mapped(lambda x: self._transposed(x, path))

    def _transposed(self, values: np.ndarray, path: Path) -> np.ndarray:
        """The axes of the output and those of the input exchanged, whichever come first; other shapes stay."""
        out, into = self.subject.outputs[path[0]].shape, self.subject.inputs[path[1]].shape
        for first, then in ((into, out), (out, into)):
            if out and into and values.shape == (*first, *then):
                return np.moveaxis(values, range(len(first)), range(len(then), values.ndim))
        return values

    def _as_second(
        self, answer: Answer, rights: Sequence[Right], found: Sequence[Estimated]
    ) -> tuple[Path, Answer, Right, Estimated] | None:
        """A right second derivative where a first was to be given, which its shape tells from it."""
        (path, *others) = answer.paths
        if others or len(path) > 2 or found[0].values.shape[1:] == rights[0].shape:
            return None
        twice = (*path, *path[1:])
        with contextlib.suppress(OutOfReach):
            right = self._right(twice)
            if right.counts.any() and not self._is_doubtful(twice, right) and right.is_met(found[0]):
                return twice, answer, right, found[0]
        return None

    # Outcomes

    def _grade(self, path: Path, answer: Answer, right: Right, mine: Estimated) -> Grade:
        if not right.values.size:
            return self._undecided(path, answer, "the derivative has no entries with which to compare it")
        if not right.counts.any():
            return self._undecided(path, answer, "at the point and around it the derivative is a matter of convention")
        if self._is_doubtful(path, right):
            return self._undecided(path, answer, "what the derivative is cannot be decided here")
        if right.is_met(mine):
            if right.hides(mine, self.eps):
                return self._undecided(path, answer, "the bound on rounding is wider than the difference")
            return self._is_right(path, answer, right, mine)
        if right.by_jax and mine.values.shape[1:] == right.shape:
            loose = replace(right, tolerance=CLEARLY * right.tolerance)
            if loose.is_met(mine):
                return self._undecided(path, answer, "rounding hides the difference, and there is no formula")
        return self._is_wrong(path, answer, mine, diagnosed(self._case(path, answer, right, mine)))

    def _is_doubtful(self, path: Path, right: Right) -> bool:
        """Whether the check could not tell who is right, JAX or the reference."""
        if self.check.outcome != "out of reach" or right.by_jax or not right.counts[0]:
            return False
        theirs = by_jax(self.derivatives, self.subject.point, path)[None]
        return not right.small(theirs - right.values[:1], 0.0).all()

    def _is_right(self, path: Path, answer: Answer, right: Right, mine: Estimated) -> Grade:
        count = len(mine.values) - 1
        around = f" and at {count} random point{'s' * (count > 1)} around it" if count else ""
        if self._is_same(path, mine.trace):
            message = "the same expression as the derivative of the code."
        elif right.by_jax:
            message = f"it gives JAX's numbers at the point{around}; there is no formula to compare it with."
        else:
            message = f"it equals the derivative of the code at the point{around}."
        if not right.counts[0] and not right.by_jax:
            message += " At the point itself the derivative is a matter of convention."
        return self._made(path, answer, "right", Diagnosis("right", message), mine)

    def _is_same(self, path: Path, trace: Trace | None) -> bool:
        if trace is None or self.derivation is None or self.layout == "denominator":
            return False
        with contextlib.suppress(OutOfReach, *SYMPY_FAILURES):
            return proved_as_written(self.derivation, path, self._written(trace))
        return False

    def _written(self, trace: Trace) -> Derivation:
        """The formulas of the reader's derivation."""
        names = [leaf.name for leaf in self.subject.inputs]
        return Derivation(trace, names, ["mine"], self.subject.point)

    def _is_wrong(self, path: Path, answer: Answer, mine: Estimated | None, diagnosis: Diagnosis) -> Grade:
        return self._made(path, answer, "wrong", diagnosis, mine)

    def _undecided(self, path: Path, answer: Answer, reason: str) -> Grade:
        return self._made(path, answer, "undecided", Diagnosis("undecided", f"{reason}."), None)

    def _raised(self, path: Path, answer: Answer, right: Right, error: Exception) -> Grade:
        if diagnosis := from_swapped(right, self._swapped(path, answer)):
            return self._is_wrong(path, answer, None, diagnosis)
        said = str(error).strip().splitlines() or [""]
        name = "" if isinstance(error, DeriveError) else f"{type(error).__name__}: "
        return self._is_wrong(
            path,
            answer,
            None,
            Diagnosis("raises", f"it has no value: {name}{said[0].rstrip('.')}.{_line(error, answer)}"),
        )

    def _made(
        self,
        path: Path,
        answer: Answer,
        outcome: Literal["right", "wrong", "undecided"],
        diagnosis: Diagnosis,
        mine: Estimated | None,
    ) -> Grade:
        output, leaf = self._sides(path)
        values = None
        if mine is not None:
            values = np.asarray(mine.values[0])
            values = values if self.layout == "numerator" or len(path) > 2 else self._transposed(values, path)
        return Grade(
            of=f"∂²{self.subject.outputs[path[0]].name}/∂{self.subject.inputs[path[1]].name}∂{leaf.name}"
            if len(path) > 2
            else f"∂{output.name}/∂{leaf.name}",
            written=answer.text,
            outcome=outcome,
            kind=diagnosis.kind,
            message=diagnosis.message,
            factor=diagnosis.factor,
            term=diagnosis.term,
            values=values,
            points=0 if mine is None else len(mine.values) - 1,
        )

    # What a diagnosis looks at

    def _case(self, path: Path, answer: Answer, right: Right, mine: Estimated) -> Case:
        output, leaf = self._sides(path)
        derivation, trace, axes = self.derivation, mine.trace, len(output.shape)
        point = [np.asarray(x, np.float64) for x in self.subject.point]

        def found(terms: Callable[[], Sequence[Any]]) -> Sequence[Any]:
            with contextlib.suppress(OutOfReach, *SYMPY_FAILURES):
                return terms()
            return ()

        return Case(
            right=right,
            mine=mine,
            output=output,
            input=leaf,
            layout=self.layout,
            points=self.points,
            numbers=named_numbers(self.subject),
            terms=lambda: found(lambda: terms_of(derivation, path, axes, point) if derivation else ()),
            own_terms=lambda: found(lambda: terms_of(self._written(trace), (0,), axes, point) if trace else ()),
            terms_of_entry=lambda entry: found(
                lambda: terms_of_entry(derivation, path, entry, point) if derivation else ()
            ),
            swapped=lambda: self._swapped(path, answer),
        )

    def _swapped(self, path: Path, answer: Answer) -> Iterator[tuple[str, str, Estimated]]:
        """What texts give that differ from the derivation's in one place."""
        if len(answer.paths) != 1 or answer.names is None:
            return
        for instead, text in swaps(answer.text):
            other = in_python(self.subject, answer, text)
            with contextlib.suppress(Exception):  # most of them make no sense
                (estimate,) = self._read(other.readings[0], 1)
                yield instead, text, self._turned(estimate, path)


def _line(error: Exception, answer: Answer) -> str:
    """The last line of the reader's own code that an error came through."""
    frames = traceback.extract_tb(error.__traceback__)
    for frame in reversed(frames):
        if frame.filename == FILE:
            lines = answer.text.splitlines()
            return f" In: {lines[(frame.lineno or 1) - 1].strip()}" if len(lines) > 1 else ""
        if is_users(frame.filename) and not frame.filename.startswith("<lambdify"):
            return f" In {frame.name}, line {frame.lineno}: {frame.line}"
    return ""
