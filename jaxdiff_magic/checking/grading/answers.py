"""A reader's own derivation, as text or as a function: which derivative it is of, and how it is evaluated."""

from __future__ import annotations

import functools
import inspect
import itertools
import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from types import CodeType
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxdiff_magic.base.errors import InputError
from jaxdiff_magic.base.parsing import parsed
from jaxdiff_magic.checking.grading.typed import Path, is_second, labelled, typed_value
from jaxdiff_magic.engines.symbolic.written import value_of_text
from jaxdiff_magic.subject.source import closed_over
from jaxdiff_magic.subject.subject import Subject, positional_names

WHOLE = ("gradient", "jacobian", "hessian")
"""What a derivation may be called that is by all arguments."""
FILE = "<your derivation>"
"""Where tracebacks say that a derivation was written."""


@dataclass(frozen=True)
class Written:
    """A derivation in text, with names that it may use besides those that the function can see."""

    text: str
    names: Mapping[str, Any] = field(default_factory=dict)


Mine = str | Written | Callable[..., Any] | Mapping[str, "str | Written | Callable[..., Any]"]
"""A derivation, or one for each argument."""


@dataclass(frozen=True)
class Answer:
    """One derivation.

    Attributes:
        paths: the derivatives that it gives: each an output and the inputs that it is differentiated by.
        text: as it was written; the name of a function.
        names: that the text may use besides those that the function can see; None where it is no text.
        readings: functions of the subject's arguments; the text in Python, then as mathematics, then as SymPy's. The
            first that is right counts; of wrong ones, the first that has a value.
    """

    paths: tuple[Path, ...]
    text: str
    names: Mapping[str, Any] | None
    readings: tuple[Callable[..., Any], ...]


def with_names(mine: Mine, names: Mapping[str, Any]) -> Mine:
    """The derivations with names that their texts may use."""
    if isinstance(mine, str):
        return Written(mine, names)
    if isinstance(mine, Mapping):
        return {of: Written(one, names) if isinstance(one, str) else one for of, one in mine.items()}
    return mine


def answers_of(subject: Subject, mine: Mine) -> tuple[Answer, ...]:
    """The derivations in `mine`, each with the derivatives that it gives.

    Raises:
        InputError: one is of something that is not differentiated, or is neither text nor callable.
    """
    if isinstance(mine, Mapping):
        return tuple(answer for of, one in mine.items() for answer in _answers(subject, str(of).strip(), one))
    text = mine.text if isinstance(mine, Written) else mine
    if isinstance(text, str) and (parts := labelled(subject, text)):
        names = mine.names if isinstance(mine, Written) else {}
        return tuple(_read(subject, Written(part, names), (path,)) for path, part in parts.items())
    return _answers(subject, _first_argument(subject), mine)


def _first_argument(subject: Subject) -> str:
    """The argument that the first differentiated leaf belongs to."""
    first = subject.inputs[0].name
    roots = [*positional_names(subject.function, subject.args), *subject.kwargs]
    return max((root for root in roots if _is_part(first, root)), key=len, default=first)


def _is_part(name: str, whole: str) -> bool:
    return name == whole or name.startswith((f"{whole}[", f"{whole}."))


def _answers(subject: Subject, of: str, mine: str | Written | Callable[..., Any]) -> tuple[Answer, ...]:
    inputs, outputs = range(len(subject.inputs)), range(len(subject.outputs))
    by = [k for k in inputs if _is_part(subject.inputs[k].name, of.replace('"', "'"))]
    text = mine.text if isinstance(mine, Written) else mine
    if not by and of in WHOLE and isinstance(text, str) and (parts := labelled(subject, text)):
        names = mine.names if isinstance(mine, Written) else {}
        return tuple(_read(subject, Written(part, names), (path,)) for path, part in parts.items())
    if not by and of not in WHOLE:
        known = ", ".join(leaf.name for leaf in subject.inputs[:12])
        raise InputError(f"mine has a derivative by {of!r}, which is not differentiated here. Choose among: {known}.")
    second = (of == "hessian" and not by) or (isinstance(text, str) and is_second(text))
    sides = [by or inputs] * (2 if second else 1)
    return (_read(subject, mine, tuple(itertools.product(outputs, *sides))),)


def _read(subject: Subject, mine: str | Written | Callable[..., Any], paths: tuple[Path, ...]) -> Answer:
    if isinstance(mine, str):
        mine = Written(mine)
    if isinstance(mine, Written):
        text = mine.text.strip()
        readings: list[Callable[..., Any]] = []
        if (code := _compiled(text)) is not None:
            readings.append(functools.partial(_in_python, subject, code, mine.names))
        if len(paths) == 1:
            ways = itertools.product((True, False), (True, False))
            readings += [functools.partial(_typed, subject, text, mine.names, paths[0], *way) for way in ways]
        readings.append(functools.partial(_as_formula, subject, text, mine.names))
        return Answer(paths, text, mine.names, tuple(readings))
    if not callable(mine):
        raise InputError(
            f"mine is {mine!r}. Give the derivative as text, such as 'X.T @ (X @ w - y)', as a function of the same "
            "arguments, or a dict of them by argument."
        )
    name = getattr(mine, "__name__", type(mine).__name__)
    return Answer(paths, "your function" if name == "<lambda>" else f"{name}(…)", None, (mine,))


def in_python(subject: Subject, answer: Answer, text: str) -> Answer:
    """The same answer with other text, which is Python."""
    code = _compiled(text)
    assert code is not None
    assert answer.names is not None
    return replace(answer, text=text, readings=(functools.partial(_in_python, subject, code, answer.names),))


def _compiled(text: str) -> CodeType | None:
    try:
        return compile(parsed(text, "eval"), FILE, "eval")
    except SyntaxError:
        return None


def _in_python(subject: Subject, code: CodeType, names: Mapping[str, Any], *args: Any, **kwargs: Any) -> Any:
    return eval(code, scope(subject, names, args, kwargs))


def _as_formula(subject: Subject, text: str, names: Mapping[str, Any], *args: Any, **kwargs: Any) -> Any:
    return value_of_text(text, scope(subject, names, args, kwargs))


def _typed(
    subject: Subject, text: str, names: Mapping[str, Any], path: Path, tight: bool, own: bool, *args: Any, **kwargs: Any
) -> Any:
    leaves = [subject.outputs[path[0]], *(subject.inputs[i] for i in path[1:])]
    sides = [leaf.shape for leaf in leaves if leaf.shape]
    shape = tuple(length for side in sides for length in side)
    return typed_value(text, scope(subject, names, args, kwargs), shape, sides, tight, own)


def scope(subject: Subject, names: Mapping[str, Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
    """The names that a derivation can use: a new dict, so that it changes none of the reader's.

    The function's arguments come before the variables that it captured, those before `names`, and those before the
    globals of its module; `jax`, `jnp` and `np` are always there.
    """
    function = subject.function
    while isinstance(function, functools.partial):
        args, kwargs, function = (*function.args, *args), {**function.keywords, **kwargs}, function.func
    owner = getattr(function, "__self__", None)
    inner = inspect.unwrap(getattr(function, "__func__", function))
    found: dict[str, Any] = {"jax": jax, "jnp": jnp, "np": np}
    found |= getattr(inner, "__globals__", {}) | dict(names)
    if isinstance(inner, types.FunctionType):
        found |= closed_over(inner)
    if owner is not None:
        found["self"] = owner
    return found | _bound(function, args, kwargs)


def _bound(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
    try:
        signature = inspect.signature(function)
        bound = signature.bind(*args, **kwargs)
    except (TypeError, ValueError):
        return dict(zip(positional_names(function, args), args, strict=True)) | kwargs
    bound.apply_defaults()
    keywords = (p.name for p in signature.parameters.values() if p.kind is p.VAR_KEYWORD)
    return dict(bound.arguments) | {key: value for name in keywords for key, value in bound.arguments[name].items()}
