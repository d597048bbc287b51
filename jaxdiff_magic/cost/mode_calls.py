"""The Python text to paste: the call that computes the first derivative in one mode."""

from __future__ import annotations

import re

from jax import tree_util

from jaxdiff_magic.cost.passes import Mode
from jaxdiff_magic.cost.running import STAND_IN, runs
from jaxdiff_magic.subject.leaves import Held, kind
from jaxdiff_magic.subject.modules import is_number, is_plain, places_of
from jaxdiff_magic.subject.subject import Subject, arguments_of

MOST_WRITTEN = 12
"""So many positions of leaves are written out. A choice: what fits into a line."""
MOST_NAMED = 4
"""So many are told by their names. A choice: what fits into a sentence."""


def derivative_call(subject: Subject, mode: Mode) -> str:
    """`jax.grad(f)(x)`, `jax.jacfwd(f, argnums=(0, 1))(x, y)`, `jax.jacrev(lambda k: f(x, k=k))(k)`.

    Where only a part of an argument is differentiated, the call differentiates the whole argument, and a comment
    says which part to take. Where it is not known what the reader calls the function, a comment says that, too.
    """
    if mode == "forward" or subject.complex_outputs:  # JAX's reverse mode wants real ones
        transform = "jax.jacfwd"
    else:
        transform = "jax.grad" if subject.is_scalar else "jax.jacrev"
    for write in (_of_arguments, _of_variables, _filtered):
        if (tried := write(subject, transform, STAND_IN)) and runs(subject, tried):
            return with_imports(
                subject, remarked(subject, write(subject, transform, function_text(subject)), _part_meant(subject))
            )
    return with_imports(subject, closed_over(subject, transform))


def _part_meant(subject: Subject) -> str:
    """Which part of a derivative by whole arguments is meant; "" for the whole of it."""
    positional, _ = arguments_of(subject)
    roots = [root_of(leaf.name, [*positional, *subject.kwargs]) for leaf in subject.inputs]
    if subject.argnums is not None or not set(roots) <= set(positional):
        return ""
    return f"of which the part for {', '.join(leaf.name for leaf in subject.inputs)}"


def _of_arguments(subject: Subject, transform: str, function: str) -> str:
    """By whole arguments; "" where JAX would differentiate by settings of a model too."""
    if settings_of(subject):
        return ""
    positional, given = arguments_of(subject)
    arguments = ", ".join(given)
    roots = list(dict.fromkeys(root_of(leaf.name, [*positional, *subject.kwargs]) for leaf in subject.inputs))
    if not set(roots) <= set(positional):
        # JAX differentiates positional arguments only: give it a function in which they are.
        chosen = ", ".join(roots)
        argnums = argnums_text(tuple(range(len(roots))) if len(roots) > 1 else 0)
        return f"{transform}(lambda {chosen}: {function}({arguments}){argnums})({chosen})"
    if subject.argnums is not None:
        return f"{transform}({function}{argnums_text(subject.argnums)})({arguments})"
    indices = tuple(positional.index(root) for root in roots)
    return f"{transform}({function}{argnums_text(indices[0] if len(indices) == 1 else indices)})({arguments})"


def settings_of(subject: Subject) -> list[Held]:
    """The settings of models that are left out of what is differentiated, see `Place.is_setting`."""
    return [held for held in subject.held if held.kind == "setting"]


def _of_variables(subject: Subject, transform: str, function: str) -> str:
    """With Flax's nnx, where the reader's code imports it: by the parameters of a module of its."""
    first = subject.args[0] if subject.args else None
    is_module = not is_plain(first) and any(place.is_variable for place in places_of(first))
    return _by_library(subject, transform, function, "flax.nnx", "grad") if is_module else ""


def _filtered(subject: Subject, transform: str, function: str) -> str:
    """With Equinox, where the reader's code imports it: by the arrays of a model that holds other things too."""
    # Equinox differentiates by all arrays and by no number of Python's
    if any(is_number(value) for value in subject.point) or not all(is_number(h.value) for h in settings_of(subject)):
        return ""
    return _by_library(subject, transform, function, "equinox", "filter_grad")


def _by_library(subject: Subject, transform: str, function: str, module: str, gradient: str) -> str:
    name = subject.modules.get(module, "")
    if not name or transform != "jax.grad" or subject.argnums not in (0, (0,)):
        return ""
    return f"{name}.{gradient}({function})({', '.join(arguments_of(subject)[1])})"


def closed_over(subject: Subject, *transforms: str) -> str:
    """A derivative by the differentiated leaves alone, with everything else closed over: some lines, the last a value.

    Example:
        ```
        leaves, structure = jax.tree.flatten((model, x))
        floating = {i: leaves[i] for i in (0, 2)}
        jax.grad(lambda floating: loss(*jax.tree.unflatten(structure, [floating.get(i, leaf) for …])))(floating)
        ```
    """
    found = _closed_over(subject, transforms, STAND_IN)
    if not runs(subject, found):
        return ""
    text = _closed_over(subject, transforms, function_text(subject))
    *lines, last = text.split("\n")
    places = [f"{k}: {leaf.name}" for k, leaf in zip(subject.call.positions, subject.inputs, strict=True)]
    return "\n".join([*lines, remarked(subject, last, ", ".join(places) if len(places) <= MOST_NAMED else "")])


def _closed_over(subject: Subject, transforms: tuple[str, ...], function: str) -> str:
    positional, _ = arguments_of(subject)
    keys = sorted(subject.kwargs)
    several = any(position >= _leaf_count(subject.args) for position in subject.call.positions)
    whole = f"({', '.join(positional)}{',' if len(positional) == 1 else ''})"
    taken = {name.partition("[")[0].partition(".")[0] for name in (*positional, *keys, subject.callee)}
    leaves, structure, floating = (
        name if name not in taken else f"{name}_" for name in ("leaves", "structure", "floating")
    )
    if several:  # a keyword is among them
        whole = f"({whole}, {{{', '.join(f'{key!r}: {key}' for key in keys)}}})"
    made = f"jax.tree.unflatten({structure}, [{floating}.get(i, leaf) for i, leaf in enumerate({leaves})])"
    if several:
        call = f"(lambda args, kwargs: {function}(*args, **kwargs))(*{made})"
    else:
        call = f"{function}({', '.join([f'*{made}', *(f'{key}={key}' for key in keys)])})"
    applied = f"lambda {floating}: {call}"
    for transform in reversed(transforms):
        applied = f"{transform}({applied})"
    return (
        f"{leaves}, {structure} = jax.tree.flatten({whole})\n"
        f"{floating} = {{i: {leaves}[i] for i in {_which(subject, leaves, several)}}}\n"
        f"{applied}({floating})"
    )


def _which(subject: Subject, leaves: str, several: bool) -> str:
    """Positions of the differentiated leaves: a condition where there are many and it tells them."""
    chosen = subject.call.positions
    if len(chosen) > MOST_WRITTEN:
        all_leaves = tree_util.tree_leaves((subject.args, subject.kwargs) if several else subject.args)
        told = tuple(i for i, leaf in enumerate(all_leaves) if hasattr(leaf, "dtype") and kind(leaf) == "floating")
        if set(told) == set(chosen):
            floats = f"jax.numpy.issubdtype({leaves}[i].dtype, jax.numpy.floating)"
            return f"range(len({leaves})) if hasattr({leaves}[i], 'dtype') and {floats}"
    return f"({', '.join(map(str, chosen))}{',' if len(chosen) == 1 else ''})"


def _leaf_count(tree: object) -> int:
    return len(tree_util.tree_leaves(tree))


def product_call(subject: Subject) -> str:
    """Products with a Jacobian that is too large to build."""
    _, arguments = arguments_of(subject)
    call = f"value, pullback = jax.vjp({function_text(subject)}, {', '.join(arguments)})"
    return with_imports(subject, remarked(subject, call, "pullback(v): the product v' J"))


def function_text(subject: Subject) -> str:
    """The function in a call; a letter where it is not known what the reader calls it, or an argument has its name."""
    if is_written(subject):
        return subject.callee
    return "function" if "f" in {*arguments_of(subject)[0], *subject.kwargs} else "f"


def is_written(subject: Subject) -> bool:
    """Whether it is known what the reader calls the function, and no argument is called so too."""
    names = set(re.findall(r"(?<![.\w])[^\W\d]\w*", subject.callee))
    return bool(subject.callee) and names.isdisjoint({*arguments_of(subject)[0], *subject.kwargs})


def with_imports(subject: Subject, text: str) -> str:
    """A call below the imports that it needs and the reader's code does not have."""
    needed = [name for name in ("asdex", "jaxdiff_magic") if f"{name}." in text]
    if "jax." in text and subject.modules and subject.modules.get("jax") != "jax":
        needed.insert(0, "jax")
    return "\n".join([*(f"import {name}" for name in needed), text]) if text else ""


def remarked(subject: Subject, text: str, remark: str = "") -> str:
    """A call with what is to be said about it, as a comment."""
    remarks = [remark, "" if is_written(subject) else f"where {function_text(subject)} is what you passed"]
    comment = "; ".join(filter(None, remarks))
    return f"{text}  # {comment}" if comment else text


def root_of(name: str, arguments: list[str]) -> str:
    """The argument that a leaf's name starts with: `params` of `params['W']`."""
    return next(root for root in arguments if name == root or name.startswith((f"{root}[", f"{root}.")))


def argnums_text(argnums: int | tuple[int, ...]) -> str:
    """`, argnums=(0, 1)`; "" for the first argument alone."""
    return "" if argnums == 0 else f", argnums={argnums}"
