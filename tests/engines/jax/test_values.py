"""What JAX returns, and what is left undone with a reason."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxdiff_magic import derive
from jaxdiff_magic.engines.jax.values import derivatives_of, equation_count
from jaxdiff_magic.subject.derivative_programs import in_chunks
from jaxdiff_magic.subject.subject import subject_of


def values(function, *args, order=2):
    subject = subject_of(function, args, {})
    return derivatives_of(subject, order).at(subject.point)


def f(x):
    return x[0] ** 2 * x[1] + jnp.sin(x[1])


X = jnp.array([1.0, 2.0])


def test_they_are_jax_own_numbers_in_jax_own_dtype():
    found = values(f, X, order=3)
    for ours, theirs in (
        (found.value[0], f(X)),
        (found.forward[0][0], jax.jacfwd(f)(X)),
        (found.reverse[0][0], jax.grad(f)(X)),
        (found.hessian[0][0][0], jax.hessian(f)(X)),
        (found.hessian_reverse[0][0][0], jax.jacrev(jax.jacrev(f))(X)),
        (found.higher[3][0][0][0][0], jax.jacfwd(jax.hessian(f))(X)),
    ):
        np.testing.assert_allclose(ours, theirs, rtol=1e-6)
        assert ours.dtype == jnp.float32


def test_a_function_that_branches_in_python_works_as_under_grad():
    found = values(lambda x: x**2 if x > 0 else -x, 3.0)
    assert (found.reverse[0][0], found.forward[0][0], found.hessian[0][0][0]) == (6.0, 6.0, 2.0)


def test_a_custom_vjp_has_no_forward_mode_and_still_a_hessian():
    @jax.custom_vjp
    def sine(x):
        return jnp.sin(x)

    sine.defvjp(lambda x: (sine(x), x), lambda x, g: (g * jnp.cos(x),))
    found = values(sine, 1.0)
    assert found.forward is None
    assert "custom_vjp" in found.missing["forward"]
    np.testing.assert_allclose(found.hessian[0][0][0], -np.sin(1.0), rtol=1e-6)


def test_a_while_loop_has_no_reverse_mode():
    found = values(lambda x: jax.lax.while_loop(lambda c: c < 10, lambda c: 2 * c, x), 1.0)
    assert found.reverse is None
    assert "while_loop" in found.missing["reverse"]
    assert found.jacobian[0][0] == 16.0


@pytest.mark.parametrize(("n", "built"), [(250, True), (3000, False)])
def test_a_hessian_that_would_not_fit_is_described_not_built(n, built):
    found = values(lambda x: (x**2).sum(), jnp.ones(n))
    assert (found.hessian is not None) == built
    if not built:
        assert found.missing["hessian"] == "it would have 1 x 3000 x 3000 entries (0.036 GB)"


def test_the_dearer_mode_is_left_out_when_it_takes_thousands_of_passes():
    found = values(lambda x: (x**2).sum(), jnp.ones(3000))
    assert found.forward is None
    assert found.missing["forward"] == "it would take 3000 passes, reverse mode 1"


def test_a_program_that_would_compile_for_minutes_is_not_compiled(monkeypatch):
    first = max(equation_count(jax.make_jaxpr(mode(f))(X).jaxpr) for mode in (jax.jacfwd, jax.jacrev))
    monkeypatch.setattr("jaxdiff_magic.engines.jax.values.MAX_COMPILED_EQUATIONS", first)
    assert "would take minutes to compile" in values(f, X).missing["hessian"]


def test_the_value_has_the_dtype_that_the_function_gives_it() -> None:
    half = jnp.ones(3, jnp.bfloat16)
    assert derive(lambda x: (half * x).sum(), cost="none")(2.0).value.dtype == jnp.bfloat16


def test_integers_and_booleans_beside_the_floating_result_are_kept() -> None:
    report = derive(lambda x: {"a": x**2, "k": jnp.argmax(x), "b": x > 1}, cost="none")(jnp.array([1.0, 2.0]))
    assert report.value["k"] == 1
    assert report.value["b"].tolist() == [False, True]
    assert report.jacobian["a"].tolist() == [[2.0, 0.0], [0.0, 4.0]]


def test_the_point_is_what_it_was_when_it_was_given() -> None:
    x = np.array([1.0, 2.0])
    report = derive(lambda x: jnp.sum(x**2), cost="none")(x)
    x[:] = 5.0
    assert report.subject.point[0].tolist() == [1.0, 2.0]


class TestDerivativesThatDoNotFitAtOnce:
    """Computed in chunks of columns or rows, with the numbers of JAX's own."""

    @pytest.fixture(autouse=True)
    def _small_memory(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("jaxdiff_magic.engines.jax.values.MAX_BYTES", 4000)
        monkeypatch.setattr("jaxdiff_magic.engines.jax.values.CHUNK_BYTES", 1000)

    @staticmethod
    def wide(x, y):
        return jnp.sin(jnp.outer(x, jnp.arange(40.0))).sum(1) * y[0] + y[1] ** 3

    def test_a_jacobian_and_a_hessian_of_several_arguments(self, monkeypatch: pytest.MonkeyPatch) -> None:
        calls: list[tuple[str, int]] = []

        def spied(mode, function, at_once):
            calls.append((mode, at_once))
            return in_chunks(mode, function, at_once)

        monkeypatch.setattr("jaxdiff_magic.engines.jax.values.in_chunks", spied)
        args = jnp.linspace(0.1, 1.0, 7), jnp.array([0.5, 2.0])
        found = values(self.wide, *args)
        assert {mode for mode, _ in calls} == {"forward", "reverse"}
        assert all(1 <= at_once < 9 for _, at_once in calls)
        for ours in (found.forward, found.reverse):
            for block, theirs in zip(ours[0], jax.jacrev(self.wide, (0, 1))(*args), strict=True):
                np.testing.assert_allclose(block, theirs, rtol=1e-5, atol=1e-5)
        for row, rows in zip(found.hessian[0], jax.hessian(self.wide, (0, 1))(*args), strict=True):
            for block, theirs in zip(row, rows, strict=True):
                assert block.shape == theirs.shape
                np.testing.assert_allclose(block, theirs, rtol=1e-4, atol=1e-3)

    def test_a_gradient_has_one_row(self) -> None:
        found = values(lambda x: jnp.sum(jnp.sin(jnp.outer(x, jnp.arange(300.0)))), jnp.ones(9))
        np.testing.assert_allclose(found.reverse[0][0], found.forward[0][0], rtol=1e-4)

    def test_the_report_is_the_same(self) -> None:
        args = jnp.linspace(0.1, 1.0, 7), jnp.array([0.5, 2.0])
        assert derive(self.wide, cost="none")(*args).verdict in ("proved", "agrees")


def test_what_was_compiled_beside_is_not_compiled_again():
    subject = subject_of(lambda x: jnp.sum(jnp.sin(x) ** 3), (jnp.arange(3.0),), {})
    derivatives = derivatives_of(subject, 2)
    compiled = []

    def hear(event, _, **__):
        if event == "/jax/core/compile/backend_compile_duration":
            compiled.append(event)

    jax.monitoring.register_event_duration_secs_listener(hear)
    derivatives.compile_beside()
    derivatives.beside.wait()
    assert len(compiled) == 1
    values = derivatives.at(subject.point)
    assert len(compiled) == 1
    assert derivatives.compilations == 1
    np.testing.assert_allclose(values.reverse[0][0], 3 * np.sin([0, 1, 2]) ** 2 * np.cos([0, 1, 2]), rtol=1e-5)


def test_what_cannot_be_compiled_is_an_error_where_it_is_needed():
    @jax.custom_jvp
    def unknown(x):
        return jax.ffi.ffi_call("no_such_target", jax.ShapeDtypeStruct(x.shape, x.dtype))(x)

    unknown.defjvps(lambda t, _, x: t * x)
    derivatives = derivatives_of(subject_of(unknown, (jnp.arange(3.0),), {}), 1)
    derivatives.compile_beside()
    with pytest.raises(Exception, match="no_such_target"):
        derivatives.at((jnp.arange(3.0),))
