"""Numbers as a reader recognises them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jaxdiff_magic.base.figures import number, significant
from jaxdiff_magic.base.units import operations
from jaxdiff_magic.show.numbers import array, duration, memory


@pytest.mark.parametrize(
    ("value", "dtype", "text"),
    [
        (4.0, "float32", "4"),
        (-0.0, "float64", "0"),
        (np.float32(0.070650816), "float32", "0.070650816"),
        (np.float32(0.3), "float32", "0.3"),
        (np.nextafter(np.float32(0.3), np.float32(1)), "float32", "0.30000004"),
        (1.2909944487358056, "float64", "1.290994449"),
        (1e-12, "float64", "1e-12"),
        (float("nan"), "float32", "NaN"),
        (float("-inf"), "float32", "-inf"),
        (jnp.bfloat16(1.5), "bfloat16", "1.5"),
    ],
)
def test_a_number_has_the_digits_its_dtype_deserves(value: float, dtype: str, text: str) -> None:
    assert number(value, dtype) == text


@given(st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_a_float32_is_shown_to_its_last_bit(value: float) -> None:
    assert np.float32(number(value, "float32")) == np.float32(value)


def test_short_arrays_are_listed_and_long_ones_described() -> None:
    assert array(np.array([[1.0, 2.5], [0.0, 1.0]])) == "[[1, 2.5], [0, 1]]"
    assert array(np.array([np.nan, *range(9)])) == "10 entries, from 0 to 8, 1 NaN"
    assert array(np.full((10, 2), np.nan)) == "10 × 2 entries, 20 NaN"
    assert array(np.ones(7)) == "7 entries, all 1"
    assert array(np.zeros(0)) == "[]"


@pytest.mark.parametrize(("seconds", "text"), [(0, "0 ns"), (8.5e-5, "85 µs"), (1.234e-3, "1.23 ms"), (3.0, "3 s")])
def test_times_come_in_a_fitting_unit(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(("size", "text"), [(0, "0 B"), (400, "400 B"), (4000, "4 kB"), (1_234_567, "1.23 MB")])
def test_memory_comes_in_a_fitting_unit(size: int, text: str) -> None:
    assert memory(size) == text


EXAMPLES = json.loads((Path(__file__).parents[2] / "js/tests/numbers.json").read_text(encoding="utf-8"))
WRITERS = {
    "number": lambda value, dtype: number(float(value), dtype),
    "significant": lambda value, digits: significant(float(value), digits),
    "duration": duration,
    "memory": memory,
    "operations": operations,
}


@pytest.mark.parametrize(
    ("name", "values", "text"), [(k, row[:-1], row[-1]) for k, rows in EXAMPLES.items() for row in rows]
)
def test_the_panel_writes_the_same(name: str, values: list[Any], text: str) -> None:
    assert WRITERS[name](*values) == text
