"""Tests on random examples: always the same ones, or others for each seed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, given, seed, settings
from hypothesis.strategies import SearchStrategy


def on_examples(strategy: SearchStrategy[Any], count: int, number: str | None, test: Callable[[Any], None]) -> None:
    """Run `test` on `count` examples; `number` is the seed, as the environment gives it, or None for the same ones."""
    quietly = settings(
        max_examples=count,
        deadline=None,
        derandomize=number is None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    quietly(seed(int(number or 0))(given(strategy)(test)))()
