"""Every number in a table stands where its row and column say."""

from __future__ import annotations

import itertools

import jax.numpy as jnp
import numpy as np
import pytest

from jaxdiff_magic.report import Formula
from jaxdiff_magic.show.arrangement import MAX_SIDE, MAX_TABLE_ENTRIES, grids
from jaxdiff_magic.show.report import Report
from jaxdiff_magic.show.text import render_text

from .samples import report_of

POINTS = {
    "vector": (jnp.ones(3),),
    "scalars": (1.0, 2.0),
    "scalar and matrix": (1.0, jnp.ones((2, 3))),
    "long and short": (jnp.ones(40), jnp.ones(2)),
    "wide matrix": (jnp.ones((10, 9)),),
    "empty": (jnp.ones(0), 1.0),
}


def numbered(point: tuple, result_shape: tuple[int, ...], order: int) -> tuple[Report, dict[str, float]]:
    """A report in which all derivatives are different numbers, and those numbers by the names of the elements."""
    what = {1: "jacobian" if result_shape else "gradient", 2: "hessian"}.get(order, f"d{order}")
    leaves = [np.shape(leaf) for leaf in point]
    shapes = [result_shape + sum(sides, ()) for sides in itertools.product(leaves, repeat=order)]
    starts = itertools.accumulate((int(np.prod(shape)) for shape in shapes), initial=0)
    arrays = [start + np.arange(np.prod(shape)).reshape(shape) for start, shape in zip(starts, shapes, strict=False)]
    report = report_of(
        lambda *args: jnp.full(result_shape, sum(arg.sum() for arg in map(jnp.asarray, args))),
        *point,
        derivatives={what: arrays},
    )
    expected = {}
    for block in report.blocks:
        for index, value in np.ndenumerate(block.values):
            names, at = [], 0
            for leaf in (block.output, *block.inputs):
                names.append(leaf.element(index[at : at + len(leaf.shape)]))
                at += len(leaf.shape)
            expected[", ".join(names)] = value
    return report, expected


@pytest.mark.parametrize("order", [1, 2, 3])
@pytest.mark.parametrize("result_shape", [(), (2,), (20,)])
@pytest.mark.parametrize("point", POINTS.values(), ids=POINTS)
def test_numbers_stand_where_their_names_say(point: tuple, result_shape: tuple[int, ...], order: int) -> None:
    if order == 3 and sum(np.size(leaf) for leaf in point) > 12:
        point = tuple(leaf[:2] if np.ndim(leaf) else leaf for leaf in point)  # third derivatives grow with the cube
    report, expected = numbered(point, result_shape, order)
    for grid in grids(report):
        assert len(grid.rows) == grid.values.shape[0] <= MAX_SIDE
        assert len(grid.columns) == grid.values.shape[1] <= MAX_SIDE
        assert grid.values.size <= MAX_TABLE_ENTRIES
        for (i, row), (j, column) in itertools.product(enumerate(grid.rows), enumerate(grid.columns)):
            place = [row, column] if grid.what == "jacobian" else [grid.of, row, column]
            name = ", ".join(filter(None, place)).replace("·], [·, ", "")  # rows W[1, ·], columns [·, 2]
            assert grid.values[i, j] == expected[name], name
    assert render_text(report)


def test_scalar_arguments_share_one_table() -> None:
    report, _ = numbered((1.0, 2.0), (), 2)
    (grid,) = grids(report)
    assert grid.rows == grid.columns == ("args[0]", "args[1]")


def test_second_derivatives_of_some_outputs_are_left_out_with_a_word() -> None:
    report, _ = numbered((jnp.ones(2),), (20,), 2)
    assert [grid.of for grid in grids(report)] == ["f[0]", "f[1]", "f[2]", "f[3]"]
    assert "16 more outputs" in render_text(report)


def test_a_matrix_argument_keeps_its_shape() -> None:
    report, _ = numbered((jnp.ones((10, 9)),), (), 1)
    (grid,) = grids(report)
    assert grid.values.shape == (10, 9) and grid.whole is None


def test_a_long_argument_does_not_hide_a_short_one_beside_it() -> None:
    report, _ = numbered((jnp.ones(40), jnp.ones(2)), (), 1)
    long, short = grids(report)
    assert long.whole is not None and short.whole is None
    assert short.values[:, 0].tolist() == [40, 41]


def test_two_outputs_of_one_variable_are_kept_apart() -> None:
    report = report_of(lambda x: {"a": x, "b": 2 * x}, 1.0, derivatives={"jacobian": [1, 2], "hessian": [0, 0]})
    assert [grid.of for grid in grids(report)] == ["f['a']", "f['b']"] * 2


@pytest.mark.parametrize(("length", "beside"), [(10, True), (200, False)])
def test_long_formulas_of_entries_give_way_to_the_closed_form(length: int, beside: bool) -> None:
    entry = "x" * length
    report = report_of(
        lambda x: x.sum(),
        jnp.ones(2),
        derivatives={"gradient": [[1, 1]]},
        formulas={"gradient": [[(entry, entry), ("y", "y")]]},
        closed_forms={"gradient": Formula("g_{i} = 1", "df/dx[i] = 1")},
    )
    text = render_text(report)
    assert (entry in text) is beside and ("df/dx[i] = 1" in text) is not beside
