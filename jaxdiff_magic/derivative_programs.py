"""JAX's programs of a function's Jacobian and Hessian, each traced once, from the function's jaxpr and not its code."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import jax
import jax.extend.core
from jax import tree_util


@dataclass(frozen=True)
class Program:
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
    """

    function: Callable[..., Any]
    point: tuple[Any, ...]
    is_scalar: bool
    traceable: bool
    _known: dict[str, Program] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Program:
        """ "jacobian forward", "hessian forward over reverse", …; raises what JAX raises where there is none."""
        if name not in self._known:
            mode, _, inner = name.partition(" ")[2].partition(" over ")
            below = self[f"jacobian {inner}"].call if inner else self.function
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

    def program(self, transformed: Callable[..., Any]) -> Program:
        """A function of the leaves, traced; where that cannot be, run once to see that it exists."""
        if not self.traceable:
            transformed(*self.point)
            return Program(transformed, None)
        closed, shapes = jax.make_jaxpr(transformed, return_shape=True)(*self.point)
        structure, run = tree_util.tree_structure(shapes), jax.extend.core.jaxpr_as_fun(closed)
        return Program(lambda *leaves: tree_util.tree_unflatten(structure, run(*leaves)), closed)
