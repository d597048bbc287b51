"""Scalar functions as the reference evaluates them, and where their partial derivatives come from.

The functions are those of `primitives/scalar.py` that mpmath has too. Their partial derivatives are SymPy's, written
down once in `partials.py`; `python -m jaxdiff_magic.engines.symbolic.shipped` derives them anew.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from jaxdiff_magic.base.errors import OutOfReach
from jaxdiff_magic.engines.reference.precise import is_precise
from jaxdiff_magic.engines.reference.precise_functions import evaluate
from jaxdiff_magic.primitives.scalar import SCALARS

PARTIALS: dict[str, tuple[Callable[..., Any] | None, ...]] = {}
"""Of each function its partial derivatives, which are made of these functions: `partials.py` has them."""


@dataclass(frozen=True)
class ScalarFunction:
    """A scalar function.

    Attributes:
        name: by which its partial derivatives are found.
        in_float64: on NumPy arrays of floats.
    """

    name: str
    in_float64: Callable[..., np.ndarray]

    def value(self, *args: Any) -> np.ndarray:
        """The function on arrays: of floats, or of numbers with more digits."""
        if any(map(is_precise, args)):
            return evaluate(self.name, args)
        return self.in_float64(*args)

    def partials(self, position: int) -> Callable[..., Any]:
        """The partial derivative by one argument: a function of all arguments and the function's value.

        Raises:
            OutOfReach: when none is known.
        """
        known = PARTIALS.get(self.name, ())
        if position < len(known) and (partial := known[position]) is not None:
            return partial
        raise OutOfReach(f"no derivative is known for {self.name} by its argument {position + 1}")


FUNCTIONS: Mapping[str, ScalarFunction] = {
    name: ScalarFunction(name, known.value) for name, known in SCALARS.items() if known.digits is not None
}
"""Name to function. A primitive of JAX that is elementwise and smooth has its own name here."""
