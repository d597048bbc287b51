"""Constant factors by the names that a reader would give them: `1/2`, `1/100 (the length of y)`."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from fractions import Fraction

import jax
import numpy as np

from jaxdiff_magic.base.figures import figure
from jaxdiff_magic.subject.source import captured
from jaxdiff_magic.subject.subject import Subject

SIMPLE = 12
"""Ratios of numbers up to this are named as they are … A choice: factors that people forget are exponents, small
counts, and quotients of them."""
WHOLE = 100
"""… and so are whole numbers up to this, and one over them. A choice: the number of elements of a small example is one
of them."""


def named_numbers(subject: Subject) -> dict[str, float]:
    """Numbers that a function knows, by name: lengths of arrays, and its own constants."""
    leaves = [(leaf.name, np.asarray(value)) for leaf, value in zip(subject.inputs, subject.point, strict=True)]
    known = [(held.name, held.value) for held in subject.held] + list(captured(subject.function, set()))
    leaves += [(name, value) for name, value in known if isinstance(value, (np.ndarray, jax.Array))]
    found: dict[str, float] = {}
    for name, value in known:
        if isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value) and value != 0:
            found.setdefault(name, abs(float(value)))
    for name, array in leaves:
        axes = {1: ("the length",), 2: ("the number of rows", "the number of columns")}.get(len(array.shape), ())
        for axis, length in zip(axes, array.shape, strict=False):
            if length not in found.values():
                found[f"{axis} of {name}"] = float(length)
    return {name: number for name, number in found.items() if number != 0}


def rounded(factor: float, numbers: Mapping[str, float]) -> float:
    """A factor as the simple number that it is within rounding, if it is one."""
    size = next((value for _, value in _candidates(numbers) if _is_close(abs(factor), value)), abs(factor))
    return math.copysign(size, factor)


def named(factor: float, numbers: Mapping[str, float]) -> str:
    """A factor in words: `-1/2`, `1/100 (the length of y)`, `0.381966`."""
    name = next((name for name, value in _candidates(numbers) if _is_close(abs(factor), value)), "")
    return ("-" if factor < 0 else "") + name if name else figure(factor, 9)


def _is_close(a: float, b: float) -> bool:
    return math.isclose(a, b, rel_tol=1e-7)


def _candidates(numbers: Mapping[str, float]) -> Iterator[tuple[str, float]]:
    """Simple numbers, then those with names, then longer ones."""
    simple = {Fraction(p, q) for p in range(1, SIMPLE + 1) for q in range(1, SIMPLE + 1)}
    for value in sorted(simple, key=lambda ratio: (ratio.numerator + ratio.denominator, ratio)):
        yield str(value), float(value)
    for name, number in numbers.items():
        for p in (1, 2, 4):
            for q in (1, 2, 4):
                yield _product(name, number, p, q, above=True), p * number / q
                yield _product(name, number, p, q, above=False), p / (q * number)
    for k in (*range(SIMPLE, WHOLE + 1), 1000):
        yield str(k), float(k)
        yield f"1/{k}", 1 / k
    yield "π", math.pi
    yield "1/π", 1 / math.pi


def _product(name: str, number: float, p: int, q: int, above: bool) -> str:
    """`p number / q` or `p / (q number)`, with the number's name."""
    top, bottom = (f"{p} {name}" if p > 1 else name, str(q)) if above else (str(p), f"{q} {name}" if q > 1 else name)
    text = top if bottom == "1" else f"{top}/({bottom})" if " " in bottom else f"{top}/{bottom}"
    if number != round(number):
        return text
    value = Fraction(p * round(number), q) if above else Fraction(p, q * round(number))
    return f"{value} ({round(number)} is {name})" if " " in name else f"{value} ({text})"
