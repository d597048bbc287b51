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

from jaxdiff_magic.base.errors import OutOfReach
from jaxdiff_magic.base.parsing import parsed
from jaxdiff_magic.engines.reference.digits import with_digits
from jaxdiff_magic.findings.digits.loss import DIGITS, MAX_LOSS_OPERATIONS, relative_error
from jaxdiff_magic.findings.digits.stable_forms import Form, Steps, forms_of
from jaxdiff_magic.subject.native import as_given
from jaxdiff_magic.subject.trace import Constant, Equation, Trace, Variable

GOOD = 0.75
"""A form is shown where its relative error is below the dtype's eps to this power: three quarters of the digits. A
choice: all of them are hardly ever there, and half of them is what is to be cured."""
TINY = 1e-30
"""Below this a value counts as 0. A choice: below it a relative error says nothing to a reader, and float32 soon
ends."""
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
                text = _written(form, steps, known)
                if _runs(text, form, steps, known, native):
                    return Cure(text, "it" if "..." in instead else instead, value)
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
        operands = (known[a] if isinstance(a, Variable) else as_given(a) for a in form.operands)
        return form.function(*operands)

    step = Trace(variables, inner, equation.outputs[:1])
    try:
        truth = _truth(step, point, order) if order else result
        found = np.asarray(_sloped(stable, point, order))
        if not all(_is_kept(np.asarray(_sloped(stable, point, k)), _truth(step, point, k)) for k in range(order)):
            return None
    except (OutOfReach, TypeError, ValueError):
        return None
    eps = float(jnp.finfo(found.dtype).eps)
    wide = found.astype(np.float64)
    if wide.shape != truth.shape or not np.isfinite(wide).all() or relative_error(wide, truth) > eps**GOOD:
        return None
    if not np.any(truth) and np.any(wide):  # what should be 0 is 0
        return None
    return found


def _is_kept(found: np.ndarray, truth: np.ndarray) -> bool:
    """Whether a form has the value, or a lower derivative, of what it takes the place of: to half the digits."""
    wide, eps = found.astype(np.float64), float(jnp.finfo(found.dtype).eps)
    exact = truth.astype(np.float64)
    scale = float(np.max(np.abs(exact), initial=0.0))
    return wide.shape == exact.shape and bool(np.all(np.abs(wide - exact) <= np.sqrt(eps) * scale + TINY))


def _sloped(f: Any, point: Sequence[Any], order: int) -> Any:
    """A function's value, or its derivative of some order along ones."""
    for _ in range(order):
        f = lambda *xs, below=f: jax.jvp(below, xs, tuple(map(jnp.ones_like, xs)))[1]  # noqa: E731
    return f(*point)


def _truth(trace: Trace, point: Sequence[Any], order: int) -> np.ndarray:
    """The same of a trace, with 50 digits."""
    paths = [(0, *inputs) for inputs in itertools.product(range(len(trace.inputs)), repeat=order)]
    numbers = [np.asarray(x).astype(np.float64) for x in point]
    blocks = with_digits(trace, paths, numbers, DIGITS, MAX_LOSS_OPERATIONS)
    kept = trace.outputs[0].shape
    return np.asarray(sum(block.reshape(*kept, -1).sum(-1) for block in blocks.values()), object)


def _written(form: Form, steps: Steps, names: Mapping[Variable, str]) -> str:
    """The form as Python over the user's names."""
    return _plain(form.template.format(*(f"({_text(atom, steps, names, 3)})" for atom in form.operands)))


def _runs(text: str, form: Form, steps: Steps, names: Mapping[Variable, str], native: Mapping[Variable, Any]) -> bool:
    """Whether the text, as it is printed, gives what the form gives; one that is shortened cannot be run."""
    if "..." in text:
        return True
    values = {name: native[variable] for variable, name in names.items() if variable in native}
    values |= {made.name: native[v] for v, made in steps.makers.items() if made.name and v in native}
    space: dict[str, Any] = {"jnp": jnp, "jax": jax}
    for k, name in enumerate(sorted(values, key=len, reverse=True)):
        if not name.isidentifier():  # a part of an argument
            text, space[f"part_{k}"] = text.replace(name, f"part_{k}"), values[name]
        else:
            space[name] = values[name]
    try:
        found = eval(text, space)
        operands = (native[a] if isinstance(a, Variable) else as_given(a) for a in form.operands)
        return bool(jnp.allclose(found, form.function(*operands), rtol=1e-3, atol=0.0, equal_nan=True))
    except Exception:  # a name that is not a value of the function's: the text is not shown
        return False


def _plain(text: str) -> str:
    """Python without the parentheses that it does not need."""
    try:
        return ast.unparse(parsed(text, mode="eval"))
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
