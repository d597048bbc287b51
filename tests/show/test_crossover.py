"""Both modes at other sizes: a picture that says the same without colour, and a table for where there is none."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from xml.etree import ElementTree

import jax.numpy as jnp
import pytest

from jaxdiff_magic.report.cost_figures import Cost, Crossover, ModeCost
from jaxdiff_magic.show.costs import costs
from jaxdiff_magic.show.crossover import HEIGHT, WIDTH, crossover_picture
from jaxdiff_magic.show.document import Picture
from jaxdiff_magic.show.html import render_html
from jaxdiff_magic.show.text import render_text

from .samples import report_of

SVG = "{http://www.w3.org/2000/svg}"
PRODUCT = Crossover(
    grows="inputs",
    arguments=("x", "A"),
    inputs=(5, 20, 30, 40, 80),
    outputs=(30,) * 5,
    forward=(1500, 24_000, 54_000, 96_000, 384_000),
    reverse=(9000, 36_000, 54_000, 72_000, 144_000),
    here=1,
    at=30.0,
    estimated_at=None,
    words="Forward mode does less work up to about 30 inputs, reverse mode beyond.",
)
LOSS = replace(
    PRODUCT,
    inputs=(2, 10, 100, 200, 400),
    outputs=(1,) * 5,
    forward=(9000, 121_000, 10_201_000, 40_401_000, 160_801_000),
    reverse=(5501, 21_501, 201_501, 401_501, 801_501),
    here=2,
    at=None,
    words="Reverse mode does less work at every size.",
)
ALIKE = replace(PRODUCT, forward=PRODUCT.reverse, at=None, words="Both modes do about as much work.")
FORWARD, REVERSE = ModeCost("forward", 20, flops=24_000), ModeCost("reverse", 30, flops=36_000)


def cost_with(*crossovers: Crossover, **fields: Any) -> Cost:
    ways = (FORWARD, REVERSE)
    return Cost(*ways, ways, "either", "Alike.", "jax.jacfwd(f)(x)", True, crossovers=crossovers, **fields)


def drawn(crossover: Crossover, tag: str) -> list[ElementTree.Element]:
    return list(ElementTree.fromstring(crossover_picture(crossover).svg).iter(f"{SVG}{tag}"))


def texts(crossover: Crossover) -> list[str]:
    return [element.text or "" for element in drawn(crossover, "text")]


def places(line: ElementTree.Element) -> list[tuple[float, ...]]:
    return [tuple(map(float, pair.split(","))) for pair in line.get("points", "").split()]


class TestThePicture:
    def test_has_a_line_for_each_mode_that_meet_where_the_work_is_equal(self) -> None:
        forward, reverse = map(places, drawn(PRODUCT, "polyline"))
        assert forward[2] == reverse[2]
        assert [y for _, y in forward] == sorted((y for _, y in forward), reverse=True)
        assert all(one[1] > other[1] for one, other in zip(forward[:2], reverse[:2], strict=True))  # lower is less
        assert all(one[1] < other[1] for one, other in zip(forward[3:], reverse[3:], strict=True))

    def test_is_logarithmic_both_ways_so_that_powers_are_straight(self) -> None:
        (x0, y0), (x1, y1), *_, (x2, y2) = places(drawn(PRODUCT, "polyline")[0])  # 60 n^2
        assert (y1 - y0) / (x1 - x0) == pytest.approx((y2 - y0) / (x2 - x0), rel=0.01)

    def test_tells_the_modes_apart_by_dashes_and_marks_as_well_as_colour(self) -> None:
        forward, reverse = drawn(PRODUCT, "polyline")
        assert forward.get("stroke-dasharray") is None and reverse.get("stroke-dasharray")
        assert len([disc for disc in drawn(PRODUCT, "circle") if disc.get("fill") != "none"]) == 5 + 1  # with the name
        assert len(drawn(PRODUCT, "rect")) == 5 + 1
        assert {"forward", "reverse"} <= set(texts(PRODUCT))

    def test_marks_the_point_and_the_crossing(self) -> None:
        assert {"here", "20", "cross at ≈ 30", "inputs", "counted FLOPs"} <= set(texts(PRODUCT))
        (ring,) = [disc for disc in drawn(PRODUCT, "circle") if disc.get("fill") == "none"]
        meeting = places(drawn(PRODUCT, "polyline")[0])[2]
        assert (float(ring.get("cx", "")), float(ring.get("cy", ""))) == pytest.approx(meeting, abs=0.2)
        assert not any(text.startswith("cross") for text in texts(LOSS))

    @pytest.mark.parametrize(
        "crossover", [PRODUCT, LOSS, ALIKE, replace(PRODUCT, grows="outputs", outputs=LOSS.inputs)]
    )
    def test_keeps_within_its_frame(self, crossover: Crossover) -> None:
        for element in drawn(crossover, "text"):
            x, y = float(element.get("x", "")), float(element.get("y", ""))
            assert 0 <= x <= WIDTH and 10 <= y <= HEIGHT
        for line in drawn(crossover, "polyline"):
            assert all(0 < x < WIDTH and 0 < y < HEIGHT for x, y in places(line))

    def test_names_are_apart_where_the_lines_are_not(self) -> None:
        ends = [float(e.get("y", "")) for e in drawn(ALIKE, "text") if e.text in ("forward", "reverse")]
        assert abs(ends[0] - ends[1]) >= 12

    def test_sizes_that_would_touch_are_left_out_but_not_that_of_the_point(self) -> None:
        close = replace(PRODUCT, inputs=(1000, 1001, 1002, 1003, 4000), here=2, at=None)
        assert {"1,002", "4,000"} <= set(texts(close))
        assert not {"1,001", "1,003"} & set(texts(close))

    def test_is_said_in_full_for_who_does_not_see_it(self) -> None:
        assert crossover_picture(PRODUCT).alt == (
            "Lines of counted FLOPs by the number of inputs, here 20. 5: forward 1,500, reverse 9,000; "
            "20: forward 24,000, reverse 36,000; 30: forward 54,000, reverse 54,000; "
            f"40: forward 96,000, reverse 72,000; 80: forward 384,000, reverse 144,000. {PRODUCT.words}"
        )

    def test_has_neither_script_nor_style_sheet_nor_link(self) -> None:
        svg = crossover_picture(PRODUCT).svg
        assert {element.tag for element in ElementTree.fromstring(svg).iter()} == {
            f"{SVG}{tag}" for tag in ("svg", "line", "text", "polyline", "circle", "rect")
        }
        assert "href" not in svg and "url(" not in svg


class TestTheSection:
    def test_has_the_figures_in_text(self) -> None:
        report = report_of(lambda x: x @ jnp.ones((20, 30)), jnp.ones(20), cost=cost_with(PRODUCT))
        text = render_text(report)
        begin = text.index("The same function")
        assert text[begin : text.index(PRODUCT.words)].splitlines() == [
            "The same function with x, A of other sizes: counted FLOPs",
            "inputs      outputs   forward   reverse   less",
            "─────────────────────────────────────────────────",
            "5                30     1,500     9,000   forward",
            "20 (here)        30    24,000    36,000   forward",
            "30               30    54,000    54,000",
            "40               30    96,000    72,000   reverse",
            "80               30   384,000   144,000   reverse",
        ]

    def test_has_the_picture_in_html(self) -> None:
        html = render_html(report_of(lambda x: x @ jnp.ones((20, 30)), jnp.ones(20), cost=cost_with(PRODUCT)))
        assert 'alt="Lines of counted FLOPs by the number of inputs, here 20.' in html
        assert "<svg" not in html  # it stands in an image, which sanitisers keep

    def test_two_modes_that_cost_the_same_take_one_sentence(self) -> None:
        parts = list(costs(cost_with(ALIKE)))
        assert not [part for part in parts if isinstance(part, Picture) and part.alt.startswith("Lines")]
        assert ALIKE.words in [part.runs[0] for part in parts if hasattr(part, "runs")]

    def test_says_what_fixes_the_size(self) -> None:
        report = report_of(lambda x: x**2, 1.0, cost=cost_with(fixed="f captures W, of fixed size."))
        assert "f captures W, of fixed size." in render_text(report)
