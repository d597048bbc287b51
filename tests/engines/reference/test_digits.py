"""Values and derivatives with 50 digits, beside those of the same function written in mpmath."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import mpmath
import numpy as np
import pytest
from jax.scipy import special

from jaxdiff_magic import derive
from jaxdiff_magic.base.errors import InputError, OutOfReach
from jaxdiff_magic.engines.reference import arithmetic
from jaxdiff_magic.engines.reference.digits import right_digits, with_digits
from jaxdiff_magic.engines.reference.precise import Precise, precise, precision
from jaxdiff_magic.engines.reference.precise_functions import CONSTANTS, MPMATH
from jaxdiff_magic.engines.reference.scalars import FUNCTIONS
from jaxdiff_magic.subject.subject import subject_of
from jaxdiff_magic.subject.trace import subject_trace
from tests.engines.symbolic.test_shipped import MEANT


def digits_of(f: Callable[..., Any], *args: Any, order: int, digits: int = 50, **options: Any) -> np.ndarray:
    """The derivative of some order of a function of one array, in float64."""
    with jax.enable_x64(True):
        subject = subject_of(f, args, {}, None)
        trace = subject_trace(subject)
    path = (0, *[0] * order)
    return with_digits(trace, [path], subject.exact_point, digits, **options)[path]


def assert_digits(found: Any, truth: Any, digits: int = 40) -> None:
    with mpmath.workdps(digits + 20):
        for a, b in zip(np.ravel(np.asarray(found, object)), np.ravel(np.asarray(truth, object)), strict=True):
            assert isinstance(a, mpmath.mpf)
            assert abs(a - b) <= abs(b) * mpmath.mpf(10) ** -digits + mpmath.mpf(10) ** -(digits + 10), (a, b)


ONE = mpmath.mpf(1)
SCALAR: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any], float]] = {
    # name: (in JAX, in mpmath, at)
    **{
        name: (getattr(jnp, name), MEANT[name], 0.83)
        for name in "sqrt cbrt exp exp2 expm1 log log1p log2 sin cos tan sinh cosh tanh".split()
    },
    "asin": (jnp.arcsin, mpmath.asin, 0.3),
    "acos": (jnp.arccos, mpmath.acos, 0.3),
    "atan": (jnp.arctan, mpmath.atan, -2.5),
    "asinh": (jnp.arcsinh, mpmath.asinh, 0.3),
    "acosh": (jnp.arccosh, mpmath.acosh, 1.2),
    "atanh": (jnp.arctanh, mpmath.atanh, 0.3),
    "atan2": (lambda x: jnp.arctan2(x, 0.75), lambda x: mpmath.atan2(x, 0.75), -1.3),
    "logistic": (jax.nn.sigmoid, MEANT["logistic"], 40.0),
    "erf": (special.erf, mpmath.erf, -1.1),
    "erfc": (special.erfc, mpmath.erfc, 9.0),
    "erf_inv": (special.erfinv, mpmath.erfinv, 0.2),
    "lgamma": (special.gammaln, MEANT["lgamma"], 1.7),
    "digamma": (special.digamma, mpmath.digamma, 0.3),
    "polygamma": (lambda x: special.polygamma(2, x), lambda x: mpmath.polygamma(2, x), 0.7),
    "zeta": (lambda x: special.zeta(2.5, x), lambda x: mpmath.zeta(2.5, x), 0.7),
    "igamma": (lambda x: special.gammainc(3.5, x), lambda x: MEANT["igamma"](3.5, x), 2.2),
    "igammac": (lambda x: special.gammaincc(3.5, x), lambda x: MEANT["igammac"](3.5, x), 2.2),
    "betainc": (
        lambda x: special.betainc(2.5, 3.0, x),
        lambda x: MEANT["regularized_incomplete_beta"](2.5, 3, x),
        0.8,
    ),
    "bessel_i0e": (special.i0e, MEANT["bessel_i0e"], 2.3),
    "bessel_i1e": (special.i1e, MEANT["bessel_i1e"], 2.3),
    "power": (lambda x: x**2.5, lambda x: x ** (ONE * 2.5), 0.7),
    "power of a literal": (lambda x: x**0.1, lambda x: x ** (ONE * 0.1), 0.7),
    "negative power": (lambda x: x**-3, lambda x: x**-3, -0.7),
    "pow": (lambda x: x**x, lambda x: x**x, 0.7),
    "mean": (lambda x: jnp.mean(jnp.stack([x, x**2, jnp.exp(x)])), lambda x: (x + x**2 + mpmath.exp(x)) / 3, 0.7),
    "remainder": (lambda x: (x**2) % 0.3, lambda x: x**2 % (ONE * 0.3), 1.7),
    "ties": (lambda x: jnp.max(jnp.stack([x, x, x])) ** 2, lambda x: x**2, 0.7),
    "where": (lambda x: jnp.where(x > 0, jnp.sin(x), jnp.log(-x)), mpmath.sin, 0.7),
    "loop": (
        lambda x: jax.lax.fori_loop(0, 6, lambda k, c: jnp.sin(c) * x + k, x),
        lambda x: _looped(x),
        0.7,
    ),
}


def _looped(x: Any) -> Any:
    c = x
    for k in range(6):
        c = mpmath.sin(c) * x + k
    return c


@pytest.mark.parametrize("name", SCALAR)
def test_scalar_functions_are_those_of_mpmath(name: str) -> None:
    f, truth, at = SCALAR[name]
    for order in range(3):
        found = digits_of(f, at, order=order)
        with mpmath.workdps(70):
            assert_digits(found, mpmath.diff(truth, mpmath.mpf(at), order))


def test_every_scalar_function_has_more_digits() -> None:
    assert set(MPMATH) == set(FUNCTIONS)
    with arithmetic.mpmath.workdps(30):
        assert {name: float(exact()) for name, (_, exact) in CONSTANTS.items()} == {
            name: rounded for name, (rounded, _) in CONSTANTS.items()
        }


MATRIX = np.array([[2.0, 0.5, -0.3], [0.1, 1.5, 0.7], [0.4, -0.2, 1.1]])


def _softmax(m: Any) -> Any:
    e = [mpmath.exp(m[0, j]) for j in range(3)]
    return e[1] / sum(e)


OF_MATRICES: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    "product": (lambda a: (a @ a.T @ a)[0, 1], lambda m: (m * m.T * m)[0, 1]),
    "einsum": (lambda a: jnp.einsum("ij,jk,ki->", a, a, a), lambda m: sum((m**3)[i, i] for i in range(3))),
    "inv": (lambda a: jnp.linalg.inv(a)[2, 0], lambda m: (m**-1)[2, 0]),
    "det": (jnp.linalg.det, mpmath.det),
    "slogdet": (lambda a: jnp.linalg.slogdet(a)[1], lambda m: mpmath.log(abs(mpmath.det(m)))),
    "solve": (lambda a: jnp.linalg.solve(a, a[0] ** 2)[1], lambda m: _solved(m)),
    "cholesky": (
        lambda a: jnp.linalg.cholesky(a @ a.T)[2, 1],
        lambda m: mpmath.cholesky(m * m.T)[2, 1],
    ),
    "norm": (jnp.linalg.norm, lambda m: mpmath.sqrt(sum(x**2 for x in m))),
    "softmax": (lambda a: jax.nn.softmax(a)[0, 1], _softmax),
    "logsumexp": (jax.nn.logsumexp, lambda m: mpmath.log(sum(map(mpmath.exp, m)))),
    "sorted": (lambda a: jnp.sort(a.ravel())[4] ** 2, lambda m: sorted(m)[4] ** 2),
    "cumulative": (lambda a: jnp.cumsum(a.ravel())[5] * jnp.cumprod(a[0])[2], lambda m: _cumulative(m)),
}


def _solved(m: Any) -> Any:
    return mpmath.lu_solve(m, mpmath.matrix([m[0, j] ** 2 for j in range(3)]))[1]


def _cumulative(m: Any) -> Any:
    return sum(m[i, j] for i in range(2) for j in range(3)) * m[0, 0] * m[0, 1] * m[0, 2]


@pytest.mark.parametrize("name", OF_MATRICES)
def test_functions_of_matrices_are_those_of_mpmath(name: str) -> None:
    f, truth = OF_MATRICES[name]
    entries = [(0, 0), (1, 2), (0, 1)]
    found = [digits_of(f, MATRIX, order=order) for order in range(3)]

    def along(i: int, j: int) -> Callable[[Any], Any]:
        def moved(t: Any) -> Any:
            m = mpmath.matrix(MATRIX.tolist())
            m[i, j] += t
            return truth(m)

        return moved

    with mpmath.workdps(70):
        assert_digits(found[0], along(0, 0)(0))
        for at in entries:
            assert_digits(found[1][at], mpmath.diff(along(*at), 0))
            assert_digits(found[2][at + at], mpmath.diff(along(*at), 0, 2))


def test_a_quotient_that_overflows_in_float64_has_all_its_digits() -> None:
    """Trap S10: exp(r) / (exp(r) + 1) at 1000 is NaN in float64, and its derivative 5e-435."""
    f = lambda r: jnp.exp(r) / (jnp.exp(r) + 1)  # noqa: E731
    with mpmath.workdps(500):
        e = mpmath.exp(1000)
        assert_digits(digits_of(f, 1000.0, order=0), e / (e + 1))
        found = digits_of(f, 1000.0, order=1).item()
        assert abs(found * (e + 1) ** 2 / e - 1) < mpmath.mpf(10) ** -45


def test_a_zero_that_is_rounding_alone_is_zero() -> None:
    assert digits_of(lambda x: jnp.sin(x) ** 2 + jnp.cos(x) ** 2 - 1, 0.7, order=0).item() == 0
    assert digits_of(lambda x: x[0] ** 2 + x[1], np.array([0.0, 3.0]), order=2).ravel().tolist() == [2, 0, 0, 0]


def test_a_value_far_below_its_terms_keeps_its_digits() -> None:
    found = digits_of(lambda x: 1 - jnp.cos(x), 1e-60, order=0).item()
    with mpmath.workdps(80):
        assert_digits(found * mpmath.mpf(10) ** 120, 2 * mpmath.sin(mpmath.mpf(1e-60) / 2) ** 2 * mpmath.mpf(10) ** 120)


def test_literals_and_inputs_are_what_the_program_holds() -> None:
    """Trap S7: 0.1 in float32 is 13421773 / 134217728."""
    report = derive(lambda x: 0.1 * x * x, cost="none", points=0)(0.1)
    with mpmath.workdps(70):
        tenth = mpmath.mpf(13421773) / 134217728
        assert_digits(report.precise("value"), tenth**3, 50)
        assert_digits(report.precise("hessian"), 2 * tenth, 50)


class TestTheReport:
    def test_has_the_structure_of_what_jax_returns(self) -> None:
        f = lambda p, s: {"a": p["W"] @ p["x"], "b": s * jnp.sum(p["x"] ** 3) / 3}  # noqa: E731
        point = {"W": jnp.eye(2), "x": jnp.array([1.0, 2.0])}, 0.5
        report = derive(f, cost="none", points=0)(*point)
        found = report.precise("jacobian", digits=20)
        assert jax.tree.structure(found) == jax.tree.structure(report.jacobian)
        for ours, theirs in zip(jax.tree.leaves(found), jax.tree.leaves(report.jacobian), strict=True):
            np.testing.assert_allclose(np.asarray(ours).astype(float), theirs, rtol=1e-6)
        assert isinstance(found["b"][1], mpmath.mpf)

    def test_needs_no_formulas(self) -> None:
        report = derive(lambda x: jnp.exp(x), symbolic=False, cost="none", points=0)(1.0)
        with mpmath.workdps(80):
            assert_digits(report.precise("d3", 60), mpmath.exp(1), 60)

    def test_says_what_it_cannot_do(self) -> None:
        vector = derive(lambda x: x * 2, cost="none", points=0)(jnp.ones(2))
        with pytest.raises(InputError, match="ask for 'jacobian'"):
            vector.precise("gradient")
        with pytest.raises(InputError, match="There is no 'slope'"):
            vector.precise("slope")
        branching = derive(lambda x: x if x > 0 else -x, cost="none", points=0)(1.0)
        with pytest.raises(OutOfReach, match="branches in Python"):
            branching.precise()


class TestOutOfReach:
    @pytest.mark.parametrize(
        ("f", "name"),
        [
            (lambda x: jnp.linalg.eigvalsh(x @ x.T), "eigh"),
            (lambda x: jnp.linalg.svd(x)[1], "svd"),
            (lambda x: jnp.linalg.qr(x)[1], "qr"),
            (lambda x: jnp.fft.rfft(x[0]).real, "fft"),
        ],
    )
    def test_what_lapack_computes_is_named(self, f: Callable[[Any], Any], name: str) -> None:
        with pytest.raises(OutOfReach, match=f"{name} is evaluated in float64 only, not with more digits"):
            digits_of(f, MATRIX, order=1)

    def test_complex_numbers(self) -> None:
        with pytest.raises(OutOfReach, match="complex numbers are evaluated in complex128 only"):
            digits_of(lambda x: jnp.abs(x + 1j), 1.0, order=1)

    def test_many_inputs(self) -> None:
        assert digits_of(jnp.sum, np.ones(65), order=0).item() == 65
        with pytest.raises(OutOfReach, match="65 inputs are too many for 50 digits: at most 64"):
            digits_of(jnp.sum, np.ones(65), order=1)

    def test_many_operations(self) -> None:
        with pytest.raises(OutOfReach, match="it takes more than 1,000 scalar operations"):
            digits_of(lambda x: jnp.sum(x @ x), np.ones((15, 15)), order=0, operations=1000)

    def test_what_is_not_finite(self) -> None:
        for f in (jnp.log, lambda x: (x - 1) ** -0.5, lambda x: 1 / (x + 1)):
            with pytest.raises(OutOfReach, match="it is not finite here"):
                digits_of(f, -1.0, order=0)

    def test_exponentials_of_exponentials(self) -> None:
        with pytest.raises(OutOfReach, match="exp of a number beyond"):
            digits_of(lambda x: jnp.exp(jnp.exp(jnp.exp(x))), 20.0, order=0)


def test_no_step_may_fall_back_to_float64() -> None:
    with precision(50):
        number = precise(np.asarray([0.5]))
        for rounding in (lambda: number.astype(float), lambda: number * 0.1, lambda: number + np.full(1, 1 / 3)):
            with pytest.raises(TypeError):
                rounding()
        assert isinstance((number * 0.5 + 3)[0], Precise)


def test_right_digits_are_counted() -> None:
    assert right_digits(3.14, mpmath.pi()) == pytest.approx(3.3, abs=0.05)
    assert right_digits(2.0, mpmath.mpf(2)) == np.inf
    assert right_digits(0.0, mpmath.mpf("1e-10")) == 0
