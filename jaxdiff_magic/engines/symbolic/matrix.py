"""Matrix expressions: a small tree of frozen values, built in a normal form.

A value has a number of rows and of columns; None where it has no such axis, so that a vector is (n, None), its
transpose (None, n), a scalar (None, None). Products need equal inner axes, also where both are None: an outer
product is a product of a vector and a transpose. Scalars stand in front of what they multiply.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields

import sympy as sp

Shape = tuple[int | None, int | None]
SCALAR: Shape = (None, None)
ONE = sp.Integer(1)


@dataclass(frozen=True)
class Named:
    """An array with a name; `definition` is what it stands for, where that is not an input or a constant."""

    name: str
    shape: Shape
    label: sp.Symbol
    definition: Matrix | None = None


@dataclass(frozen=True)
class Element:
    """One element of a named array, a scalar."""

    of: Named
    indices: tuple[int, ...]


@dataclass(frozen=True)
class Irrational:
    """A scalar that is no rational number, such as the square root of 2."""

    value: sp.Expr


@dataclass(frozen=True)
class Zero:
    """Zeros only."""

    shape: Shape


@dataclass(frozen=True)
class Ones:
    """Ones only; a vector or a matrix."""

    shape: Shape


@dataclass(frozen=True)
class Identity:
    """The identity matrix."""

    size: int


@dataclass(frozen=True)
class Unit:
    """A unit vector: 1 at one position, counted from 0, else 0."""

    size: int
    position: int


@dataclass(frozen=True)
class Transpose:
    """Rows and columns exchanged."""

    of: Matrix


@dataclass(frozen=True)
class Product:
    """A product of matrices and vectors."""

    factors: tuple[Matrix, ...]


@dataclass(frozen=True)
class Hadamard:
    """An elementwise product of arrays of one shape."""

    factors: tuple[Matrix, ...]


@dataclass(frozen=True)
class Scaled:
    """A number times scalars times an array (None: nothing more, a scalar)."""

    coefficient: sp.Rational
    scalars: tuple[Matrix, ...]
    of: Matrix | None


@dataclass(frozen=True)
class Sum:
    """A sum of arrays of one shape."""

    terms: tuple[Matrix, ...]


@dataclass(frozen=True)
class Apply:
    """A scalar function, elementwise; arguments are of one shape, or scalars."""

    function: str
    arguments: tuple[Matrix, ...]


@dataclass(frozen=True)
class Power:
    """An elementwise power; of a scalar, a power."""

    base: Matrix
    exponent: sp.Rational


@dataclass(frozen=True)
class Diag:
    """The diagonal matrix of a vector."""

    of: Matrix


@dataclass(frozen=True)
class Diagonal:
    """The diagonal of a square matrix, a vector."""

    of: Matrix


@dataclass(frozen=True)
class TraceOf:
    """The trace of a square matrix."""

    of: Matrix


@dataclass(frozen=True)
class Vec:
    """The rows of a matrix below each other, as one vector (row-major order, as NumPy's ravel)."""

    of: Matrix


@dataclass(frozen=True)
class Kronecker:
    """The Kronecker product; after the commutation matrix K, K vec(Z) = vec(Z'), if `commuted`."""

    left: Matrix
    right: Matrix
    commuted: bool = False


@dataclass(frozen=True)
class WholeArrayFunction:
    """A function of whole arrays that is no elementwise one: "softmax", "inv", "logdet", "det", ….

    Softmax is that of each row of a matrix.
    """

    name: str
    arguments: tuple[Matrix, ...]
    shape: Shape


Matrix = (
    Named
    | Element
    | Irrational
    | Zero
    | Ones
    | Identity
    | Unit
    | Transpose
    | Product
    | Hadamard
    | Scaled
    | Sum
    | Apply
    | Power
    | Diag
    | Diagonal
    | TraceOf
    | Vec
    | Kronecker
    | WholeArrayFunction
)


@functools.lru_cache(maxsize=1 << 14)
def shape(m: Matrix) -> Shape:
    """Rows and columns; None for an axis that is not there."""
    match m:
        case Named() | Zero() | Ones() | WholeArrayFunction():
            return m.shape
        case Identity():
            return m.size, m.size
        case Unit():
            return m.size, None
        case Transpose():
            rows, columns = shape(m.of)
            return columns, rows
        case Product():
            return shape(m.factors[0])[0], shape(m.factors[-1])[1]
        case Hadamard():
            return shape(m.factors[0])
        case Scaled():
            return SCALAR if m.of is None else shape(m.of)
        case Sum():
            return shape(m.terms[0])
        case Apply():
            return next((s for s in map(shape, m.arguments) if s != SCALAR), SCALAR)
        case Power():
            return shape(m.base)
        case Diag():
            return shape(m.of)[0], shape(m.of)[0]
        case Diagonal():
            return shape(m.of)[0], None
        case Vec():
            rows, columns = shape(m.of)
            return (rows or 1) * (columns or 1), None
        case Kronecker():
            sides = (tuple(side for side in sides if side) for sides in zip(shape(m.left), shape(m.right), strict=True))
            return tuple(int(sp.prod(side)) if side else None for side in sides)  # type: ignore[return-value]
        case _:
            return SCALAR


def children(m: Matrix) -> Iterator[Matrix]:
    """The values that a value is made of; those of a name's definition are not."""
    if not isinstance(m, Named):
        for item in fields(m):
            value = getattr(m, item.name)
            for part in value if isinstance(value, tuple) else (value,):
                if isinstance(part, Matrix):
                    yield part


@functools.lru_cache(maxsize=1 << 14)
def complexity(m: Matrix) -> int:
    """How many symbols it takes to write a value; transposes count for nothing."""
    inner = sum(map(complexity, children(m)))
    return inner + (not isinstance(m, (Transpose, Scaled, Sum, Product, Hadamard)))


@functools.lru_cache(maxsize=1 << 14)
def order(m: Matrix) -> tuple[int, str]:
    """A key that puts the simpler first, and the same values always in the same order."""
    return complexity(m), repr(m)


@functools.lru_cache(maxsize=1 << 14)
def transposes(m: Matrix) -> int:
    """How much is transposed in a value: each sign counts, and what stands under it."""
    own = 10 + complexity(m.of) if isinstance(m, Transpose) else 0
    return own + sum(map(transposes, children(m)))


def occurrences(m: Matrix, part: Matrix) -> int:
    """How often a value occurs in another; the square of a norm is one occurrence of what is in it."""
    if m == part:
        return 1
    if isinstance(m, Product) and len(m.factors) == 2 and Transpose(m.factors[1]) == m.factors[0]:
        return occurrences(m.factors[1], part)
    return sum(occurrences(child, part) for child in children(m))


def number(value: sp.Expr) -> Matrix:
    """A scalar with a known value."""
    if not isinstance(value, sp.Rational):
        return Irrational(value)
    return Scaled(value, (), None) if value else Zero(SCALAR)


def is_number(m: Matrix) -> bool:
    """Whether a value is a rational number."""
    return isinstance(m, Scaled) and not m.scalars and m.of is None


def tuple_of(items: Iterable[Matrix]) -> tuple[Matrix, ...]:
    """Values, the simpler first."""
    return tuple(sorted(items, key=order))
