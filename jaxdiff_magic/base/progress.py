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


def tell(stage: str) -> None:
    """Say what begins now: "compiling reverse mode"."""
    if (heard := _stage.get()) is not None:
        heard[:] = [stage]


@contextmanager
def told(show: Callable[[str], None], stage: str) -> Iterator[None]:
    """While the body runs longer than `PATIENCE`, show what it is at, every second; at its end, "".

    Args:
        show: called in another thread; not at all when the body is quick.
        stage: what is shown until the body tells otherwise.
    """
    heard, done, begun = [stage], threading.Event(), time.monotonic()

    def every_second() -> None:
        if done.wait(PATIENCE):
            return
        with suppress(Exception):  # a display that fails is no reason to say anything else
            while True:
                show(f"{heard[0]} … {time.monotonic() - begun:.0f} s")
                if done.wait(1.0):
                    break
            show("")

    thread = threading.Thread(target=copy_context().run, args=(every_second,), daemon=True)
    token = _stage.set(heard)
    thread.start()
    try:
        yield
    finally:
        done.set()
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
    sys.stderr.write(f"\r\x1b[K{words}")  # back to the line's start, and clear it
    sys.stderr.flush()
