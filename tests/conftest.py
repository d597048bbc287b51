"""What all tests share."""

from __future__ import annotations

import importlib.util
import textwrap
import types
from collections.abc import Callable
from pathlib import Path

import jax
import pytest

HEADER = "import jax\nimport jax.numpy as jnp\n"
Module = Callable[[str], types.ModuleType]

# JAX can hang on the CPU where a function calls back into Python: https://github.com/jax-ml/jax/issues/25861
jax.config.update("jax_cpu_enable_async_dispatch", False)


SLOW = Path(__file__).parent / "slow.txt"
"""The tests that the quick tier leaves out, one a line, written by `--note-slow`."""
LONG, LONG_ALONE = 0.25, 1.0
"""Seconds of a test that the quick tier leaves out. Of each function, and of each rule of an engine, one test stays
that takes longer than the first: the first by its name that does not take longer than the second. So the tier takes
less than 8 minutes on 2 cores."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--quick", action="store_true", help="leave out the tests of tests/slow.txt")
    parser.addoption("--note-slow", action="store_true", help="write tests/slow.txt anew, by how long each test takes")


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--note-slow") and not hasattr(config, "workerinput"):
        config.pluginmanager.register(Durations(), "durations of tests")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--quick"):
        slow = set(SLOW.read_text(encoding="utf-8").splitlines())
        config.hook.pytest_deselected(items=[item for item in items if item.nodeid in slow])
        items[:] = [item for item in items if item.nodeid not in slow]


class Durations:
    """Notes how long each test takes, its fixtures included, and writes down those that are long."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.seconds[report.nodeid] = self.seconds.get(report.nodeid, 0.0) + report.duration

    def pytest_sessionfinish(self) -> None:
        groups: dict[str, list[str]] = {}
        for name in sorted(self.seconds):
            groups.setdefault(_group(name), []).append(name)
        kept = {next((n for n in names if self.seconds[n] <= LONG_ALONE), "") for names in groups.values()}
        slow = [name for name, seconds in self.seconds.items() if seconds > LONG and name not in kept]
        SLOW.write_text("".join(f"{name}\n" for name in sorted(slow)), encoding="utf-8")


def _group(name: str) -> str:
    """Of what one test may stand for the others: a function; in tests of engines a rule, which its first id names."""
    function, _, ids = name.partition("[")
    return f"{function}[{ids.partition('-')[0]}" if name.startswith("tests/engines/") else function


def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """JAX keeps traces of library functions, with the integers of the precision in which they were first traced."""
    if nextitem is not None and item.path != nextitem.path:
        jax.clear_caches()


@pytest.fixture
def written(tmp_path: Path) -> Module:
    """Makes a module of source text, with the imports on its first two lines."""
    count = iter(range(100))

    def load(text: str) -> types.ModuleType:
        file = tmp_path / f"mine{next(count)}.py"
        file.write_text(HEADER + textwrap.dedent(text).lstrip("\n"), encoding="utf-8")
        spec = importlib.util.spec_from_file_location(file.stem, file)
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    return load
