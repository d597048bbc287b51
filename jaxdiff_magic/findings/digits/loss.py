"""Where a program in the user's dtype loses digits: its steps, one operation of JAX at a time, beside 50 digits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
import numpy as np

from jaxdiff_magic.base.budget import passed
from jaxdiff_magic.base.errors import OutOfReach
from jaxdiff_magic.engines.reference.arithmetic import mpmath
from jaxdiff_magic.engines.reference.precise import UNFIT, elementwise, exact, is_precise, precision
from jaxdiff_magic.engines.reference.watching import Seen, Watched, watched
from jaxdiff_magic.subject.native import as_given, run_alone
from jaxdiff_magic.subject.trace import Constant, Equation, Trace, Variable

MAX_LOSS_STEPS = 300
"""Longer programs are not run step by step. A choice of time."""
MAX_LOSS_OPERATIONS = 60_000
"""Scalar operations with 50 digits that a finding may take: about a tenth of a second."""
DIGITS = 50
"""A choice: three times those of a float64, so that what cancels to all its digits still has as many."""
JUMP = 30.0
"""A step loses digits where it makes the relative error so many times larger. A choice: one digit and a half; a step
that loses less is one of many."""
SLIGHT = 4.0
"""Where no step does that, the one that magnifies it most is named if it does so by this much. A choice of two bits."""


@dataclass(frozen=True)
class Loss:
    """The step that loses digits.

    Attributes:
        equation: the step.
        operands: its operands as the program has them, in its own dtype.
        result: what it should give.
        native: every value of the program, in its own dtype.
    """

    equation: Equation
    operands: tuple[np.ndarray, ...]
    result: np.ndarray
    native: Mapping[Variable, Any]


def loss_in(trace: Trace, arguments: Sequence[Any], eps: float, total: float, deadline: float) -> Loss | None:
    """The first step whose result has a much larger relative error than its operands; None where there is none.

    Args:
        trace: of the program.
        arguments: its arguments in its own dtypes.
        eps: of the dtype.
        total: the relative error of the result.
        deadline: the instant (`budget.now`) after which the search is given up.
    """
    if len(trace.equations) > MAX_LOSS_STEPS:
        return None
    seen = _seen(trace, [np.asarray(x).astype(np.float64) for x in arguments])
    live = [equation for equation in trace.equations if id(equation) in seen]
    native = run_natively(trace, arguments, live, deadline)
    found: list[tuple[float, Equation]] = []
    errors: dict[Variable, float] = {}
    for equation in live:
        if any(variable not in native for variable in equation.outputs):
            break
        before = max([eps, *(errors.get(atom, 0.0) for atom in equation.inputs if isinstance(atom, Variable))])
        for variable, value in zip(equation.outputs, seen[id(equation)].results, strict=True):
            errors[variable] = _relative_error(native[variable], value)
        after = max((errors[variable] for variable in equation.outputs), default=0.0)
        if after * JUMP >= total:
            found.append((after / before, equation))
    jumps = [item for item in found if item[0] >= JUMP]
    ratio, equation = jumps[0] if jumps else max(found, key=lambda item: item[0], default=(0.0, None))
    if equation is None or ratio < SLIGHT:
        return None
    operands = tuple(np.asarray(_read(atom, native)) for atom in equation.inputs)
    return Loss(equation, operands, seen[id(equation)].results[0].data, native)


def run_natively(
    trace: Trace, arguments: Sequence[Any], equations: Sequence[Equation] | None = None, deadline: float = np.inf
) -> dict[Variable, Any]:
    """The values of a program in its own dtype, one operation of JAX at a time, as far as it can be run.

    Args:
        trace: of the program.
        arguments: its arguments in its own dtypes.
        equations: the steps to be done; None for all.
        deadline: the instant (`budget.now`) after which no further step is done.
    """
    native: dict[Variable, Any] = dict(zip(trace.inputs, map(jnp.asarray, arguments), strict=True))
    for equation in trace.equations if equations is None else equations:
        if passed(deadline):
            break
        try:
            results = run_alone(equation, [_read(atom, native) for atom in equation.inputs])
        except OutOfReach:
            break
        native.update(zip(equation.outputs, results, strict=True))
    return native


def _seen(trace: Trace, point: list[np.ndarray]) -> dict[int, Seen]:
    """The steps of a program with their right values: with 50 digits where that can be, else in float64."""
    try:
        with precision(DIGITS + 15, MAX_LOSS_OPERATIONS):
            steps = watched(trace, point, precise=True)
    except (OutOfReach, *UNFIT):
        try:
            steps = watched(trace, point)
        except (OutOfReach, *UNFIT):
            return {}
    own = {id(equation) for equation in trace.equations}
    return {id(item.step): item for item in steps if id(item.step) in own}


def _read(atom: Variable | Constant, native: Mapping[Variable, Any]) -> Any:
    return native[atom] if isinstance(atom, Variable) else as_given(atom)


def _relative_error(native: Any, value: Watched) -> float:
    """The largest error of an array over its largest element; 0 where it has no floating-point numbers."""
    if not jnp.issubdtype(native.dtype, jnp.floating):
        return 0.0
    return relative_error(np.asarray(native).astype(np.float64), value.data)


def relative_error(native: np.ndarray, truth: np.ndarray) -> float:
    """The largest error of an array over the largest element of what it should be, float64 or objects.

    Where it should be 0, over the largest that it is: all of it is error.
    """
    if not native.size or not np.isfinite(native).all():
        return 0.0
    if is_precise(truth):
        with mpmath.workdps(DIGITS + 15):
            apart = elementwise(lambda a, b: abs(mpmath.mpf(a) - exact(b)), native, truth)
            size = max(abs(exact(x)) for x in truth.ravel())
            return float(max(apart.ravel()) / size) if size else float(bool(np.any(native)))
    size = np.max(np.abs(truth))
    if not np.isfinite(size):
        return 0.0
    return float(np.max(np.abs(native - truth)) / size) if size else float(bool(np.any(native)))
