"""A stable form tried at the point: what it gives in the user's dtype, beside 50 digits; and its text."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxdiff_magic.errors import OutOfReach
from jaxdiff_magic.findings.digits.loss import DIGITS, MAX_OPERATIONS, relative_error
from jaxdiff_magic.findings.digits.stable_forms import Form, Steps, forms_of
from jaxdiff_magic.reference.digits import with_digits
from jaxdiff_magic.trace import Constant, Equation, Trace, Variable

GOOD = 0.75
"""A form is shown where its relative error is below the dtype's eps to this power: three quarters of the digits."""
INFIX = {"add": "+", "sub": "-", "mul": "*", "div": "/", "pow": "**"}
CALLS = {
    **{name: f"jnp.{name}" for name in "exp log sin cos tan sinh cosh tanh sqrt cbrt expm1 log1p abs".split()},
    "logistic": "jax.nn.sigmoid",
    "erf": "jax.scipy.special.erf",
    "reduce_sum": "jnp.sum",
}
"""How a step is written: an operator between its operands, or a function."""


@dataclass(frozen=True)
class Cure:
    """A form that keeps the digits.

    Attributes:
        text: Python.
        instead: what it takes the place of; "it" where that cannot be written in short.
        value: what it gives (or its derivative) in the user's dtype, where that is one number.
    """

    text: str
    instead: str
    value: Any


def cure_of(
    trace: Trace,
    equations: Sequence[Equation],
    native: Mapping[Variable, Any],
    names: Sequence[str],
    order: int,
    result: np.ndarray,
) -> Cure | None:
    """The first stable form of some steps that keeps the digits of their result, or of its derivative.

    Args:
        trace: of the function.
        equations: the steps that may be written in another form.
        native: every value of the function, in its own dtype.
        names: of its inputs.
        order: which derivative has to be right.
        result: at order 0, what the step should give.
    """
    steps = Steps(trace)
    for equation in equations:
        for form in forms_of(steps, equation):
            value = _tried(trace, equation, form, native, order, result)
            if value is not None:
                known = dict(zip(trace.inputs, names, strict=True))
                instead = _plain(_text(equation.outputs[0], steps, known, 5, whole=True))
                return Cure(_written(form, steps, known), "it" if "..." in instead else instead, value)
    return None


def _tried(
    trace: Trace, equation: Equation, form: Form, native: Mapping[Variable, Any], order: int, result: np.ndarray
) -> Any:
    """What a form gives, or its derivative along ones, where it has the digits; else None."""
    variables = tuple(dict.fromkeys(atom for atom in form.operands if isinstance(atom, Variable)))
    if not variables:
        return None
    if any(variable not in native for variable in variables):
        return None
    inner = tuple(e for e in trace.equations if set(variables).isdisjoint(e.outputs))
    point = [jnp.asarray(native[variable]) for variable in variables]

    def stable(*values: Any) -> Any:
        known = dict(zip(variables, values, strict=True))
        operands = (known[a] if isinstance(a, Variable) else jnp.asarray(a.rounded) for a in form.operands)
        return form.function(*operands)

    try:
        truth = _truth(Trace(variables, inner, equation.outputs[:1]), point, order) if order else result
        found = np.asarray(_sloped(stable, point, order))
    except (OutOfReach, TypeError, ValueError):
        return None
    eps = float(jnp.finfo(found.dtype).eps)
    wide = found.astype(np.float64)
    if wide.shape != truth.shape or not np.isfinite(wide).all() or relative_error(wide, truth) > eps**GOOD:
        return None
    return found


def _sloped(f: Any, point: Sequence[Any], order: int) -> Any:
    """A function's value, or its derivative of some order along ones."""
    for _ in range(order):
        f = lambda *xs, below=f: jax.jvp(below, xs, tuple(map(jnp.ones_like, xs)))[1]  # noqa: E731
    return f(*point)


def _truth(trace: Trace, point: Sequence[Any], order: int) -> np.ndarray:
    """The same of a trace, with 50 digits."""
    paths = [(0, *inputs) for inputs in itertools.product(range(len(trace.inputs)), repeat=order)]
    numbers = [np.asarray(x).astype(np.float64) for x in point]
    blocks = with_digits(trace, paths, numbers, DIGITS, MAX_OPERATIONS)
    kept = trace.outputs[0].shape
    return np.asarray(sum(block.reshape(*kept, -1).sum(-1) for block in blocks.values()), object)


def _written(form: Form, steps: Steps, names: Mapping[Variable, str]) -> str:
    """The form as Python over the user's names."""
    return _plain(form.template.format(*(f"({_text(atom, steps, names, 3)})" for atom in form.operands)))


def _plain(text: str) -> str:
    """Python without the parentheses that it does not need."""
    try:
        return ast.unparse(ast.parse(text, mode="eval"))
    except SyntaxError:
        return text


def _text(
    atom: Variable | Constant, steps: Steps, names: Mapping[Variable, str], depth: int, whole: bool = False
) -> str:
    """A value as the user may have written it, every operand in parentheses; with `...` for what would be long.

    Args:
        whole: whether it is written out although it has a name.
    """
    atom = steps.bare(atom)
    if isinstance(atom, Constant):
        known = steps.number(atom)
        return atom.name or (f"{known:g}" if known is not None else "...")
    if atom in names:
        return names[atom]
    made = steps.makers.get(atom)
    if made is None or depth == 0:
        return "..."
    if made.name and not whole:
        return made.name
    inner = [f"({_text(operand, steps, names, depth - 1)})" for operand in made.inputs]
    if made.primitive in INFIX:
        return f" {INFIX[made.primitive]} ".join(inner)
    if made.primitive in ("integer_pow", "square"):
        return f"{inner[0]} ** {made.params.get('y', 2)}"
    if made.primitive == "neg":
        return f"-{inner[0]}"
    return f"{CALLS[made.primitive]}{inner[0]}" if made.primitive in CALLS else "..."
