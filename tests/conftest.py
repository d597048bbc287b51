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
