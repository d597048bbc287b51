"""What plain implementations of symbolic derivatives get wrong, one numbered trap a test: here on JAX's side."""

from __future__ import annotations

import json
import math
from typing import Any

import jax
import jax.numpy as jnp
import mpmath
import numpy as np
import pytest
from jax import lax

from jaxdiff_magic import InputError, WrongDerivative, derive

from .reports import RIGHT, assert_close, entry, finding, findings, forward_rule, report_of, reverse_rule, sin

V = jnp.array([0.5, 1.2, -0.7])
X = jnp.array([[1.0, 2.0, -1.0], [0.5, -1.0, 1.0]])


def test_a01_forward_and_reverse_agreeing_on_a_wrong_rule_is_not_agreement() -> None:
    """Both modes use the same custom_jvp rule, and confirm each other whatever it says."""
    report = report_of(forward_rule(sin, lambda x, t: 2.0 * jnp.cos(x) * t), 1.0)
    row = entry(report, "gradient")
    assert row.forward == row.reverse == pytest.approx(2 * math.cos(1.0))
    assert row.symbolic == pytest.approx(math.cos(1.0)) and row.numeric == pytest.approx(math.cos(1.0))
    assert report.verdict == row.outcome == "differs"
    with pytest.raises(WrongDerivative, match="is 2 times the derivative"):
        report.raise_if_wrong()


@jax.custom_vjp
def two_waves(x: Any) -> Any:
    return jnp.stack([jnp.sin(x), jnp.cos(x)])


two_waves.defvjp(lambda x: (two_waves(x), x), lambda x, g: (g[0] * jnp.cos(x) - g[1] * jnp.sin(x),))


def test_a02_what_is_recommended_for_a_custom_vjp_runs() -> None:
    """It has no forward mode, which would be the cheaper one from one input to two outputs."""
    with pytest.raises(TypeError):
        jax.jacfwd(two_waves)(0.7)
    report = derive(two_waves, cost="count", points=4)(0.7)
    assert_close(report.jacobian, np.array([math.cos(0.7), -math.sin(0.7)]))
    assert_close(report.hessian, np.array([-math.sin(0.7), -math.cos(0.7)]))
    assert report.verdict in RIGHT
    assert report.check.entries[0].forward is None and "custom_vjp" in report.check.columns["forward"]
    assert "Forward mode of two_waves was not computed" in finding(report, "infeasible-mode").message
    cost = report.cost
    assert cost and cost.recommended == "reverse" and cost.forward.passes < cost.reverse.passes
    assert cost.forward.infeasible and [strategy.mode for strategy in cost.strategies] == ["reverse"]
    assert_close(eval(cost.call, {"jax": jax, "two_waves": two_waves, "x": 0.7}), report.jacobian)


THRICE = float(mpmath.diff(lambda x: mpmath.sin(mpmath.sin(mpmath.sin(x))), 0.7))


def test_a03_a_while_loop_has_a_forward_mode_only() -> None:
    """Reverse mode cannot run such a loop backwards."""

    def f(x: Any) -> Any:
        return lax.while_loop(lambda s: s[1] < 3, lambda s: (jnp.sin(s[0]), s[1] + 1), (x, 0))[0]

    report = derive(f, cost="count", points=4, order=1)(0.7)
    row = entry(report, "gradient")
    assert report.gradient == pytest.approx(THRICE, rel=1e-6) and row.symbolic == pytest.approx(THRICE)
    assert row.reverse is None and report.verdict in RIGHT
    assert report.cost and report.cost.recommended == "forward" and "while_loop" in report.cost.reverse.infeasible
    assert eval(report.cost.call, {"jax": jax, "f": f, "x": 0.7}) == pytest.approx(THRICE, rel=1e-6)


def test_a03_a_loop_of_known_length_has_both_modes() -> None:
    """With fixed bounds a fori_loop becomes a scan."""
    report = report_of(lambda x: lax.fori_loop(0, 3, lambda _, c: jnp.sin(c), x), 0.7)
    row = entry(report, "gradient")
    assert [row.forward, row.reverse] == pytest.approx([THRICE] * 2, rel=1e-6)
    assert report.verdict in RIGHT and not findings(report, "infeasible-mode")


def branching(x: Any) -> Any:
    if x > 0:
        return x**3
    return -x


@pytest.mark.parametrize(("x", "slope"), [(2.0, 12.0), (-2.0, -1.0)])
def test_a04_a_branch_in_python_has_derivatives_and_a_verdict(x: float, slope: float) -> None:
    """It cannot be traced to a program, but grad, jacfwd and jacrev run it with numbers."""
    with pytest.raises(jax.errors.TracerBoolConversionError):
        jax.make_jaxpr(branching)(x)
    report = report_of(branching, x)
    row = entry(report, "gradient")
    assert [row.forward, row.reverse, row.numeric] == pytest.approx([slope] * 3)
    assert report.verdict == "agrees" and "branches in Python" in report.unreachable


def power(x: Any, kind: str, shift: Any = None) -> Any:
    y = x**2 if kind == "square" else x
    return y if shift is None else y + shift


def test_a05_text_is_held_fixed_and_none_is_an_empty_argument() -> None:
    """JAX traces neither, and makes a program of neither."""
    with pytest.raises(TypeError):
        jax.make_jaxpr(power)(3.0, "square")
    report = report_of(power, 3.0, "square", None)
    assert report.gradient == 6.0 and report.verdict == "proved"
    assert report.formula("gradient").text == "2*x"
    assert finding(report, "integer").message == "kind ('square') is text: held fixed."
    shifted = report_of(power, 3.0, "square", 1.5)
    assert_close(shifted.gradient, (6.0, 1.0))
    assert shifted.verdict == "proved"


def test_a06_nan_in_reverse_mode_only_is_told_with_its_cure() -> None:
    """A `where` drops the branch of nan in forward mode; in reverse mode 0 times infinity comes out of it."""
    report = report_of(lambda x: jnp.sum(jnp.where(x > 0, jnp.sqrt(x), 0.0)), jnp.array([4.0, -1.0]))
    row = entry(report, "gradient", "x[1]")
    assert row.forward == row.symbolic == 0.0 and np.isnan(row.reverse)
    assert row.outcome == report.verdict == "differs"
    found = finding(report, "nan")
    assert "nan in reverse mode only" in found.message
    assert "jnp.where(x > 0, jnp.sqrt(jnp.where(x > 0, x, 1.0)), 0.0)" in found.cure
    cured = report_of(
        lambda x: jnp.sum(jnp.where(x > 0, jnp.sqrt(jnp.where(x > 0, x, 1.0)), 0.0)), jnp.array([4.0, -1.0])
    )
    assert_close(cured.gradient, np.array([0.25, 0.0]))
    assert cured.verdict in RIGHT


def test_a06_at_a_tie_of_a_where_no_mode_is_declared_right() -> None:
    """At 0 forward mode gives 0 for where(x > 0, log x, 0) and reverse mode nan, and there is a jump."""
    report = report_of(lambda x: jnp.where(x > 0, jnp.log(x), 0.0), 0.0)
    row = entry(report, "gradient")
    assert row.forward == 0.0 and np.isnan(row.reverse)
    assert report.verdict == "out of reach"
    assert "nan in reverse mode only" in finding(report, "nan").message and findings(report, "kink")


def test_a07_a_conditional_under_vmap_is_right_where_a_where_is_nan() -> None:
    """Under vmap a cond becomes a select, which JAX guards and a `where` of the user's does not."""

    def guarded(v: Any) -> Any:
        return lax.cond(v > 0, jnp.sqrt, lambda u: 3.0 * u, v)

    report = report_of(lambda x: jnp.sum(jax.vmap(guarded)(x)), jnp.array([4.0, -1.0]))
    assert_close(report.gradient, np.array([0.25, 3.0]))
    assert report.verdict in RIGHT and not findings(report, "nan")
    plain = report_of(lambda x: jnp.sum(jnp.where(x > 0, jnp.sqrt(x), 3.0 * x)), jnp.array([4.0, -1.0]))
    assert np.isnan(plain.gradient[1]) and plain.verdict == "differs"


def peano(x: Any, y: Any) -> Any:
    r = x**2 + y**2
    return jnp.where(r > 0, x * y * (x**2 - y**2) / jnp.where(r > 0, r, 1.0), 0.0)


def test_a08_a_symmetric_hessian_of_a_chosen_branch_is_not_called_right() -> None:
    """Both mixed partials of Peano's function are 0 to JAX at the origin; in truth they are -1 and 1."""
    report = report_of(peano, 0.0, 0.0, order=2)
    assert_close(report.gradient, (0.0, 0.0))
    assert_close(report.hessian, ((0.0, 0.0), (0.0, 0.0)))
    first, second = entry(report, "hessian", "x", "y"), entry(report, "hessian", "y", "x")
    assert [first.numeric, second.numeric] == pytest.approx([-1.0, 1.0])
    assert first.outcome not in RIGHT and second.outcome not in RIGHT and report.verdict not in RIGHT
    assert "JAX's Hessian is wrong here" in finding(report, "kink").message


def test_a09_the_hessian_of_a_relu_network_says_nothing_of_its_shape() -> None:
    """It is 0 almost everywhere, which is neither a semidefinite Hessian nor a flat minimum."""
    report = report_of(lambda x: jnp.sum(jax.nn.relu(X @ x)), V, order=2)
    assert_close(report.gradient, np.asarray(X[0]))  # the first unit is on, the second off
    assert report.verdict in RIGHT
    assert "definiteness, condition and Newton steps mean nothing here" in finding(report, "kink").message
    curvature = report.curvature
    assert curvature and (curvature.definiteness, curvature.newton_step) == ("undecided", None)
    assert "says nothing about the shape" in curvature.note


@pytest.mark.parametrize(
    ("f", "x", "says", "is_kink"),
    [
        (lambda x: jnp.sqrt(x**2), 0.0, "slope of a square root at 0 is infinite", True),
        (lambda x: jnp.linalg.norm(x), jnp.zeros(3), "slope of a square root at 0 is infinite", True),
        (lambda x: jnp.linalg.norm(x) ** 2, jnp.zeros(3), "slope of a square root at 0 is infinite", False),
        (lambda x: jnp.std(x), jnp.ones(3), "slope of a square root at 0 is infinite", True),
        (lambda a: jnp.sum(jnp.linalg.eigh(a)[1][:, 0]), 2 * jnp.eye(2), "two equal eigenvalues", None),
        (lambda a: jnp.sum(jnp.linalg.svd(a)[0][:, 0]), 2 * jnp.eye(2), "two equal eigenvalues", None),
    ],
    ids=["root of a square", "norm", "squared norm", "std of a constant", "eigenvectors", "singular vectors"],
)
def test_a10_nan_at_a_point_where_the_function_is_fine_is_explained(f: Any, x: Any, says: str, is_kink: Any) -> None:
    """Roots at 0 and vectors of equal eigenvalues have nan derivatives, whether or not there is a derivative."""
    report = report_of(f, x, points=2)
    assert np.isfinite(report.value) and np.all(np.isnan(report.gradient))
    assert report.verdict not in RIGHT
    found = finding(report, "nan")
    assert says in found.message and found.cure
    if is_kink is not None:
        assert bool(findings(report, "kink")) == is_kink


def test_a10_the_squared_norm_gets_the_form_that_has_its_derivative() -> None:
    """Its derivative at 0 is 0, and the root that is in the way can be left out."""
    report = report_of(lambda x: jnp.linalg.norm(x) ** 2, jnp.zeros(3))
    assert report.verdict == "differs"
    assert {e.symbolic for e in report.check.entries} == {0.0}
    assert "The true one is 0." in finding(report, "nan").message
    assert "jnp.sum(x**2)" in finding(report, "nan").cure
    assert_close(report_of(lambda x: jnp.sum(x**2), jnp.zeros(3)).gradient, np.zeros(3))


@pytest.mark.parametrize(
    ("f", "taken", "says"),
    [
        (lambda x: jnp.max(x), [0.5, 0.5, 0.0], "shares the slope evenly among equal elements"),
        (lambda x: jnp.sort(x)[1], [1.0, 0.0, 0.0], "keeps equal elements in the order in which they came"),
        (lambda x: x[jnp.argmax(x)], [1.0, 0.0, 0.0], "takes the first of equal elements"),
        (lambda x: jnp.median(x), [1.0, 0.0, 0.0], "keeps equal elements in the order in which they came"),
    ],
    ids=["max", "sort", "argmax", "median"],
)
def test_a11_each_way_to_break_a_tie_is_told_and_none_called_right(f: Any, taken: list[float], says: str) -> None:
    """The maximum splits its slope among equal elements; sort, argmax and median do not."""
    report = report_of(f, jnp.array([1.0, 1.0, 0.0]))
    assert_close(report.gradient, np.array(taken))
    assert report.verdict == "out of reach"
    assert says in finding(report, "kink").message
    assert entry(report, "gradient", "x[2]").outcome in RIGHT  # the element that is in no tie


def test_a12_a_result_of_shape_one_has_a_jacobian_and_no_gradient() -> None:
    """`jax.grad` wants shape (); from shape (1,) every derivative has one axis more."""
    report = report_of(lambda x: jnp.sum(x**2, keepdims=True), V, order=2)
    assert report.gradient is None and report.curvature is None
    assert_close(report.jacobian, 2 * np.asarray(V)[None])
    assert_close(report.hessian, 2 * np.eye(3)[None])
    assert report.verdict == "proved"
    assert "of shape (), and f returns an array of shape (1,)" in finding(report, "infeasible-mode").message


@pytest.mark.parametrize(
    ("wrt", "gradient"),
    [((2, 0), (864.0, 576.0)), (("z", "x"), (864.0, 576.0)), (-1, 864.0), (1, 768.0), ((0,), (576.0,))],
)
def test_a13_derivatives_come_in_the_order_in_which_they_are_asked_for(wrt: Any, gradient: Any) -> None:
    """As with argnums: order kept, negative positions counted from the end, a tuple of one still a tuple."""
    report = report_of(lambda x, y, z: x * y**2 * z**3, 2.0, 3.0, 4.0, wrt=wrt)
    assert_close(report.gradient, gradient)
    assert report.verdict == "proved"


def test_a13_a_keyword_is_held_fixed_unless_it_is_asked_for() -> None:
    """Under `jax.grad` keywords are never differentiated."""

    def f(x: Any, scale: Any = 1.0) -> Any:
        return scale * x**2

    held = derive(f, cost="none", order=1, points=4)(3.0, scale=2.0)
    assert held.gradient == 12.0 and [leaf.name for leaf in held.subject.inputs] == ["x"]
    asked = derive(f, cost="none", order=1, points=4, wrt="scale")(3.0, scale=2.0)
    assert asked.gradient == 9.0 and asked.verdict == "proved"


def test_a14_a_jacobian_of_trees_is_a_tree_of_trees_and_shown_in_order() -> None:
    """Output's tree outside, input's inside, axes of the output first; as a matrix, in the order of the leaves."""
    p = {"W": jnp.arange(6.0).reshape(2, 3), "b": V}
    report = report_of(lambda p: {"a": p["W"] @ p["b"], "s": jnp.sum(p["b"])}, p, points=2)
    v = np.asarray(V)
    by_w = np.stack([np.stack([v, 0 * v]), np.stack([0 * v, v])])
    expected = {"a": {"W": by_w, "b": np.asarray(p["W"])}, "s": {"W": np.zeros((2, 3)), "b": np.ones(3)}}
    assert_close(report.jacobian, expected)
    assert report.verdict == "proved"
    rows = [row.inputs[0] for row in report.check.entries if row.output == "f['a'][0]"]
    assert rows == [f"p['W'][{i}, {j}]" for i in range(2) for j in range(3)] + [f"p['b'][{j}]" for j in range(3)]
    assert "where vec stacks the rows" in report.formula("jacobian", "matrix").text


def test_a15_complex_numbers_are_refused_with_what_to_do() -> None:
    """JAX's gradient of |z|**2 at 3 + 4j is 6 - 8j, the conjugate of the direction of steepest ascent."""
    with pytest.raises(InputError, match="real and imaginary parts as two real arguments"):
        report_of(lambda z: jnp.abs(z) ** 2, 3 + 4j)
    report = report_of(lambda x, y: jnp.abs(x + 1j * y) ** 2, 3.0, 4.0)
    assert_close(report.gradient, (6.0, 8.0))
    assert report.verdict in RIGHT


def test_a15_a_function_that_is_not_holomorphic_has_its_jacobian_of_real_parts() -> None:
    """With holomorphic=True forward and reverse mode give two different numbers for z |z|."""
    report = report_of(lambda x: x * jnp.exp(1j * x), 0.5)  # of a real input there is only one
    assert abs(complex(report.jacobian) - (1 + 0.5j) * np.exp(0.5j)) < 1e-5
    assert report.gradient is None and report.verdict in RIGHT

    def parts(x: Any, y: Any) -> Any:
        w = (x + 1j * y) * jnp.abs(x + 1j * y)
        return jnp.real(w), jnp.imag(w)

    report = report_of(parts, 3.0, 4.0)  # d(z |z|) = |z| dz + z Re(conj(z) dz) / |z|
    assert_close(report.jacobian, ((5 + 9 / 5, 12 / 5), (12 / 5, 5 + 16 / 5)))
    assert report.verdict in RIGHT


def test_a16_an_integer_is_refused_with_the_float_to_pass_and_never_cast() -> None:
    """JAX raises a TypeError, or with allow_int gives float0, which breaks arithmetic and JSON."""
    with pytest.raises(InputError, match=r"n is an integer \(3\).*Pass 3\.0 instead"):
        report_of(lambda n: n**2, 3)
    report = report_of(lambda x, n: x**n, 2.0, 3)
    assert report.gradient == 12.0 and report.verdict == "proved"
    assert finding(report, "integer").message == "n (3) is an integer: held fixed."
    written = json.loads(json.dumps(report.to_dict(), allow_nan=False))
    assert written["gradient"] == 12.0 and "float0" not in json.dumps(written)


def test_a17_numpy_numbers_that_lose_digits_are_told() -> None:
    """JAX makes float32 of NumPy's float64 without a word."""
    report = report_of(lambda x: jnp.sum(jnp.sin(x)), np.array([0.1, 0.2]))
    assert report.gradient.dtype == np.float32 and report.verdict in RIGHT
    assert "x is float64 in NumPy, but JAX computes in float32" in finding(report, "precision").message


def test_a17_captured_constants_keep_the_digits_that_they_have() -> None:
    """In double precision a captured float32 array stays what it is, and is not 1/3 for being written so."""
    third = jnp.asarray([1 / 3, 2 / 3], jnp.float32)
    stored = np.asarray(third, np.float64)
    with jax.enable_x64(True):
        report = report_of(lambda x: jnp.sum(third * x**2), jnp.array([1.0, 2.0]))
    assert report.gradient.dtype == np.float64
    assert_close(report.gradient, 2 * stored * [1.0, 2.0], 1e-15)
    assert abs(float(report.gradient[0]) - 2 / 3) > 1e-9
    assert report.verdict == "proved"
    assert "third is float32, and captured: it has 7 digits" in finding(report, "precision").message


def test_a17_captured_numbers_that_are_exact_in_float32_are_not_accused() -> None:
    """Ones, halves and counts have lost nothing."""
    halves = jnp.array([0.5, 2.0], jnp.float32)
    with jax.enable_x64(True):
        report = report_of(lambda x: jnp.sum(halves * x**2), jnp.array([1.0, 2.0]))
    assert_close(report.gradient, np.array([1.0, 8.0]), 1e-15)
    assert not findings(report, "precision")


def test_a17_looking_in_double_precision_does_not_accuse_float32_constants() -> None:
    """A check that runs in float64 sees the same captured numbers as the user's run in float32."""
    third = jnp.asarray([1 / 3, 2 / 3], jnp.float32)
    report = report_of(lambda x: jnp.sum(jnp.sin(third * x)), jnp.array([1.0, 2.0]), order=2)
    stored = np.asarray(third, np.float64)
    assert_close(report.gradient, stored * np.cos(stored * [1.0, 2.0]))
    assert report.verdict in RIGHT and {slope.says for slope in report.check.taylor} == {"right"}


def test_a18_how_often_the_function_is_called_is_counted_and_told(capsys: pytest.CaptureFixture[str]) -> None:
    """Prints and changes happen once a trace, and not once a run."""
    seen: list[Any] = []

    def f(x: Any) -> Any:
        seen.append(x)
        print("here")
        return x**2

    report = report_of(f, 2.0)
    assert report.gradient == 4.0 and report.calls == len(seen)
    changes, prints = findings(report, "impure")
    assert "f changes seen" in changes.message and f"{report.calls} times here" in changes.message
    assert "once for each trace" in prints.message
    assert capsys.readouterr().out.count("here") < report.calls  # looking for it is not shown


def test_a18_a_key_of_its_own_fixes_what_is_drawn() -> None:
    """The derivative is that of one draw, and the same one at each call."""
    draw = float(jax.random.normal(jax.random.key(0)))
    report = report_of(lambda x: x * jax.random.normal(jax.random.key(0)), 2.0)
    assert report.gradient == pytest.approx(draw) and report.verdict in RIGHT
    assert "the same at each call" in finding(report, "impure").message


def test_a18_a_global_that_changed_is_seen_by_the_next_derivation() -> None:
    """Arrays are captured when a function is traced: a trace that is kept has the old ones."""
    at = derive(lambda x: jnp.sum(scale["now"] * x**2), cost="none", order=1, points=2)
    scale = {"now": jnp.array(3.0)}
    before = at(2.0).gradient
    scale["now"] = jnp.array(5.0)
    after = at(2.0)
    assert (before, after.gradient, after.verdict) == (12.0, 20.0, "proved")


def test_a19_a_rule_that_clips_cotangents_gives_no_rows_of_a_jacobian() -> None:
    """With the cotangent 1 clipping shows nothing; five times it is not five times the result."""
    clip = reverse_rule(lambda x: x, lambda x, g: jnp.clip(g, -1.0, 1.0))
    alone = report_of(clip, 0.3)
    assert alone.gradient == 1.0 and alone.verdict == "out of reach"
    assert "not linear in its cotangent" in finding(alone, "custom-rule").message
    scaled = report_of(lambda x: 5.0 * clip(x), 0.3)
    assert scaled.gradient == 1.0 and entry(scaled, "gradient").symbolic == 5.0
    assert scaled.verdict == "differs"


def test_a19_a_rule_that_squares_tangents_is_not_passed() -> None:
    """With the tangent 1 its square is the same; reverse mode cannot transpose it."""
    report = report_of(forward_rule(lambda x: x**2, lambda x, t: 2 * x * t * t), 0.3)
    assert report.gradient == pytest.approx(0.6) and report.verdict == "out of reach"
    assert "not linear in its tangent" in finding(report, "custom-rule").message
    assert entry(report, "gradient").reverse is None


def test_a20_the_asymmetry_of_a_hessian_is_reported_and_kept_out_of_its_eigenvalues() -> None:
    """In float32 a Hessian is symmetric but for rounding; eigenvalues want it symmetric."""
    data = jnp.asarray(np.random.default_rng(0).normal(size=(30, 12)), jnp.float32)
    w = jnp.asarray(np.random.default_rng(1).normal(size=12), jnp.float32)
    report = report_of(lambda w: jnp.sum(jax.nn.softplus(data @ w)) ** 2, w, order=2, points=2)
    hessian = np.asarray(report.hessian, np.float64)
    curvature = report.curvature
    assert curvature and curvature.symmetry_defect == np.max(np.abs(hessian - hessian.T)) > 0
    np.testing.assert_allclose(curvature.eigenvalues, np.linalg.eigvalsh((hessian + hessian.T) / 2), rtol=1e-9)
    assert curvature.definiteness == "positive definite" and report.verdict in RIGHT

    z = np.asarray(data, np.float64) @ np.asarray(w, np.float64)
    s, total = 1 / (1 + np.exp(-z)), np.log1p(np.exp(z)).sum()
    slope = np.asarray(data, np.float64).T @ s
    truth = 2 * (np.outer(slope, slope) + total * np.asarray(data, float).T @ np.diag(s * (1 - s)) @ np.asarray(data))
    np.testing.assert_allclose(hessian, truth, rtol=1e-4, atol=1e-4 * np.max(np.abs(truth)))


def test_a21_high_orders_are_right_and_have_a_verdict() -> None:
    """Nested gradients grow threefold an order: exp(sin x) has 1,681 steps in the seventh."""
    report = report_of(lambda x: jnp.exp(jnp.sin(x)), 0.7, order=4)
    x = mpmath.mpf(float(np.float32(0.7)))
    truth = [float(mpmath.diff(lambda t: mpmath.exp(mpmath.sin(t)), x, k)) for k in range(1, 5)]
    shown = [report.gradient, report.hessian, report.higher[3], report.higher[4]]
    np.testing.assert_allclose(np.asarray(shown, float), truth, rtol=2e-6)
    assert [row.symbolic for row in report.check.entries] == pytest.approx(truth, rel=1e-12)
    assert [row.what for row in report.check.entries] == ["gradient", "hessian", "d3", "d4"]
    assert report.verdict in RIGHT
