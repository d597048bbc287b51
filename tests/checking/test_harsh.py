"""In chaotic, ill-conditioned and long programs no visibly wrong derivative agrees, and no right one is accused.

HARSH=500 HARSH_RIGHT=1000 HARSH_SEED=1 python -m pytest -s tests/checking/test_harsh.py tries as many, others for each
seed, and prints what became of them by surrounding and fault, and every failure as code that makes it again.
"""

from __future__ import annotations

import os
import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import jax
import numpy as np
import pytest

from jaxdiff_magic import WrongDerivative, check, derive

from .harsh import Harsh, hessian, jacobian, right_cases, truth, visibly_wrong, wrong_cases
from .surroundings import SURROUNDINGS
from .wrong_rules import FORMS, SLOPES, STRUCTURAL

WRONG, RIGHT = int(os.environ.get("HARSH", "28")), int(os.environ.get("HARSH_RIGHT", "28"))
SEED = int(os.environ.get("HARSH_SEED", "0"))
POINTS, BUDGET = 8, 60.0
WITH_FORMULAS = 10
"""One in so many is derived with formulas as well."""
AFRESH = 16
"""After so many JAX forgets what it compiled."""
OUTCOMES = ("proved", "agrees", "out of reach", "differs")


@dataclass(frozen=True)
class Said:
    """An outcome, and what was said."""

    outcome: str
    words: str
    accuses: bool

    @property
    def names_the_rule(self) -> bool:
        return re.search(r"\b(surround(_rule|_backward)?|second_rule)\b", self.words) is not None


def said_of(case: Harsh, order: int = 2, with_formulas: bool = False) -> Said:
    options: Any = {"order": order, "points": POINTS, "budget": BUDGET}
    with jax.enable_x64(case.dtype == "float64"):
        if with_formulas:
            found = derive(case.function, cost="none", **options)(case.input()).check
        else:
            try:
                found = check(case.function, **options)(case.input())
            except WrongDerivative as error:
                return Said("differs", str(error), True)
    words = "; ".join([found.summary, *(fault.sentence for fault in found.faults)])
    return Said(found.outcome, words, found.outcome == "differs" or found.fault is not None)


def asked(case: Harsh, k: int) -> tuple[int, bool]:
    """The order that a case is tried with, and whether formulas are written."""
    return (2 if k % 3 == 0 or "second" in case.fault else 1), k % WITH_FORMULAS == WITH_FORMULAS - 1


class Table:
    """What became of cases, by group."""

    def __init__(self) -> None:
        self.rows: defaultdict[str, Counter[str]] = defaultdict(Counter)

    def add(self, case: Harsh, *words: str) -> None:
        groups = ("all", case.surrounding, f"fault: {case.fault}", f"{case.surrounding} x {case.fault}", case.form)
        for group in (*groups, case.dtype, f"use: {case.use}", f"place: {case.place}"):
            self.rows[group].update(words)

    def __str__(self) -> str:
        return "\n".join(f"  {group:60} {dict(sorted(row.items()))}" for group, row in sorted(self.rows.items()))


def cleared(k: int) -> None:
    if k % AFRESH == AFRESH - 1:
        jax.clear_caches()


def test_visibly_wrong_derivatives_never_agree_and_the_rule_is_named() -> None:
    table, failures = Table(), []
    for k, case in enumerate(wrong_cases(WRONG, SEED)):
        cleared(k)
        order, with_formulas = asked(case, k)
        said = said_of(case, order, with_formulas)
        seen = {} if said.outcome == "differs" else visibly_wrong(case, order)
        counts = said.outcome == "differs" or bool(seen)
        named = said.names_the_rule and said.outcome == "differs"
        table.add(case, said.outcome, *["counts"] * counts, *["named"] * named)
        if counts and not named:
            failures.append(f"{case}\n    {said.outcome} {seen}: {said.words}")
        assert not (seen and said.outcome in ("agrees", "proved")), (case, seen, said.words)
    print(f"\n{table}\n" + "\n".join(failures))
    assert table.rows["all"]["named"] >= 0.9 * table.rows["all"]["counts"], failures


def test_right_functions_in_the_same_surroundings_are_never_accused() -> None:
    table, reasons = Table(), Counter()
    for k, case in enumerate(right_cases(RIGHT, SEED)):
        cleared(k)
        said = said_of(case, *asked(case, k))
        table.add(case, said.outcome)
        if said.outcome == "out of reach":
            reasons[re.sub(r"[-+]?\d[\d.e+-]*", "…", said.words)] += 1
        assert not said.accuses or not is_right(case), (case, said.words)
    print(f"\n{table}\n" + "\n".join(f"  {count} {why}" for why, count in reasons.most_common()))


def is_right(case: Harsh) -> bool:
    """Whether JAX's own numbers are the derivative, within the visible: they may be NaN though every rule is right."""
    with jax.enable_x64(case.dtype == "float64"):
        given = {1: jacobian(case.function, case.input()), 2: hessian(case.function, case.input())}
    return all(np.isfinite(numbers).all() for numbers in given.values() if numbers is not None)


FEW_BITS = [
    Harsh("swish", "bfloat16", "custom_jvp", "plain", "hilbert solve", "before", "float64", 200009),
    Harsh("root", "rounded", "custom_vjp", "plain", "hilbert solve", "inside", "float64", 300010),
]


@pytest.mark.parametrize("case", FEW_BITS, ids=str)
def test_a_rule_in_fewer_bits_than_the_function_is_not_excused_by_what_rounding_might_do(case: Harsh) -> None:
    assert visibly_wrong(case, 1)[1] > 1e-3
    assert said_of(case, 1).outcome in ("differs", "out of reach")


# The generator itself


def one_of_each(faults: Sequence[str]) -> list[Harsh]:
    steps = {name: steps for name, (_, steps) in SLOPES.items()} | STRUCTURAL
    return [
        Harsh(steps[fault][0], fault, form, "plain", "kalman", "before", "float64", 5)
        for fault in faults
        for form in FORMS
    ]


@pytest.mark.parametrize("case", one_of_each(["factor 1.3", "second order", "transposed", "symbolic zero"]), ids=str)
def test_a_fault_is_visible_and_a_right_rule_is_not(case: Harsh) -> None:
    assert visibly_wrong(case)
    assert not visibly_wrong(replace(case, fault="none"))


def test_cases_are_made_again_from_what_is_printed() -> None:
    case = next(wrong_cases(1, 3))
    again = eval(repr(case))
    with jax.enable_x64(case.dtype == "float64"):
        assert jacobian(again.function, again.input()) == pytest.approx(jacobian(case.function, case.input()), rel=0)
    assert {case.fault for case in wrong_cases(60)} == {*SLOPES, *STRUCTURAL} - {"none"}
    assert {case.surrounding for case in wrong_cases(500)} == set(SURROUNDINGS)


def test_the_truth_is_known_to_many_digits() -> None:
    for name in ("hilbert solve", "gaussian process", "hidden markov"):
        case = Harsh("tanh", "no rule", "custom_jvp", "plain", name, "inside", "float64", 3)
        for true, error in truth(case).values():
            assert np.max(error) < 1e-6 * np.max(np.abs(true)), name
