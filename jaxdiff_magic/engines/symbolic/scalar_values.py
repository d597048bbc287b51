"""Numbers of scalar functions: each with the sizes of its slopes, and where it jumps."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import scipy.special as special
import sympy as sp

from jaxdiff_magic.engines.symbolic.functions import FORMULAS, LogAddExp
from jaxdiff_magic.engines.symbolic.slopes import SLOPES
from jaxdiff_magic.primitives.scalar import NEAREST, SCALARS


def _gamma_density(a: np.ndarray, x: np.ndarray, v: np.ndarray) -> np.ndarray:
    return np.exp(special.xlogy(a - 1, x) - x - special.gammaln(a))


def _beta_density(a: np.ndarray, b: np.ndarray, x: np.ndarray, v: np.ndarray) -> np.ndarray:
    return np.exp(special.xlogy(a - 1, x) + special.xlog1py(b - 1, -x) - special.betaln(a, b))


def _unknown(*args: np.ndarray) -> np.ndarray:
    """The size of a slope that is not known: an error there makes the result of any error."""
    return np.full(np.broadcast_shapes(*map(np.shape, args)), np.inf)


Numeric = Callable[..., np.ndarray]
ZERO: Numeric = lambda *args: np.zeros(())  # noqa: E731
ONE: Numeric = lambda *args: np.ones(())  # noqa: E731

SIZES: Mapping[str, tuple[Numeric, ...]] = {
    **SLOPES,
    "polygamma": (ZERO, lambda n, x, v: special.polygamma(n.astype(int) + 1, x)),
    "zeta": (_unknown, lambda s, q, v: s * special.zeta(s + 1, q)),
    "igamma": (_unknown, _gamma_density),
    "igammac": (_unknown, _gamma_density),
    "regularized_incomplete_beta": (_unknown, _unknown, _beta_density),
    **dict.fromkeys(("bessel_i0e", "bessel_i1e"), (ONE,)),
    **dict.fromkeys(("abs", "stop_gradient"), (ONE,)),
    **dict.fromkeys(("sign", "floor", "ceil", "round"), (ZERO,)),
}
"""Sizes of partial derivatives that SymPy does not give, or that are bounded by something simpler."""

_CLASSES: Mapping[str, type] = {name: made for name, made in FORMULAS.items() if isinstance(made, type)}

FUNCTIONS: Mapping[type, tuple[Numeric, tuple[Numeric, ...]]] = {
    **{made: (SCALARS[name].value, SIZES[name]) for name, made in _CLASSES.items()},
    LogAddExp: (np.logaddexp, (lambda x, y, v: special.expit(x - y), lambda x, y, v: special.expit(y - x))),
    sp.Heaviside: (np.heaviside, (ZERO, ZERO)),
    sp.Mod: (np.mod, (ONE, lambda a, b, v: np.floor(a / b))),
}
"""Each scalar function with the sizes of its partial derivatives, of its arguments and its value, which carry errors
through it."""

ROUGH = frozenset(made for name, made in _CLASSES.items() if SCALARS[name].rough)
"""Functions that libraries compute to an ulp of 1, not of the value, somewhere."""

JUMPS: Mapping[type, Numeric] = {
    **{made: NEAREST[SCALARS[name].border] for name, made in _CLASSES.items() if SCALARS[name].border},
    sp.Heaviside: NEAREST["zero"],
}
"""Functions whose value or derivative jumps, with the nearest place where it does."""

COMPARISONS: Mapping[type, Numeric] = {
    sp.StrictLessThan: np.less,
    sp.LessThan: np.less_equal,
    sp.StrictGreaterThan: np.greater,
    sp.GreaterThan: np.greater_equal,
    sp.Eq: np.equal,
    sp.Ne: np.not_equal,
}
