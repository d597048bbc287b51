"""What compound primitives are rewritten to gives JAX's own results."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax
from jax.extend.core import primitives

from jaxdiff_magic.primitives.core import CORE

AT = np.array([0, 2, 0, -1], np.int32)
CASES: dict[str, list[tuple[Callable[..., Any], tuple[tuple[int, ...], ...]]]] = {
    "squeeze": [
        (lambda x: lax.squeeze(x, (0, 2)), ((1, 3, 1),)),
        (lambda x: lax.squeeze(x, (1,)), ((0, 1),)),
        (lambda x: lax.squeeze(x, (0,)), ((1,),)),
    ],
    "split": [
        (lambda x: lax.split(x, (1, 0, 3), axis=1), ((2, 4),)),
        (lambda x: lax.split(x, (2, 3), axis=0), ((5,),)),
        (lambda x: lax.split(x, (3,), axis=2), ((2, 0, 3),)),
    ],
    "tile": [
        (lambda x: lax.tile(x, (2, 1, 3)), ((2, 3, 1),)),
        (lambda x: lax.tile(x, (4,)), ((3,),)),
        (lambda x: lax.tile(x, (0, 2)), ((2, 3),)),
        (lambda x: lax.tile(x, ()), ((),)),
    ],
    "scatter-sub": [
        (lambda x, u: x.at[AT].subtract(u), ((3, 2), (4, 2))),
        (lambda x, u: x.at[AT].subtract(u, mode="drop"), ((2,), (4,))),
        (lambda x, u: x.at[:, AT[:2]].subtract(u), ((2, 3), (2, 2))),
    ],
    "unstack": [],
    "stack": [],
}
NEWER = {
    "unstack": [(lambda x, axis=axis: lax.unstack(x, axis=axis), ((2, 3, 4),)) for axis in (0, 1, -1)],
    "stack": [(lambda *xs, axis=axis: lax.stack(xs, axis=axis), ((2, 3),) * 3) for axis in (0, 1, -1)],
}
"""Of these, some versions of JAX have no primitive."""
UNTRIED = {"expand_dims": "JAX says it as a broadcast_in_dim", "scatter_sub": "another name of scatter-sub"}
CASES |= {name: cases for name, cases in NEWER.items() if hasattr(lax, name)}


def bind(name: str, xs: Sequence[Any], params: Any, shape: tuple[int, ...]) -> Any:
    """JAX does the core primitive."""
    known = {getattr(primitives, each).name: getattr(primitives, each) for each in dir(primitives) if each[-2:] == "_p"}
    if name == "scatter-add":  # which brings the program of an addition along
        found = lax.scatter_add(*xs, params["dimension_numbers"], mode=params["mode"])
    else:
        found = known[name].bind(*xs, **params)
    assert found.shape == shape
    return found


def test_each_is_tried() -> None:
    assert {*CASES, *UNTRIED} == set(CORE)


@pytest.mark.parametrize(
    ("name", "case", "dtype"),
    [
        (name, case, dtype)
        for name, cases in CASES.items()
        for case in range(len(cases))
        for dtype in ("float32", "float64", "int32", "complex64", "bfloat16", "bool")
        if (name, dtype) != ("scatter-sub", "bool")  # which have no differences
    ],
)
def test_a_rewriting_gives_what_the_primitive_gives(name: str, case: int, dtype: str) -> None:
    f, shapes = CASES[name][case]
    rng = np.random.default_rng(case)
    with jax.enable_x64(True):
        arrays = [jnp.asarray(rng.uniform(-9, 9, shape)).astype(dtype) for shape in shapes]
        closed = jax.make_jaxpr(f)(*arrays)
        values = dict(zip(closed.jaxpr.constvars, closed.consts, strict=True))
        values |= dict(zip(closed.jaxpr.invars, arrays, strict=True))
        for equation in closed.jaxpr.eqns:
            operands = [atom.val if hasattr(atom, "val") else values[atom] for atom in equation.invars]
            found = equation.primitive.bind(*operands, **equation.primitive.get_bind_params(equation.params))
            results = found if equation.primitive.multiple_results else [found]
            values |= zip(equation.outvars, results, strict=True)
            if equation.primitive.name == name:
                own = CORE[name](bind, operands, equation.params, [x.shape for x in results])
                assert len(own) == len(results)
                for one, expected in zip(own, results, strict=True):
                    assert one.dtype == expected.dtype and np.array_equal(one, expected)
                return
    pytest.fail(f"{name} is not in {closed}")
