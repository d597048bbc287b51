"""An interrupt leaves what is there, marked as interrupted, and everything as it was."""

from __future__ import annotations

import random
import signal
import threading
import time
from typing import Any

import jax
import jax.numpy as jnp
import pytest

from jaxdiff_magic import check, derive
from jaxdiff_magic.base import progress
from jaxdiff_magic.base.progress import tell, tell_first, told
from jaxdiff_magic.pipeline import looking
from jaxdiff_magic.report import ReportData

WEIGHTS = [0.3 * jax.random.normal(jax.random.key(k), (24, 24)) for k in range(6)]


def network(weights: Any) -> Any:
    x = jnp.ones(24)
    for weight in weights:
        x = jnp.tanh(weight @ x)
    return jnp.sum(x**2)


@pytest.mark.parametrize(
    ("stage", "missing"),
    [("verdict_of", "check"), ("findings_of", "findings"), ("cost_of", "cost"), ("curvature_of", "curvature")],
)
def test_what_was_done_before_an_interrupt_is_kept(stage: str, missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: Any, **__: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(looking, stage, interrupted)
    report = derive(lambda x: jnp.sum(jnp.sin(x)))(jnp.ones(2))
    assert float(report.value) == pytest.approx(2 * 0.841471, rel=1e-5)
    assert report.gradient is not None and report.formula("gradient").text
    assert [finding.message for finding in report.findings if finding.kind == "interrupted"]
    assert ("interrupted" in report.check.summary) == (missing == "check")
    assert report.verdict == ("out of reach" if missing == "check" else "proved")
    assert "interrupted" in str(report)


def test_at_random_moments_a_report_or_the_interrupt_itself_comes() -> None:
    derive(network)(WEIGHTS)  # rules and SymPy are loaded
    rng, before, outcomes = random.Random(0), jax.config.read("jax_enable_x64"), set()
    for _ in range(8):
        jax.clear_caches()
        timer = threading.Timer(rng.uniform(0.05, 2.5), lambda: signal.raise_signal(signal.SIGINT))
        timer.start()
        try:
            found = derive(network)(WEIGHTS)
            outcomes.add("interrupted" if any(f.kind == "interrupted" for f in found.findings) else "whole")
            assert isinstance(found, ReportData) and found.gradient is not None
        except KeyboardInterrupt:
            outcomes.add("before")
        finally:
            timer.cancel()
            try:
                timer.join()
                time.sleep(0.01)
            except KeyboardInterrupt:
                pass
        assert jax.config.read("jax_enable_x64") == before
    assert "interrupted" in outcomes
    assert check(network)(WEIGHTS).outcome == "agrees"


def test_value_and_gradient_are_told_as_soon_as_they_are_there() -> None:
    heard = progress._Heard("differentiating")
    token = progress._stage.set(heard)
    try:
        derive(lambda x: jnp.sum(x**2), cost="none")(jnp.array([1.0, 2.0]))
        small = heard.first
        derive(network, cost="none", symbolic=False)(WEIGHTS)
    finally:
        progress._stage.reset(token)
    assert "= 5, gradient [2, 4]: not checked yet" in small
    assert "gradient of 3,456 numbers, |∇network| =" in heard.first


def test_what_is_known_is_shown_at_once_and_beside_the_stages() -> None:
    words: list[str] = []
    with told(words.append, "adding"):
        tell_first("f = 1")
        time.sleep(0.3)
        tell("multiplying")
        time.sleep(1.2)
    assert words[0].startswith("f = 1\nadding …") and words[1].startswith("f = 1\nmultiplying …")
    assert words[-1] == ""
