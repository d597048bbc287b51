"""The first screen of a model: which modules are shown and open, bars, sentences, and the same in every form."""

from __future__ import annotations

import dataclasses
import re

import jax.numpy as jnp
import pytest

from jaxdiff_magic.report.leaves import Beginning, LeafRow, Leaves, module_of
from jaxdiff_magic.report.matrix_free import Estimate
from jaxdiff_magic.show.leaf_table import modules_of, percent, scale_of, sentence_of, shape_of
from jaxdiff_magic.show.limits import LEAF_ROWS, MODULE_ROWS, OPEN_ROWS
from jaxdiff_magic.show.panel.leaf_state import leaf_state
from jaxdiff_magic.show.report import Report

from .samples import report_of
from .test_html import Outline


def row(name: str, ratio: float | None = 0.1, **fields) -> LeafRow:
    given = {"zeros": 0.38, "nonfinite": 0, "outcome": "agrees"} | fields
    gradient = None if ratio is None else ratio
    return LeafRow(name, module_of(name), (16, 4), "float32", 64, 1.0, gradient, ratio, **given)


def model(modules: int, each: int = 3) -> list[LeafRow]:
    return [row(f"net.blocks[{k}].w{j}", 10.0 ** -(k % 5)) for k in range(modules) for j in range(each)]


def report(rows: list[LeafRow], **fields) -> Report:
    sample = report_of(lambda x: (x**2).sum(), jnp.arange(3.0), derivatives={"gradient": [[0, 2, 4]]})
    return dataclasses.replace(sample, leaves=Leaves(tuple(rows), **fields))


BROKEN = row("net.blocks[7].w1", float("nan"), nonfinite=32, outcome="out of reach")
NAN = Beginning("nan", "back", "cell, line 31", "s = jnp.sqrt(v)", "0 * inf", ("net.blocks[7].w1",))


def test_modules_stay_in_order_and_leaves_without_one_stand_alone() -> None:
    modules, left_out = modules_of(Leaves((row("emb"), *model(2), row("out.w"))))
    assert [module.whole.name for module in modules] == ["emb", "net.blocks[0]", "net.blocks[1]", "out.w"]
    assert [len(module.rows) for module in modules] == [0, 3, 3, 0] and left_out == 0


def test_of_many_modules_those_with_something_wrong_are_kept_and_open_whatever_their_ratio() -> None:
    rows = model(80)
    rows[79 * 3 + 1] = dataclasses.replace(rows[79 * 3 + 1], nonfinite=4, ratio=1e-9)
    modules, left_out = modules_of(Leaves(tuple(rows)))
    assert len(modules) == MODULE_ROWS and left_out == 80 - MODULE_ROWS
    assert modules[-1].whole.name == "net.blocks[79]" and modules[-1].is_open
    assert sum(len(module.rows) for module in modules if module.is_open) <= OPEN_ROWS
    assert sum(len(module.rows) for module in modules) <= LEAF_ROWS
    ratios = [module.whole.ratio for module in modules[:-1]]
    assert min(ratios) >= 0.01, "the modules of the largest ratios"


def test_in_a_large_module_what_is_broken_is_not_left_out() -> None:
    rows = [row(f"net.w{k}") for k in range(LEAF_ROWS + 50)]
    rows[-1] = dataclasses.replace(rows[-1], outcome="differs")
    ((module,), _) = modules_of(Leaves(tuple(rows)))
    assert len(module.rows) == LEAF_ROWS and module.rows[-1] is rows[-1]


def test_bars_are_logarithms_of_which_the_largest_is_full() -> None:
    leaves = Leaves((row("a", 100.0), row("b", 1.0), row("c", 0.1), row("d", 0.0), row("e", None)))
    scale = scale_of(leaves, ())
    assert scale.decades == 3
    assert [scale.share(one.ratio) for one in leaves] == pytest.approx([1.0, 1 / 3, 0.02, 0.0, 0.0])
    assert scale_of(Leaves((row("a", 1e-30), row("b", 1.0))), ()).decades == 6
    assert scale_of(Leaves((row("a", None),)), ()).share(None) == 0.0


@pytest.mark.parametrize(
    ("size", "leaves", "shape"),
    [(64, 1, "16 × 4"), (960, 2, "960 in 2"), (12_345, 3, "12.3 k in 3"), (1_742_336, 52, "1.74 M in 52")],
)
def test_a_shape_of_several_leaves_is_how_many_numbers_they_have(size: int, leaves: int, shape: str) -> None:
    assert shape_of(dataclasses.replace(row("a"), size=size, leaves=leaves)) == shape


def test_no_share_is_rounded_to_all_or_nothing() -> None:
    assert [percent(share) for share in (0.0, 1e-6, 0.384, 0.9999, 1.0)] == ["0 %", "< 1 %", "38 %", "> 99 %", "100 %"]


def test_a_sentence_says_what_begins_where_and_what_it_reaches() -> None:
    assert "".join(sentence_of(NAN, 52)) == (
        "NaN begins on the way back, cell, line 31, in `s = jnp.sqrt(v)` (0 * inf). "
        "It reaches 1 of 52 leaves: net.blocks[7].w1."
    )
    many = dataclasses.replace(NAN, what="zero", where="", source="", event="w is 0", leaves=tuple("abcdef"))
    assert "".join(sentence_of(many, 9)) == (
        "An exact zero begins on the way back (w is 0). It reaches 6 of 9 leaves: a, b, c and 3 more."
    )


@pytest.fixture
def shown() -> Report:
    rows = [*model(7), BROKEN, row("net.blocks[7].w2", 3.0, outcome="")]
    return report(
        rows, begins=(NAN,), along=Estimate(9.71, 0.01), largest=Estimate(14.2, 0.1), trace=Estimate(310.0, 12.0)
    )


def test_text_has_a_line_for_each_leaf_with_its_bar(shown: Report) -> None:
    lines = str(shown).splitlines()
    at = lines.index("Leaves")
    assert lines[2] != "Derivatives" and lines.index("Derivatives") > at
    first = next(line for line in lines if line.startswith("▾ net.blocks[0]"))
    assert re.fullmatch(r"▾ net\.blocks\[0\] +192 in 3 +1\.73 +1 +\S+ +38 % +≈ agrees", first)
    broken = next(line for line in lines if line.startswith("    w1") and "not finite" in line)
    assert broken.split() == ["w1", "16", "×", "4", "NaN", "NaN", "██████████", "—", "32", "not", "finite"]
    for said in ("14.2 (± 0.1)", "9.71 (± 0.01)", "310 (± 10)", "NaN begins on the way back, cell, line 31"):
        assert any(said in line for line in lines), said


def test_html_folds_modules_and_hides_nothing_from_who_cannot_see_bars(shown: Report) -> None:
    html = shown._repr_mimebundle_()["text/html"]
    outline = Outline(html[html.index("<details") :].rpartition("</div>")[0])
    modules = [tag for tag in outline.tags("details") if "style" not in tag]
    assert len(modules) == 8
    text = " ".join(outline.text)
    assert "net.blocks[3]" in text and "32 not finite" in text and text.count("≈ agrees") > 20
    bars = re.findall(r'<span style="[^"]*height:9px[^"]*;width:(\d+)%[^"]*"></span>', html)
    assert len(bars) == 8 + len(shown.leaves) and bars.count("100") >= 3
    for tag in outline.tags("th"):
        assert tag.get("scope") in ("row", "col")


def test_latex_is_an_array_with_rules_for_bars(shown: Report) -> None:
    latex = shown._repr_mimebundle_()["text/latex"]
    assert latex.count(r"\begin{array}") == latex.count(r"\end{array}") == 1
    assert r"\rule{4.00em}{0.6em}" in latex and "32 not finite" in latex
    rows = latex[latex.index(r"\hline") : latex.index(r"\end{array}")].split(r"\\")[:-1]
    assert {line.count("&") - line.count(r"\&") for line in rows} == {6}


def test_a_panel_is_told_the_same(shown: Report) -> None:
    told = leaf_state(shown)
    assert told is not None
    last = told["modules"][-1]
    assert last["whole"]["name"] == "net.blocks[7]" and last["open"] and last["whole"]["nonfinite"] == 32
    assert [leaf["name"] for leaf in last["rows"]] == ["w1", "w2"] and last["rows"][0]["ratio"] == "nan"
    assert told["begins"] == [{"tone": "bad", "said": list(sentence_of(NAN, len(shown.leaves)))}]
    assert ["largest eigenvalue of the Hessian", "14.2 (± 0.1)"] in told["facts"]
    assert leaf_state(report([row("x")])) is None


def test_of_a_model_single_numbers_come_last_and_are_folded(shown: Report) -> None:
    html = shown._repr_mimebundle_()["text/html"]
    titles = re.findall(r"<details (open )?style[^>]*><summary[^>]*>([^<]+)</summary>", html)
    assert titles[0] == ("open ", "Leaves") and titles[-1] == ("", "Derivatives")
