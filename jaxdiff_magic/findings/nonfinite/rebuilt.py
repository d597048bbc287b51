"""The user's function with one expression of its source replaced: compiled anew, in a copy of its namespace.

Nothing of the user's is changed: functions on the way to the changed one are copied, each with copies of its globals
and closure cells.
"""

from __future__ import annotations

import ast
import functools
import textwrap
import types
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp

from jaxdiff_magic.findings.nonfinite.syntax import Function, Rewriting
from jaxdiff_magic.subject.source import Location, closed_over, names_in


def rebuilt(function: Callable[..., Any], rewriting: Rewriting, location: Location) -> Callable[..., Any] | None:
    """The function with a rewriting made; None where that cannot be done.

    Args:
        function: the user's.
        rewriting: of the source that it, or a function that it calls by name, was written in.
        location: of the changed expression.
    """
    reached = list(_reached(function, set()))
    for node in rewriting.source.functions(rewriting.edits[0].node):
        own = [inner for inner in reached if _is_written_at(inner, node, location)]
        if len({inner.__code__ for inner in own}) == 1:
            code = _compiled(own[0], node, rewriting)
            return code and _Copying(own[0].__code__, code).copy(function)
    return None


def _plain(function: Any) -> Any:
    """What a compiled function (`jax.jit`) was made from; other things as they are."""
    while not isinstance(function, types.FunctionType) and type(function).__name__ == "PjitFunction":
        function = function.__wrapped__
    return function


def _is_users(function: types.FunctionType) -> bool:
    return function.__module__ is None or function.__module__.split(".")[0] not in ("jax", "jaxlib", "numpy")


def _called(function: Any) -> list[tuple[str, Any]]:
    """The functions that a function can see by name, or was made from."""
    function = _plain(function)
    if isinstance(function, functools.partial):
        return [("func", function.func)]
    if isinstance(function, types.MethodType):
        return [("func", function.__func__)]
    if not isinstance(function, types.FunctionType):
        return []
    found = list(closed_over(function))
    if _is_users(function):
        found += [(name, function.__globals__.get(name)) for name in sorted(names_in(function.__code__))]
    return [(name, value) for name, value in found if _is_function(value)]


def _is_function(value: Any) -> bool:
    return isinstance(_plain(value), (types.FunctionType, types.MethodType, functools.partial))


def _reached(function: Any, seen: set[int]) -> Iterator[types.FunctionType]:
    plain = _plain(function)
    if id(plain) in seen:
        return
    seen.add(id(plain))
    if isinstance(plain, types.FunctionType):
        yield plain
    for _, value in _called(plain):
        yield from _reached(value, seen)


def _is_written_at(function: types.FunctionType, node: Function, location: Location) -> bool:
    code = function.__code__
    name = "<lambda>" if isinstance(node, ast.Lambda) else node.name
    decorators = [] if isinstance(node, ast.Lambda) else [d.lineno for d in node.decorator_list]
    if code.co_filename != location.file or code.co_name != name:
        return False
    if code.co_firstlineno != min([node.lineno, *decorators]):
        return False
    columns = [column for _, _, column, _ in code.co_positions() if column]
    return not isinstance(node, ast.Lambda) or not columns or node.col_offset < max(columns) <= _last_column(node)


def _last_column(node: ast.Lambda) -> float:
    return (node.end_col_offset or 0) if node.lineno == node.end_lineno else float("inf")


def _compiled(function: types.FunctionType, node: Function, rewriting: Rewriting) -> types.CodeType | None:
    """The code of a function's new text; None where it is not Python any more."""
    text = rewriting.function_text(node)
    if isinstance(node, ast.Lambda):
        text = f"return (\n{text}\n)"
    if not text[:1].isspace():
        text = textwrap.indent(text, " ")
    outer = f"def outer({', '.join(function.__code__.co_freevars)}):\n{text}\n"
    try:
        module = compile(outer, "<rewritten>", "exec", dont_inherit=True)
    except SyntaxError:
        return None
    (made,) = (c for c in module.co_consts if isinstance(c, types.CodeType))
    own = [c for c in made.co_consts if isinstance(c, types.CodeType) and c.co_name == function.__code__.co_name]
    known = set(function.__code__.co_freevars)
    return own[0] if len(own) == 1 and known.issuperset(own[0].co_freevars) else None


@dataclass
class _Copying:
    """Copies of functions that reach the code to replace."""

    old: types.CodeType
    new: types.CodeType
    copies: dict[int, Any] = field(default_factory=dict)

    def copy(self, function: Any) -> Any:
        """A function, with copies of those that it calls; itself where none of them is concerned."""
        plain = _plain(function)
        if id(plain) in self.copies:
            return self.copies[id(plain)]
        if all(inner.__code__ is not self.old for inner in _reached(plain, set())):
            return function
        if isinstance(plain, functools.partial):
            made: Any = functools.partial(self.copy(plain.func), *plain.args, **plain.keywords)
        elif isinstance(plain, types.MethodType):
            made = types.MethodType(self.copy(plain.__func__), plain.__self__)
        else:
            made = self._copied(plain)
        self.copies[id(plain)] = made
        return made

    def _copied(self, function: types.FunctionType) -> types.FunctionType:
        code = self.new if function.__code__ is self.old else function.__code__
        space = {"jax": jax, "jnp": jnp, **function.__globals__} if _is_users(function) else function.__globals__
        cells = dict(zip(function.__code__.co_freevars, function.__closure__ or (), strict=True))
        held = dict(closed_over(function))
        copies = {name: types.CellType() for name in code.co_freevars if _is_function(held.get(name))}
        closure = tuple(copies.get(name, cells[name]) for name in code.co_freevars)
        made = types.FunctionType(code, space, function.__name__, function.__defaults__, closure)
        made.__kwdefaults__ = function.__kwdefaults__
        made.__module__ = function.__module__
        self.copies[id(function)] = made  # before what it calls: that may call it again
        for name, cell in copies.items():
            cell.cell_contents = self.copy(held[name])
        if space is not function.__globals__:
            for name in names_in(code):
                if _is_function(space.get(name)):
                    space[name] = self.copy(space[name])
        return made
