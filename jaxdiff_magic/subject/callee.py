"""How the reader's own code writes the function that it passed: what a call to paste begins with."""

from __future__ import annotations

import functools
import inspect
import sys
import types
from collections.abc import Callable, Iterator, Mapping
from types import ModuleType
from typing import Any

from jaxdiff_magic.subject.wrappers import SAME, Wrapper, own_name, wrapper_of

NOT_THE_READERS = ("jaxdiff_magic", "IPython", "ipykernel")
"""Packages whose frames lie between the reader's call and this one."""

MODULES = ("jax", "jax.numpy", "equinox", "flax.nnx")
"""Modules that calls to paste are made of, or that show that the reader's names are known."""


def callee_of(function: Callable[..., Any], name: str) -> str:
    """`loss`, `m.loss` for a bound method, `m` for an object that can be called, `jnp.sum`; "" where it is not known.

    Functions keep the name that they were defined with, unless it means something else where the call is made. A
    method, an object, a lambda and a partial function have another one, or none: theirs is looked for among the names
    that are known there. What JAX has made of a function is written so: `jax.grad(loss)`.

    Args:
        function: what was passed.
        name: what it is called in sentences.
    """
    return _written_in(_readers_names(), function, name)


def modules_known() -> dict[str, str]:
    """By the names of some modules, what the reader's code calls them: {"jax": "jax", "equinox": "eqx"}."""
    found = {}
    for name, value in _readers_names().items():
        if isinstance(value, ModuleType) and value.__name__ in MODULES and name.isidentifier():
            found.setdefault(value.__name__, name)
    return found


def _written_in(scope: Mapping[str, Any], function: Callable[..., Any], name: str) -> str:
    if name in scope and scope[name] is function:
        return name
    made = wrapper_of(function)
    is_plain = isinstance(function, types.FunctionType) if made is None else made.transform in SAME
    if is_plain and name.isidentifier() and name not in scope:  # as it was defined, perhaps with a decorator
        return next(_in_modules(scope, function), name)
    if found := next(_written(scope, function), ""):
        return found
    if isinstance(function, functools.partial):
        return _partial(scope, function)
    if made is not None and made.transform.startswith("jax.custom"):
        return ""  # with its rule it cannot be written in a line
    if made is not None:
        inner = _written_in(scope, made.inner, own_name(made.inner))
        argnums = "" if made.argnums == 0 else f", argnums={made.argnums!r}"
        maker = made.transform if made.library == "jax" else _maker(scope, made)
        return f"{maker}({inner}{argnums}{made.options})" if inner and maker else ""
    if _owner(inspect.unwrap(function)) is not None or not hasattr(inspect.unwrap(function), "__name__"):
        return ""
    found = next(_in_modules(scope, function), "")
    return found or ("" if name in scope or not name.isidentifier() else name)


def _maker(scope: Mapping[str, Any], made: Wrapper) -> str:
    """`eqx.filter_grad` of a library's function, by the reader's name for the library; "" where there is none."""
    known = (name for name, value in scope.items() if isinstance(value, ModuleType) and value.__name__ == made.library)
    return next((f"{name}.{made.name}" for name in known if name.isidentifier()), "")


def _partial(scope: Mapping[str, Any], function: functools.partial[Any]) -> str:
    """`functools.partial(f, 2.0)`, where what is bound can be written."""
    inner = _written_in(scope, function.func, own_name(function.func))
    texts = [_argument(scope, value) for value in function.args]
    texts += [f"{key}={_argument(scope, value)}" for key, value in function.keywords.items()]
    tools = next((name for name, value in scope.items() if value is functools and name.isidentifier()), "")
    bare = next((name for name, value in scope.items() if value is functools.partial and name.isidentifier()), "")
    maker = bare or (f"{tools}.partial" if tools else "")
    if not inner or not maker or any(text.endswith("=") or not text for text in texts):
        return ""
    return f"{maker}({', '.join([inner, *texts])})"


def _argument(scope: Mapping[str, Any], value: Any) -> str:
    """A value as it can be written: a literal, or the name that it has; "" where it has none."""
    if type(value) in (int, float, bool, str) and value == value and abs(value if type(value) is float else 0) < 1e300:
        return repr(value)
    return next(_written(scope, value), "")


def _readers_names() -> Mapping[str, Any]:
    """The names that are known where the reader's code calls this package."""
    frame = sys._getframe()
    while frame is not None:
        if str(frame.f_globals.get("__name__", "")).partition(".")[0] not in NOT_THE_READERS:
            return {**frame.f_globals, **frame.f_locals}
        frame = frame.f_back
    return {}


def _written(scope: Mapping[str, Any], function: Any) -> Iterator[str]:
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
