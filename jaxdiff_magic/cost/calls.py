"""The Python text to paste: the call that computes the first derivative in one mode."""

from __future__ import annotations

from jaxdiff_magic.cost.passes import Mode
from jaxdiff_magic.subject import Subject, arguments_of


def derivative_call(subject: Subject, mode: Mode) -> str:
    """`jax.grad(f)(x)`, `jax.jacfwd(f, argnums=(0, 1))(x, y)`, `jax.jacrev(lambda k: f(x, k=k))(k)`.

    Where only a part of an argument is differentiated, the call differentiates the whole argument, and a comment
    says which part to take. Where it is not known what the reader calls the function, a comment says that, too.
    """
    function = function_text(subject)
    if mode == "forward" or subject.complex_outputs:  # JAX's reverse mode wants real ones
        transform = "jax.jacfwd"
    else:
        transform = "jax.grad" if subject.is_scalar else "jax.jacrev"
    positional, given = arguments_of(subject)
    arguments = ", ".join(given)
    roots = list(dict.fromkeys(root_of(leaf.name, [*positional, *subject.kwargs]) for leaf in subject.inputs))
    if not set(roots) <= set(positional):
        # JAX differentiates positional arguments only: give it a function in which they are.
        chosen = ", ".join(roots)
        argnums = argnums_text(tuple(range(len(roots))) if len(roots) > 1 else 0)
        return remarked(subject, f"{transform}(lambda {chosen}: {function}({arguments}){argnums})({chosen})")
    if subject.argnums is not None:
        return remarked(subject, f"{transform}({function}{argnums_text(subject.argnums)})({arguments})")
    indices = tuple(positional.index(root) for root in roots)
    argnums = argnums_text(indices[0] if len(indices) == 1 else indices)
    parts = ", ".join(leaf.name for leaf in subject.inputs)
    return remarked(subject, f"{transform}({function}{argnums})({arguments})", f"of which the part for {parts}")


def product_call(subject: Subject) -> str:
    """Products with a Jacobian that is too large to build."""
    _, arguments = arguments_of(subject)
    call = f"value, pullback = jax.vjp({function_text(subject)}, {', '.join(arguments)})"
    return remarked(subject, call, "pullback(v): the product v' J")


def function_text(subject: Subject) -> str:
    """The function in a call; a letter where it is not known what the reader calls it."""
    return subject.callee or ("function" if "f" in arguments_of(subject)[0] else "f")


def remarked(subject: Subject, text: str, remark: str = "") -> str:
    """A call with what is to be said about it, as a comment."""
    remarks = [remark, "" if subject.callee else f"where {function_text(subject)} is what you passed"]
    comment = "; ".join(filter(None, remarks))
    return f"{text}  # {comment}" if comment else text


def root_of(name: str, arguments: list[str]) -> str:
    """The argument that a leaf's name starts with: `params` of `params['W']`."""
    return next(root for root in arguments if name == root or name.startswith((f"{root}[", f"{root}.")))


def argnums_text(argnums: int | tuple[int, ...]) -> str:
    """`, argnums=(0, 1)`; "" for the first argument alone."""
    return "" if argnums == 0 else f", argnums={argnums}"
