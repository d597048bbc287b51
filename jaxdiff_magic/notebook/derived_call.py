"""The one call that the magics differentiate: found in what the user wrote, and rewritten so that it is not made."""

from __future__ import annotations

import ast

from jaxdiff_magic.base.errors import InputError
from jaxdiff_magic.base.parsing import parsed


def read_call(text: str) -> ast.Call:
    """The call on a magic's line.

    Raises:
        InputError: `text` is not exactly one call; the message shows how to write it.
    """
    if not text:
        raise InputError("%derive needs a call, which gives the point. Write %derive f(x0).")
    try:
        statements = parsed(text).body
    except SyntaxError as error:
        raise InputError(f"%derive cannot read {text!r}: {error.msg}. Write one call: %derive f(x0).") from None
    match statements:
        case [ast.Expr(ast.Call() as call)]:
            return call
        case [ast.Expr(ast.Name(name))]:
            raise InputError(f"{name} alone has no point. Write a call: %derive {name}(x0).")
        case [ast.Assign(targets, ast.Call() as call)]:
            names = " = ".join(map(ast.unparse, targets))
            raise InputError(f"%derive takes a call. To keep its report, write {names} = %derive {ast.unparse(call)}.")
    raise InputError(f"%derive takes exactly one call, and {text!r} is something else. Write %derive f(x0).")


class NoLastCall(Exception):
    """A cell, which ran, ends with something else than a call that can be differentiated."""


def last_call(statements: list[ast.stmt]) -> ast.Call | None:
    """The call that ends a cell; None where it ends with something else."""
    match statements:
        case [*_, ast.Expr(ast.Call(function) as call)] if not ast.unparse(function).startswith("get_ipython()."):
            return call
    return None


def redirect(call: ast.Call, receiver: str) -> ast.Call:
    """`f(x, *rest, k=1)` as `receiver(f, x, *rest, k=1)`, at the place in the source where it was."""
    name = ast.copy_location(ast.Name(receiver, ast.Load()), call.func)
    return ast.copy_location(ast.Call(name, [call.func, *call.args], call.keywords), call)
