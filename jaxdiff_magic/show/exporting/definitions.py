"""A function's own source and all that it needs: other functions of its cell or module, constants, imports."""

from __future__ import annotations
import __future__

import ast
import builtins
import contextlib
import copy
import functools
import importlib
import inspect
import keyword
import linecache
import os
import symtable
import sys
import types
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from jaxdiff_magic.base.errors import InputError
from jaxdiff_magic.base.parsing import parsed
from jaxdiff_magic.show.exporting.literals import literal
from jaxdiff_magic.subject.wrappers import SAME, own_name, wrapper_of

ALWAYS = {"jax": "import jax", "jnp": "import jax.numpy as jnp", "np": "import numpy as np"}
"""What every exported file imports."""
STRINGS = (ast.Constant, ast.JoinedStr)
RESERVED = (*ALWAYS, "jaxdiff_magic")
_FLAGS = {name: getattr(__future__, name).compiler_flag for name in __future__.all_feature_names}


@dataclass
class Definitions:
    """What has been gathered so far, each name once.

    Attributes:
        imports: by the name that they bind.
        blocks: source text, what it needs before it.
        known: the value that each name has.
        futures: names of the `__future__` features that the sources were compiled with.
    """

    imports: dict[str, str] = field(default_factory=dict)
    blocks: list[str] = field(default_factory=list)
    known: dict[str, Any] = field(default_factory=dict)
    futures: set[str] = field(default_factory=set)

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
        if name in ALWAYS and isinstance(value, types.ModuleType) and value.__name__ == ALWAYS[name].split()[1]:
            return
        if name in RESERVED:
            raise InputError(f"{name} is a name that the test itself needs. Call yours otherwise, then export again.")
        if isinstance(value, types.ModuleType):
            self.imports[name] = _import_of_module(name, value)
        elif isinstance(value, __future__._Feature):
            self.futures.add(name)
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
        if type(value) is functools.partial:
            self.add("functools", functools)
            parts = [self.other(value.func, name)]
            parts += [literal(a, name, self.other) for a in value.args]
            parts += self.keywords(value.keywords)
            return f"functools.partial({', '.join(parts)})"
        if (made := wrapper_of(value)) is not None and made.transform not in SAME:
            argnums = "" if made.argnums == 0 else f", argnums={made.argnums!r}"
            maker = made.transform
            if made.library != "jax":
                self.add(made.library, sys.modules[made.library])
                maker = f"{made.library}.{made.name}"
            return f"{maker}({self.other(made.inner, own_name(made.inner))}{argnums}{made.options})"
        if (home := _library_of(value)) is not None:
            self.add(home[1], value)
            return home[1]
        if _has_source(value):
            return self.function(value, name)
        raise InputError(
            f"{name} is {type(value).__name__} and cannot be written into a test. Pass it as arrays and numbers, or "
            "move it into a module that can be imported."
        )

    def keywords(self, given: Mapping[str, Any]) -> list[str]:
        """Arguments as a call has them by name.

        Raises:
            InputError: a name is none that can be written in a call.
        """
        for key in given:
            if not _is_name(key):
                called = ascii(key) if type(key) is str else f"of type {type(key).__name__}"
                raise InputError(f"The keyword {called} is no name, so that the call cannot be written into a test.")
        return [f"{key}={literal(value, key, self.other)}" for key, value in given.items()]

    def function(self, value: Any, name: str) -> str:
        """Define a function (or class) of the reader's by its source; returns the name that it has there."""
        source = _source_of(value, name)
        if source.name in self.known and self.known[source.name] is not value:
            already = inspect.unwrap(self.known[source.name]) if callable(self.known[source.name]) else None
            if already is not inspect.unwrap(value):
                raise InputError(f"{source.name} is two different things here. Rename one of them, then export again.")
        if source.name not in self.known or source.name == name:
            self.known[source.name] = value
            self.futures |= _futures(value)
            for needed in source.names:
                if needed == source.name:
                    continue
                if (found := _lookup(value, needed)) is not None:
                    self.add(needed, found[0])
                elif needed in source.at_once and not hasattr(builtins, needed):
                    raise InputError(
                        f"{source.name} uses {needed} where it is defined (as a default value, or in a decorator), and "
                        f"{needed} is a local variable there. Write its value, then export again."
                    )
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
    if type(module) is not str or not _is_name(name) or not _is_installed(module):
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
    """Whether a value is a function or class of the reader's, or a library's wrapper of one, such as `jax.jit`'s."""
    if isinstance(value, (type, types.FunctionType)):
        return True
    is_wrapper = callable(value) and _is_installed(type(value).__module__)
    return is_wrapper and isinstance(inspect.unwrap(value), types.FunctionType)


def _is_name(text: Any) -> bool:
    """Whether a text is a name that Python reads as it is written."""
    is_plain = type(text) is str and text.isidentifier() and not keyword.iskeyword(text)
    return is_plain and unicodedata.normalize("NFKC", text) == text and text != "__debug__"


def _futures(value: Any) -> set[str]:
    """The `__future__` features that a function, or a method of a class, was compiled with."""
    inner = inspect.unwrap(value)
    functions = [inner] if isinstance(inner, types.FunctionType) else list(vars(inner).values())
    flags = [f.__code__.co_flags for f in functions if isinstance(f, types.FunctionType)]
    return {name for name, flag in _FLAGS.items() if any(flags_of & flag for flags_of in flags)}


@dataclass(frozen=True)
class DefinitionSource:
    """DefinitionSource text of a function or class, with the statements that give it rules of its own.

    Attributes:
        name: that it defines.
        text: of the statements.
        names: that they use.
        at_once: those of them that are read when it is defined, not when it is called.
    """

    name: str
    text: str
    names: tuple[str, ...]
    at_once: frozenset[str] = frozenset()


def _source_of(value: Any, name: str) -> DefinitionSource:
    inner = inspect.unwrap(value)
    if getattr(inner, "__name__", "") == "<lambda>":
        return _lambda(inner, name)
    try:
        lines, first = inspect.findsource(inner)
    except (OSError, TypeError):
        raise InputError(f"The source of {name} cannot be found. Define it in a cell or a file, with def.") from None
    tree = parsed("".join(lines))
    for body in _bodies(tree):
        for node in body:
            if (
                isinstance(node, (ast.FunctionDef, ast.ClassDef))
                and node.name == inner.__name__
                and _starts(node, first)
            ):
                rules = [other for other in body if _is_rule_of(other, node.name)]
                text = _text(lines, node, *rules)
                return DefinitionSource(node.name, text, tuple(_names(inner, node, *rules)), frozenset(_at_once(node)))
    raise InputError(f"The source of {name} cannot be found. Define it in a cell or a file, with def.")


def _starts(node: ast.FunctionDef | ast.ClassDef, first: int) -> bool:
    begin = min([node.lineno, *(d.lineno for d in node.decorator_list)])
    return begin <= first + 1 <= node.lineno


def _lambda(inner: types.FunctionType, name: str) -> DefinitionSource:
    """A lambda that is assigned to a name on lines of its own."""
    lines = linecache.getlines(inner.__code__.co_filename)
    with contextlib.suppress(SyntaxError):
        for node in ast.walk(parsed("".join(lines))):
            match node:
                case ast.Assign([ast.Name(target)], ast.Lambda() as value):
                    if value.lineno == inner.__code__.co_firstlineno:
                        return DefinitionSource(target, _text(lines, node), tuple(_names(inner, node)))
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
    return "\n\n".join(_moved_left(lines, node) for node in nodes)


def _moved_left(lines: list[str], node: ast.stmt) -> str:
    """A statement's lines without the indentation of its first, but what stands within strings as it was."""
    first = min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", ()))])
    last = node.end_lineno or node.lineno
    within = {
        line
        for part in ast.walk(node)
        if isinstance(part, STRINGS)
        for line in range(part.lineno + 1, (part.end_lineno or part.lineno) + 1)
    }
    begin = lines[first - 1]
    indentation = begin[: len(begin) - len(begin.lstrip())]
    kept = [
        line if k in within else line.removeprefix(indentation) if line.strip() else "\n"
        for k, line in enumerate(lines[first - 1 : last], first)
    ]
    return "".join(kept).rstrip()


def _names(inner: Any, *nodes: ast.stmt) -> Iterator[str]:
    """The names that statements read and do not bind themselves; builtins are among them.

    Annotations are left out where `inner`, the function or class, was compiled with those that are never evaluated.
    """
    if "annotations" in _futures(inner):
        nodes = tuple(_Bare().visit(copy.deepcopy(node)) for node in nodes)
    text = ast.unparse(ast.Module(list(nodes), []))
    tables, seen = [symtable.symtable(text, "source", "exec")], set()
    while tables:
        table = tables.pop(0)
        tables += table.get_children()
        for symbol in table.get_symbols():
            is_outside = symbol.is_global() or (table.get_type() == "module" and not symbol.is_assigned())
            if is_outside and symbol.is_referenced() and symbol.get_name() not in seen:
                seen.add(symbol.get_name())
                yield symbol.get_name()


class _Bare(ast.NodeTransformer):
    """Takes annotations away."""

    def visit_arg(self, node: ast.arg) -> ast.arg:
        return ast.arg(node.arg)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.returns = None
        return self.generic_visit(node)


def _at_once(node: ast.FunctionDef | ast.ClassDef) -> Iterator[str]:
    """The names that a definition reads when it is made: in decorators, default values and bases."""
    parts: list[ast.expr | None] = [*node.decorator_list]
    if isinstance(node, ast.ClassDef):
        parts += node.bases
    else:
        parts += [*node.args.defaults, *node.args.kw_defaults]
    for part in parts:
        inner = {name.arg for name in ast.walk(part) if isinstance(name, ast.arg)} if part else set()
        yield from (
            name.id for name in ast.walk(part or ast.Pass()) if isinstance(name, ast.Name) and name.id not in inner
        )


def _lookup(value: Any, name: str) -> tuple[Any] | None:
    """What a name in a function's source stands for; None for its own variables, and for builtins."""
    if isinstance(value, type):
        beside = vars(sys.modules[value.__module__]) if value.__module__ in sys.modules else {}
        return (beside[name],) if name in beside else None
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
