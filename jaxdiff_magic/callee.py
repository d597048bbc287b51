"""How the reader's own code writes the function that it passed: what a call to paste begins with."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterator, Mapping
from types import ModuleType
from typing import Any

NOT_THE_READERS = ("jaxdiff_magic", "IPython", "ipykernel")
"""Packages whose frames lie between the reader's call and this one."""


def callee_of(function: Callable[..., Any], name: str) -> str:
    """`loss`, `m.loss` for a bound method, `m` for an object that can be called, `jnp.sum`; "" where it is not known.

    Functions keep the name that they were defined with. A method, an object and a partial function have another one,
    or none: theirs is looked for among the names that are known where the call is made.

    Args:
        function: what was passed.
        name: what it is called in sentences.
    """
    scope = _readers_names()
    whole = inspect.unwrap(function)
    if _owner(whole) is not None or not hasattr(whole, "__name__"):
        return next(_written(scope, function), "")
    return name if name in scope else next(_in_modules(scope, function), name)


def _readers_names() -> Mapping[str, Any]:
    """The names that are known where the reader's code calls this package."""
    frame = sys._getframe()
    while frame is not None:
        if str(frame.f_globals.get("__name__", "")).partition(".")[0] not in NOT_THE_READERS:
            return {**frame.f_globals, **frame.f_locals}
        frame = frame.f_back
    return {}


def _written(scope: Mapping[str, Any], function: Callable[..., Any]) -> Iterator[str]:
    """Names of an object, the innermost scope's first; of a method, the name of its object and its own."""
    names = [name for name in reversed(list(scope)) if not name.startswith("_")]  # IPython's _ and _1 soon mean others
    yield from (name for name in names if scope[name] is function)
    if (owner := _owner(function)) is not None:
        yield from (f"{name}.{function.__name__}" for name in names if scope[name] is owner)


def _owner(function: Callable[..., Any]) -> Any:
    """The object whose method a function is; None for others."""
    owner = getattr(function, "__self__", None)
    return None if isinstance(owner, ModuleType) else owner  # as it is of functions that are built in


def _in_modules(scope: Mapping[str, Any], function: Callable[..., Any]) -> Iterator[str]:
    """`jnp.sum`, `jax.nn.relu`: names of a function in the modules that the reader has imported."""
    modules = {name: value for name, value in scope.items() if isinstance(value, ModuleType) and name.isidentifier()}
    inner = {
        f"{name}.{part}": value
        for name, module in modules.items()
        for part, value in vars(module).items()
        if isinstance(value, ModuleType) and not part.startswith("_")
    }
    own = getattr(function, "__name__", "")
    if isinstance(own, str):  # of an object it may be anything
        yield from (f"{name}.{own}" for name, module in (modules | inner).items() if vars(module).get(own) is function)
