"""Derivatives that are too large to build, by their products: sizes of the gradient, extreme eigenvalues, trace."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxdiff_magic.base.budget import enough, left
from jaxdiff_magic.engines.jax.products.at_point import ProductsAtPoint
from jaxdiff_magic.engines.jax.products.diagonal import trace_of
from jaxdiff_magic.engines.jax.products.lanczos import Extremes, extremes_of
from jaxdiff_magic.engines.jax.products.maps import Maps
from jaxdiff_magic.engines.jax.products.product_calls import product_calls
from jaxdiff_magic.engines.jax.products.vectors import Vector, drawn, length_of, stays
from jaxdiff_magic.report.formula import Formula
from jaxdiff_magic.report.matrix_free import Estimate, GradientSize, Products
from jaxdiff_magic.subject.subject import Subject

__all__ = ["products_of"]

PROBES = 8
"""How many vectors of random signs the trace is estimated from. A choice of time: the standard error falls by the root
of their number."""
TIMES_AS_LONG = 12.0
"""Eigenvalues and trace take so many times as long as XLA took for value and gradient: it compiles the product with the
Hessian, which takes it about twice as long, once alone and once within Lanczos' loop. Measured on networks of 1,400 to
15,000 parameters: 5 to 20, the more the smaller they are."""
SOON = 2.0
"""What is done in fewer seconds is begun though the time is up. A choice: half of what a reader waits in all."""
SETTLED = 0.01
"""Ends that are known to this part of the distance between them have settled; before that, they still move outwards. A
choice of two digits."""


def products_of(
    subject: Subject,
    gradient: Sequence[Any] | None,
    formulas: Sequence[Formula | None],
    *,
    second: bool,
    seed: int,
    deadline: float,
    compiling: float = 0.0,
) -> Products:
    """What can be known of a scalar function's derivatives without any array larger than its inputs.

    Args:
        subject: the function at its point.
        gradient: one array for each input; None where JAX has none.
        formulas: of the gradient, one for each input.
        second: whether second derivatives are wanted.
        seed: of the random vectors.
        deadline: the instant (`budget.now`) by which it should be done.
        compiling: seconds that XLA took for the function and its gradient.
    """
    at_point = ProductsAtPoint(subject)
    point, maps = at_point.point, at_point.maps
    sizes = () if gradient is None else tuple(map(_size, (leaf.name for leaf in subject.inputs), gradient, formulas))
    notes: list[str] = []
    found, trace, passes = Extremes(None, None, 0), None, 0
    if second and gradient is not None:
        if maps.hvp is None:
            notes.append(f"JAX cannot multiply by the Hessian: {maps.missing['hvp']}.")
        elif (needed := TIMES_AS_LONG * compiling) > max(left(deadline), SOON):
            budget = enough("curvature", needed)
            notes.append(
                f"The Hessian's eigenvalues and its trace were not looked for: to compile the products with it takes "
                f"about {max(needed, 1.0):.0f} s. Give it more: budget={budget} in derive, --budget {budget} in a cell."
            )
        else:
            found, trace, passes = _spectrum(subject, maps, point, seed, deadline, notes)
    return Products(
        gradient=sizes,
        largest=found.largest,
        smallest=found.smallest,
        trace=trace,
        passes=passes,
        calls=product_calls(subject),
        note=" ".join(notes),
        jvp=at_point.jvp,
        vjp=at_point.vjp,
        hvp=at_point.hvp,
        diagonal=at_point.estimated_diagonal,
    )


def _spectrum(
    subject: Subject, maps: Maps, point: Vector, seed: int, deadline: float, notes: list[str]
) -> tuple[Extremes, Estimate | None, int]:
    """Extreme eigenvalues and trace; what is to be said about them is added to the notes."""
    hvp = maps.hvp
    assert hvp is not None

    def product(v: Vector) -> Vector:
        return hvp(point, v)

    keys = jax.random.split(jax.random.key(seed))

    def draw() -> Vector:
        return drawn(jax.random.normal, keys[0], point)

    found = extremes_of(product, draw, deadline, None if subject.untraceable else (point, hvp))
    if found.largest is None or found.smallest is None:
        notes.append("Products with the Hessian are not finite here: it has no eigenvalues.")
        return found, None, found.passes
    trace, more = trace_of(product, point, keys[1], PROBES, deadline)
    low, high = found.smallest, found.largest
    if low.value + low.error < 0 < high.value - high.error:
        notes.append("The Hessian is indefinite: it has eigenvalues of both signs.")
    notes.append("Within the stated distance of each number there is an eigenvalue.")
    if (
        max(low.error, high.error) > SETTLED * (high.value - low.value)
        and high.value - high.error > low.value + low.error
    ):
        notes.append("The search had to stop before they settled: the extreme eigenvalues may lie further out.")
    else:
        notes.append("From a random start no more extreme one was met.")
    return found, trace, found.passes + more


def _size(name: str, block: Any, formula: Formula | None) -> GradientSize:
    largest = float(_largest(jnp.asarray(block)) if stays(block) else np.max(np.abs(block), initial=0.0))
    return GradientSize(name, np.size(block), length_of(block), largest, formula)


@jax.jit
def _largest(array: jax.Array) -> jax.Array:
    return jnp.max(jnp.abs(array))
