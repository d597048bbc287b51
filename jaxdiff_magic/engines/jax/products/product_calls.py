"""The Python text to paste for products with derivatives that are too large to build."""

from __future__ import annotations

from collections.abc import Mapping

from jax import tree_util

from jaxdiff_magic.subject.leaves import kind
from jaxdiff_magic.subject.subject import Subject, arguments_of


def product_calls(subject: Subject) -> Mapping[str, str]:
    """For "jvp", "vjp" and "hvp" a call that runs where the function and its arguments have their names.

    In them `v` is a direction, with the structure of the differentiated argument (a tuple where there are several),
    and `u` a number.

    Where only parts of an argument are differentiated, the products of the report itself take their place.
    """
    positional, arguments = arguments_of(subject)
    argnums = subject.argnums
    whole = argnums is not None and all(
        kind(leaf) == "floating" for i in _tuple(argnums) for leaf in tree_util.tree_leaves(subject.args[i])
    )
    whole = whole and not any(held.kind == "setting" for held in subject.held)
    names_hold = all(name.isidentifier() for name in (*subject.callee.split("."), *positional))
    if not (whole and names_hold):
        return {"jvp": "report.products.jvp(v)", "vjp": "report.products.vjp(u)", "hvp": "report.products.hvp(v)"}
    chosen = [positional[i] for i in _tuple(argnums)]
    inputs = ", ".join(chosen)
    plain = chosen == arguments
    name = subject.callee if plain else f"lambda {inputs}: {subject.callee}({', '.join(arguments)})"
    several = len(chosen) > 1
    at = f"({inputs})" if several else f"({inputs},)"
    along = "v" if several else "(v,)"
    grad_of = "" if not several else f", argnums={tuple(range(len(chosen)))}"
    pulled = "" if several else "[0]"
    return {
        "jvp": f"jax.jvp({name}, {at}, {along})[1]",
        "vjp": f"jax.vjp({name}, {inputs})[1](u){pulled}",
        "hvp": f"jax.jvp(jax.grad({name}{grad_of}), {at}, {along})[1]",
    }


def _tuple(argnums: int | tuple[int, ...] | None) -> tuple[int, ...]:
    return () if argnums is None else (argnums,) if isinstance(argnums, int) else argnums
