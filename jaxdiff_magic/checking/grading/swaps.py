"""Texts that differ from a derivation in one place: a matrix product for an elementwise one, a transpose."""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator

from jaxdiff_magic.base.parsing import parsed

MAX_PLACES = 12
"""So many places of a text are tried. A choice of time."""


def swaps(text: str) -> Iterator[tuple[str, str]]:
    """For each place, what stands there instead (`@`, `*` or `.T`) and how the text reads then.

    A text that is not Python has none.
    """
    try:
        tree = parsed(text.strip(), mode="eval")
    except SyntaxError:
        return
    nodes = list(ast.walk(tree))
    products = [k for k, node in enumerate(nodes) if isinstance(node, ast.BinOp) and _is_product(node)]
    for k in products[:MAX_PLACES]:
        changed, place = _copied(tree, k)
        instead: ast.operator = ast.Mult() if isinstance(nodes[k].op, ast.MatMult) else ast.MatMult()  # type: ignore[attr-defined]
        place.op = instead  # type: ignore[attr-defined]
        yield "*" if isinstance(instead, ast.Mult) else "@", ast.unparse(changed)
    for k in products[:MAX_PLACES]:
        for side in ("left", "right"):
            changed, place = _copied(tree, k)
            factor = getattr(place, side)
            is_transpose = isinstance(factor, ast.Attribute) and factor.attr == "T"
            setattr(place, side, factor.value if is_transpose else ast.Attribute(factor, "T", ast.Load()))
            yield ".T", ast.unparse(changed)


def _is_product(node: ast.BinOp) -> bool:
    return isinstance(node.op, (ast.Mult, ast.MatMult))


def _copied(tree: ast.Expression, k: int) -> tuple[ast.Expression, ast.AST]:
    """A copy of a tree, and its node at a place of its walk."""
    changed = copy.deepcopy(tree)
    return changed, list(ast.walk(changed))[k]
