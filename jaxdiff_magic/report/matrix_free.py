"""What is known of a Hessian that was too large to build: its products, and what they say."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from jaxdiff_magic.base.copies import Data, Missing, Unsaved

if TYPE_CHECKING:
    from jaxdiff_magic.report.formula import Formula


@dataclass(frozen=True)
class Estimate:
    """A number and how far it may be off.

    Attributes:
        value: the number.
        error: of an eigenvalue, the distance within which there is one; of a trace, a standard error.
    """

    value: float
    error: float


@dataclass(frozen=True)
class GradientSize:
    """The gradient with respect to one input.

    Attributes:
        name: of the input.
        size: number of its entries.
        norm: Euclidean norm; NaN where an entry is not finite.
        largest: the largest |entry|.
        formula: all of it in index notation; None where there is none.
    """

    name: str
    size: int
    norm: float
    largest: float
    formula: Formula | None = None


@dataclass(frozen=True, eq=False)
class Products(Data):
    """A scalar function's derivatives at the point, by products alone: no array has more entries than the inputs.

    Attributes:
        gradient: one for each input.
        largest, smallest: extreme eigenvalues of the Hessian, never beyond the true ones; None where they were not
            found. `note` says why, and whether the search had to stop early.
        trace: of the Hessian; None likewise.
        passes: how many products with the Hessian all of this took.
        calls: for "jvp", "vjp" and "hvp" the Python text to paste, in which `v` is a direction (of the arguments' own
            structure) and `u` a number.
        note: what the reader must know about these numbers, or "".
        jvp: the derivative along a direction `v`, which has the structure of `report.gradient`.
        vjp: `u` times the gradient.
        hvp: the Hessian times `v`, of the same structure.
        diagonal: `diagonal(probes=16, seed=0)` estimates the Hessian's diagonal; it returns the estimate and its
            standard error, both of the structure of `report.gradient`.
    """

    gradient: tuple[GradientSize, ...]
    largest: Estimate | None
    smallest: Estimate | None
    trace: Estimate | None
    passes: int
    calls: Mapping[str, str]
    note: str = ""
    jvp: Callable[[Any], Any] = field(kw_only=True, repr=False, compare=False)
    vjp: Callable[[Any], Any] = field(kw_only=True, repr=False, compare=False)
    hvp: Callable[[Any], Any] = field(kw_only=True, repr=False, compare=False)
    diagonal: Callable[..., tuple[Any, Any]] = field(kw_only=True, repr=False, compare=False)

    UNSAVED: ClassVar[Unsaved] = dict.fromkeys(("jvp", "vjp", "hvp", "diagonal"), lambda *_: Missing("the function"))
