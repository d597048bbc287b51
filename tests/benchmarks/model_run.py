"""One model of the catalogue in a process of its own: what `derive` takes beside its own first `jit(value_and_grad)`.

`python -m tests.benchmarks.model_run mlp 240` prints the figures as JSON, if 240 CPU seconds are enough.
"""

from __future__ import annotations

import dataclasses
import json
import re
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp

from jaxdiff_magic import derive
from tests.models.catalogue import MODELS, parameters

MEGABYTE = 1e6


@dataclass
class Figures:
    """What one run took.

    Attributes:
        parameters: how many floating-point numbers the model has.
        compiled: CPU seconds of the first `jit(value_and_grad)`, its call included.
        whole: CPU seconds of `derive(f)(*args)` at default options, and of its text and HTML.
        waited: of the same, seconds on the wall.
        before, peak: the process's largest memory before `derive`, and at the end, MB.
        verdict: the report's.
        lines, html: of its text, and bytes of its HTML.
    """

    parameters: int
    compiled: float
    whole: float
    waited: float
    before: float
    peak: float
    verdict: str
    lines: int
    html: int


def peak_memory() -> float:
    """The largest resident memory of this process so far, MB."""
    status = Path("/proc/self/status")
    if status.exists():  # getrusage counts what the parent had when it started this process
        found = re.search(r"VmHWM:\s+(\d+) kB", status.read_text(encoding="utf-8"))
        assert found is not None
        return int(found[1]) * 1024 / MEGABYTE
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / MEGABYTE


def seconds(action: Callable[[], Any]) -> tuple[float, float, Any]:
    """CPU seconds, in which what runs beside on the machine does not count, seconds on the wall, and the result."""
    jax.clear_caches()
    cpu, wall = time.process_time(), time.perf_counter()
    result = action()
    return time.process_time() - cpu, time.perf_counter() - wall, result


def by_parameters(f: Callable[..., Any], args: tuple[Any, ...]) -> tuple[Callable[..., Any], list[Any]]:
    """The function of the floating-point leaves alone, and these."""
    leaves, structure = jax.tree.flatten(args)
    places = [k for k, x in enumerate(leaves) if hasattr(x, "dtype") and jnp.issubdtype(x.dtype, jnp.floating)]

    def of_floats(floats: list[Any]) -> Any:
        filled = list(leaves)
        for place, value in zip(places, floats, strict=True):
            filled[place] = value
        return f(*jax.tree.unflatten(structure, filled))

    return of_floats, [leaves[place] for place in places]


def first_screen(f: Callable[..., Any], args: tuple[Any, ...]) -> tuple[str, int, int]:
    """The whole report: its verdict, lines of text and bytes of HTML."""
    report = derive(f)(*args)
    text, html = str(report), report._repr_mimebundle_()["text/html"]
    return report.verdict, len(text.splitlines()), len(html.encode())


def measured(name: str) -> Figures:
    """One model, once; SymPy and the rules are loaded, and JAX has compiled something, before either is timed."""
    derive(lambda x: jnp.sum(jnp.sin(x) ** 2))(jnp.ones(3))
    f, args = MODELS[name]()
    of_floats, floats = by_parameters(f, args)
    compiled, _, _ = seconds(lambda: jax.block_until_ready(jax.jit(jax.value_and_grad(of_floats))(floats)))
    before = peak_memory()
    whole, waited, (verdict, lines, html) = seconds(lambda: first_screen(f, args))
    return Figures(parameters(floats), compiled, whole, waited, before, peak_memory(), verdict, lines, html)


if __name__ == "__main__":
    if sys.argv[2:]:
        resource.setrlimit(resource.RLIMIT_CPU, (int(sys.argv[2]), int(sys.argv[2]) + 5))
    print(json.dumps(dataclasses.asdict(measured(sys.argv[1]))))
