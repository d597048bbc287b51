"""The panel as a widget: it sends a report's state once, and answers each point with JAX's numbers there."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import anywidget
import jax.numpy as jnp
import numpy as np
import traitlets

from jaxdiff_magic.base.errors import DeriveError
from jaxdiff_magic.base.progress import told
from jaxdiff_magic.report import ReportData
from jaxdiff_magic.show.panel.state import numbers_of, state_of
from jaxdiff_magic.subject.leaves import parted

BUNDLE = Path(__file__).parents[2] / "static" / "panel.js"


def bundle() -> str:
    """The front end, JavaScript.

    Raises:
        DeriveError: it was not built.
    """
    if not BUNDLE.is_file():
        raise DeriveError(
            f"The panel's front end is missing: {BUNDLE} was not built. Install jaxdiff-magic again, or run "
            f"`npm ci && npm run build` in the folder js of its sources."
        )
    return BUNDLE.read_text(encoding="utf-8")


class Panel(anywidget.AnyWidget):
    """The live panel over a report.

    Args:
        report: from `derive(f)(x)`.

    Raises:
        OutOfReach: the report has too many numbers to be moved by hand.
        DeriveError: the front end was not built.

    Example:
        >>> Panel(derive(f)(x))          # doctest: +SKIP
    """

    _esm = traitlets.Unicode("export default {}").tag(sync=True)
    state = traitlets.Dict().tag(sync=True)

    def __init__(self, report: ReportData) -> None:
        state = state_of(report)
        self._subject, self._live = report.subject, report.live
        self._lock = threading.Lock()  # messages may come in another thread while a cell runs
        super().__init__(_esm=bundle(), state=state)
        self.on_msg(self._receive)

    def _receive(self, _: Any, content: Any, buffers: Sequence[Any]) -> None:
        if not isinstance(content, dict) or content.get("kind") != "evaluate" or len(buffers) != 1:
            return
        with self._lock:
            with told(self._say, f"JAX computes {self._subject.name} here"):
                answer, arrays = self._answer(np.frombuffer(bytes(buffers[0]), np.float64))
            self.send({**answer, "seq": content.get("seq")}, [array.tobytes() for array in arrays])

    def _say(self, words: str) -> None:
        if words:
            self.send({"kind": "progress", "message": words})

    def _answer(self, point: np.ndarray) -> tuple[dict[str, Any], list[np.ndarray]]:
        """JAX's numbers at a point; what the function raises there is told, not raised."""
        live = self._live
        assert live is not None  # else there is no state
        if point.size != self._subject.size:
            return {"kind": "failed", "message": f"the point has {point.size} numbers, not {self._subject.size}"}, []
        inputs = self._subject.inputs
        leaves = [x.astype(jnp.dtype(leaf.dtype)) for x, leaf in zip(parted(point, inputs), inputs, strict=True)]
        try:
            found = dict(numbers_of(live.at(leaves), self._subject))
        except Exception as error:  # whatever the user's function raises
            first = next(iter(str(error).strip().splitlines()), "")
            return {"kind": "failed", "message": f"{type(error).__name__}: {first}".rstrip(": ")}, []
        said = {"kind": "evaluated", "arrays": list(found), "compilations": live.compilations()}
        return said, list(found.values())
