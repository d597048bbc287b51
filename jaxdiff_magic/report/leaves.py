"""The leaves of a function's arguments as a table: of each its size, its gradient, and whether that is right."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from jaxdiff_magic.base.copies import Data
from jaxdiff_magic.report.matrix_free import Estimate
from jaxdiff_magic.report.outcome import OUTCOMES
from jaxdiff_magic.report.plain import plain

MANY_LEAVES = 12
"""A function of more leaves is a model, whose first screen is by leaf. A choice: as many rows as tables of derivatives
have, above which nobody finds the one that matters."""
MANY_INPUTS = 100
"""A function of more inputs is one as well: so many entries a table of derivatives holds."""
GRAVITY = ("", *OUTCOMES)
"""Outcomes of the check, from what is not known to what is worst."""

_LAST = re.compile(
    r"""(?: \.[^\W\d]\w*                    # .weight
          | \[ ' (?:[^'\\]|\\.)* ' \]       # ['W'], which may hold any other bracket
          | \[ " (?:[^"\\]|\\.)* " \]
          | \[ [^\[\]'"]* \]                # [0]
        )$""",
    re.VERBOSE,
)


@dataclass(frozen=True)
class LeafRow:
    """One leaf, or several together.

    Attributes:
        name: as in `Leaf.name`.
        module: the name without its last part: "net.layers[0]" of "net.layers[0].weight"; "" of an argument.
        shape, dtype, size: as in `Leaf`.
        parameter: its Euclidean norm.
        gradient: that of the derivative with respect to it, over all outputs; NaN where an entry is; None where JAX
            has none or did not build it.
        ratio: gradient / parameter; None where either is not known, or the parameter is 0.
        zeros: the share of its entries whose derivative is exactly 0, from 0 to 1; None where it has no entries.
        nonfinite: how many of its entries have a derivative that is not finite.
        outcome: the word of the check for its first derivative; "" where the check says nothing of it alone.
        leaves: how many leaves it stands for.
    """

    name: str
    module: str
    shape: tuple[int, ...]
    dtype: str
    size: int
    parameter: float
    gradient: float | None
    ratio: float | None
    zeros: float | None
    nonfinite: int | None
    outcome: str = ""
    leaves: int = 1

    @property
    def last(self) -> str:
        """Its name within its module."""
        return self.name[len(self.module) :].removeprefix(".")

    @property
    def is_broken(self) -> bool:
        """Whether its gradient is not finite, wholly zero, or not right."""
        return bool(self.nonfinite) or self.zeros == 1.0 or self.outcome == "differs"


@dataclass(frozen=True)
class Beginning:
    """The first step from which a number that is not finite, or an exact zero, reaches the result or a gradient.

    Attributes:
        what: "nan", "infinity", "zero", or "underflow" where numbers that are not 0 make one by rounding.
        way: "forward" on the way to the value, "back" on the way to the gradients.
        where, source: the line and its text; "" where unknown.
        event: what happens there: "0 * inf", "log(-1)"; for zeros the name of the operation.
        leaves: names of the leaves whose gradients it reaches; all outputs that are not finite on the way forward.
    """

    what: Literal["nan", "infinity", "zero", "underflow"]
    way: Literal["forward", "back"]
    where: str
    source: str
    event: str
    leaves: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Leaves(Data):
    """The table of all leaves, in the order of the arguments.

    Attributes:
        rows: one for each leaf.
        begins: where NaN, infinities, underflow and exact zeros begin, the way forward first.
        along: of a scalar model the curvature along the gradient, g'Hg / g'g; None where it was not computed.
        largest, trace: of its Hessian, the largest eigenvalue and the trace; None likewise.
    """

    rows: tuple[LeafRow, ...]
    begins: tuple[Beginning, ...] = ()
    along: Estimate | None = None
    largest: Estimate | None = None
    trace: Estimate | None = None

    @property
    def size(self) -> int:
        """How many numbers all leaves have."""
        return sum(row.size for row in self.rows)

    @property
    def is_model(self) -> bool:
        """Whether there is more than tables of single derivatives can show, so that this is the first screen."""
        return len(self.rows) > MANY_LEAVES or self.size > MANY_INPUTS

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[LeafRow]:
        return iter(self.rows)

    def records(self) -> list[dict[str, Any]]:
        """One dict for each leaf, with NaN and infinities as Python has them, as a data frame takes it.

        Example:
            >>> report.leaves.records()[0]["ratio"]          # doctest: +SKIP
            0.021
        """
        return [
            {name: getattr(row, name) for name in LeafRow.__dataclass_fields__ if name != "leaves"} for row in self.rows
        ]

    def to_dict(self) -> dict[str, Any]:
        """Plain data for strict JSON, as `Report.to_dict` has it."""
        return plain(self)


def module_of(name: str) -> str:
    """The name of what a leaf is part of.

    Example:
        >>> module_of("net.layers[0].weight"), module_of("params['a.b']['W']"), module_of("x")
        ('net.layers[0]', "params['a.b']", '')
    """
    return name[: found.start()] if (found := _LAST.search(name)) else ""


def together(name: str, rows: Sequence[LeafRow]) -> LeafRow:
    """Some leaves as one row: norms of all their entries, shares of them, and the worst outcome."""
    size = sum(row.size for row in rows)
    parameter = _norm(row.parameter for row in rows)
    known = [row.gradient for row in rows if row.gradient is not None]
    gradient = _norm(known) if len(known) == len(rows) else None
    shares = [(row.zeros, row.size) for row in rows if row.zeros is not None]
    weighed = sum(size for _, size in shares)
    counted = [row.nonfinite for row in rows if row.nonfinite is not None]
    return LeafRow(
        name=name,
        module=module_of(name),
        shape=(),
        dtype=", ".join(dict.fromkeys(row.dtype for row in rows)),
        size=size,
        parameter=parameter,
        gradient=gradient,
        ratio=ratio_of(gradient, parameter),
        zeros=sum(share * size for share, size in shares) / weighed if weighed else None,
        nonfinite=sum(counted) if counted else None,
        outcome=worst_of(row.outcome for row in rows),
        leaves=sum(row.leaves for row in rows),
    )


def ratio_of(gradient: float | None, parameter: float) -> float | None:
    """|gradient| / |parameter|; None where one of them is not known, or the parameter is 0."""
    return gradient / parameter if gradient is not None and parameter > 0 else None


def _norm(norms: Iterable[float]) -> float:
    return math.hypot(*norms)


def worst_of(outcomes: Iterable[str]) -> str:
    """The worst of some words; "" where none is known."""
    return max(outcomes, key=GRAVITY.index, default="")
