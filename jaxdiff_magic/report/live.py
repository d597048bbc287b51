"""What moves the point of a report."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Live:
    """What moves the point of a report.

    Attributes:
        values: what JAX gives at the report's point: see `values.Values`.
        at: the same at another point, one array for each leaf, by the program that is compiled already.
        compilations: how often JAX has compiled that program.
        hessian: builds a Hessian that was too large to be built unasked; None where there is none.
        products: with the derivatives at the point, for every size: see `products.at_point.ProductsAtPoint`.
        tape: records the function as scalar operations: see `tape.Tape`; raises OutOfReach where that cannot be.
    """

    values: Any
    at: Callable[[Sequence[Any]], Any]
    compilations: Callable[[], int]
    hessian: Callable[[], Any]
    products: Any
    tape: Callable[[], Any]
