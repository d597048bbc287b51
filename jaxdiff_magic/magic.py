"""`%derive` and `%%derive`: the only file that knows IPython."""

from __future__ import annotations

import ast
import builtins
import dataclasses
import re
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from types import SimpleNamespace, TracebackType
from typing import Any

from IPython.core.completer import CompletionContext, SimpleCompletion, SimpleMatcherResult, context_matcher
from IPython.core.magic import Magics, line_cell_magic, magics_class, needs_local_scope, no_var_expand
from traitlets import Bool, Enum, Float, Int

from jaxdiff_magic.calls import last_call, read_call, redirect
from jaxdiff_magic.errors import DeriveError, InputError
from jaxdiff_magic.options import COSTS, LAYOUTS, manual, read_line, suggest

_RECEIVER = "__derive_call__"  # a builtin while the magics run, so that the user's namespace never has it
_UNSEEN = ("jaxdiff_magic", "jax", "jaxlib", "IPython")  # packages whose frames tell the user nothing


def load(shell: Any) -> None:
    """Add the magics, their Tab completion and `%config DeriveMagics`; a second time does nothing."""
    if _loaded(shell) is None:
        magics = DeriveMagics(shell)  # which enters itself among the shell's configurables
        shell.register_magics(magics)
        shell.Completer.custom_matchers.append(magics.complete)


def unload(shell: Any) -> None:
    """Remove what `load` added, and give back magics of the same name that were there before."""
    magics = _loaded(shell)
    if magics is None:
        return
    shell.Completer.custom_matchers.remove(magics.complete)
    shell.configurables.remove(magics)
    del shell.magics_manager.registry[type(magics).__name__]
    for kind, table in shell.magics_manager.magics.items():
        if table.get("derive") == magics.derive:  # else the user has defined another one since
            del table["derive"]
            table.update(magics.replaced[kind])


def _loaded(shell: Any) -> DeriveMagics | None:
    return next((item for item in shell.configurables if isinstance(item, DeriveMagics)), None)


@magics_class
class DeriveMagics(Magics):
    """The magics, and the preferences that `%config DeriveMagics` sets, used where no option says otherwise.

    Attributes:
        replaced: the magics of the same name that were there before, by kind ("line", "cell").
    """

    order = Int(2, min=1, help="The highest derivative.").tag(config=True)
    symbolic = Bool(True, help="Whether to derive formulas.").tag(config=True)
    cost = Enum(COSTS, "measure", help="How to find what forward and reverse mode cost.").tag(config=True)
    layout = Enum(LAYOUTS, "numerator", help="Which way round a Jacobian is shown.").tag(config=True)
    points = Int(64, min=0, help="Random points that the check compares.").tag(config=True)
    budget = Float(10.0, min=0.0, help="Seconds that formulas and measuring may take.").tag(config=True)
    seed = Int(0, min=0, help="Seed of the random points.").tag(config=True)

    def __init__(self, shell: Any) -> None:
        super().__init__(shell=shell, parent=shell)
        self.replaced = {
            kind: {name: magic for name, magic in table.items() if name == "derive"}
            for kind, table in shell.magics_manager.magics.items()
        }

    @no_var_expand
    @needs_local_scope
    @line_cell_magic
    def derive(self, line: str, cell: str | None = None, local_ns: dict[str, Any] | None = None) -> Any:
        try:
            options, text = read_line(line)
            call = read_call(text) if text or cell is None else None
            with _receiving() as received:
                if cell is not None and not _run(self.shell, line, cell, ends_with_call=call is None):
                    return None
                if call is not None:
                    _evaluate(self.shell, call, text, local_ns)
            return self._report(*received[-1], **options)
        except Exception as error:
            _show_briefly(self.shell, error)
            raise

    derive.__doc__ = manual()

    def _report(self, function: Any, args: Any, kwargs: Any, sections: tuple[str, ...] = (), **options: Any) -> Any:
        from jaxdiff_magic.pipeline import derive  # here, so that loading the extension does not load JAX

        preferences = {name: getattr(self, name) for name in self.class_own_traits(config=True)}
        report = derive(function, **(preferences | options))(*args, **kwargs)
        return dataclasses.replace(report, sections=sections) if sections else report

    @context_matcher()
    def complete(self, context: CompletionContext) -> SimpleMatcherResult:
        """Options and their values for Tab; nothing outside the magics' lines, nor within the call there."""
        line = context.full_text.split("\n")[context.cursor_line][: context.cursor_position]
        magic = re.match(r"\s*(?:[^%=]+=\s*)?%%?derive\s+", line)
        fragment, words = suggest(line[magic.end() :]) if magic else ("", [])
        completions = [SimpleCompletion(text=word, type="option") for word in words]
        return {"completions": completions, "matched_fragment": fragment, "suppress": bool(completions)}


@contextmanager
def _receiving() -> Iterator[list[tuple[Any, tuple[Any, ...], dict[str, Any]]]]:
    """A list that gets function, arguments and keywords of each call that was redirected to `_RECEIVER`."""
    received: list[Any] = []
    around = getattr(builtins, _RECEIVER, None)  # that of a %%derive cell with a %derive in it
    setattr(builtins, _RECEIVER, lambda function, /, *args, **kwargs: received.append((function, args, kwargs)))
    try:
        yield received
    finally:
        setattr(builtins, _RECEIVER, around) if around else delattr(builtins, _RECEIVER)


def _evaluate(shell: Any, call: ast.Call, text: str, local_ns: dict[str, Any] | None) -> None:
    """Evaluate the function and the arguments of a call on the magic's line, where a traceback can show it."""
    file = shell.compile.cache(text, _cell_number(shell))
    code = shell.compile(ast.Expression(redirect(call, _RECEIVER)), file, "eval")
    eval(code, shell.user_ns, local_ns)


def _run(shell: Any, line: str, cell: str, ends_with_call: bool) -> bool:
    """Run a cell's body as the cell itself would run, except that the call at its end is redirected.

    When the body raises, IPython shows it here, as for any cell; the cell around it is then marked as failed,
    so that a notebook stops.

    Returns:
        Whether the body ran to its end.
    """
    around, count, runner = shell.displayhook.exec_result, shell.execution_count, shell.loop_runner
    refused: list[InputError] = []

    def visit(module: ast.Module) -> ast.Module:
        shell.ast_transformers.remove(transformer)  # it is for the body, not for what the body runs
        shell.execution_count = count  # the body has its name now; its outputs are numbered as ever
        if ends_with_call:
            try:
                call = redirect(last_call(module.body), _RECEIVER)
                module.body[-1] = ast.copy_location(ast.Expr(call), call)
            except InputError as error:  # IPython would drop a transformer that raises
                refused.append(error)
                module.body = []
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
    if refused:
        raise refused[0]
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
    import asyncio  # here and below: loading the extension takes a tenth of the time without it

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def _run_in_thread(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Run a body with a top-level `await` while the kernel's event loop, in this thread, waits for the magic."""
    import asyncio
    from concurrent.futures import ThreadPoolExecutor
    from contextvars import copy_context

    context = copy_context()  # keeps the outputs with their cell
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(context.run, asyncio.run, coroutine).result()


def _show_briefly(shell: Any, error: Exception) -> None:
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
