"""Where an operation leaves its domain, has an infinite slope, or overflows: one entry for each primitive.

Source: the definitions of the functions over the real numbers, and IEEE 754 for overflow.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import jax.numpy as jnp
import numpy as np

from jaxdiff_magic.base.figures import figure
from jaxdiff_magic.engines.jax.replay import Played, is_literal

Kind = Literal["boundary", "outside", "overflow", "empty", "exponent", "matrix", "spectrum"]


@dataclass(frozen=True)
class Singular:
    """What is wrong with some elements of an operation's operand.

    Attributes:
        kind: "boundary" where the function has a value (be it infinite) but no finite slope; "outside" its domain;
            "overflow"; "empty" where there is nothing to choose from; "exponent" where a power has no slope in its
            exponent; "matrix" where a matrix has no inverse or factor, "spectrum" where its vectors have no
            derivative: the words are about the matrix then.
        operand: which operand it is about.
        mask: which elements, of the shape of the results.
        words: why, as the end of a sentence that names the operand's value.
    """

    kind: Kind
    operand: int
    mask: np.ndarray
    words: str


Case = tuple[Kind, Callable[[np.ndarray], np.ndarray], str]
"""A function of one operand: kind, which elements, words."""

ONE_OPERAND: Mapping[str, Sequence[Case]] = {
    "log": (
        ("boundary", lambda x: x == 0, "log is -inf at 0, with an infinite slope"),
        ("outside", lambda x: x < 0, "log is defined for positive numbers only"),
    ),
    "log1p": (
        ("boundary", lambda x: x == -1, "log1p is -inf at -1, with an infinite slope"),
        ("outside", lambda x: x < -1, "log1p is defined above -1 only"),
    ),
    "sqrt": (
        ("boundary", lambda x: x == 0, "the slope of a square root at 0 is infinite"),
        ("outside", lambda x: x < 0, "a negative number has no real square root"),
    ),
    "rsqrt": (
        ("boundary", lambda x: x == 0, "1 / sqrt(0) is infinite"),
        ("outside", lambda x: x < 0, "a negative number has no real square root"),
    ),
    "cbrt": (("boundary", lambda x: x == 0, "the slope of a cube root at 0 is infinite"),),
    "asin": (
        ("boundary", lambda x: np.abs(x) == 1, "the slope of arcsin at -1 and 1 is infinite"),
        ("outside", lambda x: np.abs(x) > 1, "arcsin is defined from -1 to 1 only"),
    ),
    "acos": (
        ("boundary", lambda x: np.abs(x) == 1, "the slope of arccos at -1 and 1 is infinite"),
        ("outside", lambda x: np.abs(x) > 1, "arccos is defined from -1 to 1 only"),
    ),
    "acosh": (
        ("boundary", lambda x: x == 1, "the slope of arccosh at 1 is infinite"),
        ("outside", lambda x: x < 1, "arccosh is defined from 1 upwards only"),
    ),
    "atanh": (
        ("boundary", lambda x: np.abs(x) == 1, "arctanh is infinite at -1 and 1"),
        ("outside", lambda x: np.abs(x) > 1, "arctanh is defined between -1 and 1 only"),
    ),
    "erf_inv": (
        ("boundary", lambda x: np.abs(x) == 1, "erfinv is infinite at -1 and 1"),
        ("outside", lambda x: np.abs(x) > 1, "erfinv is defined between -1 and 1 only"),
    ),
    "lgamma": (("boundary", lambda x: (x <= 0) & (x == np.round(x)), "gammaln is infinite there"),),
    "digamma": (("boundary", lambda x: (x <= 0) & (x == np.round(x)), "digamma is infinite there"),),
}
OF_NONE = {"reduce_max": "the largest of none is -inf", "reduce_min": "the smallest of none is inf"}
"""What JAX makes of no elements."""


def singular(step: Played, order: int) -> list[Singular]:
    """What is wrong with a step of the function itself.

    Args:
        step: with the values that it had.
        order: of the derivative that is looked at; 0 for the value.
    """
    operands = [np.asarray(value.data) for value in step.operands]
    results = [np.asarray(value.data) for value in step.results]
    if not results or not jnp.issubdtype(results[0].dtype, jnp.inexact):
        return []
    with np.errstate(all="ignore"):
        found = [case for case in _cases(step, operands, results, order) if case.mask.any()]
        overflow = np.isinf(results[0])
        if step.equation.primitive in OF_NONE and not operands[0].size:
            found = [Singular("empty", 0, overflow, OF_NONE[step.equation.primitive])]
        elif not found and overflow.any() and all(np.isfinite(x).all() for x in operands):
            most = float(jnp.finfo(results[0].dtype).max)
            words = f"{step.equation.primitive} of that is more than {results[0].dtype} holds ({most:.2g})"
            found = [Singular("overflow", 0, overflow, words)]
    return found


def _cases(step: Played, operands: list[np.ndarray], results: list[np.ndarray], order: int) -> list[Singular]:
    primitive, params = step.equation.primitive, step.equation.params
    if primitive in ONE_OPERAND:
        return [Singular(kind, 0, mask(operands[0]), words) for kind, mask, words in ONE_OPERAND[primitive]]
    if primitive in TWO_OPERANDS:
        x, y = np.broadcast_arrays(*operands[:2])
        return TWO_OPERANDS[primitive](x, y, order)
    if primitive == "integer_pow" and params["y"] < 0:
        return [Singular("boundary", 0, operands[0] == 0, f"0 to the power {params['y']} is infinite")]
    if primitive in DECOMPOSITIONS:
        return DECOMPOSITIONS[primitive](operands, results)
    return []


def _power(x: np.ndarray, y: np.ndarray, order: int) -> list[Singular]:
    whole, exponent = y == np.round(y), figure(y.flat[0], 4)
    which = "the slope" if exponent.startswith("0") else f"derivative {order}"
    in_exponent = "the slope in the exponent is x**y * log(x), and log of"
    return [
        Singular("boundary", 0, (x == 0) & (y < order) & (y > 0), f"{which} of the power {exponent} at 0 is infinite"),
        Singular("boundary", 0, (x == 0) & (y == 0), "JAX computes the slope of the power 0 as 0 * 0 ** -1"),
        Singular("boundary", 0, (x == 0) & (y < 0), "0 to a negative power is infinite"),
        Singular("outside", 0, (x < 0) & ~whole, f"a negative number has no real power {exponent}"),
        Singular("exponent", 0, (x < 0) & whole, f"{in_exponent} a negative number is nan"),
        Singular("exponent", 0, (x == 0) & (y > 0), f"{in_exponent} 0 is -inf"),
    ]


def _quotient(x: np.ndarray, y: np.ndarray, order: int) -> list[Singular]:
    del order
    words = "0 / 0 is nan" if np.any((x == 0) & (y == 0)) else "a division by 0 is infinite"
    return [Singular("boundary", 1, y == 0, words)]


def _arctan2(y: np.ndarray, x: np.ndarray, order: int) -> list[Singular]:
    del order
    return [Singular("boundary", 0, (x == 0) & (y == 0), "arctan2 has no derivative at (0, 0), JAX computes 0 / 0")]


def _equal(operands: list[np.ndarray], results: list[np.ndarray]) -> list[Singular]:
    """Of a decomposition: the spectrum is the result with one axis less than the matrix."""
    values = next((r for r in results if r.ndim == operands[0].ndim - 1), np.zeros(0))
    if values.shape[-1:] == (0,) or values.ndim == 0:
        return []
    ordered = np.sort(values, axis=-1)
    scale = np.abs(ordered).max(axis=-1, keepdims=True)
    close = np.diff(ordered, axis=-1) <= 4 * np.finfo(values.dtype).eps * scale
    words = "has two equal eigenvalues (or singular values), so that its vectors have no derivative"
    return [Singular("spectrum", 0, close, words)]


def _inverse(operands: list[np.ndarray], results: list[np.ndarray]) -> list[Singular]:
    bad = ~np.isfinite(results[-1])
    return [Singular("matrix", 0, bad if np.isfinite(operands[0]).all() else bad & False, "has no inverse")]


def _cholesky(operands: list[np.ndarray], results: list[np.ndarray]) -> list[Singular]:
    bad = np.isnan(results[0])
    words = "is not positive definite"
    return [Singular("matrix", 0, bad if np.isfinite(operands[0]).all() else bad & False, words)]


TWO_OPERANDS: Mapping[str, Callable[[np.ndarray, np.ndarray, int], list[Singular]]] = {
    "pow": _power,
    "div": _quotient,
    "atan2": _arctan2,
}
DECOMPOSITIONS: Mapping[str, Callable[[list[np.ndarray], list[np.ndarray]], list[Singular]]] = {
    "eigh": _equal,
    "svd": _equal,
    "cholesky": _cholesky,
    "inv": _inverse,
    "solve": _inverse,
    "triangular_solve": _inverse,
    "slogdet": _inverse,
}


def event(step: Played, bad: Callable[[np.ndarray], np.ndarray]) -> str:
    """What a step did where its result went bad: "0 * inf", "inf - inf", "0 / 0", "log(-1)"."""
    primitive = step.equation.primitive
    if any(is_literal(operand) and operand.has(bad) for operand in step.operands):
        return "the number put there"
    result = next(np.asarray(r.data) for r in step.results if r.has(bad))
    operands: list[Any] = [np.asarray(value.data) for value in step.operands]
    if primitive in ("add", "sub", "add_any", "reduce_sum", "cumsum"):
        return "inf - inf"
    if primitive in ("mul", "dot_general"):
        return "0 * inf"
    if primitive in ("div", "pow", "atan2") and len(operands) == 2:
        x, y = (figure(np.broadcast_to(operand, result.shape)[bad(result)].flat[0], 4) for operand in operands)
        return {"div": f"{x} / {y}", "pow": f"{x} ** {y}"}.get(primitive, f"arctan2({x}, {y})")
    if len(operands) == 1 and operands[0].shape == result.shape:
        return f"{primitive}({figure(operands[0][bad(result)].flat[0], 4)})"
    return f"{primitive} of these numbers"
