"""A tape run forward in Python, with first and second derivatives, independent of JAX and of the recorder.

Every node carries its value, gradient and Hessian (Griewank & Walther, "Evaluating Derivatives", 2nd ed., ch. 13).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.special as special

from jaxdiff_magic.engines.tape import Tape

SQRT_PI = math.sqrt(math.pi)
LN2 = math.log(2.0)
EPS = float(np.finfo(float).eps)


def _logistic(x: float) -> tuple[float, float, float]:
    s = special.expit(x)
    return s, s * (1 - s), s * (1 - s) * (1 - 2 * s)


def _tanh(x: float) -> tuple[float, float, float]:
    y = np.tanh(x)
    return y, 1 - y * y, -2 * y * (1 - y * y)


def _tan(x: float) -> tuple[float, float, float]:
    y = np.tan(x)
    return y, 1 + y * y, 2 * y * (1 + y * y)


def _flat(f: Callable[[float], float]) -> Callable[[float], tuple[float, float, float]]:
    return lambda x: (f(x), 0.0, 0.0)


UNARY: Mapping[str, Callable[[Any], tuple[Any, Any, Any]]] = {
    "neg": lambda x: (-x, -1.0, 0.0),
    "abs": lambda x: (abs(x), 1.0 if x >= 0 else -1.0, 0.0),
    "sqrt": lambda x: (np.sqrt(x), 0.5 / np.sqrt(x), -0.25 / (x * np.sqrt(x))),
    "rsqrt": lambda x: (1 / np.sqrt(x), -0.5 * x**-1.5, 0.75 * x**-2.5),
    "cbrt": lambda x: (np.cbrt(x), np.cbrt(x) / (3 * x), -2 * np.cbrt(x) / (9 * x * x)),
    "exp": lambda x: (np.exp(x),) * 3,
    "exp2": lambda x: (np.exp2(x), LN2 * np.exp2(x), LN2**2 * np.exp2(x)),
    "expm1": lambda x: (np.expm1(x), np.exp(x), np.exp(x)),
    "log": lambda x: (np.log(x), 1 / x, -1 / (x * x)),
    "log1p": lambda x: (np.log1p(x), 1 / (1 + x), -((1 + x) ** -2)),
    "log2": lambda x: (np.log2(x), 1 / (LN2 * x), -1 / (LN2 * x * x)),
    "sin": lambda x: (np.sin(x), np.cos(x), -np.sin(x)),
    "cos": lambda x: (np.cos(x), -np.sin(x), -np.cos(x)),
    "tan": _tan,
    "asin": lambda x: (np.arcsin(x), (1 - x * x) ** -0.5, x * (1 - x * x) ** -1.5),
    "acos": lambda x: (np.arccos(x), -((1 - x * x) ** -0.5), -x * (1 - x * x) ** -1.5),
    "atan": lambda x: (np.arctan(x), 1 / (1 + x * x), -2 * x / (1 + x * x) ** 2),
    "sinh": lambda x: (np.sinh(x), np.cosh(x), np.sinh(x)),
    "cosh": lambda x: (np.cosh(x), np.sinh(x), np.cosh(x)),
    "tanh": _tanh,
    "asinh": lambda x: (np.arcsinh(x), (x * x + 1) ** -0.5, -x * (x * x + 1) ** -1.5),
    "acosh": lambda x: (np.arccosh(x), (x * x - 1) ** -0.5, -x * (x * x - 1) ** -1.5),
    "atanh": lambda x: (np.arctanh(x), 1 / (1 - x * x), 2 * x / (1 - x * x) ** 2),
    "logistic": _logistic,
    "erf": lambda x: (special.erf(x), 2 / SQRT_PI * np.exp(-x * x), -4 * x / SQRT_PI * np.exp(-x * x)),
    "erfc": lambda x: (special.erfc(x), -2 / SQRT_PI * np.exp(-x * x), 4 * x / SQRT_PI * np.exp(-x * x)),
    "square": lambda x: (x * x, 2 * x, 2.0),
    "reciprocal": lambda x: (1 / x, -1 / x**2, 2 / x**3),
    "lgamma": lambda x: (special.gammaln(x), special.digamma(x), special.polygamma(1, x)),
    "digamma": lambda x: (special.digamma(x), special.polygamma(1, x), special.polygamma(2, x)),
    "sign": _flat(np.sign),
    "floor": _flat(np.floor),
    "ceil": _flat(np.ceil),
    "round": _flat(np.round),
    "stop": _flat(lambda x: x),
    "not": _flat(lambda x: float(x == 0)),
}
"""Value, first and second derivative."""


def _of_tie(a: float, b: float, larger: bool) -> tuple[float, ...]:
    first = 0.5 if a == b else float((a > b) == larger)
    return (max(a, b) if larger else min(a, b)), first, 1 - first, 0.0, 0.0, 0.0


def _power(a: float, b: float) -> tuple[float, ...]:
    whole = float(b).is_integer()
    log = np.log(a) if a > 0 else 0.0 if whole else math.nan
    value = np.power(a, b)
    below, twice = b * np.power(a, b - 1), b * (b - 1) * np.power(a, b - 2)
    return value, below, value * log, twice, np.power(a, b - 1) * (1 + b * log), value * log * log


def _atan2(a: float, b: float) -> tuple[float, ...]:
    r = a * a + b * b
    return np.arctan2(a, b), b / r, -a / r, -2 * a * b / r**2, (a * a - b * b) / r**2, 2 * a * b / r**2


def _is(f: Callable[[float, float], bool]) -> Callable[[float, float], tuple[float, ...]]:
    return lambda a, b: (float(f(a, b)), 0.0, 0.0, 0.0, 0.0, 0.0)


BINARY: Mapping[str, Callable[[Any, Any], tuple[Any, ...]]] = {
    "add": lambda a, b: (a + b, 1.0, 1.0, 0.0, 0.0, 0.0),
    "sub": lambda a, b: (a - b, 1.0, -1.0, 0.0, 0.0, 0.0),
    "mul": lambda a, b: (a * b, b, a, 0.0, 1.0, 0.0),
    "div": lambda a, b: (a / b, 1 / b, -a / b**2, 0.0, -1 / b**2, 2 * a / b**3),
    "rem": lambda a, b: (np.fmod(a, b), 1.0, -np.trunc(a / b), 0.0, 0.0, 0.0),
    "pow": _power,
    "atan2": _atan2,
    "max": lambda a, b: _of_tie(a, b, True),
    "min": lambda a, b: _of_tie(a, b, False),
    "lt": _is(lambda a, b: a < b),
    "le": _is(lambda a, b: a <= b),
    "gt": _is(lambda a, b: a > b),
    "ge": _is(lambda a, b: a >= b),
    "eq": _is(lambda a, b: a == b),
    "ne": _is(lambda a, b: a != b),
    "and": _is(lambda a, b: a != 0 and b != 0),
    "or": _is(lambda a, b: a != 0 or b != 0),
}
"""Value, derivatives by a and b, second derivatives by aa, ab and bb."""


@dataclass(frozen=True)
class Evaluated:
    """A tape at a point.

    Attributes:
        value: shape (m,).
        jacobian: shape (m, n).
        hessian: shape (m, n, n).
        holds: whether all guards turn out as when the tape was recorded.
        at_tie: whether some choice is undecided, so that the derivative there is a matter of convention.
    """

    value: np.ndarray
    jacobian: np.ndarray
    hessian: np.ndarray
    holds: bool
    at_tie: bool


EXACT = frozenset("sign floor ceil round not stop rem max min lt le gt ge eq ne and or neg abs".split())
"""Operations that are not rounded."""


def run(tape: Tape, point: Sequence[float], rounding: np.random.Generator | None = None) -> Evaluated:
    """Value, Jacobian and Hessian of a tape.

    Args:
        tape: is run forward.
        point: its n inputs.
        rounding: changes the result of every operation at random by about its rounding, to see what becomes of that.
    """
    n = len(point)
    none, flat = np.zeros(n), np.zeros((n, n))
    jets: list[tuple[Any, np.ndarray, np.ndarray]] = []
    with np.errstate(all="ignore"):
        for name, *operands in tape.nodes:
            if name == "input":
                jets.append((np.float64(point[operands[0]]), np.eye(n)[operands[0]], flat))
            elif name == "const":
                jets.append((np.float64(operands[0]), none, flat))
            elif name == "select":
                which, a, b = (jets[k] for k in operands)
                jets.append(a if which[0] != 0 else b)
            elif name in UNARY:
                x, g, h = jets[operands[0]]
                value, first, second = UNARY[name](x)
                jets.append((np.float64(value), *_scaled([(first, g, h)], [(second, g, g)])))
            else:
                (a, g, h), (b, k, q) = (jets[place] for place in operands)
                value, by_a, by_b, aa, ab, bb = BINARY[name](a, b)
                pairs = [(aa, g, g), (ab, g, k), (ab, k, g), (bb, k, k)]
                jets.append((np.float64(value), *_scaled([(by_a, g, h), (by_b, k, q)], pairs)))
            if rounding is not None and name not in EXACT:
                value, g, h = jets[-1]
                jets[-1] = (value * (1 + EPS * rounding.uniform(-1, 1)), g, h)
    outputs = [jets[k] for k in tape.outputs]
    value, jacobian, hessian = (np.array([jet[order] for jet in outputs]) for order in range(3))
    m = len(outputs)
    return Evaluated(
        value,
        jacobian.reshape(m, n),
        hessian.reshape(m, n, n),
        all(jets[node][0] == then for node, then, _ in tape.guards),
        any(_is_near(name, [jets[k][0] for k in rest]) for name, *rest in tape.nodes if name in KINKS),
    )


KINKS: Mapping[str, Callable[..., Any]] = {
    **{name: lambda a, b: a - b for name in ("max", "min", "lt", "le", "gt", "ge", "eq", "ne")},
    **{name: lambda x: x for name in ("abs", "sign")},
    **{name: lambda x: x - np.round(x) for name in ("floor", "ceil")},
    "round": lambda x: x - np.floor(x) - 0.5,
    "rem": lambda a, b: (a / b - np.round(a / b)) * (np.round(a / b) != 0),
}
"""How far operands are from where an operation jumps or has a kink."""


def _is_near(name: str, operands: Sequence[float]) -> bool:
    with np.errstate(all="ignore"):
        return abs(KINKS[name](*operands)) <= 1e-12


def _scaled(
    linear: Sequence[tuple[Any, np.ndarray, np.ndarray]], pairs: Sequence[tuple[Any, np.ndarray, np.ndarray]]
) -> tuple[np.ndarray, np.ndarray]:
    """The chain rule; what does not vary takes no part, however steep the operation is by it."""
    moving = [(c, g, h) for c, g, h in linear if g.any() or h.any()]
    g = sum((c * g for c, g, _ in moving), np.zeros_like(linear[0][1]))
    h = sum((c * h for c, _, h in moving), np.zeros_like(linear[0][2]))
    return g, h + sum((c * np.outer(a, b) for c, a, b in pairs if a.any() and b.any()), np.zeros_like(h))
