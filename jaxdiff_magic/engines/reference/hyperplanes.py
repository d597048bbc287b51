"""Directions into the cells that some hyperplanes through 0 cut a space into.

Every cell has an edge, in which as many hyperplanes meet as there are dimensions, less one: the cells are those beside
the edges.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable

import numpy as np

ASIDE = 2.0**-6
"""Directions lean so far to a side, so that what is undecided along them is decided …"""
FURTHER_ASIDE = 2.0**-14
"""… and so little, for cells that are narrow. Choices: powers of two, which products keep exact."""
MAX_LINES, MAX_EDGES = 8, 1024
"""Cells are looked for while no more hyperplanes and edges bound them. Choices of time: cells grow as a power of the
number of hyperplanes."""
PARALLEL = 1e-9
"""Hyperplanes whose normals have a cosine nearer to 1 than this are one. A choice: above the rounding of a normal in
float64."""
FLAT = 1e-6
"""Singular values that are smaller than this part of the largest are 0: normals are known to so many digits. A choice
above half the digits of a float64 (1.5e-8)."""


def hyperplanes(normals: Iterable[np.ndarray]) -> np.ndarray | None:
    """Unit normals of the hyperplanes that have some normals, each once; None where there are none, or too many."""
    found: list[np.ndarray] = []
    for normal in normals:
        size = np.linalg.norm(normal)
        if np.isfinite(size) and size > 0 and not any(abs(normal @ other) > (1 - PARALLEL) * size for other in found):
            found.append(normal / size)
            if len(found) > MAX_LINES:
                return None
    return np.array(found) if found else None


def into_cells(normals: np.ndarray) -> np.ndarray:
    """Directions, one a row, of which some lies in each cell, or its opposite; none where there are too many edges.

    Args:
        normals: of the hyperplanes, shape `(hyperplanes, dimensions)`.
    """
    _, weights, axes = np.linalg.svd(normals)
    dimensions = int(np.sum(weights > FLAT * weights[0]))
    own, found = normals @ axes[:dimensions].T, []
    for chosen in itertools.combinations(own, dimensions - 1):
        meeting = np.array(chosen).reshape(-1, dimensions)
        _, weights, inner = np.linalg.svd(meeting)
        if len(weights) and weights[-1] < FLAT:
            continue
        for signs in itertools.product((-1.0, 1.0), repeat=dimensions - 1):
            off = np.linalg.pinv(meeting) @ np.array(signs) if signs else np.zeros(dimensions)
            lean = off / (np.linalg.norm(off) or 1.0)
            found += [way * inner[-1] + aside * lean for way in (1, -1) for aside in (ASIDE, FURTHER_ASIDE)]
        if len(found) > MAX_EDGES:
            return np.zeros((0, normals.shape[1]))
    return np.array(found).reshape(-1, dimensions) @ axes[:dimensions]
