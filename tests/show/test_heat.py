"""The small map of a derivative: which cells are drawn, how deep, and what is said to who does not see it."""

from __future__ import annotations

import re

import numpy as np
import pytest

from jaxdiff_magic.show.heat import ABOVE, BELOW, BROKEN, LEVELS, heat_map, largest_of_blocks
from jaxdiff_magic.show.limits import HEAT_SIDE


def cells(svg: str) -> dict[tuple[int, int], tuple[str, float]]:
    """Colour and depth by (row, column)."""
    found = {}
    for d, colour, depth in re.findall(r'<path d="([^"]*)" stroke="([^"]*)" stroke-opacity="([^"]*)"/>', svg):
        for x, y, length in re.findall(r"M(\d+) (\d+)\.5h(\d+)", d):
            for k in range(int(length)):
                assert (int(y), int(x) + k) not in found
                found[int(y), int(x) + k] = colour, float(depth)
    return found


def test_each_entry_of_a_small_matrix_is_a_cell_and_only_zeros_are_empty() -> None:
    matrix = np.array([[1.0, -1.0, 0.0], [1e-9, np.nan, 0.5]])
    picture = heat_map(matrix, "Jacobian")
    assert picture is not None
    assert cells(picture.svg) == {
        (0, 0): (ABOVE, 1.0),
        (0, 1): (BELOW, 1.0),
        (1, 0): (ABOVE, LEVELS[0]),
        (1, 1): (BROKEN, 1.0),
        (1, 2): (ABOVE, LEVELS[2]),
    }
    assert picture.alt == (
        "Map of the 2 x 3 entries of the Jacobian; 1 below zero, 3 above, 1 exactly zero; the largest is 1 in size; "
        "1 are not finite."
    )
    assert "grey not finite" in picture.caption


@pytest.mark.parametrize("shape", [(1, 1000), (1000, 3), (33, 65), (32, 32), (200, 200)])
def test_one_entry_of_a_large_matrix_is_still_seen(shape: tuple[int, int]) -> None:
    matrix = np.full(shape, 1e-3)
    at = (shape[0] - 1, shape[1] // 2)
    matrix[at] = -7.0
    found = largest_of_blocks(matrix)
    assert found.shape == tuple(min(n, HEAT_SIDE) for n in shape)
    assert (found == -7.0).sum() == 1 and found.max() == 1e-3
    picture = heat_map(matrix, "Hessian")
    assert picture is not None and len(picture.svg) < 12_000
    assert list(cells(picture.svg).values()).count((BELOW, 1.0)) == 1


def test_noise_takes_no_more_than_a_few_kilobytes() -> None:
    picture = heat_map(np.random.default_rng(0).normal(size=(300, 300)), "Hessian")
    assert picture is not None and len(picture.svg) < 12_000
    assert "each cell the largest of 10 × 10" in picture.caption


def test_of_nothing_there_is_no_map_and_of_zeros_an_empty_one() -> None:
    assert heat_map(np.zeros((0, 3)), "Jacobian") is None
    empty = heat_map(np.zeros((2, 2)), "Jacobian")
    assert empty is not None and cells(empty.svg) == {}
