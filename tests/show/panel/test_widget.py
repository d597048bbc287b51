"""The widget in Python: points in, JAX's numbers out, whatever the function does there."""

from __future__ import annotations

import sys
import threading
import time
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxdiff_magic import derive
from jaxdiff_magic.base import progress
from jaxdiff_magic.base.errors import DeriveError
from jaxdiff_magic.show.panel import Panel, widget
from jaxdiff_magic.show.panel.showing import show_panel

from .states import cubic


class Asked:
    """A panel, and what it sends."""

    def __init__(self, f: Any, *args: Any) -> None:
        self.report = derive(f, cost="none")(*args)
        self.panel = Panel(self.report)
        self.sent: list[tuple[dict[str, Any], list[np.ndarray]]] = []
        self.panel.send = lambda content, buffers=None: self.sent.append(
            (content, [np.frombuffer(b) for b in buffers or []])
        )

    def at(self, *point: float, seq: int = 1) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        # as it arrives from a browser: a view into something larger
        buffer = memoryview(b"........" + np.array(point, np.float64).tobytes())[8:]
        self.panel._handle_custom_msg({"kind": "evaluate", "seq": seq}, [buffer])
        content, buffers = self.sent[-1]
        return content, dict(zip(content.get("arrays", ()), buffers, strict=True))


def test_a_point_is_answered_with_what_jax_computes_there() -> None:
    content, found = Asked(cubic, jnp.array([1.0, 2.0])).at(1.5, 2.0, seq=7)
    assert content == {"kind": "evaluated", "seq": 7, "arrays": ["value", "jacobian", "hessian"], "compilations": 1}
    assert found["value"].tolist() == [12.5]
    assert found["jacobian"].tolist() == [6.0, 14.25]
    assert found["hessian"].tolist() == [4.0, 3.0, 3.0, 12.0]


@pytest.mark.parametrize("point", [1.0, np.float32(1.0), jnp.float32(1.0), jnp.array(1.0)])
def test_nothing_is_compiled_again_while_the_point_moves(point: Any) -> None:
    asked = Asked(lambda x: x**3, point)
    for x in np.linspace(-2, 2, 20):
        content, found = asked.at(x)
        assert found["jacobian"] == pytest.approx([3 * x**2], rel=1e-5)
    assert content["compilations"] == 1


def test_nan_and_infinity_arrive_as_they_are() -> None:
    asked = Asked(lambda x: jnp.log(x), 2.0)
    assert np.isnan(asked.at(-1.0)[1]["value"])
    assert asked.at(0.0)[1]["value"] == -np.inf


def test_double_precision_stays_double_when_the_setting_around_the_kernel_is_single() -> None:
    with jax.enable_x64(True):
        asked = Asked(lambda x: x**3, jnp.array(1.0))
    content, found = asked.at(1.1)
    assert found["jacobian"] == pytest.approx([3 * 1.1**2], rel=1e-15)
    assert content["compilations"] == 1


def test_what_the_function_raises_is_told_and_the_panel_lives_on() -> None:
    def picky(x):
        if x > 3:
            raise ValueError(f"{float(x)} is too large")
        return x**2

    asked = Asked(picky, 1.0)
    assert asked.at(4.0, seq=1)[0] == {"kind": "failed", "seq": 1, "message": "ValueError: 4.0 is too large"}
    assert asked.at(3.0, seq=2)[1]["jacobian"] == [6.0]


def test_a_point_of_another_size_is_refused() -> None:
    content, _ = Asked(cubic, jnp.array([1.0, 2.0])).at(1.0)
    assert content["kind"] == "failed"
    assert "1 numbers, not 2" in content["message"]


def test_messages_of_other_kinds_are_ignored() -> None:
    asked = Asked(cubic, jnp.array([1.0, 2.0]))
    for content in ({"kind": "else"}, "text", None):
        asked.panel._handle_custom_msg(content, [])
    assert asked.sent == []


def test_several_arguments_are_one_vector() -> None:
    asked = Asked(lambda x, y: x @ y, jnp.array([1.0, 2.0]), jnp.array([3.0, 4.0]))
    _, found = asked.at(1.0, 0.0, 0.5, 2.0)
    assert found["value"] == [0.5]
    assert found["jacobian"].tolist() == [0.5, 2.0, 1.0, 0.0]
    assert found["hessian"].reshape(4, 4).tolist() == [[0, 0, 1, 0], [0, 0, 0, 1], [1, 0, 0, 0], [0, 1, 0, 0]]


def test_questions_from_several_threads_get_their_own_answers() -> None:
    asked = Asked(cubic, jnp.array([1.0, 2.0]))
    threads = [threading.Thread(target=asked.at, args=(float(k), 1.0), kwargs={"seq": k}) for k in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {content["seq"]: buffers[0][0] for content, buffers in asked.sent} == {k: k**2 + 1 for k in range(20)}


def test_a_front_end_that_was_not_built_is_an_error_that_says_so(monkeypatch: Any, tmp_path: Any) -> None:
    monkeypatch.setattr(widget, "BUNDLE", tmp_path / "panel.js")
    with pytest.raises(DeriveError, match="npm run build"):
        Panel(derive(cubic, cost="none")(jnp.array([1.0, 2.0])))


def test_a_page_cannot_be_ended_by_what_is_in_the_report(tmp_path: Any) -> None:
    def f(x):
        return {"</script><b>": x**2}

    report = derive(f, cost="none")(1.0)
    text = (tmp_path / report.save(tmp_path / "page.html")).read_text(encoding="utf-8")
    assert text.count("</script>") == 2


class TestInANotebook:
    """What `show_panel` displays, with a kernel that is there in name only."""

    request: ClassVar[dict[str, Any]] = {}

    @pytest.fixture
    def displayed(self, monkeypatch: Any) -> list[Any]:
        seen: list[Any] = []
        kernel = SimpleNamespace(get_parent=lambda channel: self.request)
        application = SimpleNamespace(initialized=lambda: True, instance=lambda: SimpleNamespace(kernel=kernel))
        module = type(sys)("ipykernel.kernelapp")
        module.IPKernelApp = application
        monkeypatch.setitem(sys.modules, "ipykernel.kernelapp", module)
        monkeypatch.setattr("IPython.display.display", lambda shown, raw=False: seen.append(shown))
        return seen

    def test_the_panel_comes_first_and_what_is_kept_of_it_next(self, displayed: list[Any]) -> None:
        report = derive(cubic, cost="none")(jnp.array([1.0, 2.0]))
        with pytest.raises(NotImplementedError):  # IPython goes on with the static output
            report._ipython_display_()
        panel, kept = displayed
        assert isinstance(panel, Panel)
        assert kept["application/vnd.jaxdiff-magic.panel+json"] == panel.state

    def test_a_cell_that_runs_again_closes_what_it_showed_before_and_no_other(self, displayed: list[Any]) -> None:
        report = derive(cubic, cost="none")(jnp.array([1.0, 2.0]))

        def run(cell: str | None, message: str) -> Panel:
            self.request = {"metadata": {"cellId": cell} if cell else {}, "header": {"msg_id": message}}
            show_panel(report)
            return displayed[-2]

        nameless, one, same_run, other = run(None, "1"), run("a", "2"), run("a", "2"), run("b", "3")
        assert all(panel.comm is not None for panel in (nameless, one, same_run, other))
        again = run("a", "4")
        assert one.comm is None
        assert same_run.comm is None
        assert all(panel.comm is not None for panel in (nameless, other, again))

    def test_none_is_shown_where_none_is_wanted_or_it_would_be_too_large(self, displayed: list[Any]) -> None:
        show_panel(replace(derive(cubic, cost="none")(jnp.array([1.0, 2.0])), with_panel=False))
        show_panel(derive(lambda x: jnp.sum(x**2), cost="none")(jnp.ones(5000)))
        assert displayed == []

    def test_a_panel_that_fails_leaves_the_report(
        self, displayed: list[Any], monkeypatch: Any, tmp_path: Any, capsys: Any
    ) -> None:
        monkeypatch.setattr(widget, "BUNDLE", tmp_path / "panel.js")
        show_panel(derive(cubic, cost="none")(jnp.array([1.0, 2.0])))
        assert displayed == []
        assert "npm run build" in capsys.readouterr().err


def test_outside_a_notebook_there_is_no_panel() -> None:
    with pytest.raises(NotImplementedError):
        derive(cubic, cost="none")(jnp.array([1.0, 2.0]))._ipython_display_()


def test_a_function_that_takes_long_says_so_until_it_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    def slow(x):
        if x > 2:
            time.sleep(0.3)
        return x**2

    monkeypatch.setattr(progress, "PATIENCE", 0.01)
    asked = Asked(slow, 1.0)
    assert asked.at(3.0)[0]["kind"] == "evaluated"
    said = asked.sent[-2][0]
    assert said["kind"] == "progress"
    assert said["message"].startswith("JAX computes slow here … ")
