"""The operations that the browser has, each with its value in float64."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from jaxdiff_magic.primitives.scalar import SCALARS


def _truth(compare: Callable[..., Any]) -> Callable[..., float]:
    return lambda *numbers: 1.0 if compare(*numbers) else 0.0


COMPARISONS: Mapping[str, Callable[..., float]] = {
    name: _truth(getattr(operator, name)) for name in ("lt", "le", "gt", "ge", "eq", "ne")
}
LOGIC: Mapping[str, Callable[..., float]] = {
    "and": _truth(lambda a, b: a != 0 and b != 0),
    "or": _truth(lambda a, b: a != 0 or b != 0),
    "not": _truth(lambda a: a == 0),
}
OPERATIONS: Mapping[str, Callable[..., Any]] = {
    **{name: known.value for name, known in SCALARS.items() if known.in_browser},
    "reciprocal": np.reciprocal,
    "neg": operator.neg,
    "stop": lambda x: x,
    "add": operator.add,
    "sub": operator.sub,
    "mul": operator.mul,
    "div": np.divide,
    "rem": np.fmod,
    "max": np.maximum,
    "min": np.minimum,
    **COMPARISONS,
    **LOGIC,
    "select": lambda c, a, b: a if c != 0 else b,
}
"""Name to value. `round` takes the even of two; `rem` has the sign of the dividend; `pow` is the real power."""

COMMUTATIVE = frozenset("add mul max min eq ne and or".split())
TRUTHS = frozenset((*COMPARISONS, *LOGIC))
"""Operations whose value is 1 or 0."""
WHOLE = TRUTHS | {"sign", "floor", "ceil", "round"}
"""Operations whose value is a whole number."""
KEEP_WHOLE = frozenset("neg abs stop add sub mul square max min rem select".split())
"""Operations whose value is a whole number when those of their operands are."""
TAME = WHOLE | frozenset(
    "neg abs stop add sub mul square max min select sin cos atan tanh asinh logistic erf erfc".split()
)
"""Operations that are finite, with finite derivatives, wherever their operands are, overflow apart."""
