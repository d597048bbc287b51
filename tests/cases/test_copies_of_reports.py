"""A report is plain data plus what can be made again: it can be saved, copied, compared and hashed, whatever of."""

from __future__ import annotations

import copy
import functools
import pickle
import subprocess
import sys
from collections import namedtuple
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxdiff_magic import InputError, Report, derive
from jaxdiff_magic.base.errors import OutOfReach

ROOT = Path(__file__).parents[2]
Pair = namedtuple("Pair", "w b")
X = jnp.array([[1.0, 2.0], [3.0, 4.0], [0.5, -1.0]])
quick = functools.partial(derive, cost="none", points=2)


@jax.tree_util.register_pytree_node_class
class Model:
    """Cannot be pickled, as classes that hold a lock or a compiled program."""

    def __init__(self, w: Any) -> None:
        self.w = w

    def tree_flatten(self) -> tuple[Any, Any]:
        return (self.w,), None

    @classmethod
    def tree_unflatten(cls, _: Any, parts: Any) -> Model:
        return cls(*parts)

    def __reduce__(self) -> Any:
        raise TypeError("a model cannot be pickled")


def cubic() -> Report:
    return derive(lambda x: x[0] ** 2 * x[1] + x[1] ** 3, mine="[2*x[0]*x[1], x[0]**2]", points=2)(
        jnp.array([1.0, 2.0])
    )


@jax.custom_jvp
def half(x):
    return x**2


half.defjvp(lambda p, t: (half(*p), p[0] * t[0]))


def undefined() -> Report:
    return quick(lambda x: jnp.log(x) + jnp.where(x > 0, x, jnp.nan), order=1)(jnp.array([1.0, -1.0]))


MADE: dict[str, Any] = {
    "cubic": cubic,
    "wrong": lambda: quick(half)(0.5),
    "not a number": undefined,
    "pairs": lambda: quick(lambda p, n: jnp.sum((X @ p.w + p.b) ** n), order=1)(Pair(jnp.ones(2), 0.5), 2),
    "model": lambda: quick(lambda m: jnp.sum(m.w**2), order=1)(Model(jnp.array([1.0, 2.0]))),
    "half precision": lambda: quick(lambda x: {"a": jnp.sin(x)}, order=1)(jnp.array([0.5, 1.0], jnp.bfloat16)),
    "keyed": lambda: quick(lambda x, key: x * jax.random.normal(key), order=1)(0.5, jax.random.key(0)),
    "out of reach": lambda: quick(lambda x: jax.pure_callback(np.sin, x, x) * x, order=1)(0.5),
    "no formulas": lambda: quick(lambda x: x * x, symbolic=False)(0.5),
    "large": lambda: quick(lambda x: jnp.sum(x**2), points=0)(jnp.ones(3000)),
}


@functools.cache
def report_of(name: str) -> Report:
    try:
        return MADE[name]()
    except Exception as error:
        pytest.skip(f"not derived: {error}")


@pytest.mark.parametrize("name", MADE)
def test_what_is_saved_and_loaded_says_the_same_and_is_equal(name: str) -> None:
    report = report_of(name)
    again = pickle.loads(pickle.dumps(report))
    assert str(again) == str(report)
    assert again._repr_mimebundle_() == report._repr_mimebundle_()
    assert again.verdict == report.verdict
    assert again == report
    assert hash(again) == hash(report)
    assert again.check == report.check
    assert pickle.loads(pickle.dumps(again)) == report


@pytest.mark.parametrize("name", MADE)
def test_a_copy_is_alive(name: str) -> None:
    report = report_of(name)
    for again in (copy.copy(report), copy.deepcopy(report)):
        assert again is not report
        assert again == report
        assert {report: 1}[again] == 1
        assert again.subject.function is report.subject.function
        assert again.live is report.live
    if report.blocks:
        assert copy.deepcopy(report).blocks[0].values is not report.blocks[0].values


def test_parts_can_be_saved_copied_and_compared() -> None:
    report = report_of("cubic")
    gradient = report.formula("gradient")
    parts = [
        gradient,
        report.check,
        *report.check.entries,
        *report.blocks,
        *report.steps,
        *report.mine,
        report.curvature,
    ]
    parts += [*report.findings, report.cost, report.subject]
    for part in parts:
        again = pickle.loads(pickle.dumps(part))
        assert again == part == copy.deepcopy(part) == copy.copy(part)
        assert len({again, part, copy.deepcopy(part)}) == 1
    assert pickle.loads(pickle.dumps(gradient)).sympy == gradient.sympy
    assert len({gradient, report.formula("hessian"), report.formula("function")}) == 3


def test_reports_of_different_points_differ_and_of_the_same_are_equal() -> None:
    def f(x):
        return jnp.sum(x**2)

    at = [quick(f, order=1)(jnp.array(x)) for x in ([1.0, 2.0], [1.0, 2.0], [1.0, 2.5])]
    assert at[0] == at[1]
    assert hash(at[0]) == hash(at[1])
    assert at[0] != at[2]
    assert at[0] != "a report"
    assert len(set(at)) == 2


def test_nan_is_equal_to_itself() -> None:
    assert undefined() == undefined()
    assert len({undefined(), undefined()}) == 1


@pytest.mark.parametrize("name", ["cubic", "pairs", "keyed"])
def test_what_needs_the_function_says_in_a_sentence_what_is_missing(name: str, tmp_path: Path) -> None:
    again = pickle.loads(pickle.dumps(report_of(name)))
    words = (
        f"this report was saved and loaded again, and {again.subject.name} itself is not part of it: derive it again"
    )
    for use in (
        lambda: again.formula("gradient"),
        lambda: again.precise("value"),
        lambda: again.panel(),
        lambda: again.save(tmp_path / "page.html"),
        lambda: again.subject.tree(0.5),
        lambda: again.subject.function(0.5),
    ):
        with pytest.raises(OutOfReach) as missing:
            use()
        assert words in str(missing.value)
    with pytest.raises(InputError, match="is not part of it"):
        again.export_test(tmp_path / "test_f.py")
    assert list(tmp_path.iterdir()) == []


def test_products_of_a_large_function_say_so_too() -> None:
    again = pickle.loads(pickle.dumps(report_of("large")))
    assert again.products == report_of("large").products
    with pytest.raises(OutOfReach, match="saved and loaded again"):
        again.products.hvp(jnp.ones(3000))


def test_a_wrong_derivative_is_still_raised_after_loading() -> None:
    again = pickle.loads(pickle.dumps(report_of("wrong")))
    with pytest.raises(AssertionError, match="half"):
        again.raise_if_wrong()


def test_another_process_can_load_what_was_saved(tmp_path: Path) -> None:
    path = tmp_path / "reports"
    path.write_bytes(pickle.dumps([report_of("cubic"), report_of("model"), report_of("pairs")]))
    code = f"import pickle; print([r.verdict for r in pickle.load(open({str(path)!r}, 'rb'))])"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), "JAX_PLATFORMS": "cpu"},
    )
    verdicts = [report_of(name).verdict for name in ("cubic", "model", "pairs")]
    assert done.stdout.strip() == str(verdicts), done.stderr
