"""Reports without costs and with few points around, and what is looked up in them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxdiff_magic import Report, derive
from jaxdiff_magic.report import CheckEntry, Finding

RIGHT = ("proved", "agrees")
Function = Callable[..., Any]


def report_of(f: Function, *args: Any, order: int = 1, points: int = 8, **options: Any) -> Report:
    return derive(f, cost="none", order=order, points=points, **options)(*args)


def findings(report: Report, kind: str) -> list[Finding]:
    return [finding for finding in report.findings if finding.kind == kind]


def finding(report: Report, kind: str) -> Finding:
    """The first finding of a kind; there must be one."""
    found = findings(report, kind)
    assert found, f"there is no {kind} among {[finding.kind for finding in report.findings]}"
    return found[0]


def entry(report: Report, what: str, *inputs: str) -> CheckEntry:
    """The row of one derivative by the inputs named; by whatever it is by where none is named."""
    (row,) = [e for e in report.check.entries if e.what == what and (not inputs or e.inputs == inputs)]
    return row


def assert_close(actual: Any, expected: Any, tolerance: float = 2e-6) -> None:
    """Same structure and shapes, and the same numbers within a few roundings of float32."""
    assert jax.tree.structure(actual) == jax.tree.structure(expected)
    for a, e in zip(jax.tree.leaves(actual), jax.tree.leaves(expected), strict=True):
        assert np.shape(a) == np.shape(e)
        np.testing.assert_allclose(np.asarray(a, float), np.asarray(e, float), rtol=tolerance, atol=tolerance)


def forward_rule(code: Function, rule: Function) -> Function:
    """A function with a `custom_jvp` rule of the point and a tangent."""
    g = jax.custom_jvp(code)
    g.defjvp(lambda primals, tangents: (code(*primals), rule(*primals, *tangents)))
    return g


def reverse_rule(code: Function, rule: Function) -> Function:
    """A function with a `custom_vjp` rule of the point and a cotangent."""
    g = jax.custom_vjp(code)
    g.defvjp(lambda x: (code(x), x), lambda x, cotangent: (rule(x, cotangent),))
    return g


def sin(x: Any) -> Any:
    return jnp.sin(x)
