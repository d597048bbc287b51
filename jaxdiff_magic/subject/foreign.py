"""Primitives that others have added to JAX: what code they stand for, read off the code itself or off what they do.

Many of them only pass values on, or say something about them to `vmap` or to the compiler. One of them among the steps
of a function must not keep the others from being followed.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.extend.core
import jax.numpy as jnp
import jax.scipy.special
import numpy as np

OWN = ("jax", "jaxlib")
OFFERED = (jnp, jax.lax, jax.nn, jax.scipy.special)
MAX_FOREIGN_NUMBERS = 100_000
"""What a primitive does to operands of more numbers than this is not tried. A choice of time and memory."""
TRIALS = 4
"""Operands are drawn so many times: booleans all false, all true, and mixed; numbers of several magnitudes. A choice:
operands for which another primitive happens to pass its operand on are rare."""


def code_of(equation: Any) -> Any:
    """The code of a primitive that is not JAX's own, as a closed jaxpr of its operands; None where it cannot be told.

    Likewise of one that is made of code: see `made_of`.

    Args:
        equation: of a jaxpr.
    """
    primitive = equation.primitive
    if (held := made_of(equation)) is not None:
        return None if _is_whole(held, equation) else expanded(equation)
    implementation = getattr(primitive, "impl", None)
    if implementation is None or primitive.name in _known():
        return None
    written = not _is_own(implementation)
    if not written and getattr(implementation, "__self__", None) is not primitive:
        return None
    operands = [jax.ShapeDtypeStruct(v.aval.shape, v.aval.dtype) for v in equation.invars if not hasattr(v, "val")]
    run = _filled(equation, functools.partial(implementation if written else primitive.bind, **equation.params))
    if written and (found := _traced(equation, run, operands)) is not None:
        return found
    return _passing(equation, run if written else jax.jit(run), operands)


def made_of(equation: Any) -> Any:
    """The object that an equation applies whose class tells its code and its rules, as those of JAX's HiPrim do.

    JAX has one primitive for all of them, which holds the object. Its class has the code as `expand`, of operands in
    the structure of `in_avals`. None for any other equation.
    """
    held = equation.params.get("_prim")
    return held if callable(getattr(held, "expand", None)) and hasattr(held, "in_avals") else None


def name_of(equation: Any) -> str:
    """What the reader calls a primitive: `custom_root` of JAX's class CustomRoot, else its own name."""
    held = made_of(equation)
    if held is None:
        return str(equation.primitive.name)
    name = type(held).__name__
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name.lstrip("_")).lower() if is_of_jax(equation) else name


def is_of_jax(equation: Any) -> bool:
    """Whether JAX itself brings the code of a primitive, and so its rule."""
    held = made_of(equation)
    return held is not None and type(held).__module__.partition(".")[0] in OWN


def _is_whole(held: Any, equation: Any) -> bool:
    """Whether a primitive has rules here, which tell more than its code: a search of one sorted array."""
    return type(held).__name__ == "SearchSorted" and len(equation.invars[0].aval.shape) == 1


def expanded(equation: Any) -> Any:
    """The code of a primitive that is made of some, as a closed jaxpr of its operands; None where it is not known."""
    if (held := made_of(equation)) is None:
        return None
    structure = jax.tree_util.tree_structure(tuple(held.in_avals))

    def run(*operands: Any) -> list[Any]:
        return jax.tree_util.tree_leaves(held.expand(*jax.tree_util.tree_unflatten(structure, operands)))

    try:
        return _closed(equation, _filled(equation, run))
    except Exception:  # what code of others raises, or does not have at all
        return None


@functools.cache
def _known() -> frozenset[str]:
    """The names of JAX's own primitives, as far as it tells them."""
    held = vars(jax.extend.core.primitives).items()
    return frozenset(primitive.name for name, primitive in held if name.endswith("_p"))


def _is_own(function: Any) -> bool:
    """Whether an implementation is JAX's, other than one of the functions that it offers to all."""
    while isinstance(function, functools.partial):
        function = function.func
    public = any(getattr(room, getattr(function, "__name__", ""), None) is function for room in OFFERED)
    return not public and str(getattr(function, "__module__", "")).partition(".")[0] in OWN


def _filled(equation: Any, run: Callable[..., Any]) -> Callable[..., list[Any]]:
    """An operation as a function of those operands that are no literals, to a list of results."""

    def call(*variables: Any) -> list[Any]:
        rest = iter(variables)
        found = run(*(jnp.asarray(v.val, v.aval.dtype) if hasattr(v, "val") else next(rest) for v in equation.invars))
        return list(found) if equation.primitive.multiple_results else [found]

    return call


def _with_literals(equation: Any, function: Callable[..., list[Any]]) -> Callable[..., list[Any]]:
    """A function of those operands that are no literals as one of all of them."""
    keep = [k for k, v in enumerate(equation.invars) if not hasattr(v, "val")]
    return lambda *operands: function(*(operands[k] for k in keep))


def _closed(equation: Any, function: Callable[..., list[Any]]) -> Any:
    every = [jax.ShapeDtypeStruct(v.aval.shape, v.aval.dtype) for v in equation.invars]
    return jax.make_jaxpr(_with_literals(equation, function))(*every)


def _traced(equation: Any, run: Callable[..., list[Any]], operands: Sequence[Any]) -> Any:
    """What an implementation in JAX's own operations does; None where it is none."""
    try:
        closed = _closed(equation, run)
    except Exception:  # whatever code that wants numbers raises on abstract values
        return None
    alike = [(v.aval.shape, v.aval.dtype) for v in closed.jaxpr.outvars]
    again = any(inner.primitive is equation.primitive for inner in closed.jaxpr.eqns)
    return closed if alike == [(v.aval.shape, v.aval.dtype) for v in equation.outvars] and not again else None


def _passing(equation: Any, run: Callable[..., list[Any]], operands: Sequence[Any]) -> Any:
    """The operands that the results are, each the same one in all trials; None where some is none of them."""
    if not operands or sum(int(np.prod(x.shape)) for x in operands) > MAX_FOREIGN_NUMBERS:
        return None
    candidates = [set(range(len(operands))) for _ in equation.outvars]
    for trial in range(TRIALS):
        given = [_drawn(x, trial, k) for k, x in enumerate(operands)]
        try:
            found = [np.asarray(result) for result in run(*map(jnp.asarray, given))]
        except Exception:  # whatever a primitive raises that cannot be run by itself
            return None
        for known, result in zip(candidates, found, strict=True):
            same = (k for k, x in enumerate(given) if x.dtype == result.dtype and np.array_equal(x, result))
            known.intersection_update(same)
    if not all(candidates):
        return None
    return _closed(equation, lambda *variables: [variables[min(known)] for known in candidates])


def _drawn(operand: Any, trial: int, position: int) -> np.ndarray:
    """Values of one operand."""
    rng = np.random.default_rng([trial, position])
    if operand.dtype == bool:
        return np.full(operand.shape, bool(trial)) if trial < 2 else rng.random(operand.shape) < 0.5
    if jnp.issubdtype(operand.dtype, jnp.integer):
        return rng.integers(0, 100, operand.shape).astype(operand.dtype)
    sizes = 10.0 ** rng.integers(-3, 4, operand.shape)
    return np.asarray(sizes * rng.standard_normal(operand.shape)).astype(operand.dtype)
