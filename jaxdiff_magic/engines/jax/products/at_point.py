"""The derivatives of any function at its point as linear maps: products with vectors, for every size."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import tree_util

from jaxdiff_magic.base.errors import InputError, OutOfReach
from jaxdiff_magic.engines.jax.products.diagonal import diagonal_of
from jaxdiff_magic.engines.jax.products.maps import Maps, maps_of
from jaxdiff_magic.engines.jax.products.vectors import Vector, dot, vector_of
from jaxdiff_magic.engines.jax.values import NO_DERIVATIVE, refusal
from jaxdiff_magic.subject.leaves import Leaf
from jaxdiff_magic.subject.subject import Subject
from jaxdiff_magic.subject.templates import filled

MOST_EXACT = 1024
"""The diagonal of a Hessian of no more inputs is exact: one product for each. A choice of time and memory: all products
run at once, and so many of a megabyte each are a gigabyte."""
NO_PRODUCT = "JAX has no such product"


class ProductsAtPoint:
    """Products with the derivatives of a subject at its point; each is compiled when it is first asked for.

    A direction `v` has the structure of `report.gradient`: an array, or a number, for each input. A cotangent `u` has
    the structure of the function's result.
    """

    def __init__(self, subject: Subject) -> None:
        self.subject, self.point = subject, vector_of(subject.point)

    def jvp(self, v: Any) -> Any:
        """J v, of the structure of the function's result, by forward mode; where it has none, OutOfReach says why."""
        found = self._run(self._jvp, self._direction(v))
        return self.subject.assemble(found, 0)

    def vjp(self, u: Any) -> Any:
        """u'J, of the structure of a direction, by reverse mode."""
        return self._as_direction(self._run(self._vjp, self._cotangent(u)))

    def hvp(self, v: Any) -> Any:
        """H v of a scalar function, of the structure of a direction."""
        self._refuse_vectors("hvp")
        return self._as_direction(self._hvp(self._direction(v)))

    def vhv(self, v: Any) -> float:
        """v'H v of a scalar function: its curvature along v, times the square of v's length."""
        self._refuse_vectors("vhv")
        along = self._direction(v)
        return dot(along, self._hvp(along))

    def diagonal(self, probes: int = 16, seed: int = 0) -> tuple[Any, Any]:
        """The diagonal of a scalar function's Hessian and its standard errors, both of the structure of a direction.

        It is exact up to `MOST_EXACT` inputs, and its errors are 0; else it is estimated, as `estimated_diagonal` does.
        """
        self._refuse_vectors("diagonal")
        if self.subject.size > MOST_EXACT or self.subject.untraceable:
            return self.estimated_diagonal(probes, seed)
        exact = self._exact_diagonal(self._known_hvp(), self.point)
        return self._as_direction(exact), self._as_direction([jnp.zeros_like(part) for part in exact])

    def estimated_diagonal(self, probes: int = 16, seed: int = 0) -> tuple[Any, Any]:
        """The same from some random vectors.

        Args:
            probes: how many, 2 or more.
            seed: of them.
        """
        self._known_hvp()
        if probes < 2:
            raise InputError("A standard error takes at least two probes.")
        found = diagonal_of(self._hvp, self.point, jax.random.key(seed), probes)
        return self._as_direction(found[0]), self._as_direction(found[1])

    # Compiled; the point is an argument, or it would be written into the program

    @functools.cached_property
    def maps(self) -> Maps:
        """Of a scalar function."""
        return maps_of(self.subject, self.point)

    def _known_hvp(self) -> Callable[[Vector, Vector], Vector]:
        if self.maps.hvp is None:
            raise OutOfReach(f"{NO_PRODUCT}: {self.maps.missing['hvp']}")
        return self.maps.hvp

    def _hvp(self, v: Vector) -> Vector:
        return self._known_hvp()(self.point, v)

    @functools.cached_property
    def _jvp(self) -> Callable[[Vector, Vector], Any]:
        return self._compiled(lambda x, v: jax.jvp(self.subject.flat, x, v)[1])

    @functools.cached_property
    def _vjp(self) -> Callable[[Vector, Vector], Any]:
        return self._compiled(lambda x, u: jax.vjp(self.subject.flat, *x)[1](u))

    def _exact_diagonal(self, hvp: Callable[[Vector, Vector], Vector], point: Vector) -> Vector:
        ends = np.cumsum([x.size for x in point])[:-1]

        def parted(flat: jax.Array) -> Vector:
            return tuple(
                part.reshape(x.shape).astype(x.dtype) for part, x in zip(jnp.split(flat, ends), point, strict=True)
            )

        def entry(row: jax.Array) -> jax.Array:
            return jnp.concatenate([jnp.ravel(part) for part in hvp(point, parted(row))]) @ row

        return parted(jax.vmap(entry)(jnp.eye(self.subject.size)))

    def _compiled(self, function: Callable[..., Any]) -> Callable[..., Any]:
        return function if self.subject.untraceable else jax.jit(function)

    def _run(self, function: Callable[..., Any], vector: Vector) -> Any:
        try:
            return function(self.point, vector)
        except NO_DERIVATIVE as error:
            raise OutOfReach(f"{NO_PRODUCT}: {refusal(error)}") from error

    # Structures

    def _direction(self, v: Any) -> Vector:
        return _as_leaves(v, self.subject.inputs, "direction", "report.gradient")

    def _cotangent(self, u: Any) -> Vector:
        if self.subject.complex_outputs:
            raise OutOfReach("the result is complex: return its real and imaginary parts as two arrays")
        return _as_leaves(u, self.subject.outputs, "cotangent", "report.value")

    def _as_direction(self, parts: Sequence[Any]) -> Any:
        return filled(lambda fill: fill(self.subject.input_template, lambda i: parts[i]))

    def _refuse_vectors(self, name: str) -> None:
        if not self.subject.is_scalar:
            raise OutOfReach(
                f"{name} is of a scalar function, and {self.subject.name} is none: derive a weighted sum of its results"
            )


def _as_leaves(value: Any, leaves: Sequence[Leaf], what: str, like: str) -> Vector:
    """The floating-point leaves of a pytree, as the arrays of some leaves.

    Raises:
        InputError: they have other shapes.
    """
    found = [leaf for leaf in tree_util.tree_leaves(value) if jnp.issubdtype(jnp.result_type(leaf), jnp.floating)]
    if len(found) != len(leaves):
        found = tree_util.tree_leaves(value)
    if [np.shape(leaf) for leaf in found] != [leaf.shape for leaf in leaves]:
        wanted = ", ".join(f"{leaf.name} {leaf.shape}" for leaf in leaves)
        raise InputError(f"A {what} has the structure of {like}, one array for each part: {wanted}.")
    return tuple(jnp.asarray(x, leaf.dtype) for x, leaf in zip(found, leaves, strict=True))
