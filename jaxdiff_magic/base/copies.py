"""What of a result is plain data: how it is compared and hashed, and what goes with it when it is saved."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, NoReturn

import jax
import numpy as np

from jaxdiff_magic.base.errors import OutOfReach

Unsaved = Mapping[str, Callable[[Any, Any], Any]]


class Data:
    """A base of frozen dataclasses that hold a result: equal where all their data are, arrays entry by entry.

    What cannot be saved, such as a function, is another thing in what was loaded again; a copy shares it.
    """

    UNSAVED: ClassVar[Unsaved] = {}
    """For fields that cannot be saved as they are, what is saved instead: made of the whole and of the field."""

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return self is other or key_of(self) == key_of(other)

    def __hash__(self) -> int:
        return hash(key_of(self))

    def __getstate__(self) -> dict[str, Any]:
        names = [field.name for field in dataclasses.fields(self)]  # type: ignore[arg-type]
        kept = {name: getattr(self, name) for name in names}
        return kept | {name: instead(self, kept[name]) for name, instead in self.UNSAVED.items()}

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        self.__dict__.update(state)

    def __copy__(self) -> Any:
        return dataclasses.replace(self)  # type: ignore[type-var]

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        names = [field.name for field in dataclasses.fields(self)]  # type: ignore[arg-type]
        copied = {name: copy.deepcopy(getattr(self, name), memo) for name in names if name not in self.UNSAVED}
        return dataclasses.replace(self, **copied)  # type: ignore[type-var]


def key_of(value: Any) -> Any:
    """Something hashable that is equal, and hashed alike, for equal data."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = (getattr(value, field.name) for field in dataclasses.fields(value) if field.compare)
        return (type(value).__name__, *map(key_of, fields))
    if isinstance(value, Mapping):
        return frozenset((str(key), key_of(item)) for key, item in value.items())
    if isinstance(value, (tuple, list)) and type(value) in (tuple, list):
        return tuple(key_of(item) for item in value)
    if isinstance(value, float):
        return "nan" if value != value else value
    if isinstance(value, (np.ndarray, np.generic, jax.Array)) and not _is_key(value):
        array = np.asarray(value)
        if array.dtype == object:
            return (array.shape, tuple(map(key_of, array.ravel())))
        if array.dtype.kind in "fc" or array.dtype.kind == "V":
            array = np.where(np.isnan(array), np.asarray(np.nan, array.dtype), array + np.asarray(0, array.dtype))
        return (str(array.dtype), array.shape, array.tobytes())
    if not isinstance(value, (str, bytes, int)) and isinstance(parts := portable(value), dict) and parts:
        return key_of(parts)
    return value if getattr(value, "__hash__", None) is not None else str(value)


def _is_key(value: Any) -> bool:
    return jax.numpy.issubdtype(value.dtype, jax.dtypes.prng_key)


def portable(tree: Any) -> Any:
    """A pytree of arrays in containers that every Python has; one of the reader's classes becomes a dict by path."""
    if isinstance(tree, (list, tuple, dict)) and type(tree) in (list, tuple, dict):
        items = tree.items() if isinstance(tree, dict) else enumerate(tree)
        parts = {key: portable(item) for key, item in items}
        return parts if isinstance(tree, dict) else type(tree)(parts.values())
    if tree is None or isinstance(tree, (bool, int, float, str, np.ndarray, np.generic, jax.Array)):
        return tree
    paths, _ = jax.tree_util.tree_flatten_with_path(tree)
    return {jax.tree_util.keystr(path): leaf for path, leaf in paths if path}


def saved(value: Any) -> Any:
    """A value that can be saved; None in the place of one that cannot."""
    try:
        pickle.loads(pickle.dumps(value))
    except Exception:  # whatever a class of somebody else's raises
        return None
    return value


def sentence(name: str) -> str:
    """What is missing where a result was saved and loaded again."""
    return f"this report was saved and loaded again, and {name} itself is not part of it: derive it again"


@dataclasses.dataclass(frozen=True)
class Missing:
    """Stands where a function was that is not saved; says so when it is called.

    Attributes:
        name: of the function.
        count: how often it had been called.
    """

    name: str
    count: int = 0

    def __call__(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise OutOfReach(sentence(self.name), "")
