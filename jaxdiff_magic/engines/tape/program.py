"""The tape as data: scalar operations in single assignment, as the live panel reads them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

from jaxdiff_magic.report.plain import plain

TapeNode: TypeAlias = tuple[str | int | float, ...]
Guard: TypeAlias = tuple[int, int, str]


@dataclass(frozen=True)
class Tape:
    """A function of n real numbers to m real numbers, operation by operation.

    Source: Griewank & Walther, "Evaluating Derivatives", 2nd ed., chapters 2 and 4 (evaluation procedures, tapes).

    Attributes:
        nodes: node k is an operation of `operations.OPERATIONS` with the numbers of earlier nodes; or `("input", i)`,
            the i-th input, or `("const", value)`. Comparisons give 1 or 0; `("select", c, a, b)` is a where c is not 0.
        outputs: the nodes of the m outputs, leaf after leaf, each in row-major order, as are the inputs.
        guards: choices that were made at the point: the node of a comparison, its value there, and in words what was
            chosen. Where one turns out otherwise, the tape is not the function.
    """

    nodes: tuple[TapeNode, ...]
    outputs: tuple[int, ...]
    guards: tuple[Guard, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The tape in the form of `wire.ts`; constants that JSON has no words for are "nan", "inf" and "-inf"."""
        return plain(self)
