"""Bars and sparsity patterns are well-formed drawings, and their text alternatives say all that they show."""

from __future__ import annotations

from xml.etree import ElementTree

import numpy as np
import pytest

from jaxdiff_magic.report.cost_figures import ModeCost, Sparsity
from jaxdiff_magic.show.bars import bars
from jaxdiff_magic.show.document import Picture
from jaxdiff_magic.show.spy import COLOURS, MOST_CELLS, spy

SVG = "{http://www.w3.org/2000/svg}"
FORWARD = ModeCost("forward", 100, seconds=40e-6, temp_bytes=4000, flops=10_000)
REVERSE = ModeCost("reverse", 1, seconds=10e-6, temp_bytes=8000, flops=200)


def drawn(picture: Picture | None, tag: str) -> list[ElementTree.Element]:
    assert picture is not None
    return list(ElementTree.fromstring(picture.svg).iter(f"{SVG}{tag}"))


def widths(picture: Picture | None) -> list[float]:
    return [float(bar.get("width", "")) for bar in drawn(picture, "rect")]


class TestBars:
    def test_are_as_long_as_what_they_stand_for(self) -> None:
        forward, reverse, forward_bytes, reverse_bytes = widths(bars([FORWARD, REVERSE]))
        assert forward == pytest.approx(4 * reverse, rel=0.01)
        assert reverse_bytes == pytest.approx(2 * forward_bytes, rel=0.01)

    def test_state_each_figure_beside_them_and_for_who_does_not_see_them(self) -> None:
        picture = bars([FORWARD, REVERSE])
        assert picture is not None
        texts = [element.text for element in drawn(picture, "text")]
        assert [text for text in texts if text not in ("forward", "reverse")] == [
            *["time", "40 µs", "10 µs"],
            *["temporary memory", "4 kB", "8 kB"],
        ]
        assert picture.alt == (
            "Bars. time: forward 40 µs, reverse 10 µs; temporary memory: forward 4 kB, reverse 8 kB."
        )

    def test_are_of_operations_where_nothing_was_timed(self) -> None:
        picture = bars([ModeCost("forward", 100, flops=10_000), ModeCost("reverse", 1, flops=200)])
        assert picture is not None
        assert picture.alt == "Bars. FLOPs: forward 10,000, reverse 200."

    def test_there_are_none_of_one_way_alone(self) -> None:
        assert bars([REVERSE]) is None


class TestSparsityPatterns:
    def test_show_each_entry_where_it_stands_in_the_colour_of_its_pass(self) -> None:
        picture = spy("Jacobian", Sparsity((2, 3), np.array([0, 0, 1]), np.array([0, 2, 1]), np.array([0, 1, 1])))
        *squares, frame = drawn(picture, "rect")
        side = float(squares[0].get("width", ""))
        places = [((float(s.get("y", "")) - 1) / side, (float(s.get("x", "")) - 1) / side) for s in squares]
        np.testing.assert_allclose(places, [(0, 0), (0, 2), (1, 1)], atol=1e-3)
        assert [s.get("fill") for s in squares] == [COLOURS[0], COLOURS[1], COLOURS[1]]
        assert float(frame.get("width", "")) == pytest.approx(3 * side)
        assert picture is not None
        assert picture.alt == "Sparsity pattern of the Jacobian: 3 of 2 x 3 entries, in 2 colours, one for each pass."

    def test_stay_small_for_large_matrices(self) -> None:
        rows = np.arange(100_000)
        picture = spy("Hessian", Sparsity((100_000, 100_000), rows, rows, rows * 0))
        assert len(drawn(picture, "rect")) == MOST_CELLS + 1
        assert picture is not None and len(picture.svg) < 20_000
        assert "100,000 of 100,000 x 100,000 entries, in 1 colour," in picture.alt

    def test_there_is_none_of_a_matrix_without_entries(self) -> None:
        nothing = np.zeros(0, int)
        assert spy("Jacobian", Sparsity((0, 3), nothing, nothing, nothing)) is None
