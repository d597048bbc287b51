"""Run a `%%derive` cell, or evaluate a call, as IPython would, and catch the call that is to be differentiated.

All that touches the shell goes through the shell that the magics hand over.
"""

from __future__ import annotations

import ast
import asyncio
import builtins
import copy
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from types import SimpleNamespace, TracebackType
from typing import Any

from jaxdiff_magic.base.errors import DeriveError
from jaxdiff_magic.notebook.derived_call import NoLastCall, last_call, read_call, redirect

_RECEIVER = "__derive_call__"  # a builtin while the magics run, so that the user's namespace never has it
_UNSEEN = ("jaxdiff_magic", "jax", "jaxlib", "IPython")  # packages whose frames tell the user nothing

_SHOWING = frozenset(
    "print float int bool complex str repr format round len type list tuple dict set iter vars".split()
)
"""Python's own functions that make no array of an array."""
_WAITING = {"jax": ("block_until_ready", "device_get", "make_jaxpr"), "IPython": ("display",), "pprint": ("pprint",)}
"""Likewise, by package."""

Call = tuple[Any, tuple[Any, ...], dict[str, Any]]
"""A function, its arguments and its keywords, evaluated but not called."""


def caught_call(
    shell: Any, line: str, text: str, cell: str | None, local_ns: dict[str, Any] | None, statements: list[ast.stmt]
) -> Call | None:
    """The call that a magic is to differentiate, after its cell ran.

    Args:
        shell: the running shell.
        line: the magic's whole line.
        text: the call on it; "" where the cell's last expression is meant.
        cell: the body of the cell; None for the line magic.
        local_ns: local variables around the magic, or None.
        statements: gets those of a cell whose last expression is meant.

    Returns:
        None when the cell raised; IPython has shown it then.

    Raises:
        InputError: there is no call, or not one; NoLastCall where the cell, which ran, does not end with one.
        Exception: whatever evaluating the function or its arguments raises.
    """
    call = read_call(text) if text or cell is None else None
    with _receiving() as received:
        if cell is not None and not _run(shell, line, cell, statements if call is None else None):
            return None
        if call is not None:
            _evaluate(shell, call, text, local_ns)
        elif not received:
            raise NoLastCall
    return received[-1]


@contextmanager
def _receiving() -> Iterator[list[Call]]:
    """A list that gets function, arguments and keywords of each call that was redirected to `_RECEIVER`.

    What is no function of its arguments' numbers, such as `print` or a method of an array, is called instead.
    """
    received: list[Any] = []
    around = getattr(builtins, _RECEIVER, None)  # that of a %%derive cell with a %derive in it

    def receive(function: Any, /, *args: Any, **kwargs: Any) -> Any:
        if _is_about_a_value(function):
            return function(*args, **kwargs)
        received.append((function, args, kwargs))

    setattr(builtins, _RECEIVER, receive)
    try:
        yield received
    finally:
        setattr(builtins, _RECEIVER, around) if around else delattr(builtins, _RECEIVER)


def _is_about_a_value(function: Any) -> bool:
    """Whether a call of this, at the end of a cell, shows or converts a value that the reader's function has given."""
    if hasattr(getattr(function, "__self__", None), "__array__"):
        return True
    name = getattr(function, "__name__", "")
    home = (getattr(function, "__module__", None) or "").partition(".")[0]
    return (getattr(builtins, name, None) is function and name in _SHOWING) or name in _WAITING.get(home, ())


def _evaluate(shell: Any, call: ast.Call, text: str, local_ns: dict[str, Any] | None) -> None:
    """Evaluate the function and the arguments of a call on the magic's line, where a traceback can show it."""
    file = shell.compile.cache(text, _cell_number(shell))
    code = shell.compile(ast.Expression(redirect(call, _RECEIVER)), file, "eval")
    eval(code, shell.user_ns, local_ns)


def _run(shell: Any, line: str, cell: str, statements: list[ast.stmt] | None) -> bool:
    """Run a cell's body as the cell itself would run, except that a call at its end is redirected.

    Args:
        statements: gets those of the cell; None where the call stands on the magic's line, and none is redirected.

    When the body raises, IPython shows it here, as for any cell; the cell around it is then marked as failed,
    so that a notebook stops.

    Returns:
        Whether the body ran to its end.
    """
    around, count, runner = shell.displayhook.exec_result, shell.execution_count, shell.loop_runner

    def visit(module: ast.Module) -> ast.Module:
        shell.ast_transformers.remove(transformer)  # it is for the body, not for what the body runs
        shell.execution_count = count  # the body has its name now; its outputs are numbered as ever
        if statements is not None:
            statements.extend(copy.deepcopy(module.body))
            if (call := last_call(module.body)) is not None:
                call = redirect(call, _RECEIVER)
                module.body[-1] = ast.copy_location(ast.Expr(call), call)
        return module

    transformer = SimpleNamespace(visit=visit)
    shell.ast_transformers.append(transformer)
    shell.execution_count = _cell_number(shell)
    if _in_event_loop():
        shell.loop_runner = _run_in_thread
    try:
        result = shell.run_cell(_with_first_line(line, cell))
    finally:
        shell.loop_runner = runner
        shell.displayhook.exec_result = around
        if transformer in shell.ast_transformers:  # the body did not compile
            shell.ast_transformers.remove(transformer)
            shell.execution_count = count
    if around:
        around.error_in_exec = result.error_before_exec or result.error_in_exec
    else:  # the magic was called by a program, outside any cell
        result.raise_error()
    return result.success


def _with_first_line(line: str, cell: str) -> str:
    """The cell's body below a comment in place of the magic's line, so that tracebacks have the cell's line numbers."""
    if cell.startswith("%%"):
        return cell
    indent = cell[: len(cell) - len(cell.lstrip(" \t"))]  # IPython takes the first line's off every line
    return f"{indent}# %%derive {line}".rstrip() + f"\n{cell}"


def _cell_number(shell: Any) -> int:
    """The number of the cell that is running, as in `In [3]`; the shell's own count is one ahead by then."""
    around = shell.displayhook.exec_result
    return around.execution_count if around else shell.execution_count


def _in_event_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def _run_in_thread(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Run a body with a top-level `await` while the kernel's event loop, in this thread, waits for the magic."""
    context = copy_context()  # keeps the outputs with their cell
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(context.run, asyncio.run, coroutine).result()


def show_briefly(shell: Any, error: Exception) -> None:
    """Have IPython show our errors as one message, and the user's with the user's frames only.

    An error from within this package is a mistake of ours: it keeps its full traceback.
    """
    if isinstance(error, DeriveError):
        error._render_traceback_ = lambda: [f"{type(error).__name__}: {error}"]  # type: ignore[attr-defined]
    elif _package(_entries(error.__traceback__)[-1]) != "jaxdiff_magic":
        error._render_traceback_ = lambda: shell.InteractiveTB.structured_traceback(  # type: ignore[attr-defined]
            type(error), error, _users_frames(error.__traceback__), tb_offset=0
        )


def _users_frames(traceback: TracebackType | None) -> TracebackType | None:
    kept = None
    for entry in reversed(_entries(traceback)):
        inner = entry.tb_next and entry.tb_next.tb_frame.f_code.co_name
        if _package(entry) not in _UNSEEN and inner != "run_cell_magic":  # that one is the cell as one long string
            kept = TracebackType(kept, entry.tb_frame, entry.tb_lasti, entry.tb_lineno)
    return kept


def _entries(traceback: TracebackType | None) -> list[TracebackType]:
    entries = []
    while traceback:
        entries.append(traceback)
        traceback = traceback.tb_next
    return entries


def _package(entry: TracebackType) -> str:
    return entry.tb_frame.f_globals.get("__name__", "").partition(".")[0]
