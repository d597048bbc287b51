"""Values as Python text: numbers, arrays, and containers of them."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxdiff_magic.base.errors import InputError
from jaxdiff_magic.subject.source import is_key

MAX_WRITTEN_ENTRIES = 1000
"""Larger arrays are not written out. A choice: about a hundred lines of a test."""
MAX_DEPTH = 50
"""Python reads no text with 200 brackets within one another; nobody reads fewer."""
LONG_INTEGER = 10**4000
"""Near the length from which Python refuses to write or read a decimal."""


def literal(value: Any, name: str, other: Callable[[Any, str], str], depth: int = 0) -> str:
    """Python text that gives the value, with `jax`, `jnp` and `np` imported.

    Only what is exactly of a built-in type is written: what an instance of another class is, its `repr` does not tell.

    Args:
        value: what to write.
        name: what a reader calls it, for the error.
        other: writes what is not made of numbers, arrays, text and containers of them.
        depth: of containers around it.

    Raises:
        InputError: an array is too large, or `other` cannot write something.
    """
    if depth > MAX_DEPTH:
        raise InputError(f"{name} is nested more than {MAX_DEPTH} deep, which cannot be written into a test.")

    def inner(item: Any, called: str) -> str:
        return literal(item, called, other, depth + 1)

    kind = type(value)
    if value is None or kind in (bool, str, bytes):
        return repr(value)
    if kind is int:
        return repr(value) if abs(value) < LONG_INTEGER else hex(value)  # Python writes no longer decimals
    if kind is float:
        return _number(value)
    if kind is complex:
        return _complex(value)
    if kind is list:
        return f"[{', '.join(inner(item, f'{name}[{k}]') for k, item in enumerate(value))}]"
    if kind is tuple:
        inside = ", ".join(inner(item, f"{name}[{k}]") for k, item in enumerate(value))
        return f"({inside}{',' if len(value) == 1 else ''})"
    if kind is dict:
        items = (f"{inner(k, f'a key of {name}')}: {inner(v, f'{name}[{k!r}]')}" for k, v in value.items())
        return f"{{{', '.join(items)}}}"
    if isinstance(value, jax.Array) and is_key(value):
        data = inner(np.asarray(jax.random.key_data(value)), name)
        return f"jax.random.wrap_key_data({data}, impl={str(jax.random.key_impl(value))!r})"
    if isinstance(value, jax.Array) or kind is np.ndarray:
        return _array(value, name)
    if isinstance(value, np.generic) and kind is value.dtype.type:
        return _scalar(value, name)
    return other(value, name)


def _array(value: Any, name: str) -> str:
    array = np.asarray(value)
    if array.size > MAX_WRITTEN_ENTRIES:
        raise InputError(
            f"{name} has {array.size:,} entries, too many to write into a test. Use a smaller example (at most "
            f"{MAX_WRITTEN_ENTRIES:,} entries), or make {name} inside the function from a seed."
        )
    home = "jnp" if isinstance(value, jax.Array) else "np"
    entry, dtype = _entries(array, name)
    emptied = f".reshape({array.shape})" if array.size == 0 else ""
    return f"{home}.array({_nested(array, entry)}, dtype={dtype}){emptied}"


def _scalar(value: np.generic, name: str) -> str:
    """A NumPy scalar by its type where NumPy has one of that name, else as the entry of an array."""
    entry, dtype = _entries(np.asarray(value), name)
    own = type(value).__name__
    is_known = getattr(np, own, None) is type(value)
    return f"np.{own}({entry(value)})" if is_known else f"np.array({entry(value)}, dtype={dtype})[()]"


def _entries(array: np.ndarray, name: str) -> tuple[Callable[[Any], str], str]:
    """How an array's entries are written, and its dtype.

    Raises:
        InputError: they are no numbers, truth values or text, or have more digits than Python's floats.
    """
    dtype = array.dtype
    known = f'"{dtype.name if dtype.isnative and dtype.kind in "biufc" else dtype.str}"'
    if dtype.kind in "USbiu":
        return (lambda x: repr(x.item())), known
    if dtype.kind == "f" and dtype.itemsize <= 8:
        return (lambda x: _number(float(x))), known
    if dtype.kind == "c" and dtype.itemsize <= 16:
        return (lambda x: _complex(complex(x))), known
    if dtype.kind not in "OMmfc" and dtype.names is None and hasattr(jnp, str(dtype)):
        if jnp.issubdtype(dtype, jnp.floating):  # such as bfloat16, which NumPy does not know
            return (lambda x: _number(float(x))), f"jnp.{dtype}"
        if jnp.issubdtype(dtype, jnp.integer):
            return (lambda x: repr(int(x))), f"jnp.{dtype}"
    what = "Python objects" if dtype.kind == "O" else f"dtype {dtype}"
    raise InputError(f"{name} is an array of {what} and cannot be written into a test. Use numbers.")


def _nested(array: np.ndarray | np.generic, entry: Callable[[Any], str]) -> str:
    if array.ndim == 0:
        return entry(array[()] if isinstance(array, np.ndarray) else array)
    return f"[{', '.join(_nested(part, entry) for part in np.asarray(array))}]"


def _number(value: float) -> str:
    return repr(value) if math.isfinite(value) else f'float("{value}")'


def _complex(value: complex) -> str:
    return f"complex({_number(value.real)}, {_number(value.imag)})"
