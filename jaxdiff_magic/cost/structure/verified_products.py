"""Products with a derivative that need not be built: what few passes say about it, and what it is verified against."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np

from jaxdiff_magic.engines.jax.values import NO_DERIVATIVE, refusal
from jaxdiff_magic.subject.subject import Subject

What = Literal["jacobian", "hessian"]
Axis = Literal["columns", "rows"]
Inner = Literal["jax.grad", "jax.jacfwd"]
"""What takes the first derivative of a scalar function."""
Product = Callable[[Sequence[Any], Sequence[Any]], tuple[Any, ...]]
"""Of leaves and a direction."""


def scalar(subject: Subject) -> Callable[..., Any]:
    """The only output of a scalar subject, as a function of its leaves."""
    return lambda *leaves: subject.flat(*leaves)[0]


def gradient(subject: Subject, inner: Inner = "jax.grad") -> Callable[..., Any]:
    """Of a scalar subject: leaves to a tuple of arrays, one for each leaf."""
    transform = jax.grad if inner == "jax.grad" else jax.jacfwd
    return transform(scalar(subject), tuple(range(len(subject.inputs))))


def point_of(subject: Subject) -> list[jax.Array]:
    """The point as JAX holds it, one array for each leaf."""
    return [jnp.asarray(value) for value in subject.native_point]


def obstacle(subject: Subject, transformed: Callable[..., Any]) -> str:
    """Why JAX cannot apply a transformation, a function of the leaves, at the point; "" when it can."""
    try:
        if subject.untraceable:
            transformed(*point_of(subject))
        else:
            jax.eval_shape(transformed, *point_of(subject))
    except NO_DERIVATIVE as error:
        return refusal(error)
    return ""


def directions(leaves: Sequence[Any], seed: int) -> list[jax.Array]:
    """One array of normal random numbers for each leaf, of its shape and dtype."""
    rng = np.random.default_rng(seed)
    return [jnp.asarray(rng.standard_normal(leaf.shape), leaf.dtype) for leaf in leaves]


def forward_product(subject: Subject, what: What, inner: Inner = "jax.grad") -> Product | None:
    """J v, or H v of a scalar subject, forward: along one array for each input; None where JAX has none."""
    function = subject.flat if what == "jacobian" else gradient(subject, inner)

    def product(leaves: Sequence[Any], direction: Sequence[Any]) -> tuple[Any, ...]:
        return jax.jvp(function, tuple(leaves), tuple(direction))[1]

    return product if not _product_obstacle(subject, product, subject.inputs) else None


def reverse_product(subject: Subject, what: What) -> Product | None:
    """u' J, or u' H of a scalar subject, in reverse: along one array for each row leaf; None where JAX has none."""
    function = subject.flat if what == "jacobian" else gradient(subject)

    def product(leaves: Sequence[Any], direction: Sequence[Any]) -> tuple[Any, ...]:
        return jax.vjp(function, *leaves)[1](tuple(direction))

    space = subject.outputs if what == "jacobian" else subject.inputs
    return product if not _product_obstacle(subject, product, space) else None


def _product_obstacle(subject: Subject, product: Product, space: Sequence[Any]) -> str:
    """As `obstacle`, of products in several directions at once: JAX stages a forward pass through a custom_vjp."""
    along = tuple(jnp.zeros((1, *leaf.shape), leaf.dtype) for leaf in space)
    return obstacle(subject, lambda *leaves: jax.vmap(product, in_axes=(None, 0))(leaves, along))


def counts_of(subject: Subject, what: What, seed: int = 0, count: int = 8) -> dict[Axis, np.ndarray]:
    """How many entries other than zero some random columns and rows of a derivative have, by one product for each.

    Returns:
        int arrays of shape (count,), or fewer where there are fewer; "columns" are missing where JAX has no forward
        mode, "rows" where it has no reverse mode. A Hessian has "rows" only. NaN and infinity do not count.
    """
    forward, reverse = forward_product(subject, what), reverse_product(subject, what)
    found: dict[Axis, np.ndarray] = {}
    if what == "hessian":
        if (product := forward or reverse) is not None:
            found["rows"] = _counts(product, subject, subject.inputs, seed, count)
        return found
    if forward is not None:
        found["columns"] = _counts(forward, subject, subject.inputs, seed, count)
    if reverse is not None:
        found["rows"] = _counts(reverse, subject, subject.outputs, seed, count)
    return found


def _counts(product: Product, subject: Subject, space: Sequence[Any], seed: int, count: int) -> np.ndarray:
    sizes = [leaf.size for leaf in space]
    if not sum(sizes):
        return np.zeros(0, int)
    chosen = np.random.default_rng(seed).choice(sum(sizes), min(count, sum(sizes)), replace=False)
    basis = np.zeros((len(chosen), sum(sizes)))
    basis[np.arange(len(chosen)), chosen] = 1
    parts = np.split(basis, np.cumsum(sizes)[:-1], axis=1)
    along = [jnp.asarray(p.reshape(len(chosen), *x.shape), x.dtype) for p, x in zip(parts, space, strict=True)]
    found = jax.jit(jax.vmap(product, in_axes=(None, 0)))(tuple(point_of(subject)), tuple(along))
    flat = np.concatenate([np.asarray(part, float).reshape(len(chosen), -1) for part in found], axis=1)
    return np.sum((flat != 0) & np.isfinite(flat), axis=1)
