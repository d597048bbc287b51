"""Functions that were made from another one, by JAX or by `functools`: of which, how, and what the result is called."""

from __future__ import annotations

import ast
import contextlib
import functools
import inspect
import linecache
import types
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jax import tree_util

from jaxdiff_magic.base.parsing import parsed


@dataclass(frozen=True)
class Wrapper:
    """How a function was made.

    Attributes:
        transform: "jax.grad", "jax.jit", ….
        inner: what it was made from.
        argnums: by which positional arguments it differentiates.
        options: its further keyword arguments, as they are written: ", has_aux=True".
        library, name: the module and the function of it that made it, where JAX did not: "equinox", "filter_grad".
    """

    transform: str
    inner: Callable[..., Any]
    argnums: int | tuple[int, ...] = 0
    options: str = ""
    library: str = "jax"
    name: str = ""


DERIVATIVES = ("jax.grad", "jax.value_and_grad", "jax.hessian", "jax.jacfwd", "jax.jacrev")
SAME = ("jax.jit", "jax.checkpoint", "jax.custom_jvp", "jax.custom_vjp", "jax.named_call")
"""Transformations that leave the function what it is."""
MADE_BY = {
    "grad.<locals>.grad_f": "jax.grad",
    "grad.<locals>.grad_f_aux": "jax.grad",
    "value_and_grad.<locals>.value_and_grad_f": "jax.value_and_grad",
    "jacfwd.<locals>.jacfun": "jax.jacfwd",
    "jacrev.<locals>.jacfun": "jax.jacrev",
    "vmap.<locals>.vmap_f": "jax.vmap",
    "checkpoint.<locals>.fun_remat": "jax.checkpoint",
}
"""What JAX calls the functions that its transformations return."""
WITHIN = ("fun", "value_and_grad_f")
"""What it calls, in these, the function that they are made from."""
OF_LIBRARIES = {
    "equinox": {
        "_JitWrapper": ("jax.jit", "equinox", "filter_jit"),
        "_CheckpointWrapper": ("jax.checkpoint", "equinox", "filter_checkpoint"),
        "_GradWrapper": ("jax.grad", "equinox", "filter_grad"),
        "_ValueAndGradWrapper": ("jax.value_and_grad", "equinox", "filter_value_and_grad"),
    },
    "flax": {"JitWrapped": ("jax.jit", "flax.nnx", "jit")},
}
"""The classes of what libraries of models make of a function, by their packages: which transformation it is, and the
module and the name of what makes it. Theirs differentiate by the first argument."""
OBJECTS = {"PjitFunction": "jax.jit", "custom_jvp": "jax.custom_jvp", "custom_vjp": "jax.custom_vjp"}


def wrapper_of(function: Any) -> Wrapper | None:
    """How a function was made from another one by JAX; None for any other."""
    kind = type(function)
    if kind.__name__ in OBJECTS and kind.__module__.partition(".")[0] in ("jax", "jaxlib"):
        inner = getattr(function, "__wrapped__", None) or getattr(function, "fun", None)
        return Wrapper(OBJECTS[kind.__name__], inner) if callable(inner) else None
    if (made := OF_LIBRARIES.get(str(kind.__module__).partition(".")[0], {}).get(kind.__name__)) is not None:
        inner = getattr(function, "__wrapped__", None)
        options = ", has_aux=True" if getattr(function, "_has_aux", False) is True else ""
        return Wrapper(made[0], inner, 0, options, *made[1:]) if callable(inner) else None
    seen = _plain(function)
    if seen is None or seen.__code__.co_qualname not in MADE_BY:
        return None
    transform, held = MADE_BY[seen.__code__.co_qualname], _held(seen)
    if transform == "jax.grad":
        below = _plain(held.get("value_and_grad_f"))
        held = _held(below) if below is not None else {}
    inner, argnums = held.get("fun"), held.get("argnums", 0)
    if not callable(inner) or not isinstance(argnums, (int, tuple)):
        return None
    options = ", has_aux=True" if held.get("has_aux") is True else ""
    for axes in ("in_axes", "out_axes") if transform == "jax.vmap" else ():
        options += f", {axes}={held[axes]!r}" if held.get(axes, 0) != 0 else ""
    below = wrapper_of(inner) if transform == "jax.jacfwd" else None
    if below is not None and below.transform == "jax.jacrev" and below.argnums == argnums:
        return Wrapper("jax.hessian", below.inner, argnums, options)
    return Wrapper(transform, inner, argnums, options)


def _plain(function: Any) -> types.FunctionType | None:
    """A function of JAX's own, without what shortens its tracebacks; None for any other object."""
    while isinstance(function, types.FunctionType) and function.__globals__.get("__name__", "").startswith("jax."):
        if function.__code__.co_name != "reraise_with_filtered_traceback":
            return function
        function = _held(function).get("fun")
    return None


def _held(function: types.FunctionType) -> dict[str, Any]:
    """The variables that a function took from around it."""
    cells = zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)
    return {name: cell.cell_contents for name, cell in cells}


# What it is called


def symbol_of(function: Any, args: Sequence[Any], result: Any = None) -> str:
    """The letters of a function in formulas: `f`, `∇f`, `f′`, `∇²f`; "f" for a lambda.

    Args:
        function: any callable.
        args: at which it is looked at: a derivative by one number is f′, by several ∇f.
        result: there; what tells the gradient of a scalar from a Jacobian. None where it is not known.
    """
    if isinstance(function, functools.partial):
        return symbol_of(function.func, (*function.args, *args), result)
    made = wrapper_of(function)
    if made is None:
        return own_name(function) or "f"
    inner = symbol_of(made.inner, args)
    if made.transform == "jax.vmap":
        return f"vmap({inner})"
    return _derivative_symbol(made, inner, args, result) if made.transform in DERIVATIVES else inner


def own_name(function: Any) -> str:
    """The name that a function was defined with: of a lambda, that of the variable it was assigned to; "" for none."""
    name = getattr(function, "__name__", None)
    if not isinstance(name, str) or not name:
        return type(function).__name__
    if name != "<lambda>" or not isinstance(function, types.FunctionType):
        return name
    code = function.__code__
    with contextlib.suppress(SyntaxError):
        for node in ast.walk(parsed("".join(linecache.getlines(code.co_filename)))):
            match node:
                case ast.Assign([ast.Name(target)], ast.Lambda() as value) if value.lineno == code.co_firstlineno:
                    return target
    return ""


def _derivative_symbol(made: Wrapper, inner: str, args: Sequence[Any], result: Any) -> str:
    by = [made.argnums] if isinstance(made.argnums, int) else list(made.argnums)
    chosen = [args[k] for k in by if -len(args) <= k < len(args)]
    is_number = len(chosen) == 1 and not tree_util.tree_leaves(chosen[0])[1:] and np.shape(chosen[0]) == ()
    names = _parameters(made.inner)
    along = "" if len(names) < 2 or len(by) > 1 or by[0] >= len(names) else f"_{names[by[0]]} "
    if made.transform == "jax.value_and_grad":
        return f"({inner}, {_first(inner, along, is_number)})"
    if made.transform == "jax.hessian":
        return _first(_first(inner, "", True), "", True) if is_number and not along else f"∇²{along}{inner}"
    if made.transform == "jax.grad" or is_number or _is_like(result, chosen):
        return _first(inner, along, is_number)
    return f"J_{inner}" if not inner.startswith("∇") else f"∇²{inner.removeprefix('∇')}"


def _is_like(result: Any, chosen: Sequence[Any]) -> bool:
    """Whether a derivative has the shape of what it is taken by: the function returns one number then."""
    shapes = [[np.shape(leaf) for leaf in tree_util.tree_leaves(tree)] for tree in (result, list(chosen))]
    return result is not None and shapes[0] == shapes[1]


PRIMES = "′″‴"


def _first(inner: str, along: str, is_number: bool) -> str:
    """The first derivative of a symbol."""
    if is_number and along:
        return f"∂{along}{inner}"
    if not is_number:
        return f"∇{along}{inner}"
    order = PRIMES.find(inner[-1:]) + 1 if inner[-1:] in PRIMES else 0
    return f"{inner.rstrip(PRIMES)}{PRIMES[order]}" if order < len(PRIMES) else f"({inner})′"


def _parameters(function: Any) -> list[str]:
    try:
        return list(inspect.signature(function).parameters)
    except (TypeError, ValueError):
        return []


def name_of(function: Any, args: Sequence[Any], written: str, result: Any = None) -> str:
    """What a function is called in sentences: its symbol, `f(·, 2.0)` of a partial one, `model.loss` of a method.

    Args:
        function, args, result: as for `symbol_of`.
        written: how the reader's code writes it; "" where that is not known.
    """
    if isinstance(function, functools.partial):
        shown = [*map(_short, function.args), "·", *(f"{key}={_short(v)}" for key, v in function.keywords.items())]
        return f"{name_of(function.func, args, '')}({', '.join(shown)})"
    if wrapper_of(function) is None and all(part.isidentifier() for part in written.split(".")):
        is_object = not isinstance(getattr(function, "__name__", None), str)
        if is_object or (isinstance(function, types.MethodType) and written.endswith(f".{own_name(function)}")):
            return written
    return symbol_of(function, args, result)


def _short(value: Any) -> str:
    """A bound argument, short enough for a name."""
    text = repr(value) if isinstance(value, (bool, int, float, str)) else ""
    return text if 0 < len(text) <= 12 else "…"


def parts_of(symbol: str, path: Sequence[Any]) -> tuple[str, Sequence[Any]]:
    """The symbol of a part of a result: `f` and `∇f` of `jax.value_and_grad(f)`; else as they were."""
    pair = symbol[1:-1].split(", ", 1) if symbol.startswith("(") and symbol.endswith(")") else []
    if len(pair) == 2 and path and isinstance(path[0], tree_util.SequenceKey) and path[0].idx < 2:
        return pair[path[0].idx], path[1:]
    return symbol, path


def as_latex(symbol: str, letters: Callable[[str], str]) -> str | None:
    """The LaTeX of a symbol that is made of another one, with `letters` for plain names; None for plain ones."""
    if (parts := _listed(symbol))[1:]:
        made = [as_latex(part, letters) for part in parts]
        return ", ".join(m or letters(part) for m, part in zip(made, parts, strict=True)) if any(made) else None
    root, bracket, index = symbol.partition("[")
    if bracket and (made := as_latex(root, letters)) is not None:
        keys = [part.strip(" '\"") for part in index.removesuffix("]").replace("][", ",").split(",")]
        return rf"\left({made}\right)_{{{', '.join(key if key.isdigit() else letters(key) for key in keys)}}}"
    for sign, latex in (("∇²", r"\nabla^{2}"), ("∇", r"\nabla"), ("∂", r"\partial")):
        if symbol.startswith(sign):
            rest, by = symbol[len(sign) :], ""
            if rest.startswith("_"):
                by, _, rest = rest[1:].partition(" ")
            return f"{latex}{f'_{{{letters(by)}}}' if by else ''} {as_latex(rest, letters) or letters(rest)}"
    if symbol[-1:] in PRIMES and symbol[:-1]:
        inner = symbol[:-1]
        return f"{as_latex(inner, letters) or letters(inner)}{chr(39) * (PRIMES.index(symbol[-1]) + 1)}"
    if symbol.endswith(")") and "(" in symbol:
        name, _, inside = symbol[:-1].partition("(")
        shown = [as_latex(part, letters) or _argument(part, letters) for part in inside.split(", ")]
        return f"{letters(name) if name else ''}({', '.join(shown)})"
    return None


def _listed(text: str) -> list[str]:
    """The parts of a list of names, with commas that stand in no bracket between them."""
    parts, depth = [""], 0
    for character in text:
        depth += (character in "([") - (character in ")]")
        if character == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += character
    return [part.strip() for part in parts]


def _argument(text: str, letters: Callable[[str], str]) -> str:
    if text == "·":
        return r"\cdot"
    if text == "…":
        return r"\ldots"
    key, mark, value = text.partition("=")
    if mark:
        return f"{letters(key)}={_argument(value, letters)}"
    try:
        float(text)
        return text
    except ValueError:
        return letters(text.strip("'\""))
