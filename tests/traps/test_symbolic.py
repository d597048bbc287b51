"""What plain implementations of symbolic derivatives get wrong, one numbered trap a test."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import jax
import jax.numpy as jnp
import mpmath
import numpy as np
import pytest
from jax import lax

from jaxdiff_magic import WrongDerivative

from .reports import RIGHT, assert_close, entry, finding, findings, forward_rule, report_of, reverse_rule, sin

V = jnp.array([0.5, 1.2, -0.7])
M = jnp.array([[2.0, 1.0], [0.5, 3.0]])
RNG = np.random.default_rng(0)
B = jnp.asarray(RNG.normal(size=(2, 3, 2)), jnp.float32)
C = jnp.asarray(RNG.normal(size=(2, 2, 3)), jnp.float32)
U, W = jnp.arange(1.0, 4.0), jnp.arange(1.0, 5.0)


@pytest.mark.parametrize(("x", "slope"), [(2.0, 4.0), (-2.0, 3.0)])
@pytest.mark.parametrize(
    "f",
    [lambda x: jnp.where(x > 0, x**2, 3 * x), lambda x: lax.select_n(x > 0, 3 * x, x**2)],
    ids=["where", "select_n"],
)
def test_s01_where_has_the_derivative_of_the_branch_it_takes(f: Any, x: float, slope: float) -> None:
    """The first case of `select_n` is the one for false: with the two swapped, every `where` is wrong."""
    report = report_of(f, x)
    assert report.verdict == "proved"
    assert report.gradient == entry(report, "gradient").symbolic == slope
    assert report.formula("gradient").text == "2*x*[x > 0] + 3*[x <= 0]"


def test_s01_the_derivative_of_a_determinant_is_its_cofactors() -> None:
    """A determinant whose derivative comes out as 0."""
    report = report_of(jnp.linalg.det, jnp.array([[1.0, 2.0], [3.0, 5.0]]))
    assert_close(report.gradient, np.array([[5.0, -3.0], [-2.0, 1.0]]))
    assert report.verdict in RIGHT  # how JAX writes its rule of det changes
    assert report.formula("gradient").text == "[[a[1, 1], -a[1, 0]], [-a[0, 1], a[0, 0]]]"


@pytest.mark.parametrize("make", [forward_rule, reverse_rule])
def test_s02_the_formula_is_that_of_the_code_and_not_of_its_rule(make: Any) -> None:
    """A formula that is derived from a custom rule confirms the rule with itself."""
    report = report_of(make(sin, lambda x, t: 2.0 * jnp.cos(x) * t), 1.0)
    assert report.formula("gradient").text == "cos(x)"
    assert entry(report, "gradient").symbolic == pytest.approx(np.cos(1.0))
    assert report.gradient == pytest.approx(2 * np.cos(1.0))
    assert report.verdict == "differs"
    assert finding(report, "custom-rule").severity == "error"


def test_s02_relu_at_its_kink_follows_another_convention_and_is_no_error() -> None:
    """The code of relu has slope 0.5 at 0 and its rule says 0: the same function, two conventions."""
    report = report_of(jax.nn.relu, 0.0)
    assert (report.gradient, entry(report, "gradient").symbolic) == (0.0, 0.5)
    assert report.verdict == "out of reach"
    assert "0 from the left and 1 from the right; JAX returns 0, by its rule" in finding(report, "kink").message
    assert not findings(report, "custom-rule")


INVERSE = np.linalg.inv(np.asarray(M, float))
SOFTMAX = np.exp(np.asarray(V, float)) / np.exp(np.asarray(V, float)).sum()


@pytest.mark.parametrize(
    ("f", "args", "derivative", "formula"),
    [
        (lambda M: jnp.linalg.slogdet(M)[1], (M,), INVERSE.T, "df/dM = M⁻ᵀ"),
        (lambda x: jax.nn.logsumexp(x), (V,), SOFTMAX, "df/dx = softmax(x)"),
        (
            lambda M, N: jnp.trace(M.T @ M) + jnp.trace(N.T @ N),
            (M, M.T),
            (2 * M, 2 * M.T),
            "M: df/dM = 2 M\nN: df/dN = 2 N",
        ),
        (lambda M: M[1, 1], (M,), np.array([[0, 0], [0, 1]]), "df/dM = e[1] e[1]ᵀ"),
        (lambda M: jnp.linalg.det(M), (M,), 5.5 * INVERSE.T, "df/dM = (det M) M⁻ᵀ"),
        (lambda x: jnp.sqrt(x @ x), (jnp.array([3.0, 4.0]),), np.array([0.6, 0.8]), "df/dx = x/‖x‖"),
        (lambda x: M @ x, (V[:2],), M, "df/dx = M"),
    ],
    ids=["log det", "log-sum-exp", "sum of traces", "an element", "det", "root of x'x", "A x"],
)
def test_s03_matrix_derivatives_are_neither_zero_nor_unevaluated_nor_transposed(
    f: Any, args: Any, derivative: Any, formula: str
) -> None:
    """SymPy's own calculus of matrices returns 0, leaves a derivative standing, raises, or has A' for that of A x."""
    report = report_of(f, *args)
    assert_close(report.jacobian, derivative)
    assert report.verdict in RIGHT
    what = "jacobian" if report.gradient is None else "gradient"
    assert report.formula(what, "matrix").text == formula


def test_s03_a_kronecker_product_has_a_derivative() -> None:
    """The derivative of a Kronecker product raises in SymPy."""
    report = report_of(lambda M: jnp.sum(jnp.kron(M, M)), M)
    assert_close(report.gradient, np.full((2, 2), 2 * 6.5))
    assert report.verdict == "proved"


@pytest.mark.parametrize(
    ("f", "taken", "sides"),
    [
        (lambda x: jnp.maximum(x, 0.0), 0.5, "0 from the left and 1 from the right"),
        (lambda x: jnp.abs(x), 1.0, "-1 from the left and 1 from the right"),
        (lambda x: jnp.where(x >= 0, x, 2 * x), 1.0, "2 from the left and 1 from the right"),
        (lambda x: jnp.sign(x), 0.0, "-1 on the left, 1 on the right"),
    ],
    ids=["maximum", "abs", "where", "sign"],
)
def test_s04_two_conventions_that_meet_at_a_kink_confirm_nothing(f: Any, taken: float, sides: str) -> None:
    """Whether SymPy's and JAX's choice at a kink are the same number is luck: 1/2 and 1/2 for max, 0 and 1 for abs."""
    report = report_of(f, 0.0)
    assert report.gradient == taken
    assert report.verdict == "out of reach"
    assert sides in finding(report, "kink").message
    assert report_of(f, -1.5).verdict in RIGHT


@pytest.mark.parametrize(
    ("f", "slope", "formula"),
    [
        (lambda x: jnp.sqrt(x**2), -1.0, "sign(x)"),
        (lambda x: jnp.log(x**2), -1.0, "2/x"),
        (lambda x: jnp.abs(x), -1.0, "sign(x)"),
    ],
    ids=["root of a square", "log of a square", "abs"],
)
def test_s05_symbols_are_real_and_of_either_sign(f: Any, slope: float, formula: str) -> None:
    """As complex symbols they give derivatives of re and im; as positive ones they lose the sign."""
    report = report_of(f, -2.0)
    assert report.gradient == entry(report, "gradient").symbolic == slope
    assert report.verdict in RIGHT
    assert report.formula("gradient").text == formula


def test_s05_the_kink_of_a_root_of_a_square_is_not_assumed_away() -> None:
    """With positive symbols sqrt(x**2) is x, and has no kink."""
    report = report_of(lambda x: jnp.sqrt(x**2), 0.0)
    assert report.verdict == "out of reach"
    assert "-1 from the left and 1 from the right" in finding(report, "kink").message


def test_s05_a_cube_root_of_a_negative_number_is_nan_as_a_power_and_real_as_cbrt() -> None:
    """SymPy's (-8)**(1/3) is a complex number."""
    power = report_of(lambda x: x ** (1 / 3), -8.0)
    assert np.isnan(power.value) and power.verdict == "out of reach"
    assert "a negative number has no real power" in finding(power, "domain").message
    root = report_of(jnp.cbrt, -8.0)
    assert root.value == -2.0 and root.gradient == pytest.approx(1 / 12)
    assert root.verdict in RIGHT and not findings(root, "domain")


def test_s06_a_straight_through_estimator_is_right() -> None:
    """With stop_gradient taken for the identity, the estimator is a round, of slope 0."""
    report = report_of(lambda x: x + lax.stop_gradient(jnp.round(x) - x), 0.7)
    assert (report.value, report.gradient, entry(report, "gradient").symbolic) == (1.0, 1.0, 1.0)
    assert report.verdict in RIGHT and not findings(report, "zero-gradient")


def test_s06_a_stopped_value_is_a_constant_in_the_formula() -> None:
    """x**2 times a stopped x has the derivative of x**2 times a constant, not of x**3."""
    report = report_of(lambda x: lax.stop_gradient(x) * x**2, 3.0, order=2)
    assert (report.gradient, report.hessian) == (18.0, 6.0)
    assert report.verdict == "proved"
    assert report.formula("gradient").text == "2*x*stop_gradient(x)"


def test_s06_what_log_sum_exp_stops_leaves_nothing_in_its_formula() -> None:
    """Its stopped maximum cancels; as a free symbol it stays."""
    assert "stop_gradient" not in report_of(jax.nn.logsumexp, V).formula("gradient").text


@pytest.mark.parametrize("x", [2.0, jnp.float32(2.0)], ids=["weakly typed", "float32"])
def test_s07_a_decimal_is_shown_as_written_and_known_as_stored(x: Any) -> None:
    """0.1 in float32 is another number: the one to show is not the one to check with."""
    report = report_of(lambda x: 0.1 * x, x)
    stored = Fraction(13421773, 134217728)
    assert Fraction(float(report.gradient)) == stored
    assert report.precise("gradient") == mpmath.mpf(stored.numerator) / stored.denominator
    assert report.formula("gradient").text == "0.1"
    assert report.verdict == "proved"


def test_s07_the_minimum_at_a_decimal_is_stationary_and_not_lost_to_rounding() -> None:
    """0.1 as it is written is 1.5e-9 beside the 0.1 that the function and the point have in float32."""
    report = report_of(lambda x: (x - 0.1) ** 2, 0.1)
    assert float(report.gradient) == float(report.precise("gradient")) == 0.0
    assert finding(report, "zero-gradient").message == "f is stationary in x here: its derivative is 0."
    assert report.verdict != "differs"


def chain(x: Any, module: Any = jnp) -> Any:
    for _ in range(8):
        x = module.sin(x) * module.cos(x)
    return x


def test_s08_the_formula_of_a_long_chain_stays_short() -> None:
    """Substituted into one another, eight steps of sin x cos x have a derivative of 78,730 operations."""
    report = report_of(chain, 0.7)
    truth = mpmath.diff(lambda x: chain(x, mpmath), mpmath.mpf(float(np.float32(0.7))))
    assert float(report.gradient) == pytest.approx(float(truth), rel=1e-5)
    assert entry(report, "gradient").symbolic == pytest.approx(float(truth), rel=1e-12)
    assert report.verdict in RIGHT
    assert len(report.formula("gradient").text) < 2000


def test_s09_a_difference_too_small_to_see_is_not_proved() -> None:
    """Numbers that agree in every digit are no proof that two expressions are the same."""
    with jax.enable_x64(True):
        off = report_of(forward_rule(sin, lambda x, t: (jnp.cos(x) + 1e-20 * x) * t), 0.7)
        exact = report_of(forward_rule(sin, lambda x, t: jnp.cos(x) * t), 0.7)
    assert float(off.gradient) == float(exact.gradient)
    assert (off.verdict, exact.verdict) == ("agrees", "proved")


def test_s09_expressions_that_are_written_differently_are_found_equal() -> None:
    """`==` compares how two expressions are written."""
    report = report_of(lambda x: jnp.sin(x) ** 2 + jnp.cos(x) ** 2, 0.3)
    assert report.formula("gradient").text == "0"
    assert report.verdict == "proved"


def test_s09_a_grade_says_whether_algebra_or_numbers_decided() -> None:
    """Equal by algebra and equal at some points are two answers."""
    messages = {
        mine: report_of(lambda x: jnp.sin(x) ** 2, 0.3, mine=mine).mine[0].message
        for mine in ("2*sin(x)*cos(x)", "sin(2*x)")
    }
    assert "the same expression" in messages["2*sin(x)*cos(x)"]
    assert "at the point and at 8 random points" in messages["sin(2*x)"]


def test_s10_a_reference_that_overflows_does_not_condemn_jax() -> None:
    """exp(r)/(exp(r) + 1) at 1000 is infinity by infinity, and the softplus of JAX is fine."""
    softplus = report_of(jax.nn.softplus, 1000.0)
    assert softplus.gradient == 1.0 and softplus.verdict in RIGHT
    lse = report_of(jax.nn.logsumexp, jnp.array([1000.0, 1001.0]))
    e = mpmath.e
    assert_close(lse.gradient, np.array([float(1 / (1 + e)), float(e / (1 + e))]))
    assert lse.verdict in RIGHT


def test_s10_a_function_that_overflows_is_out_of_its_domain_and_not_wrong() -> None:
    """Nor does a formula that does not overflow condemn a function that does."""
    report = report_of(lambda r: jnp.exp(r) / (jnp.exp(r) + 1), 1000.0)
    assert np.isnan(report.gradient) and report.verdict == "out of reach"
    cure = finding(report, "domain").cure
    assert "jax.nn.sigmoid(r)" in cure and "finite here" in cure


def test_s11_a_slope_where_there_is_no_value_is_not_confirmed() -> None:
    """JAX gives log the slope -1 at -1, and so does 1/x; but log(-1) is nan."""
    report = report_of(jnp.log, -1.0)
    assert np.isnan(report.value) and report.gradient == -1.0
    assert report.verdict == "out of reach"
    assert "defined for positive numbers only" in finding(report, "domain").message
    with pytest.raises(WrongDerivative, match="value is not finite"):
        report.raise_if_wrong(strict=True)


@pytest.mark.parametrize(
    "f", [lambda x: x**2, lambda x: x**2.0, lambda x: jnp.square(x), lambda x: lax.integer_pow(x, 2)]
)
def test_s12_every_way_to_write_a_square_has_the_same_derivative(f: Any) -> None:
    """Three primitives are a square, and only one of them is a power of real numbers."""
    report = report_of(f, -3.0, order=2)
    assert (report.gradient, report.hessian) == (-6.0, 2.0)
    assert report.verdict == "proved" and report.formula("gradient").text == "2*x"


def test_s12_the_power_zero_at_zero_has_slope_zero_where_jax_has_nan() -> None:
    """x**0.0 is 1 everywhere; JAX multiplies 0 by infinity."""
    report = report_of(lambda x: x**0.0, 0.0)
    assert np.isnan(report.gradient) and entry(report, "gradient").symbolic == 0.0
    assert report.verdict == "differs"
    assert "The true one is 0." in finding(report, "nan").message
    assert report.formula("gradient").text == "0"
    assert report_of(lambda x: x**0.0, 1.3).verdict in RIGHT


def test_s12_a_power_of_zero_is_never_wrong_in_its_exponent() -> None:
    """0**x is 0 for positive x, and its slope is 0: log(0) does not come into it."""
    report = report_of(lambda x: 0.0**x, 2.0)
    assert report.gradient == entry(report, "gradient").numeric == 0.0
    assert report.verdict != "differs"


def test_s12_a_power_of_a_negative_number_has_no_slope_in_its_exponent() -> None:
    """(-2)**y is real at whole numbers only, so that its slope in y is nan, and that in x is right."""
    report = report_of(lambda x, y: x**y, -2.0, 3.0)
    assert report.gradient[0] == 12.0 and np.isnan(report.gradient[1])
    assert entry(report, "gradient", "x").symbolic == 12.0
    assert entry(report, "gradient", "y").outcome == "out of reach"
    assert any("log of a negative number is nan" in found.message for found in findings(report, "nan"))


@pytest.mark.parametrize(
    ("f", "value", "slopes"),
    [(lambda x, y: lax.rem(x, y), -1.5, (1.0, 2.0)), (lambda x, y: jnp.mod(x, y), 0.5, (1.0, 3.0))],
    ids=["rem", "mod"],
)
def test_s13_remainders_of_negative_numbers_have_the_sign_of_their_own_kind(f: Any, value: float, slopes: Any) -> None:
    """`rem` takes the sign of the dividend and `mod` that of the divisor, which changes the slope in the divisor."""
    report = report_of(f, -5.5, 2.0)
    assert (report.value, report.gradient) == (value, slopes)
    assert [entry(report, "gradient", name).symbolic for name in "xy"] == list(slopes)
    assert report.verdict in RIGHT


def test_s13_round_goes_to_the_even_number_and_floor_is_flat() -> None:
    """SymPy leaves the derivative of floor standing, and rounds half up."""
    jump = report_of(lambda x: x * jnp.round(x), 2.5)
    assert jump.value == 5.0 and jump.verdict == "out of reach"
    assert "5 here, 5 on the left, 7.5 on the right" in finding(jump, "kink").message
    floor = report_of(lambda x: x * jnp.floor(x), -1.3)
    assert floor.gradient == entry(floor, "gradient").symbolic == -2.0
    assert floor.formula("gradient").text == "floor(x)" and floor.verdict in RIGHT


def test_s14_an_index_past_the_end_is_told_beside_its_derivative() -> None:
    """The gradient of 2 x[5] for a vector of three is [0, 0, 2], without a word from JAX."""
    report = report_of(lambda x: x[5] * 2.0, U)
    assert_close(report.gradient, np.array([0.0, 0.0, 2.0]))
    assert report.formula("gradient").text == "[0, 0, 2]" and report.verdict == "proved"
    assert "it reads element 2 instead" in finding(report, "out-of-range-index").message


def test_s14_a_negative_index_counts_from_the_end() -> None:
    """JAX adds the length to it before it gathers."""
    report = report_of(lambda x: x[-1] ** 2 + x[-3], U)
    assert_close(report.gradient, np.array([1.0, 0.0, 6.0]))
    assert report.verdict == "proved" and not findings(report, "out-of-range-index")


@pytest.mark.parametrize(
    ("f", "gradient"),
    [
        (lambda x: jnp.sum(x.at[0].set(x[1] * x[2]) ** 2), [0.0, 40.0, 30.0]),
        (lambda x: jnp.sum(x.at[0].add(x[1] * x[2]) ** 2), [14.0, 46.0, 34.0]),
        (lambda x: jnp.sum(jnp.zeros(2).at[jnp.array([0, 0, 1])].add(x) ** 2), [6.0, 6.0, 6.0]),
    ],
    ids=["set", "add", "add twice to one place"],
)
def test_s14_setting_overwrites_and_adding_adds(f: Any, gradient: list[float]) -> None:
    """A scatter that overwrites ends the derivative of what was there; one that adds does not."""
    report = report_of(f, U)
    assert_close(report.gradient, np.array(gradient))
    assert report.verdict == "proved"


@pytest.mark.parametrize(
    ("f", "x", "gradient"),
    [
        (lambda x: jnp.sum((x @ C) ** 2), B, 2 * np.einsum("bik,bjk->bij", B @ C, C)),
        (lambda x: jnp.sum(jnp.einsum("bij,bji->b", x, C) ** 2), B, 2 * np.einsum("bij,bji,bml->blm", B, C, C)),
        (
            lambda x: jnp.sum(jnp.einsum("jbi,kib->bk", x, C) ** 2),
            B,
            2 * np.einsum("bk,kib->bi", np.einsum("jbi,kib->bk", B, C), C)[None].repeat(2, axis=0),
        ),
        (lambda x: jnp.sum((x * B) ** 2), W[:2], 2 * W[:2] * np.sum(np.asarray(B) ** 2, (0, 1))),
        (
            lambda x: jnp.sum(jnp.sum(x, axis=(0, 2)) ** 3),
            B,
            np.broadcast_to(3 * np.sum(B, (0, 2))[None, :, None] ** 2, (2, 3, 2)),
        ),
        (
            lambda x: jnp.sum((x.transpose(2, 0, 1).reshape(4, 3) @ U) * W),
            B,
            np.asarray(U)[None, :, None] * np.asarray(W).reshape(2, 2).T[:, None, :],
        ),
    ],
    ids=["batched product", "batched contraction", "axes out of order", "broadcast", "two axes", "transpose, reshape"],
)
def test_s15_indices_of_batched_reduced_and_reshaped_arrays_are_kept(f: Any, x: Any, gradient: Any) -> None:
    """Which axis is which after broadcasts, batched products, reductions and transposes inside a reshape."""
    report = report_of(f, x, points=2)
    assert_close(report.gradient, gradient, 1e-5)
    assert report.verdict in RIGHT
    for row in report.check.entries:
        place = tuple(map(int, row.inputs[0].split("[")[1].rstrip("]").split(",")))
        assert row.symbolic == pytest.approx(float(gradient[place]), rel=1e-5, abs=1e-5)


def test_s16_formulas_use_the_readers_names_also_those_that_sympy_has_taken() -> None:
    """E, I, N, S, Q and beta mean something else to SymPy."""
    report = report_of(lambda E, I, N: E * I**2 + N, 2.0, 3.0, 4.0)  # noqa: E741
    assert_close(report.gradient, (9.0, 12.0, 1.0))
    assert report.formula("gradient").text == "E: I**2\nI: 2*E*I\nN: 1"
    report = report_of(lambda S, beta, Q: jnp.exp(beta * S) + Q, 2.0, 0.5, 1.0)
    assert_close(report.gradient, (0.5 * np.e, 2 * np.e, 1.0))
    assert report.formula("gradient").text == "S: beta*exp(S*beta)\nbeta: S*exp(S*beta)\nQ: 1"
    assert report.verdict == "proved"


def test_s16_names_survive_a_jit_and_keys_of_a_dict_that_are_keywords() -> None:
    """Inside a jit JAX names variables anew, and `lambda` is no name of Python's."""
    report = report_of(jax.jit(lambda gamma, zeta: gamma**2 * zeta), 3.0, 2.0)
    assert report.formula("gradient").text == "gamma: 2*gamma*zeta\nzeta: gamma**2"
    report = report_of(lambda p: p["lambda"] ** 2 * p["pi"], {"lambda": 2.0, "pi": 3.0})
    assert_close(report.gradient, {"lambda": 12.0, "pi": 4.0})
    assert "p['lambda']: 2*p['lambda']*p['pi']" in report.formula("gradient").text


@pytest.mark.parametrize(
    ("f", "says"),
    [
        (lambda x, y: x**2, "f never uses it, so it is 0 everywhere"),
        (lambda x, y: x**2 + jnp.floor(y), "So it is 0 at every point"),
        (lambda x, y: x**2 + jnp.cos(y), "f is stationary in y here"),
    ],
    ids=["structural", "symbolic", "numeric"],
)
def test_s17_three_kinds_of_zero_are_kept_apart(f: Any, says: str) -> None:
    """A derivative is 0 since nothing depends on the input, since it cancels, or at this point only."""
    y = 0.0 if "stationary" in says else 2.2
    report = report_of(f, 1.5, y)
    assert report.gradient == (3.0, 0.0)
    assert report.verdict in RIGHT
    (found,) = findings(report, "zero-gradient")
    assert found.path == "y" and says in found.message


def test_s17_only_the_zero_at_this_point_keeps_a_formula() -> None:
    """A zero of the formula is not a zero of its number."""
    stationary = report_of(lambda x, y: x**2 + jnp.cos(y), 1.5, 0.0).formula("gradient").text
    flat = report_of(lambda x, y: x**2 + jnp.floor(y), 1.5, 2.2).formula("gradient").text
    assert (stationary, flat) == ("x: 2*x\ny: -sin(y)", "x: 2*x\ny: 0")
