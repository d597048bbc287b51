"""One step of a function as a function of its own: the operands that vary, and what runs gave them."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxdiff_magic.base.errors import InputError, OutOfReach
from jaxdiff_magic.engines.reference.watching import Watched
from jaxdiff_magic.subject.leaves import Held, Leaf, describe, jax_dtype
from jaxdiff_magic.subject.subject import Subject, subject_of
from jaxdiff_magic.subject.trace import Constant, Equation, RuleCall, Variable

NAMELESS = "operand "
"""How names of operands begin that have none."""


@dataclass(frozen=True)
class Alone:
    """A step as a function of those operands that depend on the user's inputs, with the points that share the others.

    Attributes:
        subject: the function.
        points: for each of its leaves a batch of values, shape `(points, *shape)`, float64.
        entire: the same of all floating-point operands that have names, those that vary first, to trace and to run.
    """

    subject: Subject
    points: list[np.ndarray]
    entire: Callable[[], tuple[Subject, list[np.ndarray]]]


def subjects_of(
    step: RuleCall | Equation, seen: Sequence[Sequence[Watched]], names: Sequence[str], name: str
) -> Iterator[Alone]:
    """A step as functions of its own, one for each set of values of what does not vary.

    Args: as of `defect_of`.

    Raises:
        OutOfReach: it cannot be run alone.
    """
    dtypes = [atom.dtype for atom in step.inputs]
    if any(jnp.issubdtype(dtype, jnp.complexfloating) for dtype in dtypes):
        raise OutOfReach("it takes complex numbers")
    groups: dict[bytes, list[Sequence[Watched]]] = {}
    floating = [i for i, dtype in enumerate(dtypes) if jnp.issubdtype(dtype, jnp.floating)]
    varying = [i for i in floating if any(operands[i].varies for operands in seen)]
    varying = [i for i in varying if not any(_is_again(step, i, k) for k in varying)]
    for operands in seen:
        rest = b"|".join(value.data.tobytes() for i, value in enumerate(operands) if i not in varying)
        groups.setdefault(rest, []).append(operands)
    for group in groups.values() if varying else ():
        others = [i for i in floating if i not in varying and names[i]]  # what has no name was captured
        entire = functools.partial(_alone, step, group, [*varying, *others], names, name)
        try:
            yield Alone(*_alone(step, group, varying, names, name), entire)
        except InputError:
            continue  # no floating-point result


def _alone(
    step: RuleCall | Equation,
    group: Sequence[Sequence[Watched]],
    places: Sequence[int],
    names: Sequence[str],
    name: str,
) -> tuple[Subject, list[np.ndarray]]:
    """A step as a function of some operands, and their values."""
    fixed = [_held(step.inputs[i], value) for i, value in enumerate(group[0])]
    dtypes = [jax_dtype(step.inputs[i]) for i in places]  # literals are held in double precision
    batches = [np.stack([np.asarray(operands[i].data) for operands in group]) for i in places]
    points = [batch.astype(dtype).astype(np.float64) for batch, dtype in zip(batches, dtypes, strict=True)]
    leaves = tuple(jnp.asarray(batch[0], dtype) for batch, dtype in zip(points, dtypes, strict=True))
    subject = subject_of(_function(step, fixed, places), leaves, {})
    inputs = [
        Leaf(names[i] or f"{NAMELESS}{i + 1}", x.shape, x.dtype) for i, x in zip(places, subject.inputs, strict=True)
    ]
    single = len(subject.outputs) == 1
    outputs = [Leaf(name if single else f"{name}[{o}]", y.shape, y.dtype) for o, y in enumerate(subject.outputs)]
    held = [
        Held(atom.name, "not selected", describe(value), value)
        for atom, value in zip(step.inputs, fixed, strict=True)
        if isinstance(atom, Constant) and atom.name
    ]
    return replace(subject, inputs=tuple(inputs), outputs=tuple(outputs), held=tuple(held)), points


def _is_again(step: RuleCall | Equation, k: int, i: int) -> bool:
    """Whether operand `k` of a function of JAX's library is operand `i` once more.

    What a solver is given is captured by each of the functions that it calls: only all of them together have a meaning.
    """
    library = isinstance(step, RuleCall) and step.is_library
    return library and k > i and isinstance(step.inputs[i], Variable) and step.inputs[k] == step.inputs[i]


def _held(atom: Variable | Constant, value: Watched) -> Any:
    """A fixed operand as JAX is given it."""
    if isinstance(atom, Constant) and atom.key is not None:
        return atom.key
    if jnp.issubdtype(atom.dtype, jax.dtypes.prng_key):
        raise OutOfReach("it takes a random key that is computed")
    return jnp.asarray(value.data, jax_dtype(atom))


def _function(step: RuleCall | Equation, fixed: Sequence[Any], places: Sequence[int]) -> Callable[..., tuple[Any, ...]]:
    """The step as a function of some operands alone."""
    run = step.function if isinstance(step, RuleCall) else step.operator
    if run is None:
        raise OutOfReach("it cannot be run alone")
    alike = {i: [i, *(k for k in range(len(fixed)) if _is_again(step, k, i))] for i in places}

    def function(*leaves: Any) -> tuple[Any, ...]:
        operands = list(fixed)
        for i, leaf in zip(places, leaves, strict=True):
            for k in alike[i]:
                operands[k] = leaf
        return tuple(run(*operands))

    return function
