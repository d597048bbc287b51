"""A function's own source and all that it needs: other functions of its cell or module, constants, imports."""

from __future__ import annotations

import ast
import builtins
import contextlib
import functools
import importlib
import inspect
import linecache
import os
import sys
import textwrap
import types
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from jaxdiff_magic.errors import InputError
from jaxdiff_magic.exporting.literals import literal
from jaxdiff_magic.wrappers import SAME, own_name, wrapper_of

ALWAYS = {"jax": "import jax", "jnp": "import jax.numpy as jnp", "np": "import numpy as np"}
"""What every exported file imports."""


@dataclass
class Definitions:
    """What has been gathered so far, each name once.

    Attributes:
        imports: by the name that they bind.
        blocks: source text, what it needs before it.
        known: the value that each name has.
    """

    imports: dict[str, str] = field(default_factory=dict)
    blocks: list[str] = field(default_factory=list)
    known: dict[str, Any] = field(default_factory=dict)

    def add(self, name: str, value: Any) -> None:
        """Define a name as it is for the reader.

        Raises:
            InputError: it cannot be written, or is something else elsewhere.
        """
        if name in self.known:
            if self.known[name] is not value:
                raise InputError(f"{name} is two different things here. Rename one of them, then export again.")
            return
        self.known[name] = value
        if name in ALWAYS and getattr(value, "__name__", "") == ALWAYS[name].split()[1]:
            return
        if isinstance(value, types.ModuleType):
            self.imports[name] = _import_of_module(name, value)
        elif (home := _library_of(value)) is not None:
            self.imports[name] = f"from {home[0]} import {home[1]}" + (f" as {name}" if name != home[1] else "")
        elif _has_source(value):
            written = self.function(value, name)
            if written != name:
                self.blocks.append(f"{name} = {written}")
        else:
            self.blocks.append(f"{name} = {literal(value, name, self.other)}")

    def other(self, value: Any, name: str) -> str:
        """Text for a value that is no number, array or container."""
        if isinstance(value, functools.partial):
            self.imports["functools"] = "import functools"
            parts = [self.other(value.func, name)]
            parts += [literal(a, name, self.other) for a in value.args]
            parts += [f"{key}={literal(a, name, self.other)}" for key, a in value.keywords.items()]
            return f"functools.partial({', '.join(parts)})"
        if (made := wrapper_of(value)) is not None and made.transform not in SAME:
            argnums = "" if made.argnums == 0 else f", argnums={made.argnums!r}"
            return f"{made.transform}({self.other(made.inner, own_name(made.inner))}{argnums}{made.options})"
        if _library_of(value) is not None:
            module, own = _library_of(value) or ("", "")
            self.imports.setdefault(own, f"from {module} import {own}")
            return own
        if _has_source(value):
            return self.function(value, name)
        raise InputError(
            f"{name} is {type(value).__name__} and cannot be written into a test. Pass it as arrays and numbers, or "
            "move it into a module that can be imported."
        )

    def function(self, value: Any, name: str) -> str:
        """Define a function (or class) of the reader's by its source; returns the name that it has there."""
        source = _source_of(value, name)
        if source.name in self.known and self.known[source.name] is not value:
            already = inspect.unwrap(self.known[source.name]) if callable(self.known[source.name]) else None
            if already is not inspect.unwrap(value):
                raise InputError(f"{source.name} is two different things here. Rename one of them, then export again.")
        if source.name not in self.known or source.name == name:
            self.known[source.name] = value
            for needed in source.names:
                if needed != source.name and (found := _lookup(value, needed, source)) is not None:
                    self.add(needed, found[0])
            if source.text not in self.blocks:
                self.blocks.append(source.text)
        return source.name


def _import_of_module(name: str, module: types.ModuleType) -> str:
    full = module.__name__
    if full == name:
        return f"import {full}"
    parent, _, last = full.rpartition(".")
    return f"from {parent} import {last}" if last == name and parent else f"import {full} as {name}"


def _library_of(value: Any) -> tuple[str, str] | None:
    """Module and name from which something of an installed library can be imported; None for the reader's own."""
    module, name = getattr(value, "__module__", None), getattr(value, "__name__", "")
    if not isinstance(module, str) or not name or not _is_installed(module):
        return None
    parts = module.split(".")
    public = [".".join(parts[:k]) for k in range(1, len(parts) + 1) if not any(p.startswith("_") for p in parts[:k])]
    for home in ("jax.numpy", *public) if module.startswith("jax.") else public:
        with contextlib.suppress(ImportError):
            if getattr(importlib.import_module(home), name, None) is value:
                return home, name
    return None


def _is_installed(module: str) -> bool:
    """Whether a module is a library that a test can import, and no script, test or notebook of the reader's."""
    file = getattr(sys.modules.get(module), "__file__", None)
    if module in ("__main__", "builtins") or module not in sys.modules:
        return False
    return file is None or "site-packages" in file or file.startswith(os.path.dirname(os.__file__))


def _has_source(value: Any) -> bool:
    return (
        isinstance(value, type) or isinstance(inspect.unwrap(value), types.FunctionType) if callable(value) else False
    )


@dataclass(frozen=True)
class Source:
    """Source text of a function or class, with the statements that give it rules of its own.

    Attributes:
        name: that it defines.
        text: of the statements.
        names: that they use.
    """

    name: str
    text: str
    names: tuple[str, ...]


def _source_of(value: Any, name: str) -> Source:
    inner = inspect.unwrap(value)
    if getattr(inner, "__name__", "") == "<lambda>":
        return _lambda(inner, name)
    try:
        lines, first = inspect.findsource(inner)
    except (OSError, TypeError):
        raise InputError(f"The source of {name} cannot be found. Define it in a cell or a file, with def.") from None
    tree = ast.parse("".join(lines))
    for body in _bodies(tree):
        for node in body:
            if (
                isinstance(node, (ast.FunctionDef, ast.ClassDef))
                and node.name == inner.__name__
                and _starts(node, first)
            ):
                rules = [other for other in body if _is_rule_of(other, node.name)]
                return Source(node.name, _text(lines, node, *rules), tuple(_names(node, *rules)))
    raise InputError(f"The source of {name} cannot be found. Define it in a cell or a file, with def.")


def _starts(node: ast.FunctionDef | ast.ClassDef, first: int) -> bool:
    begin = min([node.lineno, *(d.lineno for d in node.decorator_list)])
    return begin <= first + 1 <= node.lineno


def _lambda(inner: types.FunctionType, name: str) -> Source:
    """A lambda that is assigned to a name on lines of its own."""
    lines = linecache.getlines(inner.__code__.co_filename)
    with contextlib.suppress(SyntaxError):
        for node in ast.walk(ast.parse("".join(lines))):
            match node:
                case ast.Assign([ast.Name(target)], ast.Lambda() as value):
                    if value.lineno == inner.__code__.co_firstlineno:
                        return Source(target, _text(lines, node), tuple(_names(node)))
    raise InputError(f"{name} is a lambda within other code, which cannot be written into a test. Define it with def.")


def _bodies(tree: ast.AST) -> Iterator[list[ast.stmt]]:
    """Every block of statements."""
    for node in ast.walk(tree):
        for part in ("body", "orelse", "finalbody"):
            if isinstance(block := getattr(node, part, None), list):
                yield block


def _is_rule_of(node: ast.stmt, name: str) -> bool:
    """Whether a statement calls a method of a function, as `f.defvjp(forward, backward)` does, or decorates with it."""
    match node:
        case ast.Expr(ast.Call(ast.Attribute(ast.Name(of), method))):
            return of == name and method.startswith("def")
        case ast.FunctionDef():
            return any(ast.unparse(decorator).startswith(f"{name}.def") for decorator in node.decorator_list)
    return False


def _text(lines: list[str], *nodes: ast.stmt) -> str:
    texts = []
    for node in nodes:
        begin = min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", ()))])
        texts.append(textwrap.dedent("".join(lines[begin - 1 : node.end_lineno])).rstrip())
    return "\n\n".join(texts)


def _names(*nodes: ast.stmt) -> Iterator[str]:
    """The names that statements read and do not bind themselves as a whole; builtins may be among them."""
    seen: set[str] = set()
    for top in nodes:
        for node in ast.walk(top):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id not in seen:
                seen.add(node.id)
                yield node.id


def _lookup(value: Any, name: str, source: Source) -> tuple[Any] | None:
    """What a name in a function's source stands for; None for its own variables, and for builtins."""
    for inner in _functions(value):
        variables = inspect.getclosurevars(inner) if isinstance(inner, types.FunctionType) else None
        if variables is None:
            continue
        if name in variables.nonlocals:
            return (variables.nonlocals[name],)
        if name in inner.__code__.co_varnames:
            continue
        if name in inner.__globals__:
            return (inner.__globals__[name],)
    if hasattr(builtins, name):
        return None
    return _beside(value, name)


def _functions(value: Any) -> Iterator[Callable[..., Any]]:
    """A function and the rules that custom_jvp and custom_vjp hold for it."""
    yield inspect.unwrap(value)
    while value is not None:
        for rule in ("fwd", "bwd", "jvp"):
            if callable(found := getattr(value, rule, None)) and isinstance(inspect.unwrap(found), types.FunctionType):
                yield inspect.unwrap(found)
        value = getattr(value, "__wrapped__", None)


def _beside(value: Any, name: str) -> tuple[Any] | None:
    """A rule of a function by its name: rules that are local functions are seen nowhere else."""
    return next(((f,) for f in _functions(value) if f.__name__ == name and f is not inspect.unwrap(value)), None)
