"""What `derive` and `check` are asked for: said once for code, for the magics and for `%config DeriveMagics`."""

from __future__ import annotations

import numbers
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from jaxdiff_magic.base.errors import InputError

WORDS = {"cost": ("measure", "count", "none"), "layout": ("numerator", "denominator")}
"""Options that are one of a few words."""
LEAST = {"order": 1, "points": 0, "seed": 0}
"""Options that are whole numbers, and the smallest of each."""


@dataclass(frozen=True)
class Options:
    """The options of `derive`, as it describes them, each with its default.

    Raises:
        InputError: one has a value that it cannot have; the message says which it can.
    """

    wrt: int | str | Sequence[int | str] | None = None
    order: int = 2
    symbolic: bool = True
    cost: Literal["measure", "count", "none"] = "measure"
    layout: Literal["numerator", "denominator"] = "numerator"
    points: int = 64
    budget: float = 10.0
    seed: int = 0
    trust: str | Sequence[str] = ()
    mine: Any = None

    def __post_init__(self) -> None:
        for name, words in WORDS.items():
            if (value := getattr(self, name)) not in words:
                raise InputError(f"{name}={value!r}: write {' or '.join(map(repr, words))}.")
        for name, least in LEAST.items():
            value = getattr(self, name)
            if not (isinstance(value, numbers.Integral) and int(value) >= least):
                raise InputError(f"{name}={value!r}: {name} must be a whole number, at least {least}.")
        if not (isinstance(self.budget, numbers.Real) and float(self.budget) >= 0):
            raise InputError(f"budget={self.budget!r}: budget must be a number of seconds, at least 0.")
        if self.wrt is not None and not isinstance(self.wrt, (int, str)):
            entries = list(self.wrt) if isinstance(self.wrt, Iterable) else [self.wrt]
            if not all(isinstance(entry, (int, str)) for entry in entries):
                raise InputError(f"wrt={self.wrt!r}: name an argument or its position, or a sequence of those.")
        names = (self.trust,) if isinstance(self.trust, str) else self.trust
        if not (isinstance(names, Iterable) and all(isinstance(name, str) for name in names)):
            raise InputError(f"trust={self.trust!r}: name a function, or a sequence of names.")

    @property
    def trusted(self) -> tuple[str, ...]:
        """Names of functions whose own derivative rules are meant to differ from their code."""
        return (self.trust,) if isinstance(self.trust, str) else tuple(self.trust)
