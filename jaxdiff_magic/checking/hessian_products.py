"""Where a Hessian was too large to build: its product with a random vector, checked like any block."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np

from jaxdiff_magic.base.budget import passed
from jaxdiff_magic.base.errors import OutOfReach
from jaxdiff_magic.checking.blocks import BlockCheck
from jaxdiff_magic.checking.decide import decided
from jaxdiff_magic.checking.differences import directional
from jaxdiff_magic.checking.evidence import Evidence
from jaxdiff_magic.engines.jax.values import Derivatives
from jaxdiff_magic.engines.reference.derivatives import Reference
from jaxdiff_magic.engines.reference.directions import Path


def hessian_products(
    derivatives: Derivatives,
    reference: Reference,
    point: Sequence[np.ndarray],
    evidence: Callable[[Path], Evidence],
    tolerance: Callable[[np.ndarray, np.ndarray], np.ndarray],
    deadline: float,
) -> Iterator[BlockCheck]:
    """A block for each output and input.

    Args:
        derivatives, reference: JAX's and the code's.
        point: a batch of one.
        evidence: for a path what is known of it beside the numbers.
        tolerance: as for `decided`.
        deadline: the instant (`budget.now`) after which no further block is looked at.
    """
    subject = derivatives.subject
    rng, leaves = np.random.default_rng(subject.size), subject.inputs
    direction = [rng.standard_normal(x[0].shape).astype(leaf.dtype) for x, leaf in zip(point, leaves, strict=True)]
    along = [d.astype(np.float64) for d in direction]
    flat = np.concatenate([d.ravel() for d in along])
    native = derivatives.product(subject.point, direction)
    if native is None:
        return
    for path in itertools.product(range(len(subject.outputs)), range(len(leaves))):
        output, leaf = subject.outputs[path[0]], leaves[path[1]]
        if passed(deadline):
            return
        with contextlib.suppress(OutOfReach):
            found = reference.product(path, point, flat)
            column = np.asarray(native[path[0]][path[1]], np.float64)
            known = replace(evidence(path), formula=found, native=[(column, None)])
            decision = decided(known, tolerance)
            if decision.outcome.any() and np.isfinite(column).all():  # then function values are asked
                below = lambda batch, path=path: [reference.evaluate(path, batch, freeze=True).values]  # noqa: E731
                found_by = directional(below, [x[0] for x in point], along)
                numeric = (found_by.estimate[0][None], found_by.error[0][None], found_by.kink[0][None])
                decision = decided(replace(known, numeric=numeric), tolerance)
            yield BlockCheck("hessian product", output, (leaf,), known, decision)
