"""Options as code passes them: those that cannot be used are refused before anything is computed."""

from __future__ import annotations

import numbers
from collections.abc import Iterable
from typing import Any

from jaxdiff_magic.base.errors import InputError

WORDS = {"cost": ("measure", "count", "none"), "layout": ("numerator", "denominator")}
"""Options that are one of a few words."""
LEAST = {"order": 1, "points": 0, "seed": 0}
"""Options that are whole numbers, and the smallest of each."""


def refuse_bad_options(wrt: Any, trust: Any, budget: Any, **options: Any) -> None:
    """Raise InputError where an option has a value that it cannot have, with those that it can.

    Args:
        wrt, trust, budget, options: as `derive` and `check` have them.
    """
    for name, value in options.items():
        if name in WORDS and value not in WORDS[name]:
            raise InputError(f"{name}={value!r}: write {' or '.join(map(repr, WORDS[name]))}.")
        if name in LEAST and not (isinstance(value, numbers.Integral) and int(value) >= LEAST[name]):
            raise InputError(f"{name}={value!r}: {name} must be a whole number, at least {LEAST[name]}.")
    if not (isinstance(budget, numbers.Real) and float(budget) >= 0):
        raise InputError(f"budget={budget!r}: budget must be a number of seconds, at least 0.")
    if wrt is not None and not isinstance(wrt, (int, str)):
        entries = list(wrt) if isinstance(wrt, Iterable) else [wrt]
        if not all(isinstance(entry, (int, str)) for entry in entries):
            raise InputError(f"wrt={wrt!r}: name an argument or its position, or a sequence of those.")
    if not isinstance(trust, str) and not (isinstance(trust, Iterable) and all(isinstance(n, str) for n in trust)):
        raise InputError(f"trust={trust!r}: name a function, or a sequence of names.")
