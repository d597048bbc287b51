"""Answers in the notation that is printed: equations with their left sides, steps over several lines, "where s = …"."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp

from jaxdiff_magic.base.errors import InputError
from jaxdiff_magic.checking.grading.meaning import over_letters
from jaxdiff_magic.checking.grading.shapes import as_shape
from jaxdiff_magic.checking.grading.typed_notation import Parser, Part, tokens
from jaxdiff_magic.checking.grading.vocabulary import NamedPart, Scope
from jaxdiff_magic.subject.subject import Subject

Path = tuple[int, ...]
"""An output, and an input for each differentiation."""
SECOND = re.compile(r"\(?\s*(d2|d²|∂2|∂²|∂\^2|∇2|∇²|∇\^2|dd)")
"""How the left side of a second derivative begins."""
LEFT = re.compile(r"(?P<name>.+?)\[(?P<letters>[a-z]\w*(?:,\s*[a-z]\w*)*)\]")
NAME = re.compile(r"[^\W\d]\w*")


@dataclass(frozen=True)
class TypedEquation:
    """`left = right`; the left side may be missing."""

    left: str
    right: str


def labelled(subject: Subject, text: str) -> dict[Path, str]:
    """The parts of a text that says for each derivative which it is, as `w: …` and `b: …` on two lines, by path.

    Steps say it too, in the left sides of their last lines. A text that says no such thing has none.
    """
    paths = [path for order in (1, 2) for path in _paths(subject, order)]
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    labels = {_label(subject, path): path for path in paths}
    found: dict[Path, str] = {}
    for line in lines:
        label = next((label for label in labels if line.startswith(f"{label}:")), None)
        if label is None:
            break
        found[labels[label]] = line[len(label) + 1 :].strip()
    if len(found) == len(lines):
        return found
    lefts = [_plain_left(equation(line).left) for line in lines]
    by_left = {_left(subject, path): path for path in paths}
    last = {by_left[left]: k for k, left in enumerate(lefts) if left in by_left}
    return {path: "\n".join([*lines[:k], *lines[k + 1 :], lines[k]]) for path, k in last.items()}


def is_second(text: str) -> bool:
    """Whether a text's left side says that it is a second derivative."""
    lines = [line for line in text.splitlines() if line.strip()]
    return bool(lines) and SECOND.match(equation(lines[-1]).left.strip()) is not None


def _paths(subject: Subject, order: int) -> Iterator[Path]:
    return itertools.product(range(len(subject.outputs)), *[range(len(subject.inputs))] * order)


def _label(subject: Subject, path: Path) -> str:
    names = [subject.inputs[i].name for i in path[1:]]
    return ", ".join([subject.outputs[path[0]].name, *names] if len(subject.outputs) > 1 else names)


def _left(subject: Subject, path: Path) -> str:
    below = "".join(f"/d{subject.inputs[i].name}" for i in path[1:])
    return f"{'d' * (len(path) - 1)}{subject.outputs[path[0]].name}{below}"


def _plain_left(left: str) -> str:
    match = LEFT.fullmatch(left.strip())
    return match["name"] if match else left.strip()


def equation(text: str) -> TypedEquation:
    """A text at its first equality sign that is in no bracket; without one, all of it is the right side."""
    depth = 0
    for k, sign in enumerate(text):
        depth += (sign in "([{") - (sign in ")]}")
        around = text[max(k - 1, 0) : k] + text[k + 1 : k + 2]
        if sign == "=" and depth == 0 and not set(around) & set("=<>!"):
            return TypedEquation(text[:k].strip(), text[k + 1 :].strip())
    return TypedEquation("", text.strip())


def _clauses(text: str) -> tuple[str, list[str]]:
    """A text without what follows "where", and the equations there."""
    main, _, rest = text.partition("where ") if re.search(r"[,;\s]\s*where ", text) else (text, "", "")
    clauses, depth, start = [], 0, 0
    for k, sign in enumerate(rest):
        depth += (sign in "([{") - (sign in ")]}")
        if sign in ",;" and depth == 0:
            clauses.append(rest[start:k])
            start = k + 1
    clauses.append(rest[start:])
    return main.strip().rstrip(",;").strip(), [clause.strip() for clause in clauses if "=" in clause]


def typed_value(
    text: str, names: Mapping[str, Any], shape: Sequence[int], sides: Sequence[Any], tight: bool, own: bool
) -> Any:
    """The value of a derivative that is written as mathematics.

    Args:
        text: it, in one line or several; definitions before or after it.
        names: that it may mention.
        shape: of the derivative.
        sides: shapes of the arrays that it is between, numbers left out.
        tight: whether `a/b c` is a/(bc), else (a/b)c.
        own: whether `diag` is the reader's own function, where there is one.

    Raises:
        InputError: it is no formula, or mentions something that is not among the names.
    """
    main, clauses = _clauses(text)
    *before, last = [line.strip() for line in main.splitlines() if line.strip()] or [""]
    equations = [equation(line) for line in (*before, *clauses)]
    final = equation(last)
    known = {_plain_left(e.left) for e in equations if e.left}
    plain = {left: f"derivative_{k}_" for k, left in enumerate(sorted(known, key=len, reverse=True)) if "/" in left}
    scope = Scope(names, {plain.get(left, left): NamedPart((), Part("number", 0)) for left in known})
    read = _Reader(text, scope, plain, tight)
    definitions = {
        plain.get(name, name): NamedPart(letters, node)
        for e in equations
        for name, letters, node in [(_plain_left(e.left), _letters(e.left), read(e.right))]
        if (NAME.fullmatch(name) or name in plain) and Part("name", name) not in _parts(node)
    }
    scope = Scope(names, definitions, stacked=tuple(sides[0]) if sides else (), own=own)
    read = _Reader(text, scope, plain, tight)
    letters, node = _letters(final.left), read(final.right)
    if node == Part("number", 0):
        return jnp.zeros(tuple(shape))
    lengths = list(shape) if len(letters) == len(shape) else None
    try:
        return as_shape(over_letters(NamedPart(letters, node), scope, lengths if letters else None), shape, sides)
    except InputError as error:
        raise _unread(text, error) from error


def _letters(left: str) -> tuple[str, ...]:
    match = LEFT.fullmatch(left.strip())
    return tuple(letter.strip() for letter in match["letters"].split(",")) if match else ()


def _parts(node: Part) -> Iterator[Part]:
    yield node
    for part in node.parts:
        yield from _parts(part)


@dataclass(frozen=True)
class _Reader:
    """Reads expressions of one text."""

    text: str
    scope: Scope
    plain: Mapping[str, str]
    tight: bool

    def __call__(self, right: str) -> Part:
        for left, name in self.plain.items():
            right = right.replace(left, name)
        try:
            return Parser(
                tokens(right, self.scope.split, self.scope.is_known), self.scope.is_function, self.tight
            ).whole()
        except InputError as error:
            raise _unread(self.text, error) from error


def _unread(text: str, error: InputError) -> InputError:
    shown = text if len(text) <= 200 else f"{text[:200]} …"
    return InputError(
        f"{shown!r} cannot be read as a formula: {str(error).rstrip('.')}. Write it in Python, over the names of f."
    )
