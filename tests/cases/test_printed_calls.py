"""A printed call runs as it is printed, in a namespace of what it names: for any pytree, keyword or import."""

from __future__ import annotations

import dataclasses
import functools
import sys
import types
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxdiff_magic import Report, derive
from jaxdiff_magic.report import cost_figures


@functools.partial(
    jax.tree_util.register_dataclass, data_fields=["w", "b", "n", "act", "label", "rest"], meta_fields=["kind"]
)
@dataclasses.dataclass
class Layer:
    """As a module of Equinox: a function, a number and text are leaves, some things are no part of the tree."""

    w: Any
    b: Any
    n: int = 2
    act: Callable[..., Any] = jnp.tanh
    label: str = "layer"
    rest: Any = None
    kind: str = "dense"

    def __call__(self, x: Any) -> Any:
        act: Any = self.act
        return act(self.w @ x + self.b) ** self.n


@jax.tree_util.register_pytree_node_class
class State:
    """As a state of Flax: a function to apply, parameters and a count of steps."""

    def __init__(self, step: int, params: Any, apply: Callable[..., Any]) -> None:
        self.step, self.params, self.apply = step, params, apply

    def tree_flatten(self) -> tuple[Any, Any]:
        return (self.step, self.params), self.apply

    @classmethod
    def tree_unflatten(cls, apply: Any, children: Any) -> State:
        return cls(*children, apply)


def loss(model: Any, x: Any, y: Any) -> Any:
    return jnp.sum((model(x) - y) ** 2)


def trained(state: Any, x: Any) -> Any:
    return jnp.sum(state.apply(state.params["w"] * x + state.params["b"]))


def tagged(params: Any) -> Any:
    return jnp.sum(params["f"](params["w"]) ** params["n"]) if params["tag"] == "sine" else 0.0


def powers(x: Any, n: int) -> Any:
    return jnp.sum(x**n)


def by_mode(x: Any, mode: str) -> Any:
    return jnp.sum(x**2) if mode == "squares" else jnp.sum(x)


def with_keywords(x: Any, *, scale: Any, mode: str = "plain") -> Any:
    return jnp.sum(scale["a"] * x**2)


def of_any(*rest: Any) -> Any:
    return rest[0] * rest[1] ** 2


def stopping(x: Any) -> Any:
    return x**2 if x > 0 else -x  # Python branches: JAX cannot trace it without numbers


def same_name(f: Any, x: Any) -> Any:
    return f * x


def scaled(x: Any, batch: Any) -> Any:
    return jnp.sum(batch["data"] * x) * batch["size"]


MODEL = Layer(jnp.array([[0.5, -0.2], [0.1, 0.3]]), jnp.array([0.1, -0.1]))
STATE = State(3, {"w": jnp.array([1.0, 2.0]), "b": 0.5}, jnp.sin)
X, Y = jnp.array([1.0, 2.0]), jnp.array([0.5, 0.25])
PARAMS = {"w": X, "n": 2, "f": jnp.sin, "tag": "sine", "none": None}
BATCH = {"data": X, "size": 2, "name": "first"}

# function, arguments, keywords, options
CASES: dict[str, tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any], dict[str, Any]]] = {
    "a model": (loss, (MODEL, X, Y), {}, {}),
    "the model alone": (loss, (MODEL, X, Y), {}, {"wrt": "model"}),
    "a leaf of the model": (loss, (MODEL, X, Y), {}, {"wrt": "model.w"}),
    "the data alone": (loss, (MODEL, X, Y), {}, {"wrt": "x"}),
    "a list of models": (lambda layers: jnp.sum(layers[1](layers[0](X))), ([MODEL, MODEL],), {}, {}),
    "a state with a count of steps": (trained, (STATE, X), {}, {}),
    "a leaf of the state": (trained, (STATE, X), {}, {"wrt": "state[<flat index 1>]['b']"}),
    "a dict of mixed leaves": (tagged, (PARAMS,), {}, {}),
    "an integer argument": (powers, (X, 3), {}, {}),
    "a text argument": (by_mode, (X, "squares"), {}, {}),
    "keywords": (with_keywords, (X,), {"scale": {"a": Y, "text": "t"}, "mode": "plain"}, {}),
    "a keyword": (with_keywords, (X,), {"scale": {"a": Y}}, {"wrt": "scale"}),
    "a part of a keyword": (with_keywords, (X,), {"scale": {"a": Y, "text": "t"}}, {"wrt": "scale['a']"}),
    "any number of arguments": (of_any, (2.0, 3.0), {}, {}),
    "a branch in Python": (stopping, (2.0,), {}, {}),
    "an argument that is called like a function": (same_name, (2.0, 3.0), {}, {}),
    "a batch with its size": (scaled, (X, BATCH), {}, {}),
    "two arguments in another order": (scaled, (X, {"data": X, "size": 2.0}), {}, {"wrt": ("batch", "x")}),
}


def reported(f: Callable[..., Any], args: Any, kwargs: Any, **options: Any) -> Report:
    return derive(f, symbolic=False, points=2, cost="count", **{"order": 2, **options})(*args, **kwargs)


def costs(report: Report) -> cost_figures.Cost:
    assert report.cost is not None
    return report.cost


def pasted(call: str, report: Report) -> Any:
    """The value of a call where nothing is defined but what it names: the function, the arguments, and JAX."""
    space: dict[str, Any] = {"jax": jax, **report.subject.kwargs}
    names = list(report.subject.function.__code__.co_varnames)
    if names[:1] == ["rest"]:
        space["rest"] = report.subject.args
    else:
        space |= dict(zip(names, report.subject.args, strict=False))
    function = call.partition("# where ")[2].partition(" ")[0] or report.subject.callee
    space[function] = report.subject.function
    *before, last = call.split("\n")
    exec("\n".join(before), space)
    return eval(last, space)


def numbers(tree: Any) -> list[np.ndarray]:
    return [np.asarray(leaf) for leaf in jax.tree_util.tree_leaves(tree) if np.asarray(leaf).dtype.kind == "f"]


@pytest.mark.parametrize("case", CASES)
def test_every_call_of_a_report_runs_and_gives_its_derivative(case: str) -> None:
    f, args, kwargs, options = CASES[case]
    is_twice = case in ("the model alone", "keywords", "an integer argument", "a part of a keyword")
    report = reported(f, args, kwargs, order=2 if is_twice else 1, **options)
    cost = costs(report)
    expected = sorted(float(np.sum(block)) for block in numbers(report.gradient))
    plain = [cost.call, *(way.call for way in cost.strategies if not way.infeasible)]
    for call in plain:
        assert call
        found = sorted(float(np.sum(block)) for block in numbers(pasted(call, report)))
        assert len(found) >= len(expected)
        if "of which the part" not in call:
            np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
    seconds = [way.call for way in cost.hessian if not way.infeasible and way.call]
    assert seconds or not cost.hessian
    if not is_twice:
        return
    total = sum(float(np.sum(block)) for block in numbers(report.hessian))
    for call in seconds[:2]:
        np.testing.assert_allclose(sum(map(np.sum, numbers(pasted(call, report)))), total, rtol=1e-4, atol=1e-5)


def test_a_gradient_by_hand() -> None:
    report = reported(scaled, (X, BATCH), {}, wrt="x", order=1)
    assert costs(report).call == "jax.grad(scaled)(x, batch)"
    np.testing.assert_allclose(pasted(costs(report).call, report), 2 * X)
    report = reported(tagged, (PARAMS,), {}, order=1)
    (found,) = numbers(pasted(costs(report).call, report))
    np.testing.assert_allclose(found, np.sin(2 * np.asarray(X)), rtol=1e-6)  # of sin(w)**2 it is sin(2 w)


def filter_grad(f: Callable[..., Any]) -> Callable[..., Any]:
    """What Equinox does, written out: the gradient by the floating-point arrays of the first argument."""

    def gradient(first: Any, *others: Any) -> Any:
        leaves, structure = jax.tree_util.tree_flatten(first)
        arrays = [x if hasattr(x, "dtype") and jnp.issubdtype(x.dtype, jnp.inexact) else None for x in leaves]

        def whole(arrays: Any) -> Any:
            merged = [leaf if array is None else array for leaf, array in zip(leaves, arrays, strict=True)]
            return f(jax.tree_util.tree_unflatten(structure, merged), *others)

        return jax.tree_util.tree_unflatten(structure, jax.grad(whole)(arrays))

    return gradient


def test_with_equinox_its_own_function_is_offered(monkeypatch: pytest.MonkeyPatch) -> None:
    eqx = types.ModuleType("equinox")
    eqx.filter_grad = filter_grad  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "equinox", eqx)

    def of_model(model: Any, x: Any) -> Any:
        return jnp.sum(model(x))

    report = derive(of_model, symbolic=False, points=2, cost="count", order=1, wrt="model")(MODEL, X)
    call = costs(report).call
    assert call == "eqx.filter_grad(of_model)(model, x)"
    found = eval(call, {"eqx": eqx, "of_model": of_model, "model": MODEL, "x": X})
    np.testing.assert_allclose(found.w, report.gradient.w)


def test_without_equinox_it_is_not_named() -> None:
    assert "filter_grad" not in costs(reported(loss, (MODEL, X, Y), {}, wrt="model", order=1)).call


def test_jax_is_imported_where_the_readers_code_has_only_its_numpy() -> None:
    space: dict[str, Any] = {"__name__": "reader"}
    exec(
        "import jax.numpy as jnp\nfrom jaxdiff_magic import derive\n"
        "def f(x):\n    return jnp.sum(x**2)\nx = jnp.ones(2)\n"
        "call = derive(f, symbolic=False, cost='count', order=1, points=2)(x).cost.call",
        space,
    )
    assert space["call"] == "import jax\njax.grad(f)(x)"
    names = {"f": space["f"], "x": space["x"]}
    exec(space["call"].replace("jax.grad", "found = jax.grad"), names)
    np.testing.assert_allclose(names["found"], [2.0, 2.0])


def test_for_a_scalar_function_the_call_is_a_gradient() -> None:
    for f, args in ((lambda x: jnp.sum(x**2), (X,)), (of_any, (2.0, 3.0)), (by_mode, (X, "squares"))):
        assert costs(reported(f, args, {}, order=1)).call.startswith("jax.grad(")
    assert "jax.grad(" in costs(reported(lambda x: x**3, (2.0,), {}, order=1)).call
