"""Losses, activations, log-densities and matrix functions are in reach of the check, row by row."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxdiff_magic import WrongDerivative, check

from .catalogue import BISECTION, EXCLUDED, ROWS, TRIANGLE, discovered

CASES = [(name, dtype) for dtype in ("float64", "float32") for name in ROWS]

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of functions that libraries will drop

_LAST_DTYPE: list[str] = []


@pytest.fixture(scope="module", autouse=True)
def _compiled_quickly() -> Iterator[None]:
    """Compiling second derivatives takes nearly all of the time; the values need not be computed fast."""
    before = jax.config.read("jax_disable_most_optimizations")
    jax.config.update("jax_disable_most_optimizations", True)
    yield
    jax.config.update("jax_disable_most_optimizations", before)


def verdict(name: str, dtype: str) -> tuple[str, str]:
    """The verdict of a row, and what the check says about it."""
    row = ROWS[name]

    def typed(value: Any) -> Any:
        if not isinstance(value, np.ndarray):
            return value
        # a copy: JAX keeps a captured array in the precision in which it was first traced
        return jnp.asarray(value, dtype) if np.issubdtype(value.dtype, np.floating) else value.copy()

    if [dtype] != _LAST_DTYPE:  # JAX keeps traces of library functions, with the integers of their first precision
        jax.clear_caches()
        _LAST_DTYPE[:] = [dtype]
    with jax.enable_x64(dtype == "float64"):
        args, held = map(typed, row.args), {key: typed(value) for key, value in row.held.items()}
        try:
            found = check(row.function, order=row.order, points=4, budget=3)(*args, **held)
        except WrongDerivative as error:
            return "differs", str(error)
    return found.outcome, "; ".join([found.summary, *found.columns.values()])


def test_every_public_function_has_a_row_or_a_reason_to_have_none() -> None:
    covered, present = {row.covers for row in ROWS.values()}, set(discovered())
    missing = present - covered - set(EXCLUDED)
    assert not missing, f"give these a row in tests/reach/catalogue.py, or a reason in EXCLUDED: {sorted(missing)}"
    assert not covered & set(EXCLUDED)


@pytest.mark.parametrize(("name", "dtype"), CASES, ids=[" ".join(case) for case in CASES])
def test_a_row_is_as_the_catalogue_says(name: str, dtype: str) -> None:
    outcome, says = verdict(name, dtype)
    reason = ROWS[name].reason
    if reason:
        expected = {TRIANGLE: ("differs",), BISECTION: ("differs", "out of reach")}.get(reason, ("out of reach",))
        assert outcome in expected and reason in says, f"{outcome}: {says}"
    else:
        assert outcome in ("proved", "agrees"), f"{outcome}: {says}"


def test_nine_tenths_are_in_reach() -> None:
    """The catalogue's own figures, which the test above holds row by row."""
    in_reach = [name for name, row in ROWS.items() if not row.reason]
    assert len(in_reach) >= 0.9 * len(ROWS), f"{len(in_reach)} of {len(ROWS)}"
