"""Derivatives that would not fit: their size, and the products that take their place."""

from __future__ import annotations

from jaxdiff_magic.cost.mode_calls import argnums_text, function_text
from jaxdiff_magic.engines.jax.not_built import MAX_BUILT_ENTRIES, MAX_UNASKED, WHEN_ASKED
from jaxdiff_magic.engines.jax.values import MANY_PASSES, Values
from jaxdiff_magic.findings.scene import Scene
from jaxdiff_magic.report import Finding
from jaxdiff_magic.subject.subject import Subject, arguments_of

ORDER = {"forward": 1, "reverse": 1, "jacobian": 1, "hessian": 2}
TITLE = {1: "first derivative", 2: "Hessian"}
FIRST = "Products with it need one pass each: jax.jvp for J v, jax.vjp for v' J."


def find(scene: Scene) -> list[Finding]:
    """One finding for each order of derivative that was not built because of its size."""
    subject, values = scene.subject, scene.values
    reasons = {order_of(name): reason for name, reason in values.missing.items() if is_too_large(subject, name)}
    if values.jacobian is not None:
        reasons.pop(1, None)  # the other mode was built: a gradient is no larger than the inputs
    return [
        Finding(
            kind="too-large",
            severity="info",
            path="",
            where=subject.where,
            message=f"The {title(order)} of {subject.name} was not built: {reason}.",
            cure={1: FIRST, 2: _second(subject, values)}.get(order, ""),
        )
        for order, reason in reasons.items()
    ]


def _second(subject: Subject, values: Values) -> str:
    """The products that take the place of second derivatives, as calls that can be pasted."""
    has = {mode: is_too_large(subject, mode) or not _is_refused(values, mode) for mode in ("forward", "reverse")}
    if subject.is_scalar and has["reverse"]:
        return "Its product with a vector costs a few gradients: jax.jvp of jax.grad."
    names = [leaf.name for leaf in subject.inputs]
    _, arguments = arguments_of(subject)
    at = f"({', '.join(names)},)" if len(names) == 1 else f"({', '.join(names)})"
    v, w = ("(v,)", "(w,)") if len(names) == 1 else ("v", "w")
    function = function_text(subject)
    call = f"{function}({', '.join(arguments)})"
    if names != arguments:
        function = f"lambda {', '.join(names)}: {call}"
    argnums = argnums_text(tuple(range(len(names))) if len(names) > 1 else 0)
    along = f"jax.jvp(lambda {', '.join(names)}: jax.jvp({function}, {at}, {v})[1], {at}, {w})[1]"
    weighted = f"jax.grad(lambda {', '.join(names)}: jax.numpy.vdot(u, {call}){argnums})"
    weighted = f"jax.jvp({weighted}, {at}, {v})[1]"
    if not set(names) <= {argument.partition("=")[0] for argument in arguments} or len(subject.outputs) > 1:
        along, weighted = "jax.jvp of jax.jvp", "jax.jvp of jax.grad of their weighted sum"  # parts of pytrees
    ways = [f"along v and w, {along}"] if has["forward"] else []
    ways += [f"of the outputs weighted by u, along v, {weighted}"] if has["reverse"] else []
    where = "" if subject.callee else f", where {function_text(subject)} is what you passed"
    return f"Its products cost a few passes: {'; '.join(ways)}{where}." if ways else ""


def _is_refused(values: Values, mode: str) -> bool:
    """Whether JAX has no such mode, which is another thing than that it would take too many passes."""
    return mode in values.missing and not values.missing[mode].startswith(MANY_PASSES)


def title(order: int) -> str:
    """What a reader calls a derivative: "first derivative", "Hessian", "derivative of order 3"."""
    return TITLE.get(order, f"derivative of order {order}")


def order_of(name: str) -> int:
    """How often `Values.missing[name]` differentiates."""
    return ORDER.get(name) or int(name.removeprefix("d"))


def is_too_large(subject: Subject, name: str) -> bool:
    """Whether `Values.missing[name]` has more entries than are built, or than are built unasked."""
    most = MAX_UNASKED if order_of(name) == 2 else MAX_BUILT_ENTRIES
    return subject.output_size * subject.size ** order_of(name) > most


def is_unasked(values: Values) -> bool:
    """Whether the Hessian would fit, and was not built only since nobody has asked for it yet."""
    return values.missing.get("hessian", "").endswith(WHEN_ASKED)
