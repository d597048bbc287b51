"""A reader at work: cells typed into one IPython shell, in single and in double precision."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np
import pytest
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from jaxdiff_magic import Report

TOLERANCE = {"float32": 1e-5, "float64": 1e-12}


@dataclass(frozen=True)
class Lesson:
    """A notebook with the extension loaded.

    Attributes:
        shell: where its cells run.
        dtype: what JAX computes in.
    """

    shell: InteractiveShell
    dtype: str

    def cell(self, source: str) -> Any:
        """Run a cell that must succeed; returns the value of its last expression."""
        result = self.shell.run_cell(source)
        result.raise_error()
        return result.result

    def derive(self, source: str) -> Report:
        """Run a cell that derives something; whatever a lesson derives must be found right."""
        report = self.cell(source)
        assert report.verdict in ("proved", "agrees"), report.check
        return report

    def assert_close(self, actual: Any, expected: Any) -> None:
        """The same shape and, within the rounding of the dtype, the same numbers."""
        actual, expected = np.asarray(actual), np.asarray(expected, dtype=np.float64)
        assert actual.shape == expected.shape
        np.testing.assert_allclose(actual, expected, rtol=TOLERANCE[self.dtype], atol=TOLERANCE[self.dtype])


@pytest.fixture(scope="session")
def shell() -> Iterator[InteractiveShell]:
    config = Config()
    config.HistoryManager.hist_file = ":memory:"
    config.InteractiveShell.colors = "nocolor"
    shell = InteractiveShell(config=config)
    shell.run_line_magic("load_ext", "jaxdiff_magic")
    shell.run_line_magic("config", "DeriveMagics.cost = 'none'")  # the lessons here are not about cost
    shell.run_line_magic("config", "DeriveMagics.budget = 60.0")  # nor about slow machines
    yield shell
    shell.restore_sys_module_state()


@pytest.fixture(params=["float32", "float64"])
def lesson(request: pytest.FixtureRequest, shell: InteractiveShell) -> Iterator[Lesson]:
    """An empty namespace, but for what every lesson imports."""
    shell.reset(new_session=False)
    with jax.enable_x64(request.param == "float64"):
        started = Lesson(shell, request.param)
        started.cell("import jax\nimport jax.numpy as jnp")
        yield started
