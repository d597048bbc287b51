"""Names for the parts of a matrix expression: the user's own variables, and letters for what recurs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

import sympy as sp

from jaxdiff_magic.engines.symbolic.matrix import (
    SCALAR,
    Apply,
    Matrix,
    Named,
    Scaled,
    Sum,
    WholeArrayFunction,
    children,
    complexity,
    occurrences,
    order,
    shape,
)
from jaxdiff_magic.engines.symbolic.matrix_algebra import add, replaced, scaled, unscaled

LONG = 24
"""A longer expression is written with every variable of the user's that is in it. A choice: about a line of text."""
RECURRING = 3
"""A function of so many symbols gets a letter where it occurs twice. A choice: a shorter one is read as fast as a
letter."""
LETTERS = {"softmax": "sp", "sigmoid": "sp", "exp": "e"}
OTHER_LETTERS = "huvgqr"


def with_names(m: Matrix, named: Sequence[Named], taken: Collection[str] = ()) -> Matrix:
    """`m` with a name for each part that reads better with one.

    Args:
        m: an expression.
        named: variables with their definitions. One is used where it is a function of something (a layer, a
            softmax), where it occurs more than once, and everywhere in a long expression.
        taken: names that no letter may have.
    """
    usable: list[tuple[Named, Named]] = []
    for name in sorted(named, key=lambda name: complexity(name.definition)):  # type: ignore[arg-type]
        assert name.definition is not None
        usable.append((name, replace(name, definition=_put_all(name.definition, usable))))
    return _lettered(_put_all(m, usable), {*taken, *(name.name for name in named)})


def _put_all(m: Matrix, usable: Sequence[tuple[Named, Named]]) -> Matrix:
    is_long = complexity(m) > LONG
    for raw, shown in reversed(usable):
        assert raw.definition is not None
        put = _put(m, raw.definition, shown)
        if shape(put) == shape(m) and put != shown:
            is_layer = isinstance(raw.definition, (WholeArrayFunction, Apply))
            is_statistic = shape(raw) == SCALAR and complexity(raw.definition) > 1  # a mean, a variance
            if (count := occurrences(put, shown)) > 1 or (count and (is_layer or is_statistic or is_long)):
                m = put
    return m


def _put(m: Matrix, part: Matrix, name: Named) -> Matrix:
    """`m` with a name for a part; for a product of scalars, also where it stands among others."""

    def new(node: Matrix) -> Matrix | None:
        if node == part:
            return name
        if isinstance(node, Scaled) and isinstance(part, Scaled) and part.of is None and part.scalars:
            ratio = node.coefficient / part.coefficient
            if abs(ratio) == 1 and not Counter(part.scalars) - Counter(node.scalars):
                rest = [*(Counter(node.scalars) - Counter(part.scalars)).elements()]
                inner = None if node.of is None else _put(node.of, part, name)
                return scaled(ratio, [*(_put(s, part, name) for s in rest), name], inner)
        if isinstance(node, Sum) and (left := _without(node, part)) is not None:
            return add([*(_put(term, part, name) for term in left[1]), scaled(left[0], (), name)])
        return None

    return replaced(m, new)


def _without(whole: Sum, part: Matrix) -> tuple[sp.Expr, list[Matrix]] | None:
    """What is left of a sum when a multiple of the sum of some of its terms is taken out: how many times, the rest."""
    by, scalars, body = unscaled(part)
    if not isinstance(body, Sum):
        return None
    first = scaled(by, scalars, body.terms[0])
    for term in whole.terms:
        ratio = unscaled(term)[0] / unscaled(first)[0]
        taken = [scaled(ratio * by, scalars, part) for part in body.terms]
        if len(taken) < len(whole.terms) and all(part in whole.terms for part in taken):
            return ratio, [part for part in whole.terms if part not in taken]
    return None


def _lettered(m: Matrix, taken: set[str]) -> Matrix:
    """`m` with letters for the functions that occur in it more than once, the largest first."""
    while True:
        seen = Counter(p for p in _parts(m) if isinstance(p, (Apply, WholeArrayFunction)) and shape(p) != (None, None))
        recurring = [p for p, n in seen.items() if n > 1 and p != m and (complexity(p) >= RECURRING or _is_softmax(p))]
        if not recurring:
            return m
        part = max(recurring, key=order)
        kind = part.function if isinstance(part, Apply) else part.name  # type: ignore[union-attr]
        letter = next((c for c in LETTERS.get(kind, "") + OTHER_LETTERS if c not in taken), None)
        if letter is None:
            return m
        taken.add(letter)
        m = _put(m, part, Named(letter, shape(part), sp.Symbol(letter, real=True), part))


def _is_softmax(m: Matrix) -> bool:
    return isinstance(m, WholeArrayFunction) and m.name == "softmax"


def _parts(m: Matrix) -> Iterator[Matrix]:
    yield m
    for child in children(m):
        yield from _parts(child)


def named_in(m: Matrix) -> tuple[Named, ...]:
    """The names in an expression that have a definition, those that others are defined by first."""
    found: dict[Named, None] = {}

    def visit(part: Matrix) -> None:
        if isinstance(part, Named) and part.definition is not None:
            visit(part.definition)
            found[part] = None
        for child in children(part):
            visit(child)

    visit(m)
    return tuple(found)
