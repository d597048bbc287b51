"""Values whose shape may be open while an expression is read: 𝟏, I and e₁ fit what is beside them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import jax.numpy as jnp
import numpy as np

from jaxdiff_magic.base.errors import InputError


class OpenLength:
    """A length that is found out later."""

    def __init__(self) -> None:
        self._is: int | OpenLength | None = None
        self._factors: tuple[Length, Length] | None = None
        self._equal: list[OpenLength] = []

    @property
    def found(self) -> int | OpenLength:
        """The length, or the open length that this one is equal to."""
        if isinstance(self._is, OpenLength):
            return self._is.found
        if self._is is None and self._factors is not None:
            a, b = map(known, self._factors)
            if isinstance(a, int) and isinstance(b, int):
                self._is = a * b
        return self if self._is is None else self._is

    def bind(self, to: Length) -> None:
        """Make it equal to another length."""
        self._is = to
        if isinstance(to, OpenLength):
            to._equal += [self, *self._equal]
            return
        for size in (self, *self._equal):
            size._divide(to)

    def _divide(self, length: int) -> None:
        """Find out one factor by the other."""
        if self._factors is None:
            return
        a, b = map(known, self._factors)
        for one, other in ((a, b), (b, a)):
            if isinstance(one, int) and isinstance(other, OpenLength):
                other.bind(length // max(one, 1))
                return

    @classmethod
    def product(cls, a: Length, b: Length) -> Length:
        """The length of a Kronecker product."""
        if isinstance(a, int) and isinstance(b, int):
            return a * b
        size = cls()
        size._factors = (a, b)
        return size


Length = int | OpenLength


def known(length: Length) -> Length:
    """A length, as far as it is found out."""
    return length.found if isinstance(length, OpenLength) else length


def same(a: Length, b: Length) -> Length:
    """Two lengths that must be equal.

    Raises:
        InputError: they are not.
    """
    a, b = known(a), known(b)
    if isinstance(a, OpenLength):
        if a is not b:
            a.bind(b)
    elif isinstance(b, OpenLength):
        b.bind(a)
    elif a != b:
        raise InputError(f"lengths {a} and {b} stand where they must be equal")
    return known(a)


@dataclass
class ShapedValue:
    """A number, vector, matrix or array of more axes.

    Attributes:
        dims: its lengths.
        make: its entries, once all lengths are known.
        is_row: for one axis: whether it is a row.
        ones: for a multiple of 𝟏, by what.
        thing: something of the reader's that is no array, such as a dict or a module.
    """

    dims: tuple[Length, ...]
    make: Callable[[], Any]
    is_row: bool = False
    ones: Callable[[], Any] | None = None
    thing: Any = None
    _made: list[Any] = field(default_factory=list)

    def entries(self) -> Any:
        """Its entries."""
        if not self._made:
            self._made.append(self.make())
        return self._made[0]

    @property
    def shape(self) -> tuple[int, ...]:
        """Its lengths as numbers.

        Raises:
            InputError: one of them is open.
        """
        lengths = tuple(known(length) for length in self.dims)
        if any(isinstance(length, OpenLength) for length in lengths):
            raise InputError("the size of I, 𝟏 or a unit vector cannot be told here")
        return lengths  # type: ignore[return-value]


def array_value(array: Any) -> ShapedValue:
    """An array of the reader's, or a number."""
    return ShapedValue(tuple(np.shape(array)), lambda: array)


def ones() -> ShapedValue:
    """The vector 𝟏."""
    size = OpenLength()
    return ShapedValue((size,), lambda: np.ones(_int(size)), ones=lambda: 1)


def identity() -> ShapedValue:
    """The matrix I."""
    size = OpenLength()
    return ShapedValue((size, size), lambda: np.eye(_int(size)))


def unit(position: int) -> ShapedValue:
    """The unit vector of a position."""
    size = OpenLength()
    return ShapedValue((size,), lambda: np.eye(_int(size))[position])


def commutation(shape: Sequence[int]) -> ShapedValue:
    """The matrix K for which K vec(Z) = vec(Zᵀ), Zᵀ being of some shape."""
    if len(shape) != 2:
        raise InputError("K stands where nothing is stacked")
    m, n = shape
    entries = np.eye(m * n).reshape(n, m, m * n).transpose(1, 0, 2).reshape(m * n, m * n)
    return ShapedValue((m * n, m * n), lambda: entries)


def _int(length: Length) -> int:
    found = known(length)
    if isinstance(found, OpenLength):
        raise InputError("the size of I, 𝟏 or a unit vector cannot be told here")
    return found


def elementwise(f: Callable[..., Any], *values: ShapedValue) -> ShapedValue:
    """A function of entries; numbers and 𝟏 stand for arrays of any shape."""
    shaped = [v for v in values if v.dims and v.ones is None] or [v for v in values if v.dims]
    if not shaped:
        return ShapedValue((), lambda: f(*(v.entries() for v in values)))
    first = shaped[0]
    for other in shaped[1:]:
        if len(other.dims) != len(first.dims) or (len(first.dims) == 1 and first.is_row != other.is_row):
            raise InputError(f"{_said(first)} and {_said(other)} stand where they must have one shape")
        for a, b in zip(first.dims, other.dims, strict=True):
            same(a, b)
    parts = [v.ones if v.ones is not None else v.entries for v in values]
    if all(v.ones is not None or not v.dims for v in values):
        return ShapedValue(
            first.dims, _filled(first.dims, lambda: f(*(p() for p in parts))), first.is_row, _of(f, parts)
        )
    return ShapedValue(first.dims, lambda: f(*(p() for p in parts)), first.is_row)


def _of(f: Callable[..., Any], parts: Sequence[Callable[[], Any]]) -> Callable[[], Any]:
    return lambda: f(*(part() for part in parts))


def _filled(dims: Sequence[Length], by: Callable[[], Any]) -> Callable[[], Any]:
    return lambda: jnp.full(tuple(_int(d) for d in dims), by())


def product(a: ShapedValue, b: ShapedValue, sign: str = "") -> ShapedValue:
    """What stands side by side: a multiple, an inner or outer product, or a product of matrices.

    Args:
        a, b: the factors.
        sign: "@" for Python's, which has no rows and columns, "·" for one that is inner between two columns.
    """
    if not a.dims or not b.dims:
        return elementwise(lambda x, y: x * y, a, b)
    axes = len(a.dims), len(b.dims)
    if max(axes) > 2:
        raise InputError(f"{_said(a)} and {_said(b)} cannot be multiplied")
    both_columns = axes == (1, 1) and a.is_row == b.is_row
    if axes == (1, 1) and a.is_row is False and b.is_row and sign != "@":
        return ShapedValue((*a.dims, *b.dims), lambda: a.entries()[:, None] * b.entries()[None, :])
    fits = sign == "@" or (both_columns and sign == "·") or not (both_columns or (axes == (1, 2) and not a.is_row))
    if not fits or (axes == (2, 1) and b.is_row and sign != "@"):
        raise InputError(f"{_said(a)} and {_said(b)} cannot be multiplied; write x yᵀ, xᵀ y or x ⊙ y")
    same(a.dims[-1], b.dims[0])
    return ShapedValue((*a.dims[:-1], *b.dims[1:]), lambda: a.entries() @ b.entries(), axes[0] == 1 and sign != "@")


def kronecker(a: ShapedValue, b: ShapedValue) -> ShapedValue:
    """The Kronecker product of matrices; a column or row is a matrix of one."""
    if not a.dims or not b.dims:
        return product(a, b)
    if len(a.dims) != len(b.dims):
        a, b = _as_matrix(a), _as_matrix(b)
    dims = tuple(OpenLength.product(*pair) for pair in zip(a.dims, b.dims, strict=True))
    return ShapedValue(dims, lambda: jnp.kron(a.entries(), b.entries()), a.is_row)


def _as_matrix(a: ShapedValue) -> ShapedValue:
    if len(a.dims) != 1:
        return a
    dims = (1, *a.dims) if a.is_row else (*a.dims, 1)
    return ShapedValue(dims, lambda: jnp.reshape(a.entries(), (1, -1) if a.is_row else (-1, 1)))


def transposed(a: ShapedValue) -> ShapedValue:
    """A row for a column, columns for rows."""
    if len(a.dims) < 2:
        return ShapedValue(a.dims, a.entries, not a.is_row if a.dims else False, a.ones)
    return ShapedValue(a.dims[::-1], lambda: a.entries().T)


def as_shape(value: ShapedValue, shape: Sequence[int], sides: Sequence[Sequence[int]]) -> Any:
    """The entries of a derivative, in its own shape.

    Args:
        value: with sizes that may be open.
        shape: that the derivative has.
        sides: the shapes that it is made of, those of numbers left out: a matrix may have each of them as one axis.
    """
    if value.ones is not None:
        return jnp.full(tuple(shape), value.ones())
    stacked = tuple(math.prod(side) for side in sides)
    for wanted in (tuple(shape), stacked, stacked[::-1]):
        lengths = tuple(known(d) for d in value.dims)
        if len(lengths) != len(wanted):
            continue
        if all(isinstance(n, OpenLength) or n == w for n, w in zip(lengths, wanted, strict=True)):
            for length, w in zip(value.dims, wanted, strict=True):
                same(length, w)
            turned = wanted not in (tuple(shape), stacked)
            return jnp.reshape(value.entries(), sum(map(tuple, sides[::-1]), ()) if turned else tuple(shape))
    return jnp.asarray(value.entries())


def _said(value: ShapedValue) -> str:
    if not value.dims:
        return "a number"
    lengths = " × ".join("?" if isinstance(n := known(d), OpenLength) else str(n) for d in value.dims)
    return f"a {'row' if value.is_row else 'column'} of {lengths}" if len(value.dims) == 1 else f"a {lengths} array"
