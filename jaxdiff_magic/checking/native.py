"""JAX's own numbers for a block, and the dtypes that they have been rounded to."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np

from jaxdiff_magic.engines.jax.values import Values
from jaxdiff_magic.engines.reference.directions import Path
from jaxdiff_magic.primitives.bodies import scan_parts
from jaxdiff_magic.subject.dependence import leading_to, reached_from
from jaxdiff_magic.subject.trace import Constant, Trace, Variable


def columns_of(values: Values, path: Path) -> tuple[np.ndarray | None, np.ndarray | None]:
    """JAX's numbers for a block: forward and reverse mode; for second derivatives, over reverse mode."""
    order = len(path) - 1
    pairs = {1: (values.forward, values.reverse), 2: (values.hessian, values.hessian_reverse)}
    pair = pairs.get(order) or (values.higher[order], None)
    found = []
    for nested in pair:
        for position in path:
            nested = nested[position] if nested is not None else None
        found.append(None if nested is None else np.asarray(nested, np.float64))
    return found[0], found[1]


def dtypes_of(trace: Trace, fixed: Sequence[bool] = ()) -> Iterator[Any]:
    """Floating dtypes that values pass through from a trace's inputs to its results: the coarsest one rounds these.

    What no result is computed from does not count, nor what a comparison alone looks at: that has no rounding of its
    own, and neither has what follows from it.

    Args:
        trace: of the function, or of a body in it.
        fixed: for each input, whether it is the same whatever the function's inputs are.
    """
    sources = [v for v, same in itertools.zip_longest(trace.inputs, fixed, fillvalue=False) if not same]
    to_results, _ = leading_to(
        trace.equations, filter(_is_floating, trace.outputs), lambda step, _: filter(_is_floating, step.inputs)
    )
    steps, reached = reached_from(to_results, sources, _is_floating)
    for equation in steps:
        yield from (v.dtype for v in equation.outputs if _is_floating(v))
        if equation.primitive == "reduce_precision":
            yield _with_mantissa(equation.params["mantissa_bits"])
        constants = scan_parts(equation.params, equation.inputs)[0] if equation.primitive == "scan" else ()
        for body in equation.bodies:
            yield from dtypes_of(body, [isinstance(atom, Constant) or atom not in reached for atom in constants])


def _with_mantissa(bits: int) -> Any:
    """The finest dtype that keeps no more bits than a value is cut to."""
    known = (jnp.float64, jnp.float32, jnp.float16, jnp.bfloat16, jnp.float8_e4m3fn, jnp.float8_e5m2)
    return next((dtype for dtype in known if jnp.finfo(dtype).nmant <= bits), known[-1])


def _is_floating(atom: Variable | Constant) -> bool:
    return isinstance(atom, Variable) and bool(jnp.issubdtype(atom.dtype, jnp.inexact))
