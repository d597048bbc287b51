"""A function that is itself the derivative of another one: what is shown is then a derivative of a derivative."""

from __future__ import annotations

from jaxdiff_magic.findings.scene import Scene
from jaxdiff_magic.report import Finding
from jaxdiff_magic.subject.subject import arguments_of
from jaxdiff_magic.subject.wrappers import DERIVATIVES, SAME, Wrapper, symbol_of, wrapper_of


def find(scene: Scene) -> list[Finding]:
    """One finding for a derivative that is differentiated; none for any other function."""
    subject = scene.subject
    made = derivative_in(subject.function)
    if made is None:
        return []
    inner, own = symbol_of(made.inner, subject.args), subject.name
    is_known = subject.callee and subject.callee != own
    what = f"The function is {subject.callee}, which is {own}" if is_known else f"The function is {own}"
    message = f"{what}, itself a derivative of {inner}: what is shown here are derivatives of a derivative of {inner}."
    arguments = ", ".join(arguments_of(subject)[1])
    write = f"{inner}({arguments})" if inner.isidentifier() and subject.callee else f"a call of {inner}"
    return [
        Finding("derivative", "info", own, subject.where, message, f"For the derivatives of {inner}, write {write}.")
    ]


def derivative_in(function: object) -> Wrapper | None:
    """The derivative that a function is, compiled or not; None for any other function."""
    made = wrapper_of(function)
    while made is not None and made.transform in (*SAME, "jax.vmap"):
        made = wrapper_of(made.inner)
    return made if made is not None and made.transform in DERIVATIVES else None
