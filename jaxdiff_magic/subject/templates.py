"""A pytree with numbers in the places of its leaves, taken apart without the reader's classes holding those numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from jax import tree_util


@dataclass(frozen=True)
class Container:
    """A container: a list, a dict, a class of the reader's.

    Attributes:
        container: its class.
        structure: how JAX puts its parts together.
        keys: of its parts, as in JAX's paths.
        parts: what stands at each.
    """

    container: type
    structure: Any
    keys: tuple[Any, ...]
    parts: tuple[Template, ...]


Template: TypeAlias = "Container | int | None"
"""A number for each leaf that is asked for, None for any other."""
Filling: TypeAlias = "Callable[[Template, Callable[[int], Any]], Any]"
"""Makes a pytree of a template, with what a function gives for each number, and None for None."""


def template_of(tree: Any, number: Callable[[Any], int | None]) -> Template:
    """The template of a pytree, with what `number` gives for each of its leaves, in JAX's order."""
    if tree is None:
        return None
    located, structure = tree_util.tree_flatten_with_path(tree, is_leaf=lambda part: part is not tree)
    if any(not path for path, _ in located):  # a leaf is its own only part
        return number(tree)
    keys = tuple(key for (key,), _ in located)
    return Container(type(tree), structure, keys, tuple(template_of(part, number) for _, part in located))


def as_tuple(parts: Sequence[Template]) -> Container:
    """The template of a tuple."""
    keys = tuple(map(tree_util.SequenceKey, range(len(parts))))
    return Container(tuple, tree_util.tree_structure(tuple(range(len(parts)))), keys, tuple(parts))


def renumbered(template: Template, number: Callable[[int], int | None]) -> Template:
    """The same template with other numbers."""
    if isinstance(template, Container):
        return replace(template, parts=tuple(renumbered(part, number) for part in template.parts))
    return None if template is None else number(template)


def numbers_in(template: Template) -> Iterator[int | None]:
    """What stands in the places of the leaves, None included."""
    if isinstance(template, Container):
        for part in template.parts:
            yield from numbers_in(part)
    else:
        yield template


def filled(make: Callable[[Filling], Any]) -> Any:
    """Pytrees made of templates: what `make` makes with a function that fills one.

    A class that refuses what it is to hold is a dict of its parts, wherever it stands: its code may want arrays of some
    shape, and a derivative holds None for what is not differentiated, larger arrays, or trees. JAX raises there.
    """
    refusing: set[type] = set()
    while True:
        try:
            return make(lambda template, leaf: _filled(template, leaf, refusing))
        except _Refused as refusal:
            refusing.add(refusal.container)


class _Refused(Exception):
    def __init__(self, container: type) -> None:
        self.container = container


def _filled(template: Template, leaf: Callable[[int], Any], refusing: set[type]) -> Any:
    """The pytree with `leaf(number)` for each number, and None for None."""
    if not isinstance(template, Container):
        return None if template is None else leaf(template)
    parts = [_filled(part, leaf, refusing) for part in template.parts]
    if template.container in refusing:
        return dict(zip(map(_plain, template.keys), parts, strict=True))
    try:
        return tree_util.tree_unflatten(template.structure, parts)
    except Exception as error:  # whatever the reader's code raises
        raise _Refused(template.container) from error


def part_at(template: Template, path: tuple[Any, ...]) -> Template:
    """What stands at a path of JAX's."""
    for key in path:
        assert isinstance(template, Container)
        template = template.parts[template.keys.index(key)]
    return template


def _plain(key: Any) -> Any:
    """A part's name or position."""
    match key:
        case tree_util.SequenceKey(idx=index):
            return index
        case tree_util.GetAttrKey(name=name):
            return name
        case _:
            return getattr(key, "key", key)
