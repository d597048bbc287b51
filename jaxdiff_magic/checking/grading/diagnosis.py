"""How a wrong derivation is wrong: what would make it right is tried, the most common mistakes first."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from jaxdiff_magic.base.figures import figure
from jaxdiff_magic.checking.grading.estimates import Estimated, Right
from jaxdiff_magic.checking.grading.factors import named, rounded
from jaxdiff_magic.report.grade import Kind
from jaxdiff_magic.subject.leaves import Leaf

MAX_WRONG = 12
"""In how many wrong entries terms are looked for. A choice of time: a mistake in a derivation is mostly the same in
all."""


class TermLike(Protocol):
    """A term of a formula; `str` is what a reader calls it."""

    def values(self, points: Sequence[np.ndarray], /) -> np.ndarray:
        """Shape `(points, *output, *input)`, or `(points,)` for a term of one entry."""
        ...


@dataclass(frozen=True)
class Diagnosis:
    """What is wrong; as in `Grade`."""

    kind: Kind
    message: str
    factor: float | None = None
    term: str = ""


@dataclass(frozen=True)
class Case:
    """A wrong derivation beside the right one.

    Attributes:
        right, mine: the two.
        output, input: the leaves that are differentiated, and by which.
        layout: "numerator" or "denominator": which way round a Jacobian was to be written.
        points: at which they were compared.
        numbers: numbers with a name, such as the length of an axis.
        terms: the right formula's terms, in one or more groups that add up to it.
        own_terms: those of the derivation's own formula.
        terms_of_entry: the right terms of one entry.
        swapped: texts that differ from the derivation's in one place, each with what stands there instead and with
            what it gives.
    """

    right: Right
    mine: Estimated
    output: Leaf
    input: Leaf
    layout: str
    points: Sequence[np.ndarray]
    numbers: Mapping[str, float]
    terms: Callable[[], Sequence[Sequence[TermLike]]]
    own_terms: Callable[[], Sequence[Sequence[TermLike]]]
    terms_of_entry: Callable[[tuple[int, ...]], Sequence[TermLike]]
    swapped: Callable[[], Iterator[tuple[str, str, Estimated]]]

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the derivation."""
        return self.mine.values.shape[1:]


def diagnosed(case: Case) -> Diagnosis:
    """The first of the usual mistakes that explains the derivation."""
    looks = ALIKE if case.shape == case.right.shape else UNLIKE
    found = next((diagnosis for look in looks if (diagnosis := look(case)) is not None), None)
    return found or _different(case)


def _not_finite(case: Case) -> Diagnosis | None:
    known = np.asarray(np.isfinite(case.right.values[: len(case.mine.values)]))
    counts = case.right.counts[: len(known)].reshape(-1, *[1] * (known.ndim - 1))
    lost = np.asarray(known & counts & ~np.isfinite(case.mine.values))
    if not lost.any():
        return None
    point, *entry = (int(k) for k in np.argwhere(lost)[0])
    where = "at the point" if point == 0 else f"at {_point(case, point)}"
    value, right = case.mine.values[(point, *entry)], case.right.values[(point, *entry)]
    return Diagnosis(
        "not finite",
        f"{_entry(case, entry)} is {figure(value)} {where}, where the derivative is {figure(right)}. "
        "Rewrite what overflows or divides by 0 there.",
    )


def _this_point_only(case: Case) -> Diagnosis | None:
    near = case.right.near(case.mine)
    is_met = [bool(part.all()) for part in near]
    others = [k for k in range(1, len(near)) if case.right.counts[k]]
    if not others or not (case.right.counts[0] and is_met[0]) or any(is_met[k] for k in others):
        return None
    k = others[0]
    same = np.array_equal(case.mine.values[k], case.mine.values[0])
    why = "it gives the same numbers everywhere" if same else f"not at {_point(case, k)}"
    return Diagnosis(
        "this point only",
        f"it is right at this point only: {why}. A number, or an array that holds the point's own numbers, stands "
        f"where {case.input.name} should.",
    )


def _factor(case: Case) -> Diagnosis | None:
    factor = _multiple(case, case.mine.values)
    if factor is None:
        return None
    if factor == 0:
        return Diagnosis("different", "the derivative is 0 everywhere, and it is not.")
    remedy = ": the sign is wrong" if factor == -1 else f". Multiply it by {named(factor, case.numbers)}"
    return Diagnosis("factor", f"it is {named(1 / factor, case.numbers)} times the right one{remedy}.", factor)


def _transposed(case: Case) -> Diagnosis | None:
    for name, f in _transposes(case):
        turned = case.mine.mapped(f)
        if turned.values.shape[1:] != case.right.shape:
            continue
        if case.right.is_met(turned):
            return _turned(case, name)
        if (factor := _multiple(case, turned.values, turned.errors)) not in (None, 0):
            first = _turned(case, name)
            also = f" It is also {named(1 / factor, case.numbers)} times the right one."
            return Diagnosis(first.kind, first.message + also, factor)
    return None


def _transposes(case: Case) -> Iterator[tuple[str, Callable[[np.ndarray], np.ndarray]]]:
    out, into = len(case.output.shape), len(case.input.shape)
    axes = out + into
    if out and into and len(case.shape) == axes:
        first = into if case.shape[:into] == case.input.shape and case.shape[into:] == case.output.shape else out
        yield "layout", lambda x: np.moveaxis(x, range(first), range(axes - first, axes))
    if axes == 2 and len(case.shape) == 2:
        yield "transposed", np.transpose


def _turned(case: Case, name: str) -> Diagnosis:
    if name == "transposed":
        return Diagnosis(
            "transposed", "it is the transpose of the right one. Write it with .T, or its factors reversed."
        )
    y, x = case.output.name, case.input.name
    layouts = {"numerator": f"row i, column j is d{y}[i]/d{x}[j]", "denominator": f"row i, column j is d{y}[j]/d{x}[i]"}
    other = "denominator" if case.layout == "numerator" else "numerator"
    return Diagnosis(
        "layout",
        f"it is the transpose: it is in {other} layout ({layouts[other]}), and {case.layout} layout is asked for "
        f"({layouts[case.layout]}). Transpose it, or ask for layout {other}.",
    )


def _reshaped(case: Case) -> Diagnosis | None:
    """The right numbers in another shape: a row, a column, flattened, or one number for all."""
    shape, right = case.shape, case.right
    ways: list[tuple[str, Callable[[np.ndarray], np.ndarray]]] = []
    if math.prod(shape) == math.prod(right.shape):
        name = "flattened" if len(shape) < len(right.shape) else "reshaped"
        if len(right.shape) <= 1 and len(shape) == 2:
            name = "a row" if shape[0] == 1 else "a column"
        elif sorted(n for n in shape if n != 1) == sorted(n for n in right.shape if n != 1):
            name = "with other axes of length 1"
        ways.append((name, lambda x: x.reshape(right.shape)))
        ways.append(("stacked by columns", lambda x: x.reshape(right.shape, order="F")))
    elif _fits(shape, right.shape):
        ways.append(("one number for several", lambda x: np.broadcast_to(x, right.shape)))
    for name, f in ways:
        if right.is_met(case.mine.mapped(f)):
            return Diagnosis(
                "layout",
                f"its numbers are right, but they are {name}: its shape is {_shape(shape)}, and JAX's derivative has "
                f"shape {_shape(right.shape)}.",
            )
    return None


def _fits(shape: tuple[int, ...], into: tuple[int, ...]) -> bool:
    try:
        return np.broadcast_shapes(shape, into) == into
    except ValueError:
        return False


def _swapped(case: Case) -> Diagnosis | None:
    for instead, text, estimate in case.swapped():
        if case.right.is_met(estimate):
            return _exchanged(instead, text)
        if estimate.values.shape[1:] == case.right.shape and (
            factor := _multiple(case, estimate.values, estimate.errors)
        ) not in (None, 0):
            first = _exchanged(instead, text)
            also = f" With it, it is {named(1 / factor, case.numbers)} times the right one."
            return Diagnosis(first.kind, first.message + also, factor)
    return None


EXCHANGED = {
    "@": "a product is elementwise, where a matrix product is meant",
    "*": "a product is a matrix product, where an elementwise one is meant",
    ".T": "a factor is the transpose of the right one",
}
"""What is wrong where something else stands instead."""


def _exchanged(instead: str, text: str) -> Diagnosis:
    return Diagnosis("transposed" if instead == ".T" else "elementwise", f"{EXCHANGED[instead]}: {text} is right.")


def from_swapped(right: Right, swapped: Iterator[tuple[str, str, Estimated]]) -> Diagnosis | None:
    """For a derivation that has no value at all: whether another product makes it right."""
    return next((_exchanged(instead, text) for instead, text, found in swapped if right.is_met(found)), None)


def _term(case: Case) -> Diagnosis | None:
    n = len(case.mine.values)
    points = [batch[:n] for batch in case.points]
    missing = case.right.values[:n] - case.mine.values

    def is_small(rest: np.ndarray) -> bool:
        return bool(case.right.small(rest, case.mine.errors).all())

    for group in case.terms():
        values = [term.values(points) for term in group]
        for term, value in zip(group, values, strict=True):
            weight = _weight(missing, value, case.right.counts[:n])
            if weight is not None and is_small(missing - weight * value):
                return _about(str(term), weight, case)
        weights = _weights(missing, values, case.right.counts[:n])
        if weights is not None and is_small(missing - sum(w * v for w, v in zip(weights, values, strict=True))):
            return _about_several(group, weights, case)
    for group in case.own_terms():
        for term in group:
            if is_small(missing + term.values(points)):
                return Diagnosis("term", f"the term {term} is too much: without it, yours is right.", None, str(term))
    return None


def _term_of_entries(case: Case) -> Diagnosis | None:
    """As `_term`, in the few entries that are wrong."""
    n = len(case.mine.values)
    points = [batch[:n] for batch in case.points]
    wrong = sorted({tuple(map(int, entry)) for _, *entry in np.argwhere(~case.right.near(case.mine))})
    if not wrong or len(wrong) > MAX_WRONG:
        return None
    found: list[Diagnosis] = []
    for entry in wrong:
        at = (slice(None), *entry)
        missing = case.right.values[:n][at] - case.mine.values[at]
        allowed = np.abs(case.right.tolerance[:n][at]) + 16 * case.mine.errors[at]
        for term in case.terms_of_entry(entry):
            value = term.values(points)
            weight = _weight(missing, value, case.right.counts[:n])
            if weight is not None and np.all((np.abs(missing - weight * value) <= allowed) | ~case.right.counts[:n]):
                found.append(_about(str(term), weight, case))
                break
        else:
            return None
    first, place = found[0], _entry(case, wrong[0])
    more = f" So it is in {len(wrong) - 1} more entries." if len(wrong) > 1 else ""
    return Diagnosis("term", f"in {place} {first.message}{more}", first.factor, first.term)


def _about_several(group: Sequence[TermLike], weights: np.ndarray, case: Case) -> Diagnosis:
    wrong = [_about(str(term), w, case) for term, w in zip(group, weights, strict=True) if abs(w) > 1e-3]
    said = " ".join(d.message[0].upper() * (k > 0) + d.message[k > 0 :] for k, d in enumerate(wrong))
    return Diagnosis("term", said, None, " and ".join(d.term for d in wrong))


def _about(term: str, weight: float, case: Case) -> Diagnosis:
    """A term of which the derivation has `1 - weight` instead of 1."""
    if math.isclose(weight, 1, abs_tol=1e-3):
        return Diagnosis("term", f"the term {term} is missing.", None, term)
    if math.isclose(weight, 2, abs_tol=1e-3):
        return Diagnosis("term", f"the term {term} has the wrong sign.", None, term)
    has = named(round(1 - weight, 6), case.numbers)
    return Diagnosis("term", f"the term {term} is {has} times what it should be.", None, term)


def _weight(missing: np.ndarray, value: np.ndarray, counts: np.ndarray) -> float | None:
    """The multiple of a term that is nearest to what is missing."""
    use = np.isfinite(missing) & np.isfinite(value) & counts.reshape(-1, *[1] * (value.ndim - 1))
    a, b = value[use], missing[use]
    size = float(a @ a)
    weight = float(a @ b) / size if size > 0 else 0.0
    return weight if abs(weight) > 1e-6 else None


def _weights(missing: np.ndarray, values: Sequence[np.ndarray], counts: np.ndarray) -> np.ndarray | None:
    """The multiples of several terms that are nearest to what is missing; None where numbers are too few."""
    columns = [value[counts].ravel() for value in values]
    right = missing[counts].ravel()
    use = np.isfinite(right) & np.all(np.isfinite(columns), axis=0)
    if use.sum() < 3 * len(columns):
        return None
    return np.linalg.lstsq(np.stack(columns, axis=1)[use], right[use], rcond=None)[0]


def _multiple(case: Case, values: np.ndarray, errors: np.ndarray | None = None) -> float | None:
    """What a derivation is to be multiplied by to be right everywhere; None where no number does it."""
    factor = _weight(case.right.values[: len(values)], values, case.right.counts[: len(values)])
    if factor is None:
        zero = not np.any(case.right.values[case.right.counts])
        return 0.0 if zero else None
    errors = case.mine.errors if errors is None else errors
    for tried in (rounded(factor, case.numbers), factor):
        rest = case.right.values[: len(values)] - tried * values
        if case.right.small(rest, abs(tried) * errors).all():
            return tried
    return None


def _wrong_shape(case: Case) -> Diagnosis | None:
    return Diagnosis(
        "shape",
        f"its shape is {_shape(case.shape)}, and the derivative of {case.output.name} (shape "
        f"{_shape(case.output.shape)}) with respect to {case.input.name} has shape {_shape(case.right.shape)}.",
    )


def _different(case: Case) -> Diagnosis:
    wrong = np.argwhere(~case.right.near(case.mine))
    point, *entry = (int(k) for k in wrong[0])
    count = len({tuple(map(int, place)) for _, *place in wrong})
    where = "at the point" if point == 0 else f"at {_point(case, point)}"
    of = f" ({count} of {math.prod(case.right.shape)} entries are wrong)" if math.prod(case.right.shape) > 1 else ""
    value, right = case.mine.values[(point, *entry)], case.right.values[(point, *entry)]
    return Diagnosis(
        "different", f"{_entry(case, entry)} is {figure(value)} {where}, where the derivative is {figure(right)}{of}."
    )


def _entry(case: Case, entry: Sequence[int]) -> str:
    return f"entry [{', '.join(map(str, entry))}]" if entry else "it"


def _point(case: Case, k: int) -> str:
    value = np.array2string(np.asarray(case.points[0][k]), precision=4, threshold=6, separator=", ")
    return f"a random point near it ({value})"


def _shape(shape: tuple[int, ...]) -> str:
    return f"({', '.join(map(str, shape))}{',' if len(shape) == 1 else ''})"


Look = Callable[[Case], Diagnosis | None]
ALIKE: tuple[Look, ...] = (
    _not_finite,
    _this_point_only,
    _factor,
    _transposed,
    _swapped,
    _term,
    _term_of_entries,
)
"""What is tried on a derivation of the right shape …"""
UNLIKE: tuple[Look, ...] = (_transposed, _reshaped, _swapped, _wrong_shape)
"""… and on one of another."""
