"""Leaves of a model as the users of its library call them, and which of them are its settings.

A model is a tree of objects of classes that a library or the reader has registered with JAX. What is known of such a
class is read off its objects: no library is imported.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from jax import tree_util


@dataclass(frozen=True)
class Place:
    """A leaf of a pytree, and where it stands.

    Attributes:
        path: as JAX has it.
        words: what each key of the path adds to the name: ".layers", "[0]"; "" for one that nobody writes.
        leaf: what stands there.
        is_within: whether it is part of a model: of an object that is no plain container.
        is_setting: whether it is one of a model's settings, which training leaves alone: a number of Python's that is
            part of a model, or a variable that is not among its parameters. None where that is still to be told.
        is_variable: whether it is the array of an object that stands for it, as a variable of Flax does.
    """

    path: tuple[Any, ...] = ()
    words: tuple[str, ...] = ()
    leaf: Any = None
    is_within: bool = False
    is_setting: bool | None = None
    is_variable: bool = False

    @property
    def name(self) -> str:
        """What is added to the name of the whole: `.layers[0].weight`."""
        return "".join(self.words)

    def depth(self, written: str) -> int | None:
        """How many keys of the path are what was written, in these words or in JAX's; None where none are."""
        spelt = (
            ("".join(self.words[:depth]), tree_util.keystr(self.path[:depth])) for depth in range(1, len(self.path) + 1)
        )
        return next((depth for depth, words in enumerate(spelt, 1) if written in words), None)


def places_of(tree: Any) -> list[Place]:
    """The leaves of a pytree that JAX can take apart, in its order."""
    return list(_walked(tree, Place()))


def _walked(node: Any, place: Place) -> Iterator[Place]:
    if node is None:
        return
    located, _ = tree_util.tree_flatten_with_path(node, is_leaf=lambda part: part is not node)
    if any(not path for path, _ in located):  # a leaf is its own only part
        told = place.is_within and is_number(node) if place.is_setting is None else place.is_setting
        yield replace(place, leaf=node, is_setting=told)
        return
    is_variable = _is_variable(node, located)
    is_within = place.is_within or is_variable or not is_plain(node)
    below = replace(place, is_within=is_within, is_variable=is_variable)
    if is_variable and place.is_setting is None:
        below = replace(below, is_setting=_is_no_parameter(node))
    for (key,), part in located:
        word = "" if is_variable else _word(node, key, part)
        yield from _walked(part, replace(below, path=(*place.path, key), words=(*place.words, word)))


def is_number(leaf: Any) -> bool:
    """Whether a leaf is a floating-point number of Python's, as a rate or an epsilon is; arrays are parameters."""
    return isinstance(leaf, float) and not isinstance(leaf, np.generic)


def is_plain(node: Any) -> bool:
    """Whether an object only holds others, as lists, dicts and named tuples do, and the frozen dicts of libraries."""
    return isinstance(node, (Mapping, Sequence, Set))


def _is_variable(node: Any, located: list[tuple[Any, Any]]) -> bool:
    """Whether an object stands for the one array that it holds, so that its users write no `.value`."""
    keys = [key for (key,), _ in located]
    return keys == [tree_util.GetAttrKey("value")] and hasattr(type(node), "__jax_array__")


def _is_no_parameter(node: Any) -> bool | None:
    """Whether a variable is of a class that is not made of `Param`, where its library tells the two apart as Flax does.

    None where it does not.
    """
    names = {kind.__name__ for kind in type(node).__mro__}
    return "Param" not in names if names & {"Param", "Variable"} else None


def _word(node: Any, key: Any, part: Any) -> str:
    """What a key adds to a name; for a part that is only numbered, the attribute that holds it."""
    if isinstance(key, tree_util.FlattenedIndexKey):
        holding = [name for name, value in getattr(node, "__dict__", {}).items() if value is part]
        if len(holding) == 1 and holding[0].isidentifier():
            return f".{holding[0]}"
    return tree_util.keystr((key,))
