"""Why JAX cannot trace a function: what its code does with a value that has no number yet, where, and what to write."""

from __future__ import annotations

import ast
import linecache
import math
import os
from collections.abc import Mapping
from types import ModuleType
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import scipy

from jaxdiff_magic.base.parsing import parsed
from jaxdiff_magic.subject.source import Location, is_users, place_of_instruction

REFUSED = (
    jax.errors.ConcretizationTypeError,
    jax.errors.TracerArrayConversionError,
    jax.errors.TracerIntegerConversionError,
    jax.errors.NonConcreteBooleanIndexError,
)
"""What JAX raises where code asks a traced value for its number."""
_FOREIGN = tuple(os.path.dirname(os.path.abspath(str(module.__file__))) + os.sep for module in (np, scipy))
_IN_JAX = {
    "fabs": "jnp.abs",
    "fsum": "jnp.sum",
    "gamma": "jax.scipy.special.gamma",
    "lgamma": "jax.scipy.special.gammaln",
    "erf": "jax.scipy.special.erf",
    "erfc": "jax.scipy.special.erfc",
    "dist": "jnp.linalg.norm",
}
"""Functions of `math` that `jax.numpy` has under another name."""
_BRANCHES = "the function branches in Python on a value that is being differentiated"


def hindrance_of(error: BaseException) -> str:
    """Why JAX cannot trace a function, with the line and what to write there.

    Args:
        error: what was raised when it was traced; it is not raised with numbers.
    """
    place, names = innermost(error)
    found = _expressions(place)
    at = f" ({place})" if place.line else ""
    text = _text(found[0]) if found else ""
    if not isinstance(error, REFUSED):
        words = next(iter(str(error).strip().splitlines()), "").rstrip(".")
        return f"it raises {type(error).__name__} for traced values{at}{f': {words}' if words else ''}"
    if isinstance(error, jax.errors.TracerBoolConversionError):
        written = f": `{text}`" if text else ""
        return f"{_BRANCHES}{at}{written}; write jnp.where or jax.lax.cond to have it traced"
    if isinstance(error, jax.errors.NonConcreteBooleanIndexError):
        what = f"`{text}`" if text else "a mask"
        return f"{what} picks as many elements as its values say{at}; write {_where(found)} to have it traced"
    for node in found:
        if isinstance(node, ast.Call) and (library := _library(node.func, names)):
            return f"{library[0]} cannot take a traced value{at}: for `{_text(node)}` write {_in_jax(node, library[1])}"
    for node in found:
        if isinstance(node, ast.Call) and (cure := _conversion(node)):
            return f"`{_text(node)}` takes the number out of a traced value{at}; write {cure}"
    if isinstance(error, jax.errors.TracerArrayConversionError):
        written = f" in `{text}`" if text else ""
        return f"NumPy cannot take a traced value{at}{written}; write it with jax.numpy"
    written = f": `{text}`" if text else ""
    return f"it needs the number of a traced value{at}{written}; compute with the value itself, by jax.numpy or jax.lax"


def innermost(error: BaseException) -> tuple[Location, Mapping[str, Any]]:
    """Where the reader's code was when JAX refused, and the names that are known there."""
    place, names = Location(), {}
    entry = error.__traceback__
    while entry is not None:
        frame, code = entry.tb_frame, entry.tb_frame.f_code
        if is_users(code.co_filename) and not code.co_filename.startswith(_FOREIGN):
            place = place_of_instruction(code.co_filename, code, entry.tb_lasti)
            names = {**frame.f_globals, **frame.f_locals}
        entry = entry.tb_next
    return place, names


def _expressions(place: Location) -> list[ast.expr]:
    """The expressions at a place, the innermost first: the one that was being evaluated, then what contains it."""
    lines = linecache.getlines(place.file) if place.line else []
    try:
        tree = parsed("".join(lines))
    except (SyntaxError, ValueError, RecursionError):
        return []
    begin, end = (place.line, place.column), (place.end_line, place.end_column)
    around = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.expr)
        and not isinstance(node, ast.Lambda)
        and (node.lineno, node.col_offset) <= begin
        and end <= (node.end_lineno or 0, node.end_col_offset or 0)
    ]
    return sorted(around, key=lambda node: (-node.lineno, -node.col_offset, node.end_lineno, node.end_col_offset))[:3]


def _text(node: ast.expr) -> str:
    return ast.unparse(node)


def _where(found: list[ast.expr]) -> str:
    node = next((node for node in found if isinstance(node, ast.Subscript)), None)
    if node is None:
        return "jnp.where(mask, value, 0)"
    return f"jnp.where({_text(node.slice)}, {_text(node.value)}, 0), with 0 for what is left out,"


def _library(function: ast.expr, names: Mapping[str, Any]) -> tuple[str, str] | None:
    """The library that a function of another than JAX comes from, and the call's function as JAX has it."""
    known = _value(function, names)
    module = getattr(known, "__module__", "") or ""
    name = getattr(known, "__name__", "")
    if isinstance(known, np.ufunc):
        module = "scipy.special" if name not in vars(np) else "numpy"
    if module == "math":
        own = _IN_JAX.get(name) or (f"jnp.{name}" if hasattr(jnp, name) and hasattr(math, name) else "")
        return "math", own or "its counterpart in jax.numpy"
    if module.partition(".")[0] == "numpy":
        inner = next((part for part in ("linalg", "fft") if f".{part}" in module), "")
        home, path = (getattr(jnp, inner), f"jnp.{inner}") if inner else (jnp, "jnp")
        return "NumPy", f"{path}.{name}" if hasattr(home, name) else "its counterpart in jax.numpy"
    if module.partition(".")[0] == "scipy":
        return "SciPy", "its counterpart in jax.scipy"
    return None


def _in_jax(call: ast.Call, name: str) -> str:
    """A call with another function, where that has a name."""
    if " " in name:
        return name
    return f"`{_text(ast.Call(parsed(name, mode='eval').body, call.args, call.keywords))}`"


def _value(node: ast.expr, names: Mapping[str, Any]) -> Any:
    """What a name, or a name in modules, stands for; None where it is not known."""
    if isinstance(node, ast.Name):
        return names.get(node.id)
    if isinstance(node, ast.Attribute) and isinstance(holder := _value(node.value, names), ModuleType):
        return vars(holder).get(node.attr)
    return None


def _conversion(call: ast.Call) -> str:
    """What to write for `float(x)`, `int(x)`, `x.item()`, `range(n)`; "" for other calls."""
    match call.func:
        case ast.Name(id="float" | "complex") if call.args:
            return _text(call.args[0])
        case ast.Name(id="int" | "round") if call.args:
            return f"jnp.floor({_text(call.args[0])}), or keep it out of what is differentiated"
        case ast.Name(id="bool") if call.args:
            return "jnp.where or jax.lax.cond"
        case ast.Name(id="range"):
            return "jax.lax.fori_loop or jax.lax.while_loop"
        case ast.Attribute(attr="item" | "tolist"):
            return _text(call.func.value)
    return ""
