"""One step of a function as a function of its own: the operands that vary, and what runs gave them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxdiff_magic.errors import InputError, OutOfReach
from jaxdiff_magic.leaves import Leaf
from jaxdiff_magic.reference.watching import Value
from jaxdiff_magic.subject import Subject, subject_of
from jaxdiff_magic.trace import Constant, Equation, RuleCall, Variable


def subjects_of(
    step: RuleCall | Equation, seen: Sequence[Sequence[Value]], names: Sequence[str], name: str
) -> Iterator[tuple[Subject, list[np.ndarray]]]:
    """A step as a function of those operands that depend on the user's inputs, with the points that share the others.

    Args: as of `defect_of`.

    Raises:
        OutOfReach: it cannot be run alone.
    """
    dtypes = [atom.dtype for atom in step.inputs]
    if any(jnp.issubdtype(dtype, jnp.complexfloating) for dtype in dtypes):
        raise OutOfReach("it takes complex numbers")
    groups: dict[bytes, list[Sequence[Value]]] = {}
    varying = [
        i
        for i, dtype in enumerate(dtypes)
        if jnp.issubdtype(dtype, jnp.floating) and any(operands[i].varies for operands in seen)
    ]
    for operands in seen:
        rest = b"|".join(value.data.tobytes() for i, value in enumerate(operands) if i not in varying)
        groups.setdefault(rest, []).append(operands)
    for group in groups.values() if varying else ():
        fixed = [_held(step.inputs[i], value) for i, value in enumerate(group[0])]
        batches = [np.stack([np.asarray(operands[i].data) for operands in group]) for i in varying]
        points = [np.asarray(b).astype(dtypes[i]).astype(np.float64) for b, i in zip(batches, varying, strict=True)]
        function = _function(step, fixed, varying)
        leaves = tuple(jnp.asarray(batch[0], dtypes[i]) for batch, i in zip(points, varying, strict=True))
        try:
            subject = subject_of(function, leaves, {})
        except InputError:
            continue  # no floating-point result
        inputs = [
            Leaf(names[i] or f"operand {i + 1}", x.shape, x.dtype) for i, x in zip(varying, subject.inputs, strict=True)
        ]
        alone = len(subject.outputs) == 1
        outputs = [Leaf(name if alone else f"{name}[{o}]", y.shape, y.dtype) for o, y in enumerate(subject.outputs)]
        yield replace(subject, inputs=tuple(inputs), outputs=tuple(outputs)), points


def _held(atom: Variable | Constant, value: Value) -> Any:
    """A fixed operand as JAX is given it."""
    if isinstance(atom, Constant) and atom.key is not None:
        return atom.key
    if jnp.issubdtype(atom.dtype, jax.dtypes.prng_key):
        raise OutOfReach("it takes a random key that is computed")
    return jnp.asarray(value.data, atom.dtype)


def _function(
    step: RuleCall | Equation, fixed: Sequence[Any], varying: Sequence[int]
) -> Callable[..., tuple[Any, ...]]:
    """The step as a function of its varying operands alone."""
    run = step.function if isinstance(step, RuleCall) else step.operator
    if run is None:
        raise OutOfReach("it cannot be run alone")

    def function(*leaves: Any) -> tuple[Any, ...]:
        operands = list(fixed)
        for i, leaf in zip(varying, leaves, strict=True):
            operands[i] = leaf
        results = run(*operands)
        return tuple(results) if isinstance(results, (tuple, list)) else (results,)

    return function
