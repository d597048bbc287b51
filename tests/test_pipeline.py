"""`check` for test suites, and traps of automatic differentiation that the whole pipeline must keep out of."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxdiff_magic
from jaxdiff_magic import InputError, WrongDerivative, check, derive
from jaxdiff_magic.engines.jax.curvature import curvature_of
from jaxdiff_magic.subject.leaves import Leaf


@jax.custom_jvp
def wrong_sine(x):
    return jnp.sin(x)


wrong_sine.defjvp(lambda primals, tangents: (wrong_sine(*primals), -jnp.cos(primals[0]) * tangents[0]))


def quick(function, **options):
    return derive(function, cost="none", points=2, **options)


class TestCheck:
    def test_it_is_a_function_however_the_package_was_imported_before(self):
        derive(jnp.sin, cost="none", points=1)(1.0)
        assert callable(jaxdiff_magic.check)
        assert jaxdiff_magic.check is check

    def test_what_is_right_returns_the_check(self):
        found = check(lambda x, n: jnp.sum(x**n), points=4)(jnp.array([1.0, 2.0]), 3)
        assert (found.outcome, found.points) == ("agrees", 4)

    def test_what_is_wrong_raises_with_the_function_its_place_the_entry_and_both_numbers(self):
        with pytest.raises(WrongDerivative) as error:
            check(wrong_sine, order=1)(0.5)
        message = str(error.value)
        assert "wrong_sine (test_pipeline.py, line" in message
        assert "derivative of wrong_sine with respect to x differs" in message
        assert f"{-np.cos(0.5):.6g}"[:7] in message
        assert f"{np.cos(0.5):.6g}"[:7] in message
        assert "is not the derivative of wrong_sine" in message
        assert "(it has the wrong sign)." in message
        assert isinstance(error.value, AssertionError)
        with pytest.raises(WrongDerivative) as of_report:
            quick(wrong_sine, order=1)(0.5).raise_if_wrong()
        without_formula = [text.split(" JAX's derivative -")[0] for text in (message, str(of_report.value))]
        assert without_formula[0] == without_formula[1]  # the formula is there if there was time for it

    def test_only_what_is_asked_for_is_looked_at(self):
        assert check(wrong_sine, wrt="a", order=1)  # nothing happens before there is a point
        found = check(lambda x, y: jnp.sin(x) + wrong_sine(y), wrt="x", order=1, points=2)(0.3, 0.4)
        assert found.outcome == "agrees"

    def test_what_cannot_be_decided_raises_when_that_is_asked_for(self):
        assert check(jnp.abs, order=1)(0.0).outcome == "out of reach"
        with pytest.raises(WrongDerivative, match=r"cannot be decided: a choice .* check without strict"):
            check(jnp.abs, order=1, strict=True)(0.0)
        with pytest.raises(WrongDerivative, match="cannot be decided"):
            quick(jnp.abs, order=1)(0.0).raise_if_wrong(strict=True)
        quick(jnp.abs, order=1)(0.0).raise_if_wrong()

    def test_bad_options_are_refused_as_in_derive(self):
        with pytest.raises(InputError, match="at least"):
            check(jnp.sin, points=-1)


def two(x, y):
    return x**2 * jnp.sum(y)


class TestA13WhichArguments:
    POINT = 3.0, jnp.array([1.0, 2.0])

    @pytest.mark.parametrize(
        ("wrt", "argnums"), [((1, 0), (1, 0)), (("y", "x"), (1, 0)), (-1, -1), ((-1, 0), (-1, 0)), ((0,), (0,))]
    )
    def test_the_order_is_kept_and_negative_positions_count_from_the_end(self, wrt, argnums):
        report = quick(two, wrt=wrt, order=1)(*self.POINT)
        expected = jax.grad(two, argnums)(*self.POINT)
        assert jax.tree.structure(report.gradient) == jax.tree.structure(expected)
        jax.tree.map(np.testing.assert_array_equal, report.gradient, expected)

    def test_a_keyword_is_held_unless_it_is_named(self):
        report = quick(two, order=1)(3.0, y=self.POINT[1])
        assert report.gradient == jax.grad(two)(*self.POINT)
        assert [finding.path for finding in report.findings if finding.kind == "integer"] == ["y"]
        named = quick(two, wrt="y", order=1)(3.0, y=self.POINT[1])
        np.testing.assert_array_equal(named.gradient, jax.grad(two, 1)(*self.POINT))


def test_a14_a_jacobian_of_trees_is_a_tree_of_trees_with_the_outputs_axes_first():
    def f(params):
        return {"a": params["W"] @ params["v"], "b": [jnp.sum(params["v"] ** 2)]}

    point = {"W": jnp.arange(6.0).reshape(2, 3), "v": jnp.array([1.0, -1.0, 2.0])}
    report = quick(f, order=1)(point)
    expected = jax.jacrev(f)(point)
    assert jax.tree.structure(report.jacobian) == jax.tree.structure(expected)
    assert report.jacobian["a"]["W"].shape == (2, 2, 3)
    jax.tree.map(np.testing.assert_array_equal, report.jacobian, expected)
    names = [(block.output.name, block.inputs[0].name, block.values.shape) for block in report.blocks]
    assert names == [
        ("f['a']", "params['W']", (2, 2, 3)),
        ("f['a']", "params['v']", (2, 3)),
        ("f['b'][0]", "params['W']", (2, 3)),
        ("f['b'][0]", "params['v']", (3,)),
    ]
    # rows of the check are named by output and input element: that says which way a matrix was unravelled
    entry = next(e for e in report.check.entries if e.output == "f['a'][1]" and e.inputs == ("params['W'][1, 2]",))
    assert entry.reverse == float(expected["a"]["W"][1, 1, 2]) == 2.0


class TestA17Precision:
    def test_numpys_float64_is_said_to_become_float32(self):
        report = quick(lambda x: jnp.sum(x**2), order=1)(np.array([0.1, 0.2]))
        assert report.gradient.dtype == jnp.float32
        assert "precision" in {finding.kind for finding in report.findings}

    def test_a_float32_constant_in_a_float64_function_is_no_wrong_derivative(self):
        narrow = jnp.array([0.1, 0.7], jnp.float32)  # captured before x64 is turned on
        with jax.enable_x64(True):
            report = quick(lambda x: jnp.sum(jnp.sin(narrow * x)))(jnp.array([1.0, 2.0]))
        assert report.gradient.dtype == jnp.float64
        assert report.verdict in ("proved", "agrees")
        kept = np.asarray(narrow, np.float64)
        np.testing.assert_allclose(report.gradient, kept * np.cos(kept * np.array([1.0, 2.0])), rtol=1e-14)


def test_a20_the_hessian_is_symmetrised_for_its_eigenvalues_and_its_defect_is_told():
    rng = np.random.default_rng(0)
    A = jnp.asarray(rng.normal(size=(30, 12)), jnp.float32)

    def f(x):
        return jnp.sum(jnp.tanh(A @ x) ** 2 * jnp.exp(A @ x))

    report = quick(f)(jnp.asarray(rng.normal(size=12), jnp.float32))
    hessian = np.asarray(report.hessian, np.float64)
    defect = np.abs(hessian - hessian.T).max()
    curvature = report.curvature
    assert curvature is not None
    assert curvature.symmetry_defect == pytest.approx(defect)
    np.testing.assert_allclose(curvature.eigenvalues, np.linalg.eigvalsh((hessian + hessian.T) / 2), rtol=1e-6)
    assert report.verdict in ("proved", "agrees")  # rounding makes no derivative wrong
    lopsided = curvature_of(
        (np.zeros(2),), ((np.array([[2.0, 3e-5], [0.0, 2.0]]),),), (Leaf("x", (2,), "float32"),), (np.zeros(2),)
    )
    assert lopsided.symmetry_defect == pytest.approx(3e-5)
    np.testing.assert_allclose(lopsided.eigenvalues, [2 - 1.5e-5, 2 + 1.5e-5])
