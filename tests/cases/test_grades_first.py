"""The grade of the reader's own derivation comes before the verdict, in every form of output; no tick alone."""

from __future__ import annotations

import functools
import json
import re
from typing import Any

import jax
import jax.numpy as jnp
import pytest

from jaxdiff_magic import Report, derive
from jaxdiff_magic.show.content import content
from jaxdiff_magic.show.panel.state import state_of

X = jnp.array([[1.0, 2.0], [3.0, 4.0], [0.5, -1.0]])


def f(x):
    return jnp.sum((X @ x) ** 2)


@jax.custom_jvp
def half(x):
    return jnp.sum(x**2)


half.defjvp(lambda p, t: (half(*p), jnp.sum(p[0] * t[0])))
POINT = jnp.array([0.5, -1.0])
ANSWERS = {
    "right": "2 Xᵀ X x",
    "wrong by a factor": "X.T @ (X @ x)",
    "of another shape": "X @ x",
    "not to be read": "2 X? x",
    "right for JAX's wrong rule": "x",
    "a wrong Hessian": {"hessian": "Xᵀ X"},
    "one of two": {"x": "2 X.T @ X @ x", "hessian": "-2 Xᵀ X"},
}
OUTCOMES = {"right": "right"}


@functools.cache
def report_of(name: str) -> Report:
    function = half if "JAX" in name else f
    return derive(function, mine=ANSWERS[name], cost="none", points=2, budget=60)(POINT)


@pytest.mark.parametrize("name", ANSWERS)
def test_text_html_and_panel_say_the_grade_first(name: str) -> None:
    report = report_of(name)
    assert report.grade == OUTCOMES.get(name, "wrong")
    bundle = report._repr_mimebundle_()
    for text in (str(report), bundle["text/plain"], bundle["text/html"]):
        grade, verdict = (
            text.index(f"yours is {report.grade}"),
            text.index("JAX's derivative: ") if "'" in text else -1,
        )
        escaped = text.find("JAX&#x27;s derivative: ")
        place = verdict if escaped < 0 else escaped
        assert 0 <= grade < place
        assert text.index("yours is") < text.index(report.verdict, text.index("yours is"))
        assert re.search(rf"[✓≈?✗] {report.verdict}", text[:grade]) is None
    assert bundle["text/latex"].index("yours is") < bundle["text/latex"].index(
        "&= " if "&= " in bundle["text/latex"] else "="
    )


@pytest.mark.parametrize("name", ANSWERS)
def test_data_say_the_grade_first(name: str) -> None:
    report = report_of(name)
    keys = list(report.to_dict())
    assert keys.index("grade") < keys.index("mine") < keys.index("verdict") < keys.index("check")
    assert json.loads(json.dumps(report.to_dict(), allow_nan=False))["grade"] == report.grade
    state: dict[str, Any] = state_of(report)
    keys = list(state)
    assert keys.index("grade") < keys.index("mine") < keys.index("verdict")
    assert [one["outcome"] for one in state["mine"]] == [grade.outcome for grade in report.mine]
    assert state["grade"] == report.grade


@pytest.mark.parametrize("name", ANSWERS)
def test_a_wrong_answer_stands_under_no_green_tick(name: str) -> None:
    report = report_of(name)
    said = content(report)
    if report.grade == "right":
        assert [paragraph.tone for paragraph in said.grades] == ["good"]
        assert said.verdict.tone == "good"
    else:
        assert "bad" in [paragraph.tone for paragraph in said.grades]
        assert said.verdict.tone != "good"
    assert str(said.verdict.runs[0]).startswith("JAX's derivative: ")


def test_an_undecided_answer_is_not_under_a_green_tick_either() -> None:
    report = derive(jnp.abs, mine="jnp.sign(x)", cost="none", points=0, order=1)(0.0)
    assert report.grade == "undecided"
    assert content(report).verdict.tone != "good"


def test_the_worst_of_several_grades_is_the_report_s() -> None:
    def g(a, b, c):
        return a * b + c

    def grade(**mine: str) -> str | None:
        return derive(g, mine=mine, cost="none", symbolic=False, points=2, order=1)(1.0, 2.0, 3.0).grade

    assert grade(a="b", b="a", c="1.0") == "right"
    assert grade(a="b", b="b", c="1.0") == "wrong"


def test_without_an_answer_there_is_no_grade_and_the_verdict_is_as_ever() -> None:
    report = derive(f, cost="none", points=2)(POINT)
    assert report.grade is None
    assert report.to_dict()["grade"] is None
    assert report.to_dict()["mine"] == []
    assert content(report).verdict.tone == "good"
    assert "yours" not in str(report)
    assert "JAX's derivative: " not in str(report).partition("Derivatives")[0]
