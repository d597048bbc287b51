"""JAX's programs of a function's Jacobian and Hessian, each traced once, from the function's jaxpr and not its code."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import jax
import jax.extend.core
import jax.numpy as jnp
import numpy as np
from jax import tree_util


@dataclass(frozen=True)
class DerivativeProgram:
    """A transformed function.

    Attributes:
        call: leaves to blocks `[output][input]`, with one more `[input]` for each further order.
        closed: its jaxpr; None where the function cannot be traced.
    """

    call: Callable[..., Any]
    closed: Any


@dataclass(frozen=True)
class DerivativePrograms:
    """The programs of one function at leaves of given shapes and dtypes.

    Attributes:
        function: arrays to a sequence of arrays.
        point: where it is traced.
        is_scalar: whether `jax.grad` applies, which is reverse mode without a batch of one.
        traceable: whether it can be traced with abstract values.
        anew: whether the function itself must be entered for each derivative, and not the program of a lower one.
    """

    function: Callable[..., Any]
    point: tuple[Any, ...]
    is_scalar: bool
    traceable: bool
    anew: bool = False
    _known: dict[str, DerivativeProgram] = field(default_factory=dict)

    def __getitem__(self, name: str) -> DerivativeProgram:
        """ "jacobian forward", "hessian forward over reverse", …; raises what JAX raises where there is none."""
        if name not in self._known:
            mode, _, inner = name.partition(" ")[2].partition(" over ")
            below = self.function
            if inner:
                nested = self.transformed(inner, self.function, False)
                below = nested if self.anew else self[f"jacobian {inner}"].call
            self._known[name] = self.program(self.transformed(mode, below, bool(inner)))
        return self._known[name]

    def transformed(self, mode: str, function: Callable[..., Any], nested: bool) -> Callable[..., Any]:
        """A function's derivative in "forward" or "reverse" mode; `nested` when it is itself a derivative."""
        argnums = tuple(range(len(self.point)))
        if mode == "forward":
            return jax.jacfwd(function, argnums)
        if nested or not self.is_scalar:
            return jax.jacrev(function, argnums)
        gradient = jax.grad(lambda *leaves: function(*leaves)[0], argnums)
        return lambda *leaves: (gradient(*leaves),)

    def program(self, transformed: Callable[..., Any]) -> DerivativeProgram:
        """A function of the leaves, traced; where that cannot be, run once to see that it exists."""
        if not self.traceable:
            transformed(*self.point)
            return DerivativeProgram(transformed, None)
        closed, shapes = jax.make_jaxpr(transformed, return_shape=True)(*self.point)
        structure, run = tree_util.tree_structure(shapes), jax.extend.core.jaxpr_as_fun(closed)
        return DerivativeProgram(lambda *leaves: tree_util.tree_unflatten(structure, run(*leaves)), closed)


def in_chunks(mode: str, function: Callable[..., Any], at_once: int) -> Callable[..., Any]:
    """`jax.jacfwd` by all arguments, or `jax.jacrev` for "reverse", of so many columns or rows at a time.

    Args:
        mode: "forward" or "reverse".
        function: arrays to a pytree of arrays.
        at_once: how many; the temporary memory grows with it.
    """

    def columns(*leaves: Any) -> Any:
        leaves = tuple(map(jnp.asarray, leaves))
        indices = jnp.arange(sum(x.size for x in leaves))
        found = jax.lax.map(lambda j: jax.jvp(function, leaves, _unit(j, leaves))[1], indices, batch_size=at_once)
        return tree_util.tree_map(
            lambda whole: tuple(
                jnp.moveaxis(part, 0, -1).reshape(*whole.shape[1:], *x.shape)
                for part, x in zip(_parted(whole, leaves), leaves, strict=True)
            ),
            found,
        )

    def rows(*leaves: Any) -> Any:
        value, pullback = jax.vjp(function, *map(jnp.asarray, leaves))
        outputs, structure = tree_util.tree_flatten(value)

        def row(i: Any) -> Any:
            return pullback(tree_util.tree_unflatten(structure, _unit(i, outputs)))

        found = jax.lax.map(row, jnp.arange(sum(y.size for y in outputs)), batch_size=at_once)
        blocks = [
            [part.reshape(*y.shape, *whole.shape[1:]) for part, y in zip(_parted(whole, outputs), outputs, strict=True)]
            for whole in found
        ]
        return tree_util.tree_unflatten(structure, list(zip(*blocks, strict=True)))

    return columns if mode == "forward" else rows


def _unit(index: Any, arrays: Sequence[Any]) -> tuple[Any, ...]:
    """One scalar of all arrays is 1, the others 0."""
    starts = np.cumsum([0, *(x.size for x in arrays)])
    hot = (jax.nn.one_hot(index - start, x.size, dtype=x.dtype) for start, x in zip(starts, arrays, strict=False))
    return tuple(one.reshape(x.shape) for one, x in zip(hot, arrays, strict=True))


def _parted(lines: Any, arrays: Sequence[Any]) -> list[Any]:
    return jnp.split(lines, np.cumsum([x.size for x in arrays])[:-1])
