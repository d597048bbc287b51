"""What all tests share."""

from __future__ import annotations

import jax
import pytest

# JAX can hang on the CPU where a function calls back into Python: https://github.com/jax-ml/jax/issues/25861
jax.config.update("jax_cpu_enable_async_dispatch", False)


def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """JAX keeps traces of library functions, with the integers of the precision in which they were first traced."""
    if nextitem is not None and item.path != nextitem.path:
        jax.clear_caches()
