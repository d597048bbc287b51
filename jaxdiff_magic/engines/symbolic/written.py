"""Formulas that a reader wrote as SymPy text, such as `[2*x0*x1, x0^2]`, as numbers of the reader's arrays."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import sympy as sp
from sympy.parsing.sympy_parser import convert_xor, parse_expr, standard_transformations

from jaxdiff_magic.base.errors import InputError

_WORD = r"[^\W\d]\w*"
_ELEMENT = r"([^\W\d]\w*?)_?(\d+)"


def value_of_text(text: str, names: Mapping[str, Any]) -> Any:
    """The value of a formula.

    Args:
        text: an expression in SymPy's functions, a list of them, or a Matrix. `x[0]`, `x0` and `x_0` are elements of
            a vector x (`x1`, …, `xn` where the last one is written and x0 is not); `^` is a power.
        names: the arrays and numbers that it may mention, JAX's tracers among them.

    Returns:
        A number, or nested lists of them; a Matrix of one column is a vector.

    Raises:
        InputError: it is no formula, or mentions something that is not among the names.
    """
    arrays = {name: value for name, value in names.items() if isinstance(value, (int, float)) or hasattr(value, "ndim")}
    words, indexed = set(re.findall(_WORD, text)), set(re.findall(rf"({_WORD})\s*\[", text))
    elements = {word: value for word in words - arrays.keys() if (value := _element(word, words, arrays)) is not None}
    known = {word: arrays[word] for word in words & arrays.keys()} | elements
    symbols = {word: sp.IndexedBase(word) if word in indexed else sp.Symbol(word) for word in known}
    try:
        found = parse_expr(text, local_dict=dict(symbols), transformations=(*standard_transformations, convert_xor))
        strangers = _free(found) - set().union(*(map(_free, symbols.values())))
    except Exception as error:  # whatever Python raises on what is no expression
        raise InputError(
            f"{text!r} cannot be read as a formula: {error}. Write it in Python, over the names of f."
        ) from error
    if strangers:
        raise InputError(f"{text!r} mentions {min(map(str, strangers))}, which has no value here. Define it first.")
    if isinstance(found, sp.MatrixBase):
        found = list(found) if found.cols == 1 else found.tolist()
    return sp.lambdify(list(symbols.values()), found, modules="jax")(*known.values())


def _element(word: str, words: set[str], arrays: Mapping[str, Any]) -> Any:
    """The element of a vector that `x0` or `x_0` names; None where it names none."""
    match = re.fullmatch(_ELEMENT, word)
    if not match or np.ndim(vector := arrays.get(match[1], 0)) != 1:
        return None
    written = [int(m[2]) for other in words if (m := re.fullmatch(_ELEMENT, other)) and m[1] == match[1]]
    first = 1 if 0 not in written and len(vector) in written else 0
    position = int(match[2]) - first
    return vector[position] if 0 <= position < len(vector) else None


def _free(found: Any) -> set[sp.Basic]:
    if isinstance(found, (list, tuple)):
        return set().union(*map(_free, found))
    return {symbol for symbol in getattr(found, "free_symbols", ()) if isinstance(symbol, sp.Symbol)}
