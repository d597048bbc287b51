"""Whatever the function, its report is short as text, small as HTML and as a panel's state, and whole as data."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from jaxdiff_magic import OutOfReach
from jaxdiff_magic.report.grade import Grade
from jaxdiff_magic.show.html import render_html
from jaxdiff_magic.show.latex import render_latex
from jaxdiff_magic.show.limits import HTML_BYTES, LATEX_BYTES, STATE_BYTES, TEXT_LINES
from jaxdiff_magic.show.panel.fitting import bytes_of, fitted
from jaxdiff_magic.show.panel.state import state_of
from jaxdiff_magic.show.report import Report
from jaxdiff_magic.show.text import render_text

from .kinds import KINDS, findings
from .samples import cubic


@pytest.fixture(scope="module", params=KINDS)
def report(request: pytest.FixtureRequest) -> Report:
    return KINDS[request.param]()


def test_a_report_of_any_kind_keeps_the_limits(report: Report) -> None:
    text, html, latex = render_text(report), render_html(report), render_latex(report)
    assert len(text.splitlines()) <= TEXT_LINES
    assert max(map(len, text.splitlines())) <= 100
    assert len(html.encode()) <= HTML_BYTES
    assert len(latex.encode()) <= LATEX_BYTES + 500  # and the words that say so
    try:
        state = state_of(report)
    except OutOfReach:
        return  # too many numbers for a panel: there is no state
    assert len(json.dumps(state, allow_nan=False).encode()) <= STATE_BYTES
    assert json.loads(json.dumps(report.to_dict(), allow_nan=False))["verdict"] == report.verdict


def test_the_gravest_of_many_findings_are_shown_and_the_data_has_them_all() -> None:
    report = findings()
    text = render_text(report)
    assert "error" in text and "All of it: `report.findings`" in text
    told = text[text.index("Findings\n") :]
    assert "i info" not in told and "✗ error" in told
    assert len(report.to_dict()["findings"]) == 400


def test_a_small_report_loses_nothing() -> None:
    assert "Left out" not in render_text(cubic()) and "Left out" not in render_html(cubic())


def test_of_many_grades_the_worst_are_shown() -> None:
    def grade(k: int) -> Grade:
        fields = {field.name: "" for field in dataclasses.fields(Grade)}
        return Grade(
            **{**fields, "of": f"grade {k}", "outcome": "wrong" if k == 39 else "right", "message": "m" * 3000}
        )

    text = render_text(dataclasses.replace(cubic(), mine=tuple(map(grade, range(40)))))
    assert "grade 39" in text and "28 more grades" in text
    assert len(text.splitlines()) <= TEXT_LINES + 100  # each may have a dozen lines


@pytest.mark.parametrize("room", [20_000, 8_000, 3_500])
def test_a_state_is_made_as_small_as_is_asked(room: int) -> None:
    state = state_of(findings())
    whole = bytes_of(state)
    found = fitted(state, room)
    assert bytes_of(found) <= room < whole
    assert len(found["findings"]) + found["findings_left_out"] == 400
    assert [one["severity"] for one in found["findings"]] == ["error"] * len(found["findings"])


def test_what_is_left_out_of_a_state_is_said_where_it_was() -> None:
    state = state_of(KINDS["jacobian"]())
    first = next(told for told in state["derivatives"] if told["what"] == "jacobian")
    assert first["formulas"] is None or first["values"] is not None
    small = fitted(json.loads(json.dumps(state)), 6_000)
    (told,) = (told for told in small["derivatives"] if told["what"] == "jacobian")
    assert told["values"] is None and "900 entries" in told["missing"]
    assert small["tape"] is None and "too much for a panel" in small["tape_missing"]
    with pytest.raises(OutOfReach, match="names and point"):
        fitted(json.loads(json.dumps(state)), 500)


def test_the_largest_entries_are_the_largest() -> None:
    report = KINDS["hessian"]()
    text, gradient = render_text(report), np.asarray(report.gradient)
    table = text[text.index("The 12 largest of its 200 entries") :].splitlines()[3:15]
    assert [line.split()[0] for line in table] == [f"∂f/∂x[{k}]" for k in np.argsort(-np.abs(gradient))[:12]]
    assert [float(line.split()[1]) for line in table] == pytest.approx(sorted(gradient, key=abs)[:-13:-1])
