"""Long work says what it is at, quick work says nothing, and nothing stays behind."""

from __future__ import annotations

import io
import os
import pty
import subprocess
import sys
import threading
import time
from types import SimpleNamespace
from typing import Any

import jax.numpy as jnp
import pytest

from jaxdiff_magic import derive
from jaxdiff_magic.base import progress
from jaxdiff_magic.base.progress import tell, told, told_by


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "PATIENCE", 0.01)


def test_quick_work_is_done_without_a_word() -> None:
    words: list[str] = []
    with told(words.append, "adding"):
        tell("multiplying")
    assert words == []
    assert "every_second" not in {thread.name for thread in threading.enumerate()}


def test_long_work_says_what_it_is_at_and_takes_it_back_at_the_end(impatient: None) -> None:
    words: list[str] = []
    with told(words.append, "adding"):
        time.sleep(0.2)
        tell("multiplying")
        time.sleep(1.2)
    assert [word.split(" …")[0] for word in words] == ["adding", "multiplying", ""]


def test_an_interrupt_takes_it_back_too(impatient: None) -> None:
    words: list[str] = []
    with pytest.raises(KeyboardInterrupt), told(words.append, "adding"):
        time.sleep(0.2)
        raise KeyboardInterrupt
    assert words[-1] == ""


def test_nobody_listens_outside() -> None:
    tell("adding")


def test_a_whole_report_tells_its_stages_in_order() -> None:
    heard: list[str] = []

    class Stages(list):
        def __setitem__(self, _: Any, stage: list[str]) -> None:
            heard.extend(stage)

    token = progress._stage.set(Stages())
    try:
        derive(lambda x: jnp.sum(x**2))(jnp.array([1.0, 2.0]))
    finally:
        progress._stage.reset(token)
    assert heard[:2] == ["writing formulas", "compiling the derivatives"]  # XLA works while formulas are written
    assert heard[2:4] == ["checking", "looking for kinks, NaN and lost digits"]
    assert {"compiling forward", "compiling reverse", "timing forward, reverse"} < set(heard[4:])


def test_in_a_notebook_one_display_is_updated_and_left_empty(impatient: None) -> None:
    published: list[tuple[dict[str, str], dict[str, Any], bool]] = []
    shell = SimpleNamespace(
        kernel=object(),
        display_pub=SimpleNamespace(
            publish=lambda data, transient, update: published.append((data, transient, update))
        ),
    )
    with told_by(shell, "adding"):
        time.sleep(1.2)
    assert [update for _, _, update in published] == [False, True, True]
    assert len({transient["display_id"] for _, transient, _ in published}) == 1
    assert published[0][0] == {"text/plain": "adding … 0 s"}
    assert published[-1][0] == {"text/plain": "", "text/html": ""}


SCRIPT = """
import time
from jaxdiff_magic.base import progress
progress.PATIENCE = 0.01
with progress.told_by(object(), "adding"):
    time.sleep(0.3)
"""


def test_on_a_terminal_the_line_is_cleared() -> None:
    ours, theirs = pty.openpty()
    subprocess.run([sys.executable, "-c", SCRIPT], stderr=theirs, check=True)
    assert os.read(ours, 1000).decode() == "\r\x1b[Kadding … 0 s\r\x1b[K"


def test_where_no_terminal_is_nothing_is_written() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, check=True)
    assert done.stderr == b""


def closed() -> io.StringIO:
    stream = io.StringIO()
    stream.close()
    return stream


@pytest.mark.parametrize("stream", [None, closed()], ids=["none", "closed"])
def test_a_process_without_an_error_stream_works_in_silence(
    stream: Any, impatient: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = []
    monkeypatch.setattr(sys, "stderr", stream)
    with told_by(object(), "adding"):
        time.sleep(0.1)
        done.append(True)
    assert done
