"""Values as Python text: numbers, arrays, and containers of them."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxdiff_magic.errors import InputError
from jaxdiff_magic.source import is_key

MAX_ENTRIES = 1000
"""Larger arrays are not written out."""


def literal(value: Any, name: str, other: Callable[[Any, str], str]) -> str:
    """Python text that gives the value, with `jax`, `jnp` and `np` imported.

    Args:
        value: what to write.
        name: what a reader calls it, for the error.
        other: writes what is not made of numbers, arrays, text and containers of them.

    Raises:
        InputError: an array is too large, or `other` cannot write something.
    """
    match value:
        case None | bool() | int() | str() | bytes():
            return repr(value)
        case float():
            return _number(value)
        case _ if is_key(value):
            data = literal(np.asarray(jax.random.key_data(value)), name, other)
            return f"jax.random.wrap_key_data({data}, impl={str(jax.random.key_impl(value))!r})"
        case np.ndarray() | jax.Array() | np.generic():
            return _array(value, name)
        case list():
            return f"[{', '.join(literal(item, f'{name}[{k}]', other) for k, item in enumerate(value))}]"
        case tuple() if type(value) is tuple:
            inside = ", ".join(literal(item, f"{name}[{k}]", other) for k, item in enumerate(value))
            return f"({inside}{',' if len(value) == 1 else ''})"
        case dict() if type(value) is dict:
            items = (f"{literal(k, name, other)}: {literal(v, f'{name}[{k!r}]', other)}" for k, v in value.items())
            return f"{{{', '.join(items)}}}"
        case _:
            return other(value, name)


def _array(value: Any, name: str) -> str:
    array = np.asarray(value)
    if array.size > MAX_ENTRIES:
        raise InputError(
            f"{name} has {array.size:,} entries, too many to write into a test. Use a smaller example (at most "
            f"{MAX_ENTRIES:,} entries), or make {name} inside the function from a seed."
        )
    if array.dtype == object:
        raise InputError(f"{name} is an array of Python objects and cannot be written into a test. Use numbers.")
    home = "jnp" if isinstance(value, jax.Array) else "np"
    number = (lambda x: _number(float(x))) if jnp.issubdtype(array.dtype, jnp.floating) else (lambda x: repr(x.item()))
    kind = f"jnp.{array.dtype}" if not hasattr(np, str(array.dtype)) else f'"{array.dtype}"'
    if isinstance(value, np.generic):
        return f"np.{type(value).__name__}({number(value)})" if hasattr(np, type(value).__name__) else number(value)
    return f"{home}.array({_nested(array, number)}, dtype={kind}){_emptied(array)}"


def _emptied(array: np.ndarray) -> str:
    return f".reshape({array.shape})" if array.size == 0 else ""


def _nested(array: np.ndarray, number: Callable[[Any], str]) -> str:
    if array.ndim == 0:
        return number(array[()])
    return f"[{', '.join(_nested(part, number) for part in array)}]"


def _number(value: float) -> str:
    return repr(value) if math.isfinite(value) else f'float("{value}")'
