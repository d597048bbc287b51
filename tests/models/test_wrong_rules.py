"""A wrong rule within a model is found, with its leaf and its name; no right model is accused.

MODEL_FAULTS=200 MODEL_RIGHT=100 python -m pytest -s tests/models/test_wrong_rules.py tries as many, and prints a table.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from typing import Any

import jax
import pytest

from jaxdiff_magic import WrongDerivative, check
from jaxdiff_magic.report import Check

from .faulty import Case, cases

WRONG, RIGHT = int(os.environ.get("MODEL_FAULTS", "20")), int(os.environ.get("MODEL_RIGHT", "12"))
SEED = int(os.environ.get("MODEL_SEED", "0"))
LEAVES = 0.95
"""In so many of the wrong models the derivatives that differ are those of the leaves behind the fault."""


def checked(case: Case) -> Check:
    """The check, whatever it says."""
    with jax.enable_x64(case.dtype == "float64"):
        try:
            return check(case.loss)(case.parameters)
        except WrongDerivative as error:
            assert error.check is not None
            return error.check


def accused(found: Check) -> set[str]:
    """The leaves of whose derivatives one differs."""
    names = (name for entry in found.entries if entry.outcome == "differs" for name in entry.inputs)
    return {re.sub(r"\[[\d, ]+\]$", "", name.removesuffix("·v")) for name in names}


def test_wrong_rules_in_models_are_found_with_their_leaf() -> None:
    table: Counter[str] = Counter()
    failures = []
    for case in cases(WRONG, SEED, wrong=True):
        found = checked(case)
        said = f"{case.kind}, {case.fault}, layer {case.layer}"
        named = "affine" in " ".join(fault.sentence for fault in found.faults) or "backward" in found.summary
        right = not case.leaves or (accused(found) and accused(found) <= set(case.leaves))
        table.update(
            [
                f"{case.fault}: {found.outcome}",
                *["right leaf"] * bool(right),
                *["named"] * (named and case.fault != "second order"),
            ]
        )
        if found.outcome != "differs" or not right:
            failures.append(f"{said}: {found.outcome}, {accused(found)}, {found.summary}")
        assert found.outcome == "differs", (said, found.summary)
    print(f"\n{dict(table)}\n" + "\n".join(failures))
    assert table["right leaf"] >= LEAVES * WRONG, failures
    first = sum(count for word, count in table.items() if "differs" in word and "second" not in word)
    assert table["named"] >= LEAVES * first, table


def test_no_right_model_is_accused() -> None:
    table: Counter[Any] = Counter()
    for case in cases(RIGHT, SEED, wrong=False):
        found = checked(case)
        table[case.dtype, found.outcome] += 1
        assert found.outcome != "differs" and found.fault is None, (case.kind, case.dtype, found.summary)
        if found.outcome != "agrees":
            print(case.kind, case.dtype, found.summary)
    print(f"\n{dict(table)}")
    assert sum(count for (_, outcome), count in table.items() if outcome == "agrees") >= 0.9 * RIGHT


@pytest.mark.parametrize("rows", [64])
def test_attention_with_a_rule_of_its_own_that_is_a_little_wrong(rows: int) -> None:
    @jax.custom_vjp
    def attention(q: Any, k: Any, v: Any) -> Any:
        return jax.nn.softmax(q @ k.T / 32**0.5) @ v

    def backward(kept: Any, g: Any) -> Any:
        q, k, v = kept
        gradients = jax.vjp(lambda q, k, v: jax.nn.softmax(q @ k.T / 32**0.5) @ v, q, k, v)[1](g)
        return gradients[0], 1.01 * gradients[1], gradients[2]

    attention.defvjp(lambda q, k, v: (attention(q, k, v), (q, k, v)), backward)
    q, k, v = (jax.random.normal(jax.random.key(i), (rows, 32)) for i in range(3))
    with pytest.raises(WrongDerivative, match="attention") as raised:
        check(attention)(q, k, v)
    assert raised.value.check is not None and accused(raised.value.check) == {"k"}
