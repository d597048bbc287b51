"""A program that XLA compiles in a thread of its own, while this one does something else."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from contextvars import copy_context
from dataclasses import dataclass
from typing import Any

from jaxdiff_magic.base.budget import now
from jaxdiff_magic.subject.surroundings import settings_set_aside

Ready = Callable[[Mapping[str, Any]], None]


@dataclass
class Compilation:
    """One compilation, from when it is begun.

    Attributes:
        started, ended: instants of `budget.now`; 0 before.
    """

    started: float = 0.0
    ended: float = 0.0
    _thread: threading.Thread | None = None

    def begin(self, jitted: Any, leaves: Sequence[Any], ready: Ready | None) -> None:
        """Compile a jitted function for some leaves; `ready`, if any, is called there with what it gives for them."""
        try:
            lowered = jitted.lower(*leaves)
        except Exception:  # who runs it hears of one that JAX cannot compile
            return

        def compile_now() -> None:
            self.started = now()
            with suppress(Exception), settings_set_aside():  # likewise
                compiled = lowered.compile()
                self.ended = now()
                if ready is not None:
                    ready(compiled(*leaves))
            self.ended = self.ended or now()

        self._thread = threading.Thread(target=copy_context().run, args=(compile_now,))
        self._thread.start()

    def wait(self) -> None:
        """Until it has ended, if it was begun; this can be interrupted."""
        if self._thread is not None:
            self._thread.join()

    @property
    def ready(self) -> float:
        """The instant at which it had ended; now, where it has not, or was never begun."""
        return self.ended or now()

    @property
    def seconds(self) -> float:
        """How long it took; 0 where it has not ended."""
        return self.ended - self.started if self.ended else 0.0
