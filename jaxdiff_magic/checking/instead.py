"""Where JAX has no derivative: the number all the same, by local rules from the code or by differences of values."""

from __future__ import annotations

import contextlib
import itertools
import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from jaxdiff_magic.base.errors import OutOfReach
from jaxdiff_magic.checking.blocks import MAX_ROWS_OF_ENTRIES
from jaxdiff_magic.checking.differences import Column
from jaxdiff_magic.checking.words import WORDS, Why
from jaxdiff_magic.engines.jax.values import Values
from jaxdiff_magic.engines.reference.directions import Found, Path
from jaxdiff_magic.report import CheckEntry
from jaxdiff_magic.subject.subject import Subject

MOST_DIGITS = 15
"""A float64 holds any number of so many decimal digits."""
LEAST_DIGITS = 1
"""A number of which no digit is right is not shown."""
BY_RULES, BY_VALUES = "by local rules from the code", "by differences of function values"


def entries_instead(
    subject: Subject,
    values: Values,
    reference: Callable[[Path], Found | None] | None,
    numeric: Callable[[Path], Column | None],
    doubt: str,
) -> tuple[CheckEntry, ...]:
    """Rows for first and second derivatives that JAX refuses, as far as anything else has them.

    Args:
        subject: the function.
        values: what JAX gives at the point.
        reference: a derivative by local rules at the user's point; None where that has none.
        numeric: likewise by differences.
        doubt: why the function's value itself is in doubt, or "".
    """
    if doubt and reference is not None:
        return ()
    n, m = subject.size, subject.output_size
    first = "gradient" if subject.is_scalar else "jacobian"
    outputs, inputs = range(len(subject.outputs)), range(len(subject.inputs))
    if values.jacobian is None and 0 < m * n <= MAX_ROWS_OF_ENTRIES:
        paths, what = itertools.product(outputs, inputs), first
        reason = next((values.missing[name] for name in ("jacobian", "reverse") if name in values.missing), "")
    elif values.jacobian is not None and "hessian" in values.missing and 0 < m * n * n <= MAX_ROWS_OF_ENTRIES:
        paths, what, reason = itertools.product(outputs, inputs, inputs), "hessian", values.missing["hessian"]
    else:
        return ()
    return tuple(row for path in paths for row in _rows(subject, what, path, reason, reference, numeric))


def _rows(
    subject: Subject,
    what: str,
    path: Path,
    reason: str,
    reference: Callable[[Path], Found | None] | None,
    numeric: Callable[[Path], Column | None],
) -> Iterator[CheckEntry]:
    found = column = None
    with contextlib.suppress(OutOfReach):
        found = reference(path) if reference else None
    with contextlib.suppress(
        OutOfReach, KeyError
    ):  # of a second derivative there may be nothing to take differences of
        column = numeric(path)
    if found is None and column is None:
        return
    output, *leaves = (subject.outputs[path[0]], *(subject.inputs[i] for i in path[1:]))
    for entry in np.ndindex(*sum((leaf.shape for leaf in leaves), output.shape)):
        places, start = [], len(output.shape)
        for leaf in leaves:
            places.append(leaf.element(entry[start : start + len(leaf.shape)]))
            start += len(leaf.shape)
        symbolic, by_rules = _known(found and (found.values[0], found.errors[0]), entry)
        estimate, by_values = _known(column and (column[0][0], column[1][0]), entry)
        if found is not None and found.at_tie[0] and column is not None and column[2][0][entry]:
            says, why = WORDS[Why.KINK], Why.KINK.value
        elif by_rules >= LEAST_DIGITS:
            why, says = BY_RULES, f"{BY_RULES} it is {symbolic:.{by_rules}g} ({_digits(by_rules)})"
        elif by_values >= LEAST_DIGITS:
            why, says = BY_VALUES, f"{BY_VALUES} it is {estimate:.{by_values}g} ({_digits(by_values)})"
        else:
            why, says = "", "nothing else gives a number here either"
        yield CheckEntry(
            what=what,
            output=output.element(entry[: len(output.shape)]),
            inputs=tuple(places),
            symbolic=symbolic,
            forward=None,
            reverse=None,
            numeric=estimate,
            error=None,
            outcome="out of reach",
            reason=f"JAX has no such derivative ({reason.rstrip('.')}); {says}",
            why=why,
        )


def _known(pair: Any, entry: tuple[int, ...]) -> tuple[float | None, int]:
    """A number, and how many of its digits are known."""
    if pair is None:
        return None, 0
    value, error = (float(part[entry]) for part in pair)
    if not math.isfinite(value) or not math.isfinite(error):
        return value, 0
    if error == 0:
        return value, MOST_DIGITS
    if abs(value) <= error:
        return value, LEAST_DIGITS if error < 1e-9 else 0  # 0, to so many decimals
    return value, max(0, min(MOST_DIGITS, math.floor(-math.log10(error / abs(value)))))


def _digits(count: int) -> str:
    return f"{count} digit{'s' if count > 1 else ''}"


def told(subject: Subject, missing: Mapping[str, str], entries: tuple[CheckEntry, ...], summary: str) -> str:
    """The summary where JAX has no derivative at all, or no second one beside what is summed up already."""
    whose = {BY_RULES: "computed by local rules from its code", BY_VALUES: "differences of its values"}
    by = next((words for method, words in whose.items() if any(entry.why == method for entry in entries)), "")
    given = f"; the numbers in the check are {by}" if by else ""
    if "jacobian" in missing:
        return f"JAX has no derivative of {subject.name} ({missing['jacobian'].rstrip('.')}){given}"
    second = f"JAX has no second derivative of {subject.name} ({missing['hessian'].rstrip('.')}){given}"
    return f"{second}; of the first one, {summary}"
