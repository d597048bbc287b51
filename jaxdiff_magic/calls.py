"""The one call that the magics differentiate: found in what the user wrote, and rewritten so that it is not made."""

from __future__ import annotations

import ast

from jaxdiff_magic.errors import InputError


def read_call(text: str) -> ast.Call:
    """The call on a magic's line.

    Raises:
        InputError: `text` is not exactly one call; the message shows how to write it.
    """
    if not text:
        raise InputError("%derive needs a call, which gives the point. Write %derive f(x0).")
    try:
        statements = ast.parse(text).body
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


def last_call(statements: list[ast.stmt]) -> ast.Call:
    """The call that ends a cell.

    Raises:
        InputError: the last statement is no call; the message shows the two ways to write one.
    """
    example = next(map(_example, (s for s in reversed(statements) if isinstance(s, ast.FunctionDef))), "f(x0)")
    ways = f"End the cell with the call, {example}, or write it on the first line: %%derive {example}."
    match statements:
        case []:
            raise InputError(f"This cell has nothing to differentiate. {ways}")
        case [*_, ast.Expr(ast.Call(ast.Name("print"), [ast.Call() as call]))]:
            raise InputError(f"The last line prints the value. Write {ast.unparse(call)} there, without print.")
        case [*_, ast.Expr(ast.Call(function) as call)] if not ast.unparse(function).startswith("get_ipython()."):
            return call
        case [*_, ast.Assign(targets, ast.Call() as call)]:
            names = " = ".join(map(ast.unparse, targets))
            raise InputError(
                f"The last line assigns to {names}. Delete `{names} =`, so that it reads {ast.unparse(call)}, "
                f"or write the call on the first line: %%derive {ast.unparse(call)}."
            )
    raise InputError(f"The last line of a %%derive cell is the call to differentiate, and here it is no call. {ways}")


def _example(function: ast.FunctionDef) -> str:
    """How the function is called with the names of its required arguments."""
    parameters = [*function.args.posonlyargs, *function.args.args]
    required = parameters[: len(parameters) - len(function.args.defaults)]
    return f"{function.name}({', '.join(parameter.arg for parameter in required)})"


def redirect(call: ast.Call, receiver: str) -> ast.Call:
    """`f(x, *rest, k=1)` as `receiver(f, x, *rest, k=1)`, at the place in the source where it was."""
    name = ast.copy_location(ast.Name(receiver, ast.Load()), call.func)
    return ast.copy_location(ast.Call(name, [call.func, *call.args], call.keywords), call)
