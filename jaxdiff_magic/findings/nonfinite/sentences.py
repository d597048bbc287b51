"""How an origin is told in a sentence: the operation, what it was given, and why that makes a NaN."""

from __future__ import annotations

import ast

import jax.numpy as jnp
import numpy as np

from jaxdiff_magic.base.figures import figure
from jaxdiff_magic.findings.nonfinite.origins import Origin
from jaxdiff_magic.findings.nonfinite.syntax import expression_at, operand_of, tail
from jaxdiff_magic.findings.saying import listing
from jaxdiff_magic.findings.scene import Scene
from jaxdiff_magic.subject.trace import Constant, Variable

WRITTEN = {
    "pow": ("power",),
    "asin": ("arcsin",),
    "acos": ("arccos",),
    "acosh": ("arccosh",),
    "atanh": ("arctanh",),
    "atan2": ("arctan2",),
    "erf_inv": ("erfinv",),
    "lgamma": ("gammaln",),
    "div": ("divide", "true_divide"),
    "slogdet": ("slogdet", "det"),
}
"""What functions are called in `jax.numpy` and `jax.scipy` where that is not the primitive's name."""
ABOUT_THE_MATRIX = ("matrix", "spectrum")
MODE = {"forward": "forward mode", "reverse": "reverse mode", "second": "the second derivative"}
LEFT_OUT = {
    "select_n": "The where does not take that branch",
    "max": "The maximum does not take it",
    "min": "The minimum does not take it",
    "reduce_max": "It is not the largest",
    "reduce_min": "It is not the smallest",
}


def reason(origin: Origin) -> str:
    """Why the number is not finite, with the user's line, in one or two sentences."""
    source = origin.location.source
    line = f"In `{source}`, " if source else "There "
    if origin.singular is None or origin.culprit is None:
        return f"{line}{origin.event} is {'nan' if origin.is_nan else 'infinite'}."
    loop = ""
    if origin.culprit.iterations:
        loop = f" in iteration {', '.join(map(str, origin.culprit.iterations))} (counted from 0)"
    joint = " " if origin.singular.kind in ABOUT_THE_MATRIX else ", and "
    said = f"{line}{_operand(origin)}{loop}{joint}{origin.singular.words}."
    if origin.unselected is not None and origin.program != "value":
        by = LEFT_OUT[origin.unselected.equation.primitive]
        return f"{said} {by}, but {MODE[origin.program]} still makes {origin.event} = nan of it."
    is_new = origin.is_nan and origin.program != "value" and origin.event not in origin.singular.words
    if is_new and origin.singular.kind in ("boundary", "overflow", "empty", "spectrum"):
        return f"{said} The chain rule then makes {origin.event} = nan."
    return said


def _operand(origin: Origin) -> str:
    """The operand to blame and its value: "x[0] is 0"."""
    assert origin.culprit is not None and origin.singular is not None
    step, wrong = origin.culprit, origin.singular
    primitive, data = step.equation.primitive, np.asarray(step.operands[wrong.operand].data)
    found = expression_at(origin.location)
    text = _operand_text(origin)
    if wrong.kind in ABOUT_THE_MATRIX:
        return text or "the matrix"
    inside = f" inside {found[0].text(found[1])}" if found and isinstance(found[1], ast.Call) else ""
    if not data.size:
        return f"{text} has no elements" if text else f"{primitive}{inside} is given no elements"
    index = tuple(np.argwhere(wrong.mask)[0]) if data.shape == wrong.mask.shape else ()
    value = figure(data[index] if data.shape == np.shape(wrong.mask) else data.flat[0], 4)
    if not text:
        return f"{primitive}{inside} is given {value}"
    if index:
        place = f"[{', '.join(map(str, index))}]"
        text = f"{text}{place}" if text.isidentifier() else f"element {place} of {text}"
    return f"{text} is {value}"


def _operand_text(origin: Origin) -> str:
    """The operand as the user wrote it; "" where a library function computes it."""
    found = expression_at(origin.location)
    if found is None or origin.singular is None or origin.culprit is None:
        return ""
    source, node = found
    primitive = origin.culprit.equation.primitive
    if isinstance(node, ast.Call) and tail(node.func) not in (primitive, *WRITTEN.get(primitive, ())):
        return ""
    operand = operand_of(node, origin.singular.operand)
    return "" if operand is None else source.text(operand)


def met(origin: Origin, scene: Scene) -> str:
    """What became of an infinity of the user's: "In `softmax(a * c)`, c[1] is infinite, and reverse mode makes …"."""
    source = origin.location.source
    line = f"In `{source}`, " if source else ""
    data = origin.data
    if isinstance(data, Constant):
        at = np.argwhere(np.isinf(data.value)).tolist() if data.shape else []
        places = [f"[{', '.join(map(str, index))}]" for index in at]
        if data.name:
            name = listing([f"{data.name}{place}" for place in places] or [data.name])
        else:
            name = f"element {listing(places)} of a constant" if places else "a constant"
        said = f"{name} {'is' if len(places) < 2 else 'are'} infinite"
    else:
        said = brought(origin, scene)
    program = MODE.get(origin.program, "the function")
    return f"{line}{said}, and {program} makes {origin.event} = nan of it."


def brought(origin: Origin, scene: Scene) -> str:
    """Which of the user's arrays brings the number in: "x[1] is nan: it was so in the input"."""
    data, subject = origin.data, scene.subject
    bad = np.isnan if origin.is_nan else np.isinf
    if isinstance(data, Constant):
        elements = [str(list(map(int, index))) for index in np.argwhere(bad(data.value))] if data.shape else [""]
        name = data.name or "a constant of the function"
        names = [f"{name}{element}" for element in elements] if data.name else [name]
        verb = "is" if len(names) == 1 else "are"
        return f"{listing(names)} {verb} {origin.event}, in the data that {subject.name} uses"
    assert isinstance(data, Variable) and scene.trace is not None
    position = next((i for i, own in enumerate(scene.trace.inputs) if own.id == data.id), None)
    if position is None:
        return "a derivative that JAX was given is not finite"
    leaf = subject.inputs[position]
    value = subject.native_point[position]
    names = [leaf.element(index) for index in np.argwhere(bad(value)).tolist()]
    given = np.asarray(subject.point[position]).astype(np.float64)
    if np.isfinite(given).all():
        verb = "is" if len(names) == 1 else "are"
        most = f"{float(jnp.finfo(leaf.dtype).max):.3g}"
        return f"{listing(names)} {verb} too large for {leaf.dtype}, whose largest number is {most}"
    return f"{listing(names)} {'is' if len(names) == 1 else 'are'} {origin.event} in the input"
