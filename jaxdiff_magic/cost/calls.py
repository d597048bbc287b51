"""The Python text to paste: the call that computes the first derivative in one mode."""

from __future__ import annotations

from jaxdiff_magic.cost.passes import Mode
from jaxdiff_magic.subject import Subject, positional_names


def derivative_call(subject: Subject, mode: Mode) -> str:
    """`jax.grad(f)(x)`, `jax.jacfwd(f, argnums=(0, 1))(x, y)`, `jax.jacrev(lambda k: f(x, k=k))(k)`.

    Where only a part of an argument is differentiated, the call differentiates the whole argument, and a comment
    says which part to take.
    """
    if mode == "forward":
        transform = "jax.jacfwd"
    else:
        transform = "jax.grad" if subject.is_scalar else "jax.jacrev"
    positional, arguments = _arguments(subject)
    roots = list(dict.fromkeys(_root(leaf.name, [*positional, *subject.kwargs]) for leaf in subject.inputs))
    if not set(roots) <= set(positional):
        # JAX differentiates positional arguments only: give it a function in which they are.
        chosen = ", ".join(roots)
        argnums = _argnums(tuple(range(len(roots))) if len(roots) > 1 else 0)
        return f"{transform}(lambda {chosen}: {subject.name}({arguments}){argnums})({chosen})"
    if subject.argnums is not None:
        return f"{transform}({subject.name}{_argnums(subject.argnums)})({arguments})"
    indices = tuple(positional.index(root) for root in roots)
    argnums = _argnums(indices[0] if len(indices) == 1 else indices)
    parts = ", ".join(leaf.name for leaf in subject.inputs)
    return f"{transform}({subject.name}{argnums})({arguments})  # of which the part for {parts}"


def product_call(subject: Subject) -> str:
    """Products with a Jacobian that is too large to build."""
    _, arguments = _arguments(subject)
    return f"value, pullback = jax.vjp({subject.name}, {arguments})  # pullback(v): the product v' J"


def _arguments(subject: Subject) -> tuple[list[str], str]:
    positional = positional_names(subject.function, subject.args)
    return positional, ", ".join([*positional, *(f"{key}={key}" for key in sorted(subject.kwargs))])


def _root(name: str, arguments: list[str]) -> str:
    """The argument that a leaf's name starts with: `params` of `params['W']`."""
    return next(root for root in arguments if name == root or name.startswith((f"{root}[", f"{root}.")))


def _argnums(argnums: int | tuple[int, ...]) -> str:
    return "" if argnums == 0 else f", argnums={argnums}"
