"""Odd callables and arguments: `derive` and `check` raise InputError with a cure, or what the reader's code raises.

By default every third of them is tried; `ODD=all` tries all.
"""

from __future__ import annotations

import os
import traceback
import warnings
from typing import Any

import pytest

import jaxdiff_magic
from jaxdiff_magic import InputError, WrongDerivative

from .odd import FAMILIES, Member

EVERY = 1 if os.environ.get("ODD") == "all" else 3
OWN = os.path.dirname(jaxdiff_magic.__file__) + os.sep
PLAIN = {"order": 1, "points": 2, "budget": 5.0}


def attempt(what: str, member: Member) -> BaseException | None:
    """What goes wrong in a way that it may not."""
    f, args, kwargs = member
    kwargs = dict(kwargs)
    asked = {**PLAIN, **kwargs.pop("options", {})}
    try:
        if what == "check":
            jaxdiff_magic.check(f, **asked)(*args, **kwargs)
        else:
            str(jaxdiff_magic.derive(f, cost="none", **asked)(*args, **kwargs))
    except InputError as error:
        return None if len(str(error)) > 20 and str(error).endswith((".", "?")) else error
    except WrongDerivative:
        return None
    except Exception as error:
        return None if is_the_readers(error, member) else error
    return None


def is_the_readers(error: Exception, member: Member) -> bool:
    """Whether the function raises the same when it is called: at its point, or by JAX's own transformations."""
    f, args, kwargs = member
    if "options" in kwargs:
        return False
    try:
        f(*args, **kwargs)
    except Exception as own:
        return type(own) is type(error)
    return False


def said(error: BaseException) -> str:
    places = [f"{f.filename.removeprefix(OWN)}:{f.lineno}" for f in traceback.extract_tb(error.__traceback__)]
    return f"{type(error).__name__}: {str(error)[:150]!r} at {' '.join(places[-4:])}"


@pytest.mark.parametrize("name", FAMILIES)
def test_nothing_is_raised_but_what_the_reader_can_mend(name: str) -> None:
    failed: dict[str, str] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for k, (member, made) in enumerate(FAMILIES[name]().items()):
            if k % EVERY == 0:
                what = "check" if (k // EVERY) % 3 == 2 else "derive"
                if (error := attempt(what, made)) is not None:
                    failed[f"{what} of {member}"] = said(error)
    assert not failed, "\n".join(f"{member}: {why}" for member, why in failed.items())


def test_there_are_three_hundred_of_them() -> None:
    def count(name: str) -> Any:
        return len(FAMILIES[name]())

    assert sum(map(count, FAMILIES)) >= 300
