"""Derivatives that would not fit: their size, and the products that take their place."""

from __future__ import annotations

from jaxdiff_magic.findings.scene import Scene
from jaxdiff_magic.report import Finding
from jaxdiff_magic.subject import Subject
from jaxdiff_magic.values import MAX_ENTRIES

ORDER = {"forward": 1, "reverse": 1, "jacobian": 1, "hessian": 2}
TITLE = {1: "first derivative", 2: "Hessian"}
CURE = {
    1: "Products with it need one pass each: jax.jvp for J v, jax.vjp for v' J.",
    2: "Its product with a vector costs a few gradients: jax.jvp of jax.grad.",
}


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
            cure=CURE.get(order, ""),
        )
        for order, reason in reasons.items()
    ]


def title(order: int) -> str:
    """What a reader calls a derivative: "first derivative", "Hessian", "derivative of order 3"."""
    return TITLE.get(order, f"derivative of order {order}")


def order_of(name: str) -> int:
    """How often `Values.missing[name]` differentiates."""
    return ORDER.get(name) or int(name.removeprefix("d"))


def is_too_large(subject: Subject, name: str) -> bool:
    """Whether `Values.missing[name]` has more entries than are built."""
    return subject.output_size * subject.size ** order_of(name) > MAX_ENTRIES
