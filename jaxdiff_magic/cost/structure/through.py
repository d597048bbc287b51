"""A transformation beside `jax.jacrev` and `jax.jacfwd`: the Jacobian as a product of two, through a bottleneck."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np
from jax import tree_util

from jaxdiff_magic.base.errors import InputError
from jaxdiff_magic.cost.structure.bottleneck import Bottleneck, narrowest
from jaxdiff_magic.subject.leaves import Leaf, article, jax_dtype, kind
from jaxdiff_magic.subject.subject import display_name


def jacobian_through_bottleneck(f: Callable[..., Any], argnums: int | Sequence[int] = 0) -> Callable[..., Any]:
    """The Jacobian of `f`, as `jax.jacrev` returns it, computed through the narrowest place of the program.

    Where everything that reaches the outputs passes through w values, the Jacobian of n inputs and m outputs is the
    product of an (m, w) and a (w, n) matrix. Each of the two comes from the mode that takes fewer passes, about 2 w
    together where the plain modes take n or m; then they are multiplied, at full precision.

    Args:
        f: a function that JAX can trace, of pytrees to a pytree of real floating-point arrays.
        argnums: which positional arguments to differentiate, as of `jax.jacrev`; their leaves are floating-point.

    Returns:
        A function of the same arguments as `f`. It returns the same pytree as `jax.jacrev(f, argnums)`: arrays of
        shape `out.shape + in.shape` and of the input's dtype. The bottleneck is looked for in each call; under
        `jax.jit` once for arguments of the same shapes. It can also be mapped and differentiated.

    Raises:
        InputError: in the call, where the program has no bottleneck of at most a quarter of the inputs and of the
            outputs, where its two parts have no derivative or take as many passes as a plain mode, or where arguments,
            results or `argnums` are not as said above. The message says which call of JAX to use instead.

    Example:
        >>> decode = lambda x: b @ jnp.tanh(a @ x)  # a: (4, 500), b: (600, 4)
        >>> jax.jit(jacobian_through_bottleneck(decode))(x).shape  # 8 passes instead of 500    # doctest: +SKIP
        (600, 500)

    Source: A. Griewank, A. Walther, "Evaluating Derivatives", 2nd ed., chapter 9, of Jacobians by elimination.
    """
    name = display_name(f)

    def jacobian(*args: Any, **kwargs: Any) -> Any:
        chosen = tuple(k % len(args) if -len(args) <= k < 0 else k for k in np.atleast_1d(argnums).tolist())
        if not all(0 <= k < len(args) for k in chosen) or len(set(chosen)) < len(chosen):
            raise InputError(
                f"argnums is {argnums}, but {name} was called with {len(args)} positional arguments. "
                f"Give the positions of some of them, each once, counted from 0."
            )
        differentiated = tuple(args[k] for k in chosen)
        point, structure = tree_util.tree_flatten(differentiated[0] if np.ndim(argnums) == 0 else differentiated)
        inputs = _leaves(
            f"An argument of {name}", "Differentiate floating-point arguments only", point, list(map(kind, point))
        )
        results: list[Any] = []  # of the result, its structure and what its leaves are

        def flat(*leaves: Any) -> tuple[Any, ...]:
            new = tree_util.tree_unflatten(structure, leaves)
            given = list(args)
            for k, value in zip(chosen, (new,) if np.ndim(argnums) == 0 else new, strict=True):
                given[k] = value
            values, made = tree_util.tree_flatten(f(*given, **kwargs))
            results[:] = made, [kind(value) for value in values]
            return tuple(values)

        try:
            shapes = jax.eval_shape(flat, *point)
        except (jax.errors.ConcretizationTypeError, jax.errors.TracerArrayConversionError) as error:
            raise InputError(
                f"JAX cannot trace {name} without numbers ({type(error).__name__}), so its program cannot be cut in "
                f"two. Use jax.jacfwd or jax.jacrev."
            ) from None
        outputs = _leaves(f"A result of {name}", "Return floating-point numbers only", shapes, results[1])
        bottleneck = narrowest(flat, point, inputs, outputs)
        if (refusal := _refusal(bottleneck, inputs, outputs)) or bottleneck is None:
            raise InputError(f"{name} {refusal} {_instead(name, argnums, inputs, outputs)}")
        blocks = bottleneck.build()(*map(jax.numpy.asarray, point))
        return tree_util.tree_unflatten(results[0], [tree_util.tree_unflatten(structure, row) for row in blocks])

    return jacobian


def _leaves(what: str, cure: str, values: Sequence[Any], kinds: Sequence[str]) -> tuple[Leaf, ...]:
    """Shapes and dtypes; raises InputError where a value is not real and floating-point."""
    if (other := next((found for found in kinds if found != "floating"), None)) is not None:
        raise InputError(f"{what} has {article(other)} leaf, which has no Jacobian here. {cure}.")
    return tuple(Leaf("", np.shape(value), str(jax_dtype(value))) for value in values)


def _refusal(bottleneck: Bottleneck | None, inputs: Sequence[Leaf], outputs: Sequence[Leaf]) -> str:
    """Why a bottleneck is of no use; "" where it is."""
    n, m = _size(inputs), _size(outputs)
    if bottleneck is None:
        return f"has no bottleneck: nowhere do so few values carry all that its {m:,} outputs get of its {n:,} inputs."
    if bottleneck.infeasible:
        return (
            f"has a bottleneck, but JAX has no Jacobian of one of its two parts ({bottleneck.infeasible.rstrip('.')})."
        )
    if bottleneck.passes >= min(n, m):
        return (
            f"has a bottleneck, but its two parts take {bottleneck.passes:,} passes together, of {n:,} inputs and "
            f"{m:,} outputs."
        )
    return ""


def _instead(name: str, argnums: int | Sequence[int], inputs: Sequence[Leaf], outputs: Sequence[Leaf]) -> str:
    n, m = _size(inputs), _size(outputs)
    option = "" if argnums == 0 else f", argnums={argnums}"
    transform, passes = ("jax.jacfwd", n) if n < m else ("jax.jacrev", m)
    return f"Use {transform}({name}{option}), which takes {passes:,} {'pass' if passes == 1 else 'passes'}."


def _size(leaves: Sequence[Leaf]) -> int:
    return sum(leaf.size for leaf in leaves)
