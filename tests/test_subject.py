"""What is differentiated, what is held, and how results are put together again."""

from __future__ import annotations

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxdiff_magic.errors import InputError
from jaxdiff_magic.subject import subject_of


class Parameters(NamedTuple):
    W: jax.Array
    b: float


@functools.partial(jax.tree_util.register_dataclass, data_fields=["scale"], meta_fields=["kind"])
class Layer:
    def __init__(self, scale, kind):
        self.scale, self.kind = scale, kind


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
        (functools.partial(jnp.power, 2.0), "power"),
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
        (lambda: subject_of(lambda x: x * 1j, (1.0,), {}), "is complex.*real and imaginary"),
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
