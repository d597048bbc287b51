"""One array of an argument or a result: its name, and what it is to JAX; and a call in which some are left open."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jax import tree_util

from jaxdiff_magic.base.copies import Data, Unsaved
from jaxdiff_magic.base.errors import InputError
from jaxdiff_magic.subject.modules import places_of
from jaxdiff_magic.subject.templates import Template, template_of
from jaxdiff_magic.subject.wrappers import parts_of

OTHERS = ("text", "object", "key")
"""Kinds of leaves that are no numbers, see `kind`."""
LARGE = 250_000
"""More scalars than this are neither followed one by one nor written out. A choice of time and memory: a run in float64
holds some dozen copies, 2 MB each."""


@dataclass(frozen=True)
class Leaf:
    """One array of an argument or a result, by the name a reader of the call would give it.

    Attributes:
        name: `x`, `params['W']`, `f`, `f['loss']`.
        shape: () for a scalar.
        dtype: the dtype JAX computes in, as text: "float32".
    """

    name: str
    shape: tuple[int, ...]
    dtype: str

    @property
    def size(self) -> int:
        return int(np.prod(self.shape, dtype=int))

    def element(self, index: Sequence[int]) -> str:
        """`x[0]`, `params['W'][0, 2]`; the bare name for a scalar."""
        return f"{self.name}[{', '.join(map(str, index))}]" if self.shape else self.name

    @property
    def aval(self) -> jax.ShapeDtypeStruct:
        """What JAX traces in its place."""
        return jax.ShapeDtypeStruct(self.shape, self.dtype)

    def to_dict(self) -> dict[str, Any]:
        return {"name": self.name, "shape": list(self.shape), "dtype": self.dtype}


def joined(arrays: Sequence[Any]) -> np.ndarray:
    """Some arrays as one vector, float64."""
    return np.concatenate([np.asarray(array).astype(np.float64).ravel() for array in arrays])


def parted(vector: np.ndarray, leaves: Sequence[Leaf]) -> tuple[np.ndarray, ...]:
    """A vector as arrays, one for each leaf, of its shape."""
    ends = np.cumsum([leaf.size for leaf in leaves])[:-1]
    return tuple(part.reshape(leaf.shape) for part, leaf in zip(np.split(vector, ends), leaves, strict=True))


@dataclass(frozen=True, eq=False)
class Held(Data):
    """A leaf that is not differentiated, and why.

    Attributes:
        name: as in `Leaf.name`.
        kind: "integer", "boolean", "key", "text", "object", "setting", "keyword" or "not selected".
        description: what it is, short enough for a sentence: "3", "bool[4]", "'relu'".
        value: the leaf itself.
    """

    name: str
    kind: str
    description: str
    value: Any = field(default=None, repr=False, compare=False)

    UNSAVED: ClassVar[Unsaved] = {"value": lambda *_: None}


@dataclass
class OpenCall:
    """A call with some leaves of its arguments left open; counts how often it was made.

    Attributes:
        function: what is called.
        arguments: positional and keyword arguments, as they were given.
        positions: of the open leaves, among all leaves of `arguments`.
        count: how many calls were made.
    """

    function: Callable[..., Any]
    arguments: tuple[tuple[Any, ...], dict[str, Any]]
    positions: tuple[int, ...]
    count: int = 0

    def __call__(self, new: Sequence[Any]) -> Any:
        return self.with_leaves(self.positions, new)

    def with_leaves(self, positions: Sequence[int], new: Sequence[Any]) -> Any:
        """The call with other leaves at some positions, open or not."""
        leaves, structure = tree_util.tree_flatten(self.arguments)
        for position, value in zip(positions, new, strict=True):
            leaves[position] = value
        args, kwargs = tree_util.tree_unflatten(structure, leaves)
        self.count += 1
        return self.function(*args, **kwargs)


def is_spread(array: Any) -> bool:
    """Whether an array lives on several devices."""
    return isinstance(array, jax.Array) and len(array.sharding.device_set) > 1


def matrix_of(blocks: Any, rows: Sequence[Leaf], columns: Sequence[Leaf]) -> np.ndarray:
    """Blocks `[row][column]` as one float64 matrix, with a row for each element of some leaves, a column for each of
    others."""
    return np.block(
        [
            [np.asarray(block, np.float64).reshape(m.size, n.size) for block, n in zip(row, columns, strict=True)]
            for row, m in zip(blocks, rows, strict=True)
        ]
    )


def flattened(name: str, value: Any) -> list[tuple[Any, Any]]:
    """The leaves of a pytree, each with its path.

    Raises:
        InputError: JAX cannot take it apart, as a dict with keys of several types.
    """
    try:
        return tree_util.tree_flatten_with_path(value)[0]
    except (TypeError, ValueError, RecursionError) as error:
        words = next(iter(str(error).strip().splitlines()), type(error).__name__).rstrip(".")
        raise InputError(
            f"{name} cannot be taken apart by JAX: {words}. Use keys of one type, such as text."
        ) from error


def refuse_unusable(function: str, names: Sequence[str], leaves: Sequence[Any]) -> None:
    """Raise InputError where one of the leaves of a function's arguments is complex, or has no numbers any more."""
    for name, leaf in zip(names, leaves, strict=True):
        if isinstance(leaf, jax.Array) and leaf.is_deleted():
            raise InputError(
                f"{name} is an array that was deleted, as one is that was donated to a compiled function. Make it anew."
            )
        if kind(leaf) == "complex":
            raise InputError(
                f"{name} is complex. A derivative in a complex number has more than one meaning; give {function} "
                f"its real and imaginary parts as two real arguments."
            )


def kind(leaf: Any) -> str:
    """What a leaf is to JAX: "floating", "complex", "integer", "boolean", "key", "text" or "object"."""
    if isinstance(leaf, (str, bytes)):
        return "text"
    if isinstance(leaf, type):  # whose dtype, if it has one, is that of its instances
        return "object"
    if not (isinstance(leaf, (bool, int, float, complex, np.generic)) or hasattr(leaf, "__array__")):
        is_key = hasattr(leaf, "dtype") and jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)
        return "key" if is_key else "object"
    try:
        dtype = getattr(leaf, "dtype", None) or np.result_type(leaf)
    except TypeError:  # what turns into an array only when it is asked
        return "object"
    for name, family in (
        ("key", jax.dtypes.prng_key),
        ("floating", jnp.floating),
        ("complex", jnp.complexfloating),
        ("boolean", jnp.bool_),
        ("integer", jnp.integer),
    ):
        if jnp.issubdtype(dtype, family):
            return name
    return "object"


def jax_dtype(leaf: Any) -> np.dtype:
    """The dtype in which JAX will hold the leaf under the present configuration."""
    return jax.dtypes.canonicalize_dtype(getattr(leaf, "dtype", None) or np.result_type(leaf))


def describe(leaf: Any) -> str:
    """A leaf, short enough for a sentence: "3", "'relu'", "float32[3,4]"."""
    shape = getattr(leaf, "shape", ())
    if kind(leaf) in ("object", "key"):
        return type(leaf).__name__
    if shape == ():
        return repr(leaf.item() if hasattr(leaf, "item") else leaf)
    return f"{leaf.dtype}[{','.join(map(str, shape))}]"


def why_held(leaf: Any, keyword: bool) -> str:
    """The kind of `Held` that a leaf is when it is not differentiated."""
    if (found := kind(leaf)) != "floating":
        return found
    return "keyword" if keyword else "not selected"


def article(word: str) -> str:
    """A noun with its article."""
    return f"an {word}" if word[0] in "aeiou" else f"a {word}"


def floating_parts(leaf: Any) -> tuple[Any, ...]:
    """A floating-point result; the real and imaginary parts of a complex one; nothing for any other."""
    what = kind(leaf)
    if what == "complex":
        return (jnp.real(leaf), jnp.imag(leaf))
    return (leaf,) if what == "floating" else ()


def outputs_of(symbol: str, name: str, result: Any) -> tuple[tuple[Leaf, ...], Template, frozenset[int]]:
    """The floating leaves of a result, its structure with their positions, and which of them are real parts.

    Args:
        symbol, name: of the function, in formulas and in sentences.
        result: what it returned.

    A complex number is two leaves, its real and then its imaginary part; the structure has None for others. A model may
    be returned as it is, as by a step of training, with the functions and texts that it holds.
    """
    places = places_of(result)
    if not places:
        raise InputError(f"{name} returned {result!r}. Return the number or array to differentiate.")
    for place in places:
        if kind(place.leaf) in OTHERS and not place.is_within:
            what = f"{describe(place.leaf)}, of type {type(place.leaf).__name__}"
            raise InputError(f"{name}{place.name} is {what}, not a number. Return arrays only.")
    if not any(kind(place.leaf) in ("floating", "complex") for place in places):
        raise InputError(
            f"{name} returned {_describe_result(places[0].leaf)}, which has no derivative. Return floating-point "
            f"numbers; convert inside the function with .astype(float) only where that is what is meant."
        )
    leaves: list[Leaf] = []
    twofold: set[int] = set()

    def number(leaf: Any) -> int | None:
        at, what = next(following), kind(leaf)
        if what not in ("floating", "complex"):
            return None
        root, rest = parts_of(symbol, at.path)
        place, dtype = root + "".join(at.words[len(at.words) - len(rest) :]), jnp.dtype(jax_dtype(leaf))
        position = len(leaves)
        if what == "complex":
            twofold.add(position)
            part = str(np.real(np.zeros(0, dtype)).dtype)
            leaves.extend(Leaf(f"{place}.{half}", np.shape(leaf), part) for half in ("real", "imag"))
        else:
            leaves.append(Leaf(place, np.shape(leaf), str(dtype)))
        return position

    following = iter(places)
    template = template_of(result, number)
    return tuple(leaves), template, frozenset(twofold)


def _describe_result(leaf: Any) -> str:
    return f"{article(kind(leaf))} array" if np.shape(leaf) else article(kind(leaf))
