"""The plain text of a report: what a terminal shows."""

from __future__ import annotations

import dataclasses

import pytest

from jaxdiff_magic.show.text import render_text

from .samples import ALL, cubic, differs, large, not_finite, parameters, vector


@pytest.mark.parametrize("name", ALL)
def test_text_reads_as_before(name: str, snapshot) -> None:
    assert render_text(ALL[name]()) == snapshot


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("width", [60, 100])
def test_no_line_is_wider_than_asked_and_none_carries_colour_codes(name: str, width: int) -> None:
    text = render_text(ALL[name](), width)
    assert max(map(len, text.splitlines())) <= width
    assert "\x1b" not in text


def test_only_the_sections_asked_for_are_shown_below_the_verdict() -> None:
    text = render_text(dataclasses.replace(cubic(), sections=("cost",)))
    assert "✓ proved" in text
    assert "jax.value_and_grad(f)(x)" in text
    assert "Gradient" not in text and "Curvature" not in text


def test_denominator_layout_turns_outputs_into_columns() -> None:
    text = render_text(dataclasses.replace(vector(), layout="denominator"))
    header = next(line for line in text.splitlines() if "g[0]" in line)
    assert header.split() == ["g[0]", "g[1]"]


def test_square_brackets_in_names_are_not_taken_for_markup() -> None:
    assert "params['W'][0, 1]" in render_text(parameters())


def test_a_large_derivative_is_summarised_and_says_what_is_left_out() -> None:
    text = render_text(large())
    assert "6 of its 300 entries" in text and "9 of its 90,000 entries" in text
    assert "x[300]" not in text and "x[12]" not in text
    assert "d2f/dx dx[i, j] = 6*δ(i, j)*x[i]" in text


def test_what_is_not_finite_is_shown_by_a_word() -> None:
    words = render_text(not_finite()).split()
    assert "inf" in words and "NaN" in words


def test_errors_stand_below_the_verdict_at_the_top() -> None:
    lines = render_text(differs()).splitlines()
    assert lines[1].startswith("✗ differs") and lines[2] == "✗ error: The rule of f is wrong."


def test_the_worst_rows_of_a_long_check_are_never_left_out() -> None:
    report = differs()
    (wrong,) = report.check.entries
    right = dataclasses.replace(wrong, outcome="proved", output="g", reason="")
    check = dataclasses.replace(report.check, entries=(right,) * 100 + (wrong,))
    text = render_text(dataclasses.replace(report, check=check))
    assert "JAX says 9" in text and "61 more rows are left out" in text
