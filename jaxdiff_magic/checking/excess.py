"""What a wrong rule gives too much, as a formula that its numbers confirm."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from jaxdiff_magic.base.errors import InputError, OutOfReach
from jaxdiff_magic.checking.rules import SAFETY, RuleName, literal_eps, rule_trace
from jaxdiff_magic.checking.steps import NAMELESS
from jaxdiff_magic.engines.reference.directions import Found, Path
from jaxdiff_magic.engines.symbolic.derivation import Derivation, TracedRule
from jaxdiff_magic.engines.symbolic.evaluate import evaluation
from jaxdiff_magic.engines.symbolic.residual import Excess, differences
from jaxdiff_magic.engines.symbolic.time_limits import until
from jaxdiff_magic.report.formula import Formula
from jaxdiff_magic.subject.subject import Subject
from jaxdiff_magic.subject.trace import Trace, subject_trace

MAX_WRITTEN_EQUATIONS = 150
"""Programs with more equations than this are not written out. A choice of time, as in `proofs.py`."""
MAX_LENGTH = 80
"""A formula of more characters is not shown: both numbers say more. A choice: it stands within a sentence."""
EXACT, ROUGH = 1e-6, 1e-3
"""How near a formula must be to its own numbers, beside their rounding, and, rounding or not, to the largest of them:
literals are shown as they were typed, the program holds them rounded. A choice: six digits show a formula to be the
one, three are what literals in float16 leave."""
UNFORESEEN = (ArithmeticError, AttributeError, MemoryError, NotImplementedError, RecursionError, TypeError, ValueError)
"""What SymPy and NumPy raise on expressions that they do not expect: a formula less."""


@dataclass(frozen=True)
class Disputed:
    """A derivative that a rule gives wrong, at a batch of points.

    Attributes:
        entire: see `Alone`.
        points: for each operand that varies a batch of values.
        rule: which of JAX's programs follows the rule.
        path: which derivative.
        entry: the one looked at, output axes first.
        given, expected: what the rule gives for all entries, and the code.
    """

    entire: Callable[[], tuple[Subject, list[np.ndarray]]]
    points: Sequence[np.ndarray]
    rule: RuleName
    path: Path
    entry: tuple[int, ...]
    given: Found
    expected: Found


@dataclass(frozen=True)
class Residual:
    """What a rule gives minus the derivative of the code.

    Attributes:
        formula: of it.
        of: the derivative that it belongs to, in words: "f[i] with respect to x[j]".
    """

    formula: Formula
    of: str


def residual_of(disputed: Disputed, deadline: float) -> Residual | None:
    """The residual as a formula; None where that is out of reach, too long, or not confirmed by the numbers.

    Args:
        disputed: the derivative.
        deadline: the instant (`budget.now`) after which the formula is given up.
    """
    with contextlib.suppress(OutOfReach, InputError, *UNFORESEEN), until(deadline):
        return _residual(disputed)
    return None


def _residual(disputed: Disputed) -> Residual | None:
    subject, everything = disputed.entire()
    varying, count = len(disputed.points), len(disputed.points[0])
    points = [*disputed.points, *(np.repeat(batch[:1], count, axis=0) for batch in everything[varying:])]
    code, rule = _traces(subject, disputed.rule)
    if max(len(code.equations), len(rule.equations)) > MAX_WRITTEN_EQUATIONS:
        return None
    held = {leaf.name for leaf in subject.held}
    names, eps = [leaf.name for leaf in subject.inputs], literal_eps(subject)
    cotangents = len(subject.outputs) if disputed.rule != "forward" else 0
    tangents = len(names) if disputed.rule != "reverse" else 0
    derivation = Derivation(code, names, [leaf.name for leaf in subject.outputs], subject.point)
    traced = TracedRule(rule, names, cotangents, tangents, eps, subject.point)
    axes = len(subject.outputs[disputed.path[0]].shape)
    for found in differences(derivation, traced, disputed.path, disputed.entry, axes, held):
        readable = len(found.formula.text) <= MAX_LENGTH and NAMELESS not in found.formula.text
        if readable and _is_confirmed(found, disputed, points, eps):
            return Residual(found.formula, _of(subject, disputed.path, found.places))
    return None


def _traces(subject: Subject, rule: RuleName) -> tuple[Trace, Trace]:
    """The code, and JAX's program that follows the rule."""
    try:
        return subject_trace(subject), rule_trace(subject, rule)
    except Exception as error:  # the user's rule may refuse, in its own words, that operands vary which did not
        raise OutOfReach(f"the rule cannot be traced along all its operands: {error}") from error


def _is_confirmed(found: Excess, disputed: Disputed, points: Sequence[np.ndarray], eps: float) -> bool:
    """Whether a formula has the values of the rule minus those of the code, at every point where those are known."""
    started = evaluation(found.program, points, eps)
    values, errors = started.of(found.definition)
    given, expected = disputed.given, disputed.expected
    true, bound = given.values - expected.values, SAFETY * (given.errors + expected.errors)
    if values.ndim == 1:
        true, bound = (part[(slice(None), *disputed.entry)] for part in (true, bound))
    clear = ~(given.at_tie | expected.at_tie | started.at_tie)
    axes = tuple(range(1, true.ndim))
    clear &= np.isfinite(true).all(axis=axes) & np.isfinite(bound).all(axis=axes)
    true, bound, values, errors = (part[clear] for part in (true, bound, values, errors))
    apart, largest = np.abs(values - true), np.max(np.abs(true), axis=axes, keepdims=True, initial=0.0)
    within = (apart <= bound + SAFETY * errors + EXACT * np.abs(true)) & (apart <= ROUGH * largest)
    return bool(clear.any() and np.any(true) and np.all(within))


def _of(subject: Subject, path: Path, places: Sequence[str] | None) -> str:
    """`f[i] with respect to x[j]`."""
    leaves = [subject.outputs[path[0]], *(subject.inputs[i] for i in path[1:])]
    words, start = [], 0
    for leaf in leaves:
        own = () if places is None else places[start : start + len(leaf.shape)]
        start += len(leaf.shape)
        words.append(f"{leaf.name}[{', '.join(own)}]" if own else leaf.name)
    each = ", element by element" if places is None and leaves[0].shape else ""
    return f"{words[0]} with respect to {' and '.join(words[1:])}{each}"
