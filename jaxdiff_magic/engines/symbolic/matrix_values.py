"""Numbers from matrix expressions, in float64 NumPy: what a matrix form says, against what the index form says."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import scipy.special as special
import sympy as sp

from jaxdiff_magic.base.errors import OutOfReach
from jaxdiff_magic.engines.symbolic.matrix import (
    Apply,
    Diag,
    Diagonal,
    Element,
    Hadamard,
    Identity,
    Irrational,
    Kronecker,
    Matrix,
    Named,
    Ones,
    Power,
    Product,
    Scaled,
    Sum,
    TraceOf,
    Transpose,
    Unit,
    Vec,
    WholeArrayFunction,
    Zero,
    shape,
)
from jaxdiff_magic.primitives.scalar import SCALARS

Values = Mapping[sp.Symbol, np.ndarray]
"""By label, the values of inputs and constants."""

ELEMENTWISE: Mapping[str, Callable[..., np.ndarray]] = {
    **{known.notation: known.value for known in SCALARS.values() if known.notation},
    "power": np.power,
    "logaddexp": np.logaddexp,
    "softplus": lambda x: np.logaddexp(x, 0.0),
    "max": lambda *x: np.maximum.reduce(np.broadcast_arrays(*x)),
    "min": lambda *x: np.minimum.reduce(np.broadcast_arrays(*x)),
    "where": np.where,
    ">": lambda a, b: np.heaviside(a - b, 0.0),
    "≥": lambda a, b: np.heaviside(a - b, 1.0),
    "<": lambda a, b: np.heaviside(b - a, 0.0),
    "≤": lambda a, b: np.heaviside(b - a, 1.0),
    "=": lambda a, b: np.equal(a, b) * 1.0,
    "≠": lambda a, b: np.not_equal(a, b) * 1.0,
}
WHOLE: Mapping[str, Callable[..., np.ndarray]] = {
    "softmax": lambda z: special.softmax(z, axis=0 if z.shape[1] == 1 else 1),
    "inv": np.linalg.inv,
    "cholesky": np.linalg.cholesky,
    "det": lambda a: np.full((1, 1), np.linalg.det(a)),
    "logdet": lambda a: np.full((1, 1), np.linalg.slogdet(a)[1]),
    "sign_det": lambda a: np.full((1, 1), np.linalg.slogdet(a)[0]),
    "solve": np.linalg.solve,
}


def value(m: Matrix, values: Values, rows: np.ndarray | None = None) -> np.ndarray:
    """The numbers of a matrix expression.

    Args:
        m: the expression.
        values: of the arrays it names.
        rows: which rows are wanted, in that order; None for all.

    Returns:
        float64, shape (rows, columns), 1 for an axis that is not there.

    Raises:
        OutOfReach: for a function of whole arrays that has no evaluation here.

    Example:
        >>> value(Identity(2), {}).tolist()
        [[1.0, 0.0], [0.0, 1.0]]
    """
    return _whole(m, values) if rows is None else _some_rows(m, values, rows)


def _whole(m: Matrix, values: Values) -> np.ndarray:
    of = lambda part: value(part, values)  # noqa: E731
    match m:
        case Named() | Element():
            return _stored(m, values)
        case Irrational() | Zero() | Ones() | Identity() | Unit():
            return _constant(m)
        case Transpose():
            return of(m.of).T
        case Product():
            return np.linalg.multi_dot([*map(of, m.factors)]) if len(m.factors) > 1 else of(m.factors[0])
        case Hadamard():
            return np.prod([*map(of, m.factors)], axis=0)
        case Scaled():
            whole = np.ones((1, 1)) if m.of is None else of(m.of)
            return float(m.coefficient) * np.prod([*map(of, m.scalars), np.ones((1, 1))], axis=0) * whole
        case Sum():
            return np.sum([*map(of, m.terms)], axis=0)
        case Apply():
            return np.asarray(ELEMENTWISE[m.function](*map(of, m.arguments)), float)
        case Power():
            return of(m.base) ** float(m.exponent)
        case Diag():
            return np.diagflat(of(m.of))
        case Diagonal():
            return np.diagonal(of(m.of))[:, None]
        case TraceOf():
            return np.trace(of(m.of)).reshape(1, 1)
        case Vec():
            return of(m.of).reshape(-1, 1)
        case Kronecker():
            return _some_rows(m, values, np.arange(_sides(m)[0]))
        case WholeArrayFunction() if m.name in WHOLE:
            return WHOLE[m.name](*map(of, m.arguments))
        case WholeArrayFunction():
            raise OutOfReach(f"{m.name} has no matrix form that can be confirmed")


def _sides(m: Matrix) -> tuple[int, int]:
    """Rows and columns, 1 for an axis that is not there."""
    height, width = (1 if length is None else length for length in shape(m))
    return height, width


def _stored(m: Named | Element, values: Values) -> np.ndarray:
    """An array that has a name, or an element of it."""
    if isinstance(m, Named):
        if m.definition is not None:
            return value(m.definition, values)
        return np.asarray(values[m.label], float).reshape(_sides(m))
    if m.of.definition is not None:
        array = value(m.of, values).reshape([n for n in shape(m.of) if n is not None])
    else:
        array = np.asarray(values[m.of.label], float)
    return array[m.indices].reshape(1, 1)


def _constant(m: Irrational | Zero | Ones | Identity | Unit) -> np.ndarray:
    """What is the same wherever it is."""
    match m:
        case Irrational():
            return np.full((1, 1), float(m.value))
        case Zero():
            return np.zeros(_sides(m))
        case Ones():
            return np.ones(_sides(m))
        case Identity():
            return np.eye(m.size)
        case Unit():
            return np.eye(m.size)[:, m.position, None]


def _some_rows(m: Matrix, values: Values, rows: np.ndarray) -> np.ndarray:
    """A few rows of what may be too large to be written out."""
    some = lambda part: value(part, values, rows)  # noqa: E731
    match m:
        case Sum():
            return np.sum([*map(some, m.terms)], axis=0)
        case Scaled() if m.of is not None:
            return value(Scaled(m.coefficient, m.scalars, None), values) * some(m.of)
        case Product():
            found = some(m.factors[0])
            for factor in m.factors[1:]:
                found = found @ value(factor, values)
            return found
        case Diag():
            entries = value(m.of, values)[:, 0]
            found = np.zeros((len(rows), len(entries)))
            found[np.arange(len(rows)), rows] = entries[rows]
            return found
        case Identity():
            found = np.zeros((len(rows), m.size))
            found[np.arange(len(rows)), rows] = 1.0
            return found
        case Zero():
            return np.zeros((len(rows), m.shape[1] or 1))
        case Kronecker():
            left, right = value(m.left, values), value(m.right, values)
            if m.commuted:  # row (k, l) of K (G ⊗ E) is G[l, m] E[k, n]
                upper, lower = np.divmod(rows, left.shape[0])
                upper, lower = lower, upper
            else:
                upper, lower = np.divmod(rows, right.shape[0])
            return (left[upper][:, :, None] * right[lower][:, None, :]).reshape(len(rows), -1)
        case _:
            return value(m, values)[rows]
