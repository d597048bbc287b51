"""Sentences about digits that are lost."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np

from jaxdiff_magic.engines.reference.arithmetic import mpmath
from jaxdiff_magic.engines.reference.digits import right_digits
from jaxdiff_magic.engines.reference.directions import Path
from jaxdiff_magic.engines.reference.precise import exact, is_precise
from jaxdiff_magic.findings.digits.against_truth import Compared, Expected
from jaxdiff_magic.findings.digits.cure import Cure
from jaxdiff_magic.findings.digits.loss import DIGITS, Loss
from jaxdiff_magic.findings.saying import listing
from jaxdiff_magic.findings.scene import Scene
from jaxdiff_magic.primitives.facts import having
from jaxdiff_magic.subject.trace import Equation

WORDS = {
    "sub": "the subtraction",
    "add": "the addition",
    "add_any": "the sum of partial derivatives",
    "reduce_sum": "the sum",
    "dot_general": "the matrix product",
    "mul": "the product",
    "div": "the division",
    "log": "the logarithm",
    "exp": "the exponential",
    "sin": "the sine",
    "cos": "the cosine",
    "tan": "the tangent",
    "pow": "the power",
    "integer_pow": "the power",
    "solve": "the linear solve",
    "triangular_solve": "the linear solve",
    "inv": "the inverse",
    "scan": "the loop",
    "while": "the loop",
}


def entry_name(scene: Scene, path: Path, entry: tuple[int, ...]) -> str:
    """An entry as a reader writes it: `f[0]`, `∂f/∂x[1]`."""
    o, *inputs = path
    output = scene.subject.outputs[o]
    start = len(output.shape)
    text = output.element(entry[:start])
    places = []
    for i in inputs:
        leaf = scene.subject.inputs[i]
        places.append(f"∂{leaf.element(entry[start : start + len(leaf.shape)])}")
        start += len(leaf.shape)
    power = {0: "", 1: "∂", 2: "∂²"}[len(places)]
    return f"{power}{text}/{''.join(places)}" if places else text


def _digits(eps: float) -> int:
    return round(-np.log10(eps))


def _right(number: float, truth: Any, total: int) -> int:
    return int(np.clip(right_digits(number, truth), 0, total))


def numbers(block: Compared, truth: Expected, entry: tuple[int, ...]) -> str:
    """How many digits are right, of which numbers."""
    dtype, total = block.native.dtype, _digits(float(jnp.finfo(block.native.dtype).eps))
    exact = mpmath.mpf(truth.values[entry]) if not truth.precise else truth.values[entry]
    right = _right(float(block.wide[entry]), exact, total)
    wide = float(block.found.values[0][entry])
    found = [f"{block.native[entry]!s} in {dtype}"]
    if dtype != np.float64:
        found.append(f"{wide!r} in float64")
    if truth.precise:
        found.append(f"{truth.text(entry)}… with {DIGITS} digits")
    return f"has {right} of its {total} digits right here: {listing(found)}."


def lost_at(loss: Loss | None, scene: Scene) -> str:
    """Which operation loses them, on which of the user's lines, and why."""
    if loss is None:
        return f"They are lost little by little in {scene.subject.name}: no one step stands out."
    equation = loss.equation
    at = f" at {equation.location}" if equation.location.line else ""
    source = f", `{equation.location.source}`" if equation.location.source else ""
    return f"The others are lost in {operation_of(equation)}{at}{source}: {_why(loss)}."


def operation_of(equation: Equation) -> str:
    """A step in a sentence."""
    return WORDS.get(equation.primitive, f"the operation {equation.primitive}")


def _why(loss: Loss) -> str:
    equation, operands = loss.equation, loss.operands
    if (small := _underflow(loss)) is not None:
        return small
    if equation.primitive in ("sub", "add", "add_any") and all(x.size == 1 for x in operands):
        a, b = (x.ravel()[0] for x in operands)
        if (a * b > 0) == (equation.primitive == "sub"):
            return f"{a!s} and {b!s} cancel, and what is left is their rounding"
    if equation.primitive in having("sums"):
        return "its terms cancel, and what is left is their rounding"
    if equation.primitive == "log":
        return "its operand is so close to 1 that rounding has taken the digits by which it differs"
    if equation.primitive in ("solve", "triangular_solve", "inv"):
        return "its matrix is nearly singular and magnifies rounding"
    if equation.primitive in ("scan", "while"):
        return "its steps magnify rounding"
    return "it magnifies the rounding of its operand"


def _underflow(loss: Loss) -> str | None:
    """What is too small for the dtype's exponents, so that it is 0 there or has fewer digits; None where nothing is."""
    native = np.asarray(loss.native[loss.equation.outputs[0]])
    if not jnp.issubdtype(native.dtype, jnp.floating):
        return None
    least = float(jnp.finfo(native.dtype).smallest_normal)
    too_small = f"below the smallest normal number of {native.dtype}, {least:.3g}"
    sizes = [abs(exact(x) if is_precise(loss.result) else mpmath.mpf(float(x))) for x in loss.result.ravel()]
    operands = [abs(float(x)) for operand in loss.operands for x in np.ravel(operand) if operand.dtype.kind in "fV"]
    cancels = loss.equation.primitive in having("sums")
    noise = max(operands, default=0.0) * 10.0**-DIGITS if cancels else 0.0  # of the digits
    if noise < max(sizes, default=0) < least and _is_below(native, least):
        return f"it underflows: {mpmath.nstr(max(sizes), 3)} is {too_small}"
    for operand in loss.operands:
        if jnp.issubdtype(operand.dtype, jnp.floating) and np.any(operand) and _is_below(operand, least):
            return f"its operand, {float(np.max(np.abs(operand.astype(float)))):.3g}, is {too_small}, and counts as 0"
    return None


def _is_below(numbers: np.ndarray, least: float) -> bool:
    return bool(np.all(np.abs(numbers.astype(np.float64)) < least))


def advice(found: Cure, block: Compared, order: int) -> str:
    """The stable form, and what it gives here."""
    dtype = block.native.dtype
    what = ("It", "Its derivative", "Its second derivative")[order]
    value = f": {found.value!s} here" if found.value.size == 1 else ""
    return f"Write {found.text} for {found.instead}. {what} keeps its digits in {dtype}{value}."


def wider(block: Compared, truth: Expected, entry: tuple[int, ...]) -> str:
    """float64, where it helps."""
    if block.native.dtype == np.float64 or not truth.precise:
        return ""
    right = _right(float(block.found.values[0][entry]), truth.values[entry], 16)
    if right < 7:
        return ""
    return f'In float64 {right} digits are right: jax.config.update("jax_enable_x64", True).'
