"""Functions of more inputs than can be followed one by one: the verdict, memory, and arrays spread over devices."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import pytest

from jaxdiff_magic import derive
from jaxdiff_magic.base.errors import OutOfReach
from jaxdiff_magic.show.report import Report

ROOT = Path(__file__).resolve().parents[4]
N = 300_000


def report(f: Any) -> Report:
    return derive(f, budget=20.0)(jnp.linspace(-1.0, 1.0, N))


@jax.custom_jvp
def doubled(x: jax.Array) -> jax.Array:
    return jnp.sin(x)


doubled.defjvp(lambda primals, tangents: (doubled(*primals), 2 * jnp.cos(primals[0]) * tangents[0]))


@jax.custom_jvp
def one_wrong(x: jax.Array) -> jax.Array:
    return jnp.sin(x)


one_wrong.defjvp(
    lambda primals, tangents: (one_wrong(*primals), (jnp.cos(primals[0]) * tangents[0]).at[5].multiply(1.5))
)


def test_a_smooth_function_is_proved_by_algebra_whatever_its_size() -> None:
    found = report(lambda x: jnp.mean(jnp.cosh(x) + x**4))
    assert found.verdict == "proved", found.check.summary
    assert found.products is not None
    assert found.products.gradient[0].formula is not None
    assert "sinh" in found.products.gradient[0].formula.text
    assert found.gradient.shape == (N,) and found.gradient.dtype == jnp.float32


def test_a_rule_that_is_wrong_everywhere_differs() -> None:
    found = report(lambda x: jnp.sum(doubled(x) * x))
    assert found.verdict == "differs"
    (entry,) = found.check.entries
    assert entry.reverse is not None and entry.numeric is not None
    assert abs(entry.reverse) > 1.2 * abs(entry.numeric)


def test_a_rule_that_is_wrong_in_one_entry_differs_there() -> None:
    found = report(lambda x: jnp.sum(one_wrong(x) * x))
    assert found.verdict == "differs"
    (entry,) = [entry for entry in found.check.entries if entry.outcome == "differs"]
    assert entry.inputs == ("x[5]",) and "one_wrong" in found.check.summary


def with_reverse_rule(factor: float) -> Any:
    """The sum of sines, with a custom_vjp that is wrong by a factor."""
    total = jax.custom_vjp(lambda x: jnp.sum(jnp.sin(x)))
    total.defvjp(lambda x: (total(x), x), lambda x, g: (factor * g * jnp.cos(x),))
    return lambda x: total(x)


@pytest.mark.parametrize(("factor", "verdict"), [(1.0, "agrees"), (2.0, "differs")])
def test_a_function_without_forward_mode_is_checked_by_its_reverse_mode(factor: float, verdict: str) -> None:
    found = report(with_reverse_rule(factor))
    assert found.verdict == verdict, found.check.summary
    (entry,) = found.check.entries
    assert entry.forward is None and entry.reverse is not None
    assert "custom_vjp" in found.check.columns["forward"]
    with pytest.raises(OutOfReach, match="custom_vjp"):
        assert found.products is not None
        found.products.jvp(found.gradient)


@pytest.mark.parametrize("f", [lambda x: jnp.sum(jax.nn.relu(x - 0.1)), lambda x: jnp.sum(jnp.abs(x * 0.0))])
def test_kinks_that_are_not_at_the_point_or_do_not_bend_agree(f: Any) -> None:
    assert report(f).verdict in ("agrees", "proved")


def run(code: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        capture_output=True,
        text=True,
        timeout=500,
        env={**os.environ, "PYTHONPATH": str(ROOT), "JAX_PLATFORMS": "cpu", **environment},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="memory is read from /proc")
def test_ten_million_parameters_take_no_more_than_ten_copies_of_them() -> None:
    said = run(
        """
        import json, resource
        import jax, jax.numpy as jnp
        from jaxdiff_magic import derive

        def loss(x):
            return jnp.sum(jnp.cosh(x)) + jnp.sum(x ** 2)

        def shown(x):
            report = derive(loss, budget=60.0)(x)
            json.dumps(report.to_dict(), allow_nan=False)
            return report, report._repr_mimebundle_()

        shown(jnp.ones(3))
        pages = int(open("/proc/self/statm").read().split()[1])
        before = pages * resource.getpagesize()
        n = 10_000_000
        x = jnp.arange(n, dtype=jnp.float32)
        x = x / (n - 1)
        report, bundle = shown(x)
        v = report.products.hvp(report.gradient)
        jax.block_until_ready(v)
        # not ru_maxrss, which a process has from the one that started it
        (line,) = [line for line in open("/proc/self/status") if line.startswith("VmHWM")]
        peak = int(line.split()[1]) * 1024
        low, high, trace = report.products.smallest, report.products.largest, report.products.trace
        verdict = f"{report.verdict}: {report.check.summary}"
        ends = [part for end in (low, high, trace) for part in (end.value, end.error)]
        print(json.dumps([(peak - before) / x.nbytes, verdict, *ends, float(v[-1] / report.gradient[-1])]))
        assert "Too large to build" in bundle["text/html"]
        """
    )
    copies, verdict, low, low_error, high, high_error, trace, trace_error, last = json.loads(said)
    assert copies <= 10
    assert verdict.startswith("proved"), verdict
    # the Hessian is diagonal with entries 2 + cosh(k / (n - 1)): from 3 to 2 + cosh(1)
    assert abs(low - 3) <= low_error < 0.1
    assert abs(high - 2 - math.cosh(1)) <= high_error < 0.1
    assert abs(trace - 1e7 * (2 + math.sinh(1)) - (math.cosh(1) - 1) / 2) < trace_error + 1 < 20
    assert last == pytest.approx(2 + math.cosh(1), rel=1e-5)


def test_arrays_spread_over_devices_stay_there() -> None:
    said = run(
        """
        import jax, jax.numpy as jnp, numpy as np
        from jax.sharding import Mesh, NamedSharding, PartitionSpec
        from jaxdiff_magic import derive

        jax.config.update("jax_cpu_enable_async_dispatch", False)  # else programs on few cores can wait for each other
        assert len(jax.devices()) == 8
        mesh = Mesh(np.array(jax.devices()), ("d",))
        rows, columns = (NamedSharding(mesh, PartitionSpec(*spec)) for spec in (("d",), (None, "d")))
        w = jax.jit(lambda: jnp.linspace(-1, 1, 400_000), out_shardings=rows)()
        b = jax.jit(lambda: jnp.ones((16, 20_000)), out_shardings=columns)()

        gathered = []
        array = type(w)
        whole = array.__array__

        def watched(self, *args, **kwargs):
            if self.size > 1000:
                gathered.append(self.shape)
            return whole(self, *args, **kwargs)

        array.__array__ = watched
        np.asarray(w + 1)
        assert gathered == [(400_000,)]  # the watch works
        gathered.clear()

        def loss(p):
            return jnp.sum(jnp.cosh(p["w"])) + jnp.sum(p["b"] ** 2 * jnp.sin(p["b"]))

        p = {"w": w, "b": b}
        report = derive(loss, budget=60.0)(p)
        report._repr_mimebundle_()
        report.to_dict()
        image = report.products.hvp(report.gradient)
        assert gathered == []
        expected = jax.grad(loss)(p)
        for name in p:
            for found in (report.gradient[name], image[name]):
                assert found.sharding.is_equivalent_to(p[name].sharding, found.ndim), (name, found.sharding)
                assert len({shard.device for shard in found.addressable_shards}) == 8
                assert found.addressable_shards[0].data.size == found.size // 8
            assert report.gradient[name].sharding.is_equivalent_to(expected[name].sharding, expected[name].ndim)
        print(f"{report.verdict}: {report.check.summary};{report.products.largest.value}")
        """,
        XLA_FLAGS="--xla_force_host_platform_device_count=8",
    )
    verdict, largest = said.rsplit(";", 1)
    assert verdict.startswith("proved"), verdict
    assert float(largest) > 1
