"""Modes of differentiation that a function does not have, and what plain `jax.grad` refuses."""

from __future__ import annotations

from jaxdiff_magic.cost.mode_calls import derivative_call, product_call
from jaxdiff_magic.cost.passes import Mode
from jaxdiff_magic.engines.jax.values import MAX_PASSES, Values
from jaxdiff_magic.findings.scene import Scene
from jaxdiff_magic.findings.too_large import is_too_large, order_of, title
from jaxdiff_magic.report import Finding
from jaxdiff_magic.subject.subject import Subject

OTHER: dict[str, Mode] = {"forward": "reverse", "reverse": "forward"}


def find(scene: Scene) -> list[Finding]:
    """A finding for an output that is not scalar, and one for each derivative that JAX cannot compute."""
    subject, values = scene.subject, scene.values
    return [
        *_not_scalar(subject, values),
        *(
            _missing(subject, values, name, reason)
            for name, reason in values.missing.items()
            if name != "jacobian" and not is_too_large(subject, name) and not _is_told(values, name)
        ),
    ]


def _is_told(values: Values, name: str) -> bool:
    """Whether `refused` tells it: there is neither mode."""
    return name in OTHER and values.jacobian is None and all(mode in values.missing for mode in OTHER)


def _not_scalar(subject: Subject, values: Values) -> list[Finding]:
    if subject.is_scalar:
        return []
    if subject.complex_outputs:
        returned, advice = "complex numbers", "return a real number, such as jnp.abs(...) ** 2"
    elif len(subject.outputs) != 1:
        returned, advice = f"{len(subject.outputs)} arrays", "return one number made of them, such as a sum"
    elif subject.output_size == 1:
        returned, advice = f"an array of shape {subject.outputs[0].shape}", "return its one element with .squeeze()"
    else:
        returned, advice = f"an array of shape {subject.outputs[0].shape}", "return one number, such as its .sum()"
    modes: list[Mode] = [mode for mode in OTHER.values() if mode not in values.missing]
    calls = list(dict.fromkeys(derivative_call(subject, mode).partition("  # ")[0] for mode in modes))
    return [
        Finding(
            kind="infeasible-mode",
            severity="info",
            path=subject.name,
            where=subject.where,
            message=f'Plain jax.grad refuses {subject.name}: "Gradient only defined for scalar-output functions". '
            f"It wants one number, of shape (), and {subject.name} returns {returned}.",
            cure=f"Use {' or '.join(calls) or product_call(subject)}; for a gradient, {advice}.",
        )
    ]


def _missing(subject: Subject, values: Values, name: str, reason: str) -> Finding:
    """Why one derivative is not there; only information where the other mode was simply the better one."""
    other = OTHER.get(name)
    what = f"{name} mode" if other else f"the {title(order_of(name))}"
    passes = {"forward": subject.size, "reverse": subject.output_size}.get(name, 0)
    return Finding(
        kind="infeasible-mode",
        severity="info" if passes > MAX_PASSES else "warning",
        path=subject.name,
        where=subject.where,
        message=f"{what[0].upper()}{what[1:]} of {subject.name} was not computed: {reason.rstrip('.')}.",
        cure=f"Use {derivative_call(subject, other)}." if other and other not in values.missing else "",
    )
