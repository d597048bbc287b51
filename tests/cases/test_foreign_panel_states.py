"""What a panel is sent is small whatever the report holds: sizes are limited when it is made."""

from __future__ import annotations

import functools
import json
from dataclasses import replace
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

from jaxdiff_magic import Report, derive
from jaxdiff_magic.report import Finding
from jaxdiff_magic.report.formula import Formula
from jaxdiff_magic.show.panel.state import MAX_FINDINGS, MAX_GRADES, MAX_LATEX, MAX_SENT_ENTRIES, MAX_WORDS, state_of

LONG = "x" * 1_000_000
DEEP = "{" * 100_000 + "}" * 100_000


@functools.cache
def report() -> Report:
    return derive(lambda x: x[0] ** 2 * x[1], mine="2 x", cost="none", points=2)(jnp.array([1.0, 2.0]))


def size(state: dict[str, Any]) -> int:
    return len(json.dumps(state, allow_nan=False))


def finding(severity: Any, message: str = "a", formula: str = "x") -> Finding:
    return Finding("kink", severity, "x", "line 1", message, "do", Formula(formula, formula))


def test_of_many_findings_the_gravest_are_sent_and_the_rest_counted() -> None:
    many = (*[finding("info")] * 20_000, finding("error", "the grave one"), *[finding("warning")] * 5)
    state = state_of(replace(report(), findings=many))
    assert len(state["findings"]) == MAX_FINDINGS
    assert [one["severity"] for one in state["findings"][:7]] == ["error", *["warning"] * 5, "info"]
    assert state["findings_left_out"] == 20_006 - MAX_FINDINGS
    assert size(state) < 200_000


def test_of_many_entries_the_worst_are_sent_and_the_rest_counted() -> None:
    check = report().check
    (entry, *_) = check.entries
    entries = (*[replace(entry, outcome="proved")] * 50_000, replace(entry, outcome="differs", reason=LONG))
    sent = state_of(replace(report(), check=replace(check, entries=entries)))["check"]
    assert len(sent["entries"]) == MAX_SENT_ENTRIES
    assert sent["entries"][0]["outcome"] == "differs"
    assert sent["left_out"] == 50_001 - MAX_SENT_ENTRIES
    assert size(sent) < 200_000


@pytest.mark.parametrize("latex", [LONG, DEEP], ids=["long", "deep"])
def test_formulas_that_no_browser_can_draw_are_not_sent(latex: str) -> None:
    formula = Formula(latex, latex, notation="matrix")
    entries = np.full(2, formula, object)
    blocks = tuple(replace(block, formulas=entries, closed_form=formula) for block in report().blocks[:1])
    state = state_of(replace(report(), function=formula, blocks=blocks, findings=(finding("info", "a", latex),)))
    assert size(state) < 100_000
    assert all(len(form) <= MAX_LATEX for one in state["derivatives"] for form in one["closed"])
    assert state["findings"][0]["formula"] == ""
    assert state["derivatives"][1]["values"] == [4.0, 1.0]


def test_sentences_are_cut_where_nobody_reads_on() -> None:
    (grade,) = report().mine
    changed = replace(
        report(),
        findings=(finding("warning", LONG),),
        mine=(replace(grade, written=LONG, message=LONG),) * 1000,
        check=replace(report().check, summary=LONG, not_covered=("a",) * 10_000),
    )
    state = state_of(changed)
    assert size(state) < 2 * MAX_GRADES * (MAX_WORDS + 200) + 100_000
    assert len(state["mine"]) == MAX_GRADES
    for words in (state["summary"], state["findings"][0]["message"], state["mine"][0]["written"]):
        assert len(words) == MAX_WORDS + 2


def test_a_whole_report_is_sent_as_it_is() -> None:
    state = state_of(report())
    assert state["findings_left_out"] == 0
    assert len(state["check"]["entries"]) == len(report().check.entries)
    assert [one["outcome"] for one in state["mine"]] == ["wrong"]
