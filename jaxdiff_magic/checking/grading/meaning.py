"""What an expression in mathematical notation is worth, over the names of a function: numbers that JAX can trace."""

from __future__ import annotations

import functools
import operator
import types
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import jax.numpy as jnp
import numpy as np

from jaxdiff_magic.base.errors import InputError
from jaxdiff_magic.checking.grading import shapes
from jaxdiff_magic.checking.grading.shapes import OpenLength, ShapedValue, elementwise, product, transposed
from jaxdiff_magic.checking.grading.typed_notation import Part
from jaxdiff_magic.checking.grading.vocabulary import (
    ELEMENT,
    ELEMENTWISE,
    MATRICES,
    OTHERS,
    NamedPart,
    Scope,
    is_function,
)

MAX_GRID = 10_000_000
"""Sums in index notation are added over all their indices at once, which takes this many numbers at most. A choice of
memory: 80 MB for each factor."""

SIGNS: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "<": operator.lt,
    ">": operator.gt,
    "<=": operator.le,
    ">=": operator.ge,
    "=": operator.eq,
    "==": operator.eq,
    "!=": operator.ne,
}
"""What stands between two operands, entry by entry."""
ENTRYWISE: dict[str, Callable[..., Any]] = {
    "minus": operator.neg,
    "both": jnp.logical_and,
    "either": jnp.logical_or,
    "not": jnp.logical_not,
    "choice": jnp.where,
}
"""Other kinds of expressions that are worth something entry by entry."""


def value_of(node: Part, scope: Scope) -> ShapedValue:
    """What an expression is worth.

    Raises:
        InputError: it mentions something unknown, or shapes do not fit.
    """
    parts = node.parts
    match node.kind:
        case "number":
            return ShapedValue((), lambda: node.value)
        case "ones":
            return shapes.ones()
        case "name":
            return _named(node.value, scope)
        case "text" | "tuple":
            raise InputError("text or a tuple stands where a number must be")
        case "elementwise" | "relation":
            return elementwise(SIGNS[node.value], *(value_of(part, scope) for part in parts))
        case kind if kind in ENTRYWISE:
            return elementwise(ENTRYWISE[kind], *(value_of(part, scope) for part in parts))
        case "product":
            a, b = (value_of(part, scope) for part in parts)
            return shapes.kronecker(a, b) if node.value == "⊗" else product(a, b, node.value)
        case "power":
            return _power(value_of(parts[0], scope), value_of(parts[1], scope), parts[1], node.value)
        case "raised":
            return _raised(value_of(parts[0], scope), node.value)
        case "lowered":
            return _lowered(parts[0], node.value, scope)
        case "index":
            return _indexed(node, scope)
        case "attribute":
            return _attribute(value_of(parts[0], scope), node.value)
        case "list":
            return _listed(parts, scope)
        case "norm":
            inside = value_of(parts[0], scope)
            order = {"1": 1}.get(node.value)
            return ShapedValue((), lambda: _norm(inside.entries(), order))
        case "sum":
            return _summed(parts[0], node.value, [None] * len(node.value), scope)
        case "call":
            return _called(node, scope)
        case _:
            return _python_call(value_of(parts[0], scope).thing, parts[1:], scope)


def _norm(entries: Any, order: int | None) -> Any:
    """Of all entries: the length of a vector, the Frobenius norm of a matrix."""
    return jnp.sum(jnp.abs(entries)) if order == 1 else jnp.sqrt(jnp.sum(jnp.square(entries)))


def _named(word: str, scope: Scope) -> ShapedValue:
    if word in scope.letters:
        return scope.letters[word]
    name = scope.name(word)
    if name is not None:
        return _defined(name, scope) if name in scope.definitions else _thing(scope.names[name])
    if match := ELEMENT.fullmatch(word):
        return _lowered(Part("name", match[1]), match[2], scope)
    if word == "I":
        return shapes.identity()
    if word == "K":
        return shapes.commutation(scope.stacked)
    if word in ("pi", "π"):
        return ShapedValue((), lambda: np.pi)
    if word in ("e", "E"):
        return ShapedValue((), lambda: np.e)
    if callable(scope.names.get(word)):
        return ShapedValue((), lambda: None, thing=scope.names[word])
    raise InputError(f"it mentions {word}, which has no value here")


def _thing(value: Any) -> ShapedValue:
    if isinstance(value, (int, float, list)) or hasattr(value, "ndim"):
        return shapes.array_value(jnp.asarray(value) if isinstance(value, list) else value)
    return ShapedValue((), lambda: _refused(value), thing=value)


def _refused(value: Any) -> Any:
    raise InputError(f"{type(value).__name__} stands where a number must be")


def _defined(name: str, scope: Scope) -> ShapedValue:
    """A name of the text's own; in index notation, an array over its letters."""
    if name not in scope.made:
        definition = scope.definitions[name]
        rest = {other: d for other, d in scope.definitions.items() if other != name}
        outer = replace(scope, definitions=rest, letters={})
        scope.made[name] = over_letters(definition, outer, None)
    return scope.made[name]


def over_letters(definition: NamedPart, scope: Scope, lengths: Sequence[int] | None) -> ShapedValue:
    """An expression as an array over its free indices.

    Args:
        definition: the expression.
        scope: its names.
        lengths: how far the indices go, where that is known.
    """
    letters = definition.letters
    if not letters:
        return value_of(definition.node, scope)
    if lengths is None:
        lengths = [_length_of(letter, definition.node, scope) for letter in letters]
    inner = scope
    for letter, length in zip(letters, lengths, strict=True):
        inner = _opened(inner, letter, length)
    value = value_of(definition.node, inner)
    shape = tuple(lengths)
    return ShapedValue(shape, lambda: jnp.transpose(jnp.broadcast_to(value.entries(), shape[::-1])))


def _opened(scope: Scope, letter: str, length: int) -> Scope:
    """A scope with one more index, on an axis before those that are open already."""
    axes = len(scope.letters)
    grid = np.arange(length).reshape(length, *[1] * axes)
    size = length * int(np.prod([np.size(value.entries()) for value in scope.letters.values()]))
    if size > MAX_GRID:
        raise InputError(f"it adds over {size:,} numbers at once, which is more than {MAX_GRID:,}")
    return replace(scope, letters={**scope.letters, letter: ShapedValue((), lambda: grid)}, made={})


def _length_of(letter: str, node: Part, scope: Scope) -> int:
    """How far an index goes: as far as the arrays that have it."""
    for part in _walk(node):
        if part.kind == "index":
            places = [k for k, index in enumerate(part.parts[1:]) if index == Part("name", letter)]
            base = part.parts[0]
        elif part.kind == "lowered":
            places, base = [k for k, sign in enumerate(part.value) if sign == letter], part.parts[0]
        else:
            continue
        if places and (base.kind != "name" or scope.name(base.value) is not None or base.value in scope.definitions):
            shape = value_of(base, replace(scope, letters={})).shape
            if places[0] < len(shape):
                return shape[places[0]]
    raise InputError(f"how far the index {letter} goes cannot be told")


def _walk(node: Part) -> Iterator[Part]:
    yield node
    for part in node.parts:
        yield from _walk(part)


def _summed(body: Part, letters: Sequence[str], limits: Sequence[tuple[int, int] | None], scope: Scope) -> ShapedValue:
    inner = scope
    starts = []
    for letter, limit in zip(letters, limits, strict=True):
        first, last = limit if limit is not None else (0, _length_of(letter, body, scope) - 1)
        starts.append(first)
        inner = _opened(inner, letter, last - first + 1)
        if first:
            moved = elementwise(functools.partial(lambda by, i: i + by, first), inner.letters[letter])
            inner = replace(inner, letters={**inner.letters, letter: moved})
    term, axes = value_of(body, inner), len(scope.letters)
    lengths = [np.shape(inner.letters[letter].entries())[0] for letter in letters]

    def make() -> Any:
        entries = jnp.asarray(term.entries())
        rest = np.shape(entries)[-axes:] if axes else ()
        full = (*lengths[::-1], *([1] * (axes - len(rest))), *rest)
        return jnp.sum(jnp.broadcast_to(entries, full), axis=tuple(range(len(lengths))))

    return ShapedValue(term.dims, make, term.is_row)


def _power(base: ShapedValue, exponent: ShapedValue, node: Part, sign: str) -> ShapedValue:
    if sign == "^" and len(base.dims) == 2 and node.kind in ("number", "minus"):
        return _matrix_power(base, int(exponent.entries()))
    return elementwise(lambda a, b: a**b, base, exponent)


def _raised(base: ShapedValue, sign: str) -> ShapedValue:
    if sign == "T":
        return transposed(base)
    if sign == "-T":
        return transposed(_matrix_power(base, -1))
    power = int(sign)
    if len(base.dims) == 2:
        return _matrix_power(base, power)
    return elementwise(lambda a: a**power if power > 0 else 1 / a**-power, base)


def _matrix_power(base: ShapedValue, power: int) -> ShapedValue:
    if len(base.dims) != 2:
        return elementwise(lambda a: 1.0 / a ** float(-power) if power < 0 else a**power, base)
    shapes.same(*base.dims)
    if abs(power) > 16 or power == 0:
        raise InputError(f"the power {power} of a matrix is not understood")

    def make() -> Any:
        factor = jnp.linalg.inv(base.entries()) if power < 0 else base.entries()
        return functools.reduce(lambda a, b: a @ b, [factor] * abs(power))

    return ShapedValue(base.dims, make)


def _lowered(base: Part, signs: str, scope: Scope) -> ShapedValue:
    """`x₀`, `Aᵢⱼ`, `W₁`: a name of the reader's with a number in it, a unit vector, or an element."""
    if base.kind == "name":
        whole = next((w for w in (base.value + signs, f"{base.value}_{signs}") if scope.name(w) is not None), None)
        if whole is not None and whole not in scope.letters:
            return _named(whole, scope)
        if base.value == "e" and scope.name("e") is None and signs.isdigit():
            return shapes.unit(int(signs))
    value = value_of(base, scope)
    if len(value.dims) == 1 and signs.isdigit():
        return _element(value, [int(signs)], scope)
    if len(signs) != len(value.dims):
        raise InputError(f"an element of an array of {len(value.dims)} axes has as many indices, not {signs}")
    return _element(value, [int(s) if s.isdigit() else _named(s, scope) for s in signs], scope)


def _indexed(node: Part, scope: Scope) -> ShapedValue:
    base, *indices = node.parts
    if base == Part("name", "e") and scope.name("e") is None and indices[0].kind == "number":
        return shapes.unit(indices[0].value)
    value = value_of(base, scope)
    if value.thing is not None:
        (key,) = indices
        return _thing(value.thing[key.value])
    return _element(value, [i.value if i.kind == "number" else value_of(i, scope) for i in indices], scope)


def _element(value: ShapedValue, indices: Sequence[int | ShapedValue], scope: Scope) -> ShapedValue:
    if len(indices) > len(value.dims):
        raise InputError(f"{len(indices)} indices stand where an array has {len(value.dims)} axes")

    def make() -> Any:
        at = tuple(i if isinstance(i, int) else i.entries() for i in indices)
        entries = value.entries()
        for length, i in zip(np.shape(entries), at, strict=False):
            if isinstance(i, int) and not -length <= i < length:
                raise InputError(f"index {i} stands where an axis has length {length}")
        return jnp.asarray(entries)[at]

    return ShapedValue(value.dims[len(indices) :], make)


def _attribute(base: ShapedValue, name: str) -> ShapedValue:
    if base.thing is None:
        if name == "T":
            return transposed(base)
        raise InputError(f"an array has no .{name} in this notation")
    return _thing(getattr(base.thing, name))


def _listed(parts: Sequence[Part], scope: Scope) -> ShapedValue:
    """`[a, b]` is a vector, `[[a, b], [c, d]]` a matrix, and `[x > 0]` is 1 where that holds, else 0."""
    if len(parts) == 1 and parts[0].kind in ("relation", "both", "either", "not"):
        return elementwise(lambda holds: jnp.where(holds, 1.0, 0.0), value_of(parts[0], scope))
    values = [value_of(part, scope) for part in parts]
    inner = max((value.dims for value in values), key=len, default=())
    return ShapedValue((len(values), *inner), lambda: jnp.stack([jnp.asarray(v.entries(), float) for v in values]))


def _called(node: Part, scope: Scope) -> ShapedValue:
    name, parts = node.value, node.parts
    own = scope.names.get(name)
    is_notation = name in ELEMENTWISE or name in MATRICES or name in OTHERS
    if is_function(own) and not _is_library(own) and (scope.own or not is_notation):
        return _python_call(own, parts, scope)
    if name == "Sum":
        letters = [limit.parts[0].value for limit in parts[1:]]
        limits = [(limit.parts[1].value, _whole(limit.parts[2])) for limit in parts[1:]]
        return _summed(parts[0], letters, limits, scope)
    values = [value_of(part, scope) for part in parts]
    if name == "diag":
        (of,) = values
        if len(of.dims) == 1:
            return ShapedValue((of.dims[0], of.dims[0]), lambda: jnp.diag(jnp.asarray(of.entries())))
        if of.ones is not None or len(of.dims) != 2:
            raise InputError("diag takes a vector or a matrix")
        size = OpenLength() if any(isinstance(shapes.known(d), OpenLength) for d in of.dims) else min(of.shape)
        return ShapedValue((size,), lambda: jnp.diag(of.entries()))
    if name == "transpose":
        return transposed(values[0])
    if name == "kron":
        return shapes.kronecker(*values)
    if name in ("max", "min", "Max", "Min"):
        pair = jnp.maximum if name in ("max", "Max") else jnp.minimum
        if len(values) > 1:
            return elementwise(lambda *each: functools.reduce(pair, each), *values)
        return ShapedValue((), lambda: (jnp.max if pair is jnp.maximum else jnp.min)(values[0].entries()))
    if name in ELEMENTWISE:
        return elementwise(ELEMENTWISE[name], *values)
    if name in ("softmax", "log_softmax", "inv", "cholesky"):
        return ShapedValue(values[0].dims, lambda: MATRICES[name](values[0].entries()), values[0].is_row)
    if name in MATRICES:
        return shapes.array_value(MATRICES[name](*(value.entries() for value in values)))
    return _python_call(own, parts, scope)


def _whole(node: Part) -> int:
    return -node.parts[0].value if node.kind == "minus" else node.value


def _is_library(function: Any) -> bool:
    module = getattr(function, "__module__", None) or type(function).__module__
    return isinstance(function, np.ufunc) or str(module).split(".")[0] in (
        "jax",
        "jaxlib",
        "numpy",
        "scipy",
        "builtins",
    )


def _python_call(function: Any, parts: Sequence[Part], scope: Scope) -> ShapedValue:
    """A function of the reader's, or of a library: of whole arrays, whose sizes must be known."""
    if isinstance(function, types.ModuleType) or not callable(function):
        raise InputError("something is called that is no function")
    positional = [part for part in parts if part.kind != "relation" or part.value != "="]
    keywords = {p.parts[0].value: p.parts[1].value for p in parts if p.kind == "relation" and p.value == "="}
    return shapes.array_value(function(*(value_of(part, scope).entries() for part in positional), **keywords))
