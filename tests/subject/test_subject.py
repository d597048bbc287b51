"""What is differentiated, what is held, and how results are put together again."""

from __future__ import annotations

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxdiff_magic.base.errors import InputError
from jaxdiff_magic.subject.subject import subject_of


class Parameters(NamedTuple):
    W: jax.Array
    b: float


@functools.partial(jax.tree_util.register_dataclass, data_fields=["scale"], meta_fields=["kind"])
class Layer:
    def __init__(self, scale, kind):
        self.scale, self.kind = scale, kind


class Strict:
    """Two arrays of which the second has the length of the first; nothing else, not even None, may be put in."""

    def __init__(self, W, b):
        self.W, self.b = jnp.asarray(W), jnp.asarray(b)
        if self.W.ndim != 2 or self.b.shape != self.W.shape[:1]:
            raise ValueError(f"a matrix and a vector are wanted, not {self.W.shape} and {self.b.shape}")


jax.tree_util.register_dataclass(Strict, data_fields=["W", "b"], meta_fields=[])


@jax.tree_util.register_pytree_node_class
class Converting:
    """What JAX's documentation says one may meet: a constructor that makes an array of whatever it is given."""

    def __init__(self, a):
        self.a = jnp.asarray(a)

    def tree_flatten(self):
        return (self.a,), None

    @classmethod
    def tree_unflatten(cls, _, children):
        return cls(*children)


class Model:
    def __init__(self):
        self.A = jnp.eye(2)

    def loss(self, x):
        return x @ self.A @ x


def names(subject) -> list[str]:
    return [leaf.name for leaf in subject.inputs]


@pytest.mark.parametrize(
    ("args", "expected"),
    [
        ((2.0,), ["x"]),
        (([1.0, 2.0],), ["x[0]", "x[1]"]),
        (((1.0, None, np.ones(2)),), ["x[0]", "x[2]"]),
        (({"W": np.ones((2, 2)), "b": 1.0},), ["x['W']", "x['b']"]),
        ((Parameters(jnp.ones(2), 1.0),), ["x.W", "x.b"]),
        ((Layer(jnp.ones(2), "dense"),), ["x.scale"]),
        ((np.float64(3.0),), ["x"]),
    ],
)
def test_leaves_have_the_names_a_reader_would_write(args, expected):
    def f(x):
        return sum(jnp.sum(leaf) for leaf in jax.tree_util.tree_leaves(x))

    assert names(subject_of(f, args, {})) == expected


def test_elements_are_named_by_their_indices():
    leaf = subject_of(lambda p: p["W"].sum(), ({"W": np.ones((2, 3))},), {}).inputs[0]
    assert leaf.element((0, 2)) == "p['W'][0, 2]"


@pytest.mark.parametrize(
    ("function", "name"),
    [
        (lambda x: x, "f"),
        (jax.jit(jnp.sin), "sin"),
        (functools.partial(jnp.power, 2.0), "power(2.0, ·)"),
        (Model().loss, "loss"),
    ],
)
def test_any_callable_has_a_name(function, name):
    argument = jnp.ones(2) if name == "loss" else 1.0
    assert subject_of(function, (argument,), {}).name == name


def f(x, A, n=2, *, scale=1.0, mode="plain"):
    return scale * (A @ x**n).sum()


POINT = (jnp.ones(2), jnp.eye(2))


@pytest.mark.parametrize(
    ("wrt", "inputs", "argnums"),
    [
        (None, ["x", "A"], (0, 1)),
        ("A", ["A"], 1),
        (-1, ["A"], 1),
        (("A", "x"), ["A", "x"], (1, 0)),
        (("x",), ["x"], (0,)),
    ],
)
def test_wrt_selects_by_name_and_position_and_keeps_the_order(wrt, inputs, argnums):
    subject = subject_of(f, POINT, {}, wrt)
    assert names(subject) == inputs
    assert subject.argnums == argnums


def test_wrt_reaches_into_a_pytree_and_into_keywords():
    def g(params, *, scale):
        return scale * params["W"].sum() * params["b"]

    params = {"W": jnp.ones(2), "b": 1.0}
    subject = subject_of(g, (params,), {"scale": 2.0}, ("params['W']", "scale"))
    assert names(subject) == ["params['W']", "scale"]
    assert subject.argnums is None
    assert [(held.name, held.kind) for held in subject.held] == [("params['b']", "not selected")]


def test_what_is_no_float_is_held_with_its_reason():
    subject = subject_of(f, (*POINT, 3), {"scale": 2.0, "mode": "plain"})
    assert [(held.name, held.kind, held.description) for held in subject.held] == [
        ("n", "integer", "3"),
        ("mode", "text", "'plain'"),
        ("scale", "keyword", "2.0"),
    ]


def test_a_random_key_is_held():
    subject = subject_of(lambda key, x: x * jax.random.normal(key), (jax.random.key(0), 1.0), {})
    assert [(held.name, held.kind) for held in subject.held] == [("key", "key")]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: subject_of(lambda n: n**2, (3,), {}), "n is an integer (3).*Pass 3.0"),
        (lambda: subject_of(lambda: 1.0, (), {}), "called without arguments"),
        (lambda: subject_of(lambda x: "text", (1.0,), {}), "of type str, not a number"),
        (lambda: subject_of(lambda x: None, (1.0,), {}), "returned None"),
        (lambda: subject_of(jnp.argmax, (jnp.ones(2),), {}), "returned an integer"),
        (lambda: subject_of(lambda x: x, (1j,), {}), "x is complex.*two real arguments"),
        (lambda: subject_of(f, POINT, {}, "AA"), "no argument 'AA'.*Did you mean 'A'"),
        (lambda: subject_of(f, POINT, {}, 7), "2 positional arguments"),
        (lambda: subject_of(f, POINT, {}, ("x", "x")), "x twice"),
        (lambda: subject_of(3.0, POINT, {}), "not callable"),  # type: ignore[arg-type]
    ],
)
def test_a_bad_point_gets_one_message_that_says_what_to_do(call, message):
    with pytest.raises(InputError, match=message.replace("(", r"\(").replace(")", r"\)")):
        call()


def test_an_error_in_the_function_is_the_users_own():
    with pytest.raises(ZeroDivisionError):
        subject_of(lambda x: x / (1 // 0), (1.0,), {})


def test_a_function_that_branches_in_python_is_taken_as_it_runs():
    subject = subject_of(lambda x: x if x > 0 else -x, (-2.0,), {})
    assert subject.untraceable == "TracerBoolConversionError"
    assert subject.outputs[0].shape == ()


@pytest.mark.parametrize("point", [(jnp.ones(2), 1.0), ({"a": jnp.ones(2), "n": 3}, 1.0)])
def test_derivatives_are_assembled_in_jax_own_structure(point):
    def g(a, b):
        a = a["a"] if isinstance(a, dict) else a
        return {"sum": (a * b).sum(), "product": a * b}

    subject = subject_of(g, point, {})
    blocks = jax.jacrev(subject.flat, argnums=tuple(range(len(subject.inputs))))(*subject.point)
    ours = subject.assemble(blocks, 1)
    point_of_floats = jax.tree_util.tree_map(lambda leaf: leaf if isinstance(leaf, (float, jax.Array)) else None, point)
    theirs = jax.jacrev(lambda p: g(*p))(point_of_floats)
    assert jax.tree_util.tree_structure(ours) == jax.tree_util.tree_structure(theirs)
    jax.tree_util.tree_map(np.testing.assert_array_equal, ours, theirs)


class TestClassesThatWantArrays:
    POINT = Strict(jnp.array([[0.1, 0.2], [0.3, -0.4], [0.5, 0.6]]), jnp.array([0.1, -0.2, 0.3]))
    X = jnp.array([0.7, -1.1])

    @staticmethod
    def layer(p, x):
        return jnp.tanh(p.W @ x + p.b)

    @staticmethod
    def derivatives(function, args, order, wrt=None):
        """Ours, assembled, and the arrays that JAX gives for the function of the bare leaves."""
        subject = subject_of(function, args, {}, wrt)
        flat, places = subject.flat, tuple(range(len(subject.inputs)))
        for _ in range(order):
            flat = jax.jacrev(flat, argnums=places)
        blocks = flat(*subject.point)
        return subject.assemble(blocks, order), jax.tree.leaves(blocks)

    def test_they_meet_arrays_of_their_shapes_only(self):
        subject = subject_of(self.layer, (self.POINT, self.X), {})
        assert names(subject) == ["p.W", "p.b", "x"]
        assert subject.argnums == (0, 1)
        np.testing.assert_allclose(subject.tree(*subject.point), self.layer(self.POINT, self.X))

    def test_a_gradient_is_one_of_them_as_in_jax(self):
        loss = lambda p: jnp.sum(self.layer(p, self.X) ** 2)  # noqa: E731
        ours, _ = self.derivatives(loss, (self.POINT,), 1)
        theirs = jax.grad(loss)(self.POINT)
        assert isinstance(ours, Strict)
        np.testing.assert_allclose(ours.W, theirs.W, rtol=1e-6)
        np.testing.assert_allclose(ours.b, theirs.b, rtol=1e-6)

    def test_what_they_refuse_to_hold_is_a_dict_of_their_parts(self):
        # where jax.jacrev and jax.hessian themselves raise
        with pytest.raises((TypeError, ValueError)):
            jax.jacrev(self.layer)(self.POINT, self.X)
        ours, leaves = self.derivatives(self.layer, (self.POINT, self.X), 1, "p")
        assert sorted(ours) == ["W", "b"]
        assert ours["W"].shape == (3, 3, 2)
        np.testing.assert_array_equal(ours["b"], leaves[1])
        hessian, _ = self.derivatives(lambda p: jnp.sum(self.layer(p, self.X)), (self.POINT,), 2)
        assert [[hessian[i][j].shape for j in "Wb"] for i in "Wb"] == [[(3, 2, 3, 2), (3, 2, 3)], [(3, 3, 2), (3, 3)]]

    def test_a_part_of_one_can_be_chosen(self):
        subject = subject_of(self.layer, (self.POINT, self.X), {}, ("x", "p.b"))
        assert names(subject) == ["x", "p.b"]
        assert [held.name for held in subject.held] == ["p.W"]

    def test_one_with_an_integer_keeps_it(self):
        subject = subject_of(lambda p: p.W.sum(), (Strict(jnp.ones((3, 2)), jnp.arange(3)),), {})
        assert names(subject) == ["p.W"]
        assert subject.assemble(((jnp.ones((3, 2)),),), 1)["b"] is None

    def test_a_result_may_be_one(self):
        subject = subject_of(lambda x: Strict(jnp.outer(x, x), x), (self.X,), {})
        assert [leaf.name for leaf in subject.outputs] == ["f.W", "f.b"]
        assert isinstance(subject.result(*subject.point), Strict)

    @pytest.mark.parametrize("order", [1, 2])
    def test_one_that_converts_what_it_is_given(self, order):
        ours, leaves = self.derivatives(lambda t: jnp.sum(t.a**3), (Converting(self.X),), order)
        found = ours.a if order == 1 else ours[0][0]
        np.testing.assert_array_equal(found, leaves[0])
        np.testing.assert_allclose(found, 3 * self.X**2 if order == 1 else jnp.diag(6 * self.X), rtol=1e-6)
