"""The step whose derivative rule is wrong is found and named; right functions are never accused.

FAULTS=1000 python -m pytest -s tests/checking/test_faults.py injects as many faults and prints what became of them, by
kind of fault and by place; RIGHT=500 likewise tries right functions.
"""

from __future__ import annotations

import os
import re
import time
from collections import Counter
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxdiff_magic import derive
from jaxdiff_magic.checking import check_of
from jaxdiff_magic.checking.faults import faults_of
from jaxdiff_magic.checking.likeness import likeness_of
from jaxdiff_magic.engines.jax.values import Derivatives, derivatives_of
from jaxdiff_magic.engines.reference.derivatives import Reference
from jaxdiff_magic.report import Check
from jaxdiff_magic.report.fault import Fault
from jaxdiff_magic.subject.subject import subject_of
from jaxdiff_magic.subject.trace import subject_trace

from .injected import ELEMENTWISE as BASES
from .injected import FAULTS, PLACES, cases, with_rule
from .right import right_cases

INJECTED, RIGHT = int(os.environ.get("FAULTS", "40")), int(os.environ.get("RIGHT", "34"))


class Uncompiled(Derivatives):
    """JAX's numbers one operation at a time: for small arrays that is quicker than to compile."""

    def at(self, leaves: Any) -> Any:
        with jax.disable_jit():
            return super().at(leaves)


def checked(f: Any, x: jax.Array, order: int = 1, budget: float = 10.0, points: int = 0) -> Check:
    """The check alone, without formulas."""
    subject = subject_of(f, (x,), {})
    found = derivatives_of(subject, order)
    derivatives = Uncompiled(subject, found.transforms, found.programs, found.missing)
    reference = Reference(subject_trace(subject))
    deadline = time.monotonic() + budget
    return check_of(
        derivatives, derivatives.at(subject.point), reference, None, "", points=points, seed=0, deadline=deadline
    )


def test_injected_faults_are_found_and_named() -> None:
    counts: Counter[str] = Counter()
    for case in cases(INJECTED):
        with jax.enable_x64(case.dtype == "float64"):
            check = checked(case.function, jnp.asarray(case.point, case.dtype))
        named = check.fault is not None and (check.fault.name, check.fault.rule) == ("injected", "injected_rule")
        for group in ("all", case.fault, f"{case.kind} {case.place}"):
            counts[group] += 1
            counts[f"{group}: found"] += check.outcome == "differs"
            counts[f"{group}: named"] += named
        assert check.outcome == "differs", case
    print(f"\n{dict(sorted(counts.items()))}")
    assert counts["all: named"] >= 0.95 * counts["all"]


def test_right_functions_are_never_accused() -> None:
    counts: Counter[str] = Counter()
    for k, case in enumerate(right_cases(RIGHT)):
        with jax.enable_x64(case.dtype == "float64"):
            check = checked(case.function, jnp.asarray(case.point, case.dtype), order=2 if k % 5 == 0 else 1, points=1)
        counts[check.outcome] += 1
        assert check.outcome != "differs", (case, check.summary)
        assert not check.faults, (case, check.faults)
    print(f"\n{dict(counts)}")


POINT = np.array([0.5, 1.2, -0.7])


def fault(f: Any, x: Any = POINT, **options: Any) -> Any:
    report = derive(f, cost="none", points=2, **options)(jnp.asarray(x, "float32"))
    assert report.verdict == "differs", report.check.summary
    return first(report.check)


def first(check: Check) -> Fault:
    assert check.fault is not None
    return check.fault


@jax.custom_jvp
def product(x: jax.Array, y: jax.Array) -> jax.Array:
    return x * y


@product.defjvp
def product_rule(primals: Any, tangents: Any) -> Any:
    (x, y), (dx, dy) = primals, tangents
    return x * y, dx * y - x * dy


def test_a_fault_says_where_the_call_and_the_rule_are_and_by_how_much() -> None:
    found = fault(lambda x: jnp.sum(jnp.tanh(product(jnp.sin(x), x))))
    assert (found.name, found.kind, found.rule, found.defect) == ("product", "custom_jvp", "product_rule", "derivative")
    assert "product(jnp.sin(x), x)" in found.source
    assert found.where.startswith("test_faults.py, line") and found.rule_where.startswith("test_faults.py, line")
    assert found.likeness == "has the wrong sign"
    assert re.fullmatch(r"product\[(\d)\] with respect to y\[\1\]", found.entry)
    true = np.sin(POINT[int(found.entry[8])])
    assert (found.given, found.expected) == pytest.approx((-true, true), rel=1e-6)


def test_the_first_wrong_rule_of_two_is_named_and_the_inner_one_before_the_outer() -> None:
    early, late = (with_rule(BASES["sine"], kind, "custom_jvp") for kind in ("sign", "factor 2"))
    assert fault(lambda x: late(early(x))).likeness == "has the wrong sign"
    outer = jax.custom_jvp(lambda x: early(x) * 2.0)
    outer.defjvp(lambda p, t: jax.jvp(lambda x: early(x) * 2.0, p, t))
    assert fault(lambda x: outer(x)).likeness == "has the wrong sign"


def test_a_wrong_rule_inside_a_function_whose_own_rule_is_right_is_not_the_fault() -> None:
    inner, other = (with_rule(BASES["sine"], kind, "custom_jvp") for kind in ("sign", "factor 2"))

    @jax.custom_jvp
    def outer(x: jax.Array) -> jax.Array:
        return 3.0 * inner(x)

    outer.defjvp(lambda p, t: (outer(*p), 3.0 * (jnp.sin(p[0]) + p[0] * jnp.cos(p[0])) * t[0]))
    assert fault(lambda x: other(outer(x))).likeness == "is 2 times the derivative"
    assert derive(outer, cost="none", points=2)(jnp.asarray(POINT)).check.faults == ()


def test_a_rule_that_is_wrong_at_some_points_only_is_named_there() -> None:
    bent = jax.custom_jvp(lambda x: jnp.sin(x))
    bent.defjvp(lambda p, t: (jnp.sin(*p), jnp.where(jnp.sum(p[0]) > 1.02, 1.1, 1.0) * jnp.cos(*p) * t[0]))
    report = derive(bent, cost="none", points=32)(jnp.asarray(POINT, "float32"))
    assert report.verdict == "differs" and first(report.check).likeness == "is 1.1 times the derivative"


@pytest.mark.parametrize("kind", ["custom_jvp", "custom_vjp"])
@pytest.mark.parametrize("size", [1000, 3000])
def test_one_wrong_entry_among_thousands_is_found_in_no_time(kind: str, size: int) -> None:
    wrong = with_rule(BASES["sine"], "one of 1000", kind)
    point = jnp.linspace(0.3, 1.3, size)
    check = checked(lambda x: jnp.sum(wrong(x) ** 2), point, budget=0.0)
    assert check.outcome in ("differs", "out of reach")
    assert first(check).name == "injected"
    assert f"[{7 * size // 11}]" in first(check).entry


def test_a_wrong_rule_of_many_outputs_is_found() -> None:
    wrong = with_rule(BASES["sine"], "one of 1000", "custom_jvp")
    check = checked(lambda x: wrong(x * jnp.linspace(0.3, 1.3, 1000)), jnp.asarray(0.9))
    assert check.outcome == "differs" and first(check).entry.startswith("injected[636]")


class TestLikeness:
    """How a wrong Jacobian is like the right one, told from the numbers alone."""

    right = np.array([[1.0, 2.0], [3.0, 5.0]])

    def of(self, given: Any) -> str:
        return likeness_of(np.array(given), self.right, np.array(given) != self.right, 1)

    def test_words(self) -> None:
        assert self.of(-self.right) == "has the wrong sign"
        assert self.of(1.001 * self.right) == "is 1.001 times the derivative"
        assert self.of(0 * self.right) == "is zero"
        assert self.of(self.right.T) == "is its transpose"
        assert self.of(np.eye(2)) == "is the identity, as in a straight-through estimator"
        assert self.of([[1.0, 2.0], [3.0, 6.0]]) == "is wrong in 1 of 4 entries"
        assert self.of([[7.0, 1.0], [4.0, 6.0]]) == ""


def test_nothing_is_accused_where_nothing_is_wrong_at_every_place() -> None:
    for place, make in PLACES.items():
        right = make(with_rule(BASES["decay"], "none", "custom_vjp"))
        assert checked(right, jnp.asarray(POINT)).faults == (), place
    assert set(FAULTS) == {"none", *(case.fault for case in cases(60))}


class TestStepsThatTheUserDidNotWrite:
    """They are looked at only where a derivative is wrong, and no rule of the user's is."""

    wrong = staticmethod(with_rule(BASES["sine"], "sign", "custom_jvp"))

    def faults(self, trace: Any, outcome: Any) -> Any:
        options: Any = {"order": 1, "trusted": (), "by_rule": True, "deadline": time.monotonic() + 10.0}
        return faults_of(trace, [[POINT]], outcome=outcome, **options)

    def test_rules_of_the_library(self) -> None:
        trace = subject_trace(subject_of(lambda x: self.wrong(x), (jnp.asarray(POINT),), {}))
        (call,) = trace.rule_calls
        shipped = replace(trace, rule_calls=(replace(call, is_library=True),))
        assert [fault.name for fault in self.faults(shipped, "differs")] == ["injected"]
        assert self.faults(shipped, "agrees") == ()

    def test_single_operations(self) -> None:
        trace = subject_trace(subject_of(lambda x: jnp.exp(jnp.sin(x)), (jnp.asarray(POINT),), {}))
        wrong = jax.custom_jvp(lambda x: [jnp.exp(x)])
        wrong.defjvp(lambda p, t: ([jnp.exp(*p)], [2.0 * jnp.exp(*p) * t[0]]))
        first, second = trace.equations
        (found,) = self.faults(replace(trace, equations=(first, replace(second, operator=wrong))), "differs")
        assert (found.name, found.kind, found.likeness) == ("exp", "primitive", "is 2 times the derivative")
        assert "jnp.exp(jnp.sin(x))" in found.source
        assert self.faults(trace, "differs") == ()


def test_a_right_rule_whose_terms_overflow_for_one_input_is_not_accused_for_the_others() -> None:
    @jax.custom_jvp
    def swish(x: Any) -> Any:
        return x / (1.0 + jnp.exp(-x))

    @swish.defjvp
    def rule(primals: Any, tangents: Any) -> Any:
        (x,), (v,) = primals, tangents
        e = jnp.exp(-x)
        return swish(x), (1.0 / (1.0 + e) + x * e / (1.0 + e) ** 2) * v  # inf / inf at -1e6

    check = checked(lambda x: jnp.sum(swish(x)), jnp.array([-1e6, 1e6], jnp.float32))
    overflowing, sound = check.entries
    assert (overflowing.symbolic, sound.symbolic) == (pytest.approx(np.nan, nan_ok=True), 1.0)
    assert sound.forward == pytest.approx(np.nan, nan_ok=True)  # 0 times NaN
    assert check.outcome == "out of reach"
