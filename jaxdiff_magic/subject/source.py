"""The user's source: where a step of a trace was written, what its result is called there, what arrays are called."""

from __future__ import annotations

import ast
import contextlib
import functools
import inspect
import itertools
import linecache
import os
import types
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.core
import numpy as np

import jaxdiff_magic
from jaxdiff_magic.base.parsing import parsed


@dataclass(frozen=True)
class Location:
    """Where in the user's source an equation was written; `line` is 0 when unknown, `column` counts from 0.

    The expression ends before `end_column` (in bytes, as Python counts columns) of `end_line`; 0 when unknown.
    """

    file: str = ""
    line: int = 0
    column: int = 0
    end_line: int = 0
    end_column: int = 0

    def __str__(self) -> str:
        if not self.line:
            return ""
        in_cell = self.file.startswith("<") or "ipykernel_" in self.file
        return f"{'cell' if in_cell else os.path.basename(self.file)}, line {self.line}"

    @property
    def source(self) -> str:
        """The line's text, or "" when it cannot be read."""
        return linecache.getline(self.file, self.line).strip() if self.line else ""


_OWN, *_LIBRARIES = (
    os.path.dirname(os.path.abspath(file)) + os.sep
    for file in (jaxdiff_magic.__file__, str(jax.__file__), functools.__file__)
)


def user_frames(traceback: Any) -> list[tuple[Location, str]]:
    """Places and function names of a JAX traceback, innermost first, from the primitive to where we called."""
    if traceback is None:
        return []
    found = []
    for code, instruction in zip(*traceback.raw_frames(), strict=True):
        if _is_own(code.co_filename):
            break
        if is_users(code.co_filename):
            found.append(_frame(code.co_filename, code, instruction))
    return found


def places_of(equation: Any, caller: list[Location] | None, callee: str | None) -> list[Location]:
    """Where the user wrote an equation of a jaxpr, the innermost place first.

    Args:
        equation: JAX's own.
        caller: places of the call whose body the jaxpr is; None for the whole function.
        callee: name of the function that is called; None for the body of a loop or a branch, traced for this call.
    """
    frames = user_frames(equation.source_info.traceback)
    places = [place for place, _ in frames]
    # The body of a library function is traced once and cached, with the lines of its first caller.
    is_foreign = callee is not None and not any(name == callee for _, name in frames)
    return caller if caller is not None and (is_foreign or not places) else places


@functools.lru_cache(maxsize=1024)
def is_users(file: str) -> bool:
    """Whether a file, as a traceback names it, is the user's: not JAX's, Python's or ours."""
    return not file.startswith((_OWN, *_LIBRARIES, "<frozen"))


@functools.lru_cache(maxsize=1024)
def _is_own(file: str) -> bool:
    return file.startswith(_OWN)


def place_of_instruction(file: str, code: types.CodeType, instruction: int) -> Location:
    """Where the expression stands that an instruction of some code belongs to."""
    return _frame(file, code, instruction)[0]


@functools.lru_cache(maxsize=4096)
def _frame(file: str, code: types.CodeType, instruction: int) -> tuple[Location, str]:
    """Where the expression stands that an instruction belongs to, and the name of the function that it is in.

    Code objects of two files may be equal, so the file is part of what is asked.
    """
    spans = itertools.islice(code.co_positions(), instruction // 2, None)
    line, end_line, column, end_column = next(spans, (None,) * 4)
    place = Location(file, line or code.co_firstlineno, column or 0, end_line or 0, end_column or 0)
    return place, code.co_name


def in_library(jaxpr: Any) -> bool:
    """Whether the body of a call was written in JAX itself."""
    return is_library_file(definition_of(jaxpr)[1].file)


def is_library_file(file: str) -> bool:
    """Whether a file is part of JAX."""
    return file.startswith(_LIBRARIES[0])


def definition_of(traced: Any) -> tuple[str, Location]:
    """The name of the function that a jaxpr, or a rule, was traced from, and where it was defined; "" when unknown."""
    described = getattr(getattr(traced, "debug_info", None), "func_src_info", None) or ""  # "f at file.py:12"
    name, _, place = described.partition(" at ")
    file, _, line = place.rpartition(":")
    return name, Location(file, int(line)) if line.isdigit() else Location()


@functools.lru_cache(maxsize=4096)
def assignment(place: Location) -> tuple[str, int, int] | None:
    """The variable assigned by the statement at a place, with the line and column at which it starts."""
    here = (place.line, place.column)
    statements = _assignments(place.file, tuple(linecache.getlines(place.file)))
    around = [(name, *start) for name, start, end in statements if start <= here < end]
    return max(around, key=lambda statement: statement[1:], default=None)


@functools.lru_cache(maxsize=16)
def _assignments(file: str, lines: tuple[str, ...]) -> list[tuple[str, tuple[int, int], tuple[int, int]]]:
    """Variable, start and end of every `name = expression` of a source file or cell."""
    del file  # part of the key only: two files may have the same text
    try:
        tree = parsed("".join(lines))
    except SyntaxError:
        return []
    found = []
    for node in ast.walk(tree):
        target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
        if not isinstance(node, (ast.Assign, ast.AnnAssign, ast.AugAssign)) or not isinstance(target, ast.Name):
            continue
        if not any(isinstance(part, ast.Lambda) for part in ast.walk(node)):  # whose body is no part of the value
            end = (node.end_lineno or node.lineno, node.end_col_offset or 0)
            found.append((target.id, (node.lineno, node.col_offset), end))
    return found


def captured(function: Callable[..., Any], seen: set[int]) -> Iterator[tuple[str, Any]]:
    """Name and value of what a function, and those of its module that it calls, can see by name."""
    if isinstance(function, functools.partial):
        yield from function.keywords.items()
        yield from captured(function.func, seen)
        return
    if not isinstance(function, type) and not hasattr(function, "__self__"):
        function = inspect.unwrap(function)  # jit, custom rules
        if not hasattr(function, "__code__"):
            function = getattr(function, "__call__", function)  # noqa: B004  an object that can be called
    owner = getattr(function, "__self__", None)
    yield from ((f"self.{name}", value) for name, value in getattr(owner, "__dict__", {}).items())
    inner = inspect.unwrap(getattr(function, "__func__", function))
    if not isinstance(inner, types.FunctionType) or id(inner) in seen:
        return
    seen.add(id(inner))
    visible = list(_visible(inner))
    yield from visible
    for _, value in visible:
        if callable(value) and getattr(value, "__module__", None) == inner.__module__:
            yield from captured(value, seen)


def closed_over(function: types.FunctionType) -> Iterator[tuple[str, Any]]:
    """Name and value of the variables that a function took from around it; not those that are not assigned yet."""
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        with contextlib.suppress(ValueError):
            yield name, cell.cell_contents


def names_in(code: types.CodeType) -> set[str]:
    """Names, other than of its own variables, that a function's code, and that of functions in it, looks up."""
    inner = [constant for constant in code.co_consts if isinstance(constant, types.CodeType)]
    return set(code.co_names).union(*map(names_in, inner))


def _visible(function: types.FunctionType) -> Iterator[tuple[str, Any]]:
    yield from closed_over(function)
    for name in function.__code__.co_names:
        if name in function.__globals__:
            yield name, function.__globals__[name]


def captured_name(visible: Sequence[tuple[str, Any]], value: Any) -> str:
    """The name under which a constant of a trace is visible in the user's code, or "".

    A name belongs to an array, not to its numbers. Only where JAX had to convert an array of NumPy's, of which nothing
    but the numbers is left then, are these compared; they name it if no other array has the same.
    """
    for name, candidate in visible:
        if candidate is value or _is_same_memory(candidate, value):
            return name
    array, alike = numbers_of(value), {}
    for name, candidate in visible:
        is_other = isinstance(candidate, np.ndarray) and candidate.dtype != array.dtype and array.shape != ()
        if is_other and np.array_equal(candidate.astype(array.dtype), array):
            alike.setdefault(id(candidate), name)
    return next(iter(alike.values())) if len(alike) == 1 else ""


def _is_same_memory(a: Any, b: Any) -> bool:
    """Whether two arrays of NumPy's, or of JAX's class for them, are one."""
    if not (isinstance(a, np.ndarray) and isinstance(b, np.ndarray)) or a.dtype != b.dtype or a.size == 0:
        return False
    return (a.shape, a.strides, a.ctypes.data) == (b.shape, b.strides, b.ctypes.data)


def is_key(value: Any) -> bool:
    """Whether a value is a random key, or an array of them."""
    return hasattr(value, "dtype") and jax.numpy.issubdtype(value.dtype, jax.dtypes.prng_key)


def numbers_of(value: Any) -> np.ndarray:
    """The numbers of a constant; those of a random key are its data."""
    return np.array(jax.random.key_data(value) if is_key(value) else value)


def where_defined(function: Callable[..., Any]) -> str:
    """`file.py, line 3` of a function's definition, or ""."""
    try:
        code = inspect.unwrap(function.func if isinstance(function, functools.partial) else function).__code__
    except AttributeError:
        return ""
    file = "cell" if code.co_filename.startswith("<") or "ipykernel_" in code.co_filename else code.co_filename
    return f"{file.rsplit('/', 1)[-1]}, line {code.co_firstlineno}"
