"""Whether a function's code may call `stop_gradient`: asked where there are no steps in which it would be seen.

The derivative is then meant to differ from what function values show, so they cannot decide. The code is searched, not
run: names that it mentions, those of the functions it can reach by them, and so on.
"""

from __future__ import annotations

import functools
import types
from collections.abc import Iterator
from typing import Any

import jax

from jaxdiff_magic.subject.source import closed_over, names_in
from jaxdiff_magic.subject.subject import Subject

"""Why function values alone accuse nobody."""
MOST_REACHED = 2000
"""When the code reaches more functions than this, any may be among them. A choice of time: it is then taken for
granted, which accuses nobody."""
LIBRARIES = ("builtins", "jax", "jaxlib", "math", "numpy", "operator", "scipy")
"""Their functions freeze nothing that is not constant anyway."""


def may_freeze(subject: Subject) -> bool:
    """Whether the subject's function, or something that it calls or gets as an argument, may call `stop_gradient`.

    Example:
        >>> def straight_through(x): return x + jax.lax.stop_gradient(jnp.round(x) - x)     # doctest: +SKIP
        >>> may_freeze(subject_of(straight_through, (1.5,), {}))                            # doctest: +SKIP
        True
    """
    seen: dict[int, Any] = {}  # kept alive, or another object could get the same id
    pending: list[Any] = [subject.function]

    def note(part: Any) -> bool:
        pending.append(part)
        return False  # so that JAX goes on to what it holds

    jax.tree.leaves((subject.args, subject.kwargs), is_leaf=note)  # every layer of a model, and every leaf
    while pending:
        value = pending.pop()
        if id(value) in seen:
            continue
        if value is jax.lax.stop_gradient or len(seen) > MOST_REACHED:
            return True
        seen[id(value)] = value
        code = getattr(value, "__code__", None)
        if isinstance(code, types.CodeType) and "stop_gradient" in names_in(code):
            return True
        pending += _reached(value)
    return False


def _reached(value: Any) -> Iterator[Any]:
    """What a value's code can call."""
    if isinstance(value, functools.partial):
        yield from (value.func, *value.args, *value.keywords.values())
    elif isinstance(value, types.MethodType):
        yield from (value.__func__, value.__self__)
    elif isinstance(value, types.FunctionType):
        if not _is_library(value.__module__):
            yield from _visible(value)
    elif not isinstance(value, types.ModuleType) and not _is_library(type(value).__module__):
        yield from vars(type(value)).values()  # an object of the user's: a layer, a model
        yield from getattr(value, "__dict__", {}).values()
    for wrapped in (
        "__wrapped__",
        "fun",
        "fget",
        "__func__",
    ):  # jit, custom rules, property, static method
        if isinstance(inner := getattr(value, wrapped, None), types.FunctionType):
            yield inner


def _visible(function: types.FunctionType) -> Iterator[Any]:
    names = names_in(function.__code__)
    yield from (value for _, value in closed_over(function))
    yield from function.__defaults__ or ()
    for found in (function.__globals__[name] for name in names if name in function.__globals__):
        if not isinstance(found, types.ModuleType):
            yield found
        elif not _is_library(found.__name__):
            yield from (vars(found)[name] for name in names if name in vars(found))


def _is_library(module: str | None) -> bool:
    return (module or "").split(".")[0] in LIBRARIES
