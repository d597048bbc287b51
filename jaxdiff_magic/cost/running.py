"""Whether a call that is to be printed runs: on the actual arguments, abstractly, so that it costs one trace."""

from __future__ import annotations

import importlib
from collections import Counter
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import tree_util

from jaxdiff_magic.base.parsing import parsed
from jaxdiff_magic.subject.subject import Subject, arguments_of

STAND_IN = "__derived__"
"""What the function is called in a text that is tried; where it is printed, it has the reader's name for it."""
MOST_EQUATIONS = 400
"""The program of a function of more steps is not run again for a text: a plain sum of its inputs stands in for it. A
choice of time."""


def runs(subject: Subject, text: str) -> bool:
    """Whether a text, with `STAND_IN` for the function, gives arrays of the shapes of the first derivative, or more.

    It is executed in a namespace of exactly what it says that it needs: the function, the arguments by their names,
    and what it imports. The reader's code is not entered again.
    """
    *before, last = text.split("\n")
    arguments = subject.call.arguments
    leaves, structure = tree_util.tree_flatten(arguments)

    def executed(*chosen: Any) -> Any:
        own = list(leaves)
        for position, value in zip(subject.call.positions, chosen, strict=True):
            own[position] = value
        space = _namespace(subject, *tree_util.tree_unflatten(structure, own))
        exec("\n".join(before), space)
        return eval(last, space)

    try:
        parsed(text)
        found = jax.eval_shape(executed, *(leaf.aval for leaf in subject.inputs))
    except Exception:  # whatever JAX, Equinox or the reader's containers raise: it is not the call
        return False
    shapes = Counter(tuple(np.shape(leaf)) for leaf in tree_util.tree_leaves(found))
    expected = Counter((*o.shape, *i.shape) for o in subject.outputs for i in subject.inputs)
    if "hessian" in last or last.count("jax.jac") + last.count("jax.grad") > 1:
        return True  # of a higher derivative
    return not expected - shapes


def _namespace(subject: Subject, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
    """The names that a call uses, with their values."""
    space: dict[str, Any] = {"jax": jax, STAND_IN: _stand_in(subject), **kwargs}
    for name, module in ((name, module) for module, name in subject.modules.items() if module != "jax"):
        space[name] = importlib.import_module(module)
    names, _ = arguments_of(subject)
    for name, value in zip(names, args, strict=True):
        root, bracket, _ = name.partition("[")
        if bracket:  # one of those that a function takes as *rest
            space[root] = (*space.get(root, ()), value)
        else:
            space[name] = value
    return space


def _stand_in(subject: Subject) -> Any:
    """The function by its jaxpr; where it has none, or a long one, a sum of its inputs in the shapes of its result."""
    structure = tree_util.tree_structure(subject.call.arguments)
    whole = subject.whole
    is_short = whole is not None and len(whole[0].jaxpr.eqns) <= MOST_EQUATIONS

    def called(*args: Any, **kwargs: Any) -> Any:
        leaves, own = tree_util.tree_flatten((args, kwargs))
        if own != structure:
            raise TypeError("the arguments have another structure")
        chosen = [leaves[position] for position in subject.call.positions]
        if is_short:
            return subject.result(*chosen)
        total = sum(jnp.sum(jnp.asarray(x)) for x in chosen)
        made = tuple(jnp.broadcast_to(total, o.shape).astype(o.dtype) for o in subject.outputs)
        return made[0] if subject.output_template == 0 else made

    return called
