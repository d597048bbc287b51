"""What index expressions are made of: indices, known integers, and arrays that are functions of whole arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
import sympy as sp
from sympy import Expr, Integer

from jaxdiff_magic.subject.latex_names import indexed, latex_name


class Index(sp.Dummy):
    """An index symbol that runs over 0 … size - 1; `is_canonical` where its name says how deep its sum stands."""

    size: int
    is_canonical: bool = False

    def __new__(cls, size: int, name: str = "i") -> Index:
        symbol = super().__new__(cls, name, integer=True)
        symbol.size = size
        return symbol


class Opaque:
    """What SymPy must not differentiate: it tries to, when a comparison makes it ask whether a term is constant."""

    def _eval_derivative(self, s: sp.Symbol) -> None:
        return None


class Table(sp.Basic):
    """Known integers, as an array: what an index was looked up in.

    Attributes:
        values: the integers.
        name: the array's name in the user's code, or "".
    """

    values: np.ndarray
    name: str

    def __new__(cls, values: np.ndarray, name: str = "") -> Table:
        table = super().__new__(cls)
        table.values, table.name = np.ascontiguousarray(values, np.int64), name
        return table

    @property
    def func(self) -> Any:
        """What SymPy rebuilds an expression with from its arguments, of which a table has none."""
        return lambda *args: self

    def _hashable_content(self) -> tuple[Any, ...]:
        return self.values.shape, self.values.tobytes(), self.name

    def __str__(self) -> str:
        return self.name or str(self.values.tolist()).replace(" ", "")


class Lookup(Expr):
    """An element of a table of integers."""

    is_commutative = True
    is_integer = True

    def __new__(cls, table: Table, *indices: Expr) -> Expr:
        indices = tuple(map(sp.sympify, indices))
        if all(isinstance(i, Integer) for i in indices):
            sizes = table.values.shape
            return Integer(
                int(table.values[tuple(min(max(int(i), 0), n - 1) for i, n in zip(indices, sizes, strict=True))])
            )
        return super().__new__(cls, table, *indices)

    @property
    def table(self) -> Table:
        return self.args[0]

    @property
    def indices(self) -> tuple[Expr, ...]:
        return self.args[1:]

    def _sympystr(self, printer: Any) -> str:
        return f"{self.table}[{', '.join(map(printer._print, self.indices))}]"

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        name = latex_name(self.table.name) if self.table.name else rf"\left({self.table}\right)"
        printed = indexed(name, list(map(printer._print, self.indices)))
        return f"{{{printed}}}^{{{exp}}}" if exp else printed


class FunctionSymbol(sp.Symbol):
    """The label of an array that is a function of whole other arrays, as `inv(A)` is.

    Attributes:
        operation: the function's name, and its operands (`Array`s).
        shape: of the array.
        below: None for real numbers; for integers, what they are all less than (and none is negative).
    """

    operation: tuple[str, tuple[Any, ...]]
    shape: tuple[int, ...]
    below: int | None

    def __new__(
        cls, name: str, operation: tuple[str, tuple[Any, ...]], shape: tuple[int, ...], below: int | None
    ) -> FunctionSymbol:
        kind = {"real": True} if below is None else {"integer": True, "nonnegative": True}
        symbol = sp.Symbol.__xnew__(cls, name, **kind)
        symbol.operation, symbol.shape, symbol.below = operation, shape, below
        return symbol

    def _hashable_content(self) -> tuple[Any, ...]:
        # as text: SymPy also sorts by it
        operands = [(array.name, array.shape, str(array.operation)) for array in self.operation[1]]
        return (*super()._hashable_content(), self.operation[0], str(operands), self.shape, str(self.below))

    def __getnewargs_ex__(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        return (self.name, self.operation, self.shape, self.below), {}

    @property
    def operands(self) -> frozenset[sp.Symbol]:
        """The labels of what it is a function of."""
        return frozenset(array.label for array in self.operation[1])

    @property
    def roots(self) -> frozenset[sp.Symbol]:
        """The labels of the arrays that are no such functions themselves, in which it ends."""
        inner = (s.roots if isinstance(s, FunctionSymbol) else frozenset((s,)) for s in self.operands)
        return frozenset().union(*inner)


class Applied(Opaque, Expr):
    """An element of a function of whole arrays, as the definition of its array: it depends on its operands."""

    is_commutative = True
    is_real = True

    def __new__(cls, label: FunctionSymbol, *indices: Expr) -> Applied:
        return super().__new__(cls, label, *map(sp.sympify, indices))

    @property
    def label(self) -> FunctionSymbol:
        return self.args[0]

    @property
    def indices(self) -> tuple[Expr, ...]:
        return self.args[1:]

    @property
    def free_symbols(self) -> set[sp.Basic]:
        return set(self.label.operands).union(*(i.free_symbols for i in self.indices))

    def _sympystr(self, printer: Any) -> str:
        indices = ", ".join(map(printer._print, self.indices))
        return f"{self.label.name}[{indices}]" if indices else self.label.name

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        printed = indexed(printer._print(self.label), list(map(printer._print, self.indices)))
        return rf"{{\left({printed}\right)}}^{{{exp}}}" if exp else printed
