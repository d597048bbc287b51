"""A cell that does not end with the call to differentiate: what its last line is, and the one line to write instead.

The line is found in the reader's own code, and tried on what the cell has defined before it is shown.
"""

from __future__ import annotations

import ast
import contextlib
import copy
import io
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import jax

from jaxdiff_magic.base.parsing import parsed
from jaxdiff_magic.notebook.derived_call import redirect
from jaxdiff_magic.subject.leaves import kind
from jaxdiff_magic.subject.subject import positional_names, subject_of

_RECEIVER = "__derive_call__"
_PLACEHOLDER = "f(x0)"
MAX_TRIED = 12
"""How many calls of a last line are tried: each is traced once. A choice of time."""
MAKING = ("array", "asarray", "ones", "zeros", "full", "linspace", "arange", "eye", "float32", "float64")
"""Functions that make the point, and are not what is to be differentiated there."""
TRANSFORMS = ("grad", "jacfwd", "jacrev", "hessian", "jacobian", "value_and_grad", "make_jaxpr")


def line_to_write(statements: Sequence[ast.stmt], scope: Mapping[str, Any]) -> str:
    """What a cell's last line is, and what to write there, in a sentence or two.

    Args:
        statements: of the cell.
        scope: the names that are known after it has run.
    """
    if not statements:
        return (
            f"This cell has nothing to differentiate. End the cell with the call, {_PLACEHOLDER}, or write it on the "
            f"first line: %%derive {_PLACEHOLDER}."
        )
    last = statements[-1]
    line = next(_lines(statements, scope), None)
    what, advice = _last_line(last, line)
    if line is None:
        example = next(map(_example, (s for s in reversed(statements) if isinstance(s, ast.FunctionDef))), "")
        example = example or _PLACEHOLDER
        return f"{what}. End the cell with the call, {example}, or write it on the first line: %%derive {example}."
    return f"{what}. {advice.format(line)} or write the call on the first line: %%derive {line}."


def _instead(names: str, value: ast.expr | None, line: str | None) -> str:
    """How the line to write takes the place of an assignment."""
    if value is not None and ast.unparse(value) == line:
        return f"Delete `{names} =`, so that it reads {{}},"
    return "Write {} there,"


def other_line(statements: Sequence[ast.stmt], scope: Mapping[str, Any]) -> str:
    """What to write in place of a last call that cannot be differentiated, as the end of a sentence; "" for nothing."""
    whole = ast.unparse(statements[-1]) if statements else ""
    line = next((line for line in _lines(statements, scope) if line != whole), None) if whole else None
    return f" Write {line} there, or on the first line: %%derive {line}." if line else ""


def _last_line(last: ast.stmt, line: str | None) -> tuple[str, str]:
    """What the last statement is, and how the line to write takes its place: a template."""
    below = "Write {} below it,"
    match last:
        case ast.Expr(ast.Call(ast.Name("print" | "display"))):
            return "The last line prints the value", "Write {} there, without print,"
        case ast.Expr(ast.Call(ast.Attribute(value))) if not ast.unparse(value).startswith("get_ipython"):
            return (
                "The last line of a %%derive cell is the call to differentiate, and here it is a method of its value",
                ("Write {} there,"),
            )
        case ast.Assign(targets):
            names = " = ".join(map(ast.unparse, targets))
            return f"The last line assigns to {names}", _instead(names, last.value, line)
        case ast.AnnAssign(target, annotation, value):
            names = f"{ast.unparse(target)}: {ast.unparse(annotation)}"
            return f"The last line assigns to {ast.unparse(target)}", _instead(names, value, line)
        case ast.AugAssign():
            return "The last line changes a name", below
        case ast.Assert():
            return "The last line asserts something", below
        case ast.For() | ast.While() | ast.AsyncFor():
            return "The cell ends with a loop, and one call is differentiated at one point", below
        case ast.If() | ast.With() | ast.Try() | ast.AsyncWith() | ast.Match():
            return "The cell ends with a block, and the call to differentiate stands alone", below
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            return f"The cell ends with the definition of {last.name}, which is no call", below
        case ast.Expr(ast.Name(name)):
            return f"The last line is {name} alone, which is no call", "Write {} there,"
    return "The last line of a %%derive cell is the call to differentiate, and here it is no call", "Write {} there,"


def _example(function: ast.FunctionDef) -> str:
    """How the function is called with the names of its required arguments."""
    parameters = [*function.args.posonlyargs, *function.args.args]
    required = parameters[: len(parameters) - len(function.args.defaults)]
    return f"{function.name}({', '.join(parameter.arg for parameter in required)})"


def _lines(statements: Sequence[ast.stmt], scope: Mapping[str, Any]) -> Iterator[str]:
    """The lines that can be differentiated, the one that is nearest to the last statement first."""
    last = statements[-1]
    wholes = _values(last, statements)
    nodes: list[ast.AST] = [*wholes] if wholes else [last]
    calls = [call for node in nodes for call in _calls(node) if ast.unparse(call.func).rpartition(".")[2] not in MAKING]
    known = [call for call in calls if _is_defined_in(call, statements)]
    for call in [*known, *(call for call in calls if call not in known)][:MAX_TRIED]:
        found = _tried(call, scope)
        if found is None:
            continue
        for whole in wholes:
            if whole is not call and _is_arithmetic(whole, call) and (text := _as_lambda(whole, call, *found, scope)):
                yield text
        yield ast.unparse(call)
    for function in (s for s in reversed(statements) if isinstance(s, ast.FunctionDef)):
        made = parsed(_example(function), mode="eval").body
        if isinstance(made, ast.Call) and _tried(made, scope) is not None:
            yield ast.unparse(made)


def _values(last: ast.stmt, statements: Sequence[ast.stmt]) -> list[ast.expr]:
    """The expressions whose value the last statement is about; none where it holds other statements."""
    match last:
        case ast.Expr(ast.Call(ast.Name("print" | "display"), arguments)):
            return [argument.value if isinstance(argument, ast.Starred) else argument for argument in arguments]
        case ast.Expr(ast.Name(name)):
            for statement in reversed(statements[:-1]):
                match statement:
                    case ast.Assign([*_, ast.Name(target)], value) if target == name:
                        return [value]
                    case ast.Assign([ast.Tuple(targets)], value) if name in map(ast.unparse, targets):
                        return [value]
                    case ast.AnnAssign(ast.Name(target), _, value) if target == name and value is not None:
                        return [value]
            return []
        case ast.Expr(value) | ast.Assign(_, value) | ast.AugAssign(_, _, value):
            return [value]
        case ast.AnnAssign(_, _, value) if value is not None:
            return [value]
    return []


def _calls(node: ast.AST) -> Iterator[ast.Call]:
    """The calls in a node, the outermost first; of the derivative of a function, the call of the function itself."""
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)):
        return
    if isinstance(node, ast.Call):
        if (plain := _underived(node)) is not None:
            yield plain
        elif not isinstance(node.func, ast.Attribute) or isinstance(node.func.value, (ast.Name, ast.Attribute)):
            yield node
    for child in ast.iter_child_nodes(node):
        yield from _calls(child)


def _underived(call: ast.Call) -> ast.Call | None:
    """`f(x)` of `jax.grad(f)(x)`: the report of f shows that derivative; None for other calls."""
    match call.func:
        case ast.Call(ast.Attribute(ast.Name("jax"), name) | ast.Name(name), [function, *_]) if name in TRANSFORMS:
            return ast.copy_location(ast.Call(function, call.args, call.keywords), call)
    return None


def _is_defined_in(call: ast.Call, statements: Sequence[ast.stmt]) -> bool:
    """Whether the cell itself defines the function that is called."""
    name = ast.unparse(call.func)
    own = {s.name for s in statements if isinstance(s, (ast.FunctionDef, ast.ClassDef))}
    own |= {t.id for s in statements if isinstance(s, ast.Assign) for t in s.targets if isinstance(t, ast.Name)}
    return name.partition(".")[0] in own


def _is_arithmetic(whole: ast.expr, call: ast.Call) -> bool:
    """Whether an expression goes on computing with the value of a call: `3 * f(x)`, `f(x).sum()`, `f(x)[0]`."""
    if ast.dump(whole) == ast.dump(call):
        return False
    match whole:
        case ast.BinOp() | ast.UnaryOp() | ast.Subscript():
            return True
        case ast.Call(ast.Attribute(ast.Call() | ast.BinOp() | ast.Subscript(), method)):
            return method not in ("item", "tolist", "block_until_ready", "block")
    return False


Caught = tuple[Any, tuple[Any, ...], dict[str, Any]]


def _tried(call: ast.Call, scope: Mapping[str, Any]) -> Caught | None:
    """Function, arguments and keywords of a call that can be differentiated; None for any other."""
    caught: list[Caught] = []
    names = {**scope, _RECEIVER: lambda function, /, *args, **kwargs: caught.append((function, args, kwargs))}
    text = ast.Expression(copy.deepcopy(redirect(call, _RECEIVER)))
    with contextlib.redirect_stdout(io.StringIO()):  # what the reader's function prints was seen when the cell ran
        try:
            eval(compile(ast.fix_missing_locations(text), "<last line>", "eval"), names)
            function, args, kwargs = caught[0]
            subject_of(function, args, kwargs)
        except Exception:  # whatever the reader's code raises: it is not the line
            return None
    return caught[0]


def _as_lambda(
    whole: ast.expr,
    call: ast.Call,
    function: Any,
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    scope: Mapping[str, Any],
) -> str:
    """`(lambda x: 3 * f(x))(x)`: the whole expression as a function of what the call is differentiated by."""
    del kwargs
    if len(args) != len(call.args) or any(isinstance(argument, ast.Starred) for argument in call.args):
        return ""
    taken = {node.id for node in ast.walk(whole) if isinstance(node, ast.Name)}
    by: dict[str, tuple[str, str]] = {}
    for node, value, wanted in zip(call.args, args, positional_names(function, tuple(args)), strict=True):
        if not any(kind(leaf) == "floating" for leaf in jax.tree_util.tree_leaves(value)):
            continue
        text = ast.unparse(node)
        name = text if text.isidentifier() else wanted if wanted.isidentifier() and wanted not in taken else ""
        if not name:
            return ""
        taken.add(name)
        by[ast.dump(node)] = name, text

    class Named(ast.NodeTransformer):
        def visit(self, node: ast.AST) -> ast.AST:
            if ast.dump(node) in by:
                return ast.Name(by[ast.dump(node)][0], ast.Load())
            return self.generic_visit(node)

    body = ast.unparse(Named().visit(parsed(ast.unparse(whole), mode="eval").body))
    names, texts = zip(*by.values(), strict=True) if by else ((), ())
    text = f"(lambda {', '.join(names)}: {body})({', '.join(texts)})"
    try:
        made = parsed(text, mode="eval").body
    except SyntaxError:
        return ""
    return text if names and isinstance(made, ast.Call) and _tried(made, scope) is not None else ""
