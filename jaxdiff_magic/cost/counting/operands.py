"""Sizes, dtypes and bytes of an equation's operands and results."""

from __future__ import annotations

import math
from typing import Any

import jax.numpy as jnp
from jax.extend.core import Literal


def size(atom: Any) -> int:
    """Number of elements."""
    return math.prod(shape(atom))


def shape(atom: Any) -> tuple[int, ...]:
    """() for what is no array, such as a token that keeps effects in order."""
    return tuple(getattr(atom.aval, "shape", ()))


def is_complex(atom: Any) -> bool:
    """Complex, of any precision."""
    return _is(atom, jnp.complexfloating)


def is_floating(atom: Any) -> bool:
    """Real or complex, of any precision."""
    return _is(atom, jnp.inexact)


def is_literal(atom: Any) -> bool:
    """A number that is written in the program."""
    return isinstance(atom, Literal)


def has_bytes(atom: Any) -> int:
    """Bytes in memory; none for literals, which are part of the program."""
    if is_literal(atom) or not hasattr(atom.aval, "dtype"):
        return 0
    return size(atom) * int(getattr(atom.aval.dtype, "itemsize", 0))


def _is(atom: Any, what: Any) -> bool:
    dtype = getattr(atom.aval, "dtype", None)
    return dtype is not None and jnp.issubdtype(dtype, what)
