"""The table of leaves as data: modules, leaves together, records."""

from __future__ import annotations

import dataclasses
import json
import math

import jax.numpy as jnp
import pytest

from jaxdiff_magic import derive
from jaxdiff_magic.report.leaves import LeafRow, Leaves, module_of, together


def row(name: str, size: int = 1, parameter: float = 1.0, gradient: float | None = 1.0, **fields) -> LeafRow:
    ratio = None if gradient is None else gradient / parameter
    given = {"zeros": 0.0, "nonfinite": 0} | fields
    return LeafRow(name, module_of(name), (size,), "float32", size, parameter, gradient, ratio, **given)


@pytest.mark.parametrize(
    ("name", "module", "last"),
    [
        ("x", "", "x"),
        ("net.layers[0].weight", "net.layers[0]", "weight"),
        ("net.layers[0]", "net.layers", "[0]"),
        ("params['W']", "params", "['W']"),
        ("params['a.b[0]']['W]']", "params['a.b[0]']", "['W]']"),
        ('params["it\'s"]', "params", '["it\'s"]'),
    ],
)
def test_a_module_is_the_name_without_its_last_part(name: str, module: str, last: str) -> None:
    assert module_of(name) == module
    assert row(name).last == last


def test_leaves_together_have_the_norm_of_all_their_entries_and_the_worst_outcome() -> None:
    whole = together(
        "net",
        [
            row("net.a", 10, 3.0, 6.0, zeros=0.5, outcome="agrees"),
            row("net.b", 30, 4.0, 8.0, zeros=0.1, nonfinite=2, outcome="differs"),
        ],
    )
    assert (whole.size, whole.parameter, whole.gradient, whole.ratio) == (40, 5.0, 10.0, 2.0)
    assert whole.zeros == pytest.approx((5 + 3) / 40)
    assert (whole.nonfinite, whole.outcome, whole.leaves) == (2, "differs", 2)


def test_a_leaf_without_a_gradient_leaves_none_to_all_together() -> None:
    whole = together("net", [row("net.a"), row("net.b", gradient=None, zeros=None, nonfinite=None)])
    assert whole.gradient is None and whole.ratio is None and whole.zeros == 0.0


def test_records_are_one_dict_for_each_leaf_and_plain_data_is_strict_json() -> None:
    leaves = Leaves((row("net.a", gradient=math.nan, nonfinite=1), row("net.b")))
    first, second = leaves.records()
    assert math.isnan(first["gradient"]) and second["ratio"] == 1.0 and first["module"] == "net"
    told = json.loads(json.dumps(leaves.to_dict(), allow_nan=False))
    assert told["rows"][0]["gradient"] == "nan" and [one["name"] for one in told["rows"]] == ["net.a", "net.b"]


def test_many_leaves_or_many_inputs_make_a_model() -> None:
    assert not Leaves((row("a", 60), row("b", 40))).is_model
    assert Leaves((row("a", 60), row("b", 41))).is_model
    assert Leaves(tuple(row(f"a{k}") for k in range(13))).is_model


def test_the_report_of_any_function_has_them_and_keeps_them_when_it_is_compared() -> None:
    report = derive(lambda x, y: x**2 * y, order=1, cost="none", points=1)(3.0, jnp.float32(2.0))
    assert [(one.name, one.gradient, one.parameter) for one in report.leaves] == [("x", 12.0, 3.0), ("y", 9.0, 2.0)]
    assert report.to_dict()["leaves"]["rows"][0]["gradient"] == 12.0
    assert report.leaves == dataclasses.replace(report.leaves)
    assert "Leaves" not in str(report)
    assert "1 leaf" not in str(report) and "2 leaves" in str(dataclasses.replace(report, sections=("leaves",)))
