"""Scenes for one kind of finding, without formulas and verdicts: what a test of one kind does not need."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import jax.numpy as jnp

from jaxdiff_magic.engines.jax.values import derivatives_of
from jaxdiff_magic.engines.reference.derivatives import Reference
from jaxdiff_magic.findings import Scene
from jaxdiff_magic.report import Check
from jaxdiff_magic.subject.subject import subject_of
from jaxdiff_magic.subject.trace import subject_trace


def scene_of(f: Callable[..., Any], *args: Any, order: int = 0) -> Scene:
    """A function at a point, with JAX's derivatives up to an order (0: without any, so that nothing is compiled)."""
    points = [jnp.asarray(x, jnp.result_type(float)) for x in args]
    subject = subject_of(f, tuple(points), {})
    trace = subject_trace(subject)
    derivatives: Any = derivatives_of(subject, order) if order else None
    values: Any = derivatives.at(points) if order else None
    return Scene(
        subject=subject,
        derivatives=derivatives,
        values=values,
        trace=trace,
        reference=Reference(trace),
        check=Check("out of reach", (), ""),
        deadline=time.monotonic() + 60.0,
    )
