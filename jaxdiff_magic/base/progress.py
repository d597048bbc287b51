"""What is being done, told once a second to somebody who waits: long work should not look as if it hung."""

from __future__ import annotations

import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from contextvars import ContextVar, copy_context
from typing import Any

PATIENCE = 1.0
"""Seconds that nobody minds to wait without a word. The limit within which a user's flow of thought stays
uninterrupted: J. Nielsen, "Usability Engineering", 1993, ch. 5."""

_stage: ContextVar[list[str] | None] = ContextVar("stage", default=None)


def is_heard() -> bool:
    """Whether somebody waits, and is told."""
    return _stage.get() is not None


def tell_first(words: str) -> None:
    """Say at once what is known already, and goes on being shown beside the stages: "f = 10, gradient [4, 13]"."""
    if isinstance(heard := _stage.get(), _Heard):
        heard.first = words
        heard.wake.set()


def tell(stage: str) -> None:
    """Say what begins now: "compiling reverse mode"."""
    if (heard := _stage.get()) is not None:
        heard[:] = [stage]


class _Heard(list[str]):
    """The stage that was told last, and what is known already."""

    def __init__(self, stage: str) -> None:
        super().__init__([stage])
        self.first, self.wake = "", threading.Event()


@contextmanager
def told(show: Callable[[str], None], stage: str) -> Iterator[None]:
    """While the body runs longer than `PATIENCE`, show what it is at, every second; at its end, "".

    What is known already is shown as soon as it is told.

    Args:
        show: called in another thread; not at all when the body is quick.
        stage: what is shown until the body tells otherwise.
    """
    heard, begun, is_done = _Heard(stage), time.monotonic(), False

    def every_second() -> None:
        heard.wake.wait(PATIENCE)
        if is_done:
            return
        with suppress(Exception):  # a display that fails is no reason to say anything else
            while not is_done:
                heard.wake.clear()
                known = f"{heard.first}\n" if heard.first else ""
                show(f"{known}{heard[0]} … {time.monotonic() - begun:.0f} s")
                heard.wake.wait(1.0)
            show("")

    thread = threading.Thread(target=copy_context().run, args=(every_second,), daemon=True)
    token = _stage.set(heard)
    thread.start()
    try:
        yield
    finally:
        is_done = True
        heard.wake.set()
        thread.join()
        _stage.reset(token)


def told_by(shell: Any, stage: str) -> AbstractContextManager[None]:
    """The same in an IPython shell: below the cell of a notebook, or on a terminal's last line; "" leaves nothing."""
    if hasattr(shell, "kernel"):
        return told(_in_cell(shell), stage)
    return told(_on_terminal, stage) if _has_terminal() else nullcontext()


def _has_terminal() -> bool:
    try:
        return sys.stderr.isatty()
    except (AttributeError, ValueError):  # there is no stderr, as under pythonw, or it is closed
        return False


def _in_cell(shell: Any) -> Callable[[str], None]:
    transient: dict[str, Any] = {}

    def show(words: str) -> None:
        update = bool(transient)
        transient.setdefault("display_id", uuid.uuid4().hex)
        data = {"text/plain": words} if words else {"text/plain": "", "text/html": ""}
        shell.display_pub.publish(data, transient=transient, update=update)

    return show


def _on_terminal(words: str) -> None:
    sys.stderr.write(f"\r\x1b[K{words.replace(chr(10), '; ')}")  # back to the line's start, and clear it
    sys.stderr.flush()
