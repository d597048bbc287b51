"""One step of a trace run by JAX itself, in the dtypes of the program."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp

from jaxdiff_magic.base.errors import OutOfReach
from jaxdiff_magic.subject.trace import Constant, Equation


def as_given(constant: Constant) -> Any:
    """A constant as JAX is given it: an array in the dtype that the program has it in, or a random key."""
    return jnp.asarray(constant.rounded) if constant.key is None else constant.key


def run_alone(step: Equation, operands: Sequence[Any]) -> list[Any]:
    """The results of a step, of arrays in the dtypes of its operands.

    Raises:
        OutOfReach: JAX does not run it by itself, or not on these operands.
    """
    if step.operator is None:
        raise OutOfReach(f"{step.primitive} cannot be run by itself")
    try:
        return step.operator(*operands)
    except Exception as error:  # whatever JAX raises for what it refuses: a part is lost, not the report
        raise OutOfReach(f"{step.primitive} cannot be run by itself: {error}") from error
