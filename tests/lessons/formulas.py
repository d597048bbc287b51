"""Whether a formula says the same as another, whichever way either is written."""

from __future__ import annotations

import re

import sympy as sp

from jaxdiff_magic.report import Formula


def assert_formula(formula: Formula, expected: str | dict[str, str]) -> None:
    """A formula as a reader sees it equals the expected one, entry by entry; by argument where there are several."""
    if isinstance(expected, str):
        parts, wanted = {"": formula.text}, {"": expected}
    else:
        parts, wanted = dict(line.split(": ", 1) for line in formula.text.splitlines()), expected
    assert parts.keys() == wanted.keys()
    for name, text in parts.items():
        shown, right = _read(text), _read(wanted[name])
        assert shown.shape == right.shape
        residual = (shown - right).reshape(len(shown))
        assert not any(map(sp.simplify, residual)), f"{name} {text} is not {wanted[name]}"


def _read(text: str) -> sp.NDimArray:
    """Nested lists of expressions, in which `x[0]` is an element of x."""
    arrays = {name: sp.IndexedBase(name) for name in re.findall(r"(\w+)\[", text)}
    return sp.Array(sp.sympify(text, locals=arrays))
