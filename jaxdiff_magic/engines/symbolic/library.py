"""Whether a call that bears the name of a library function computes that function.

JAX gives the derivative programs of `inv`, and their transposes, the name `inv` too. So a name proves nothing: the
call is run on a matrix that is not symmetric, and its results are compared with NumPy's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import jax
import numpy as np

from jaxdiff_magic.subject.native import run_alone
from jaxdiff_magic.subject.trace import Equation

FUNCTIONS: Mapping[str, tuple[int, Callable[..., Any]]] = {
    "inv": (1, np.linalg.inv),
    "det": (1, np.linalg.det),
    "slogdet": (1, np.linalg.slogdet),
    "solve": (2, np.linalg.solve),
}
"""Each with how many operands it takes."""


def is_itself(equation: Equation) -> bool:
    """Whether an equation computes the library function whose name it bears."""
    count, function = FUNCTIONS[equation.primitive]
    shapes = [atom.shape for atom in equation.inputs]
    if len(shapes) != count or len(shapes[0]) < 2 or shapes[0][-1] != shapes[0][-2] or equation.operator is None:
        return False
    rng, n = np.random.default_rng(0), shapes[0][-1]
    dtype = equation.outputs[-1].dtype
    first, *rest = [rng.uniform(0.5, 1.0, shape) for shape in shapes]
    # far from symmetric, well conditioned, and of a determinant near 1 at any size
    matrix = np.eye(n) + 0.5 * np.eye(n, k=1) + 0.5 * first / max(n, 1)
    operands = [np.asarray(x, dtype) for x in (matrix, *rest)]
    try:
        expected = function(*(np.asarray(x, float) for x in operands))
        with jax.enable_x64(str(dtype) == "float64"):
            found = run_alone(equation, operands)
    except Exception:  # whatever either refuses: it is not the function that was meant
        return False
    pairs = list(zip(_parts(expected), _parts(found), strict=False))
    return len(_parts(found)) == len(_parts(expected)) and all(
        a.shape == b.shape and np.allclose(a, b, rtol=1e-3, atol=1e-4) for a, b in pairs
    )


def _parts(results: Any) -> list[np.ndarray]:
    several = isinstance(results, (list, tuple))
    return [np.asarray(part, float) for part in (results if several else [results])]
