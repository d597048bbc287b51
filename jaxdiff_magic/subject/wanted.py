"""Which leaves of a call's arguments are differentiated: those that `wrt` names, or all of the positional ones."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from jaxdiff_magic.base.errors import InputError
from jaxdiff_magic.subject.leaves import Held, article, describe, flattened, kind, why_held
from jaxdiff_magic.subject.modules import Place, places_of
from jaxdiff_magic.subject.templates import Template, as_tuple, numbers_in, part_at, renumbered, template_of


@dataclass(frozen=True)
class Arguments:
    """The arguments of a call, flattened.

    Attributes:
        function: the name of what is called.
        roots: the arguments' names, those of keywords last.
        count: how many of them are positional.
        numbered: the structure of each, with the positions of its leaves in `leaves`.
        places: for each leaf the position of its argument, and its place in that.
        names, leaves: what each leaf is called, and its value.
    """

    function: str
    roots: list[str]
    count: int
    numbered: list[Template]
    places: list[tuple[int, Place]]
    names: list[str]
    leaves: list[Any]


@dataclass(frozen=True)
class Wanted:
    """The leaves that are differentiated.

    Attributes:
        leaves: their positions among all leaves, in the order in which they are inputs.
        settings: positions of those that are left out because they are settings of a model.
        template, argnums: `input_template` and `argnums` of a `Subject`.
    """

    leaves: tuple[int, ...]
    settings: frozenset[int]
    template: Template
    argnums: int | tuple[int, ...] | None


def arguments_at(function: str, roots: list[str], values: Sequence[Any], count: int) -> Arguments:
    """The arguments of a call of a function, by its name: `roots` are theirs, and the first `count` positional."""
    for name, value in zip(roots, values, strict=True):
        flattened(name, value)  # or what JAX cannot take apart is refused
    places = [(root, place) for root, value in enumerate(values) for place in places_of(value)]
    counter = iter(range(len(places)))
    return Arguments(
        function=function,
        roots=roots,
        count=count,
        numbered=[template_of(value, lambda _: next(counter)) for value in values],
        places=places,
        names=[roots[root] + place.name for root, place in places],
        leaves=[place.leaf for _, place in places],
    )


def wanted_of(arguments: Arguments, wrt: int | str | Sequence[int | str] | None) -> Wanted:
    """What `wrt` names of the arguments, see `subject_of`.

    Raises:
        InputError: an unknown or non-floating `wrt`, one that names a leaf twice, or nothing to differentiate.
    """
    positional = arguments.numbered[: arguments.count]
    if wrt is None:
        targets = positional
    else:
        entries = [wrt] if isinstance(wrt, (int, str)) else list(wrt)
        targets = [_target(arguments, entry) for entry in entries]
    if wrt is None:
        taken = _taken(arguments, targets)
    else:
        taken = [own for target in targets for own in _taken(arguments, [target])]
    empty = [target for target, own in zip(targets, taken, strict=True) if not own]
    kept = [(target, own) for target, own in zip(targets, taken, strict=True) if own]
    if not kept or (wrt is not None and empty):
        raise InputError(_nothing_floating(arguments, empty))
    chosen = [i for _, own in kept for i in own]
    if len(set(chosen)) < len(chosen):
        twice = next(i for i in chosen if chosen.count(i) > 1)
        raise InputError(f"wrt reaches {arguments.names[twice]} twice. Name each leaf once.")
    positions = {leaf: new for new, leaf in enumerate(chosen)}
    templates = [renumbered(target, {i: positions[i] for i in own}.get) for target, own in kept]
    bare = isinstance(wrt, (int, str)) or (wrt is None and len(templates) == 1)
    return Wanted(
        leaves=tuple(chosen),
        settings=frozenset(i for target in targets for i in _floating(target, arguments.leaves)).difference(chosen),
        template=templates[0] if bare else as_tuple(templates),
        argnums=_argnums([target for target, _ in kept], positional, bare),
    )


def held_of(arguments: Arguments, wanted: Wanted) -> tuple[Held, ...]:
    """The other leaves of the arguments, and why each is held fixed."""
    chosen = set(wanted.leaves)
    return tuple(
        Held(
            arguments.names[i],
            "setting" if i in wanted.settings else why_held(leaf, keyword=root >= arguments.count),
            describe(leaf),
            leaf,
        )
        for i, (leaf, (root, _)) in enumerate(zip(arguments.leaves, arguments.places, strict=True))
        if i not in chosen
    )


def _target(arguments: Arguments, entry: int | str) -> Template:
    """The part of the numbered arguments that one entry of `wrt` names."""
    roots, count, numbered = arguments.roots, arguments.count, arguments.numbered
    if isinstance(entry, int):
        if not -count <= entry < count:
            raise InputError(f"wrt={entry}, but {arguments.function} was called with {count} positional arguments.")
        return numbered[:count][entry]
    if entry in roots:
        return numbered[roots.index(entry)]
    for root, place in arguments.places:
        rest = entry.removeprefix(roots[root])
        if rest != entry and (depth := place.depth(rest)) is not None:
            return part_at(numbered[root], place.path[:depth])
    known = roots + [name for name, (_, place) in zip(arguments.names, arguments.places, strict=True) if place.path]
    close = difflib.get_close_matches(entry, known, n=1)
    hint = f" Did you mean {close[0]!r}?" if close else ""
    called = f"It was called with: {', '.join(known[:12])}."
    raise InputError(f"{arguments.function} has no argument {entry!r}.{hint} {called}")


def _floating(target: Template, leaves: list[Any]) -> list[int]:
    return [i for i in numbers_in(target) if i is not None and kind(leaves[i]) == "floating"]


def _taken(arguments: Arguments, targets: Sequence[Template]) -> list[list[int]]:
    """The floating leaves of each of some parts, without the settings of the models in them.

    Where the models in them have nothing but settings, as a dataclass of two numbers has, or a layer of dropout by
    itself, the reader wants to differentiate by these.
    """
    floating = [_floating(target, arguments.leaves) for target in targets]
    places = {i: arguments.places[i][1] for own in floating for i in own}
    if all(place.is_setting for place in places.values() if place.is_within):
        return floating
    return [[i for i in own if not places[i].is_setting] for own in floating]


def _argnums(targets: list[Template], numbered: list[Template], bare: bool) -> int | tuple[int, ...] | None:
    """What `jax.grad` would be given as argnums; None when a target is not a whole positional argument."""
    positions = [next((i for i, whole in enumerate(numbered) if whole is target), None) for target in targets]
    if None in positions:
        return None
    return positions[0] if bare else tuple(positions)  # type: ignore[return-value]


def _nothing_floating(arguments: Arguments, empty: list[Template]) -> str:
    name, names, leaves = arguments.function, arguments.names, arguments.leaves
    indices = [i for target in empty for i in numbers_in(target) if i is not None]
    for i in indices:
        if kind(leaves[i]) in ("integer", "boolean"):
            value = describe(leaves[i])
            cure = (
                f"{value}.0" if kind(leaves[i]) == "integer" and not np.shape(leaves[i]) else "a floating-point array"
            )
            return (
                f"{names[i]} is {article(kind(leaves[i]))} ({value}), and there is no derivative in "
                f"{article(kind(leaves[i]))}. Pass {cure} instead."
            )
    what = f"{names[indices[0]]} is {article(kind(leaves[indices[0]]))}" if indices else f"{name} was called without"
    return f"Nothing to differentiate: {what}{'' if indices else ' arguments'}. Pass a floating-point number or array."
