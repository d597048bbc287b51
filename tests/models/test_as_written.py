"""Models of several libraries as arguments: what is differentiated, what its leaves are called, and calls that run."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, ClassVar

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from jaxdiff_magic import Report, derive
from jaxdiff_magic.base.errors import InputError
from jaxdiff_magic.subject.subject import Subject, subject_of
from tests.models.catalogue import MODELS, parameters
from tests.models.written import (
    BLOCK,
    CASES,
    KEY,
    LAYERS,
    MLP,
    SEQUENCE,
    Block,
    Counted,
    Old,
    Pendulum,
    Ridge,
    X,
    mean_square,
    scanned,
    squared,
    with_key,
)


def reported(f: Callable[..., Any], args: tuple[Any, ...], **options: Any) -> Report:
    """The report's quick parts."""
    return derive(f, **{"order": 1, "symbolic": False, "cost": "count", "points": 0, "budget": 0.5, **options})(*args)


def names(subject: Subject) -> list[str]:
    return [leaf.name for leaf in subject.inputs]


def settings(subject: Subject) -> list[str]:
    return [held.name for held in subject.held if held.kind == "setting"]


def gradients(f: Callable[..., Any], args: tuple[Any, ...], chosen: tuple[int, ...]) -> list[np.ndarray]:
    """JAX's own, by some leaves of the arguments."""
    leaves, structure = jax.tree.flatten(args)

    def of(own: list[Any]) -> Any:
        whole = list(leaves)
        for position, leaf in zip(chosen, own, strict=True):
            whole[position] = leaf
        return f(*jax.tree.unflatten(structure, whole))

    return [np.asarray(leaf) for leaf in jax.grad(of)([jnp.asarray(leaves[k]) for k in chosen])]


@pytest.mark.parametrize("case", CASES)
def test_the_parameters_are_differentiated_by_their_names(case: str) -> None:
    f, args, inputs, held = CASES[case]
    subject = subject_of(f, args, {})
    assert names(subject) == inputs
    assert settings(subject) == held
    assert not subject.untraceable


def pasted(call: str, report: Report, parameters: list[str]) -> Any:
    """The value of a call where nothing is defined but the function, its arguments, and what the reader imports."""
    space = {"jax": jax, "eqx": eqx, "nnx": nnx, **dict(zip(parameters, report.subject.args, strict=True))}
    function = call.partition("# where ")[2].partition(" ")[0] or report.subject.callee
    if function.isidentifier():
        space[function] = report.subject.function
    else:
        space |= {"mean_square": mean_square}
    *before, last = call.split("\n")
    exec("\n".join(before), space)
    return eval(last, space)


@pytest.mark.parametrize("case", CASES)
def test_a_gradient_is_jax_own_and_so_is_that_of_the_printed_call(case: str) -> None:
    f, args, inputs, _ = CASES[case]
    report = reported(f, args)
    expected = gradients(f, args, report.subject.call.positions)
    found = [np.asarray(leaf) for leaf in jax.tree.leaves(report.gradient)]
    assert report.cost is not None
    arguments = [*inputs, *(held.name for held in report.subject.held)]
    roots = list(dict.fromkeys(re.split(r"[.\[]", name)[0] for name in arguments))
    by_call = jax.tree.leaves(pasted(report.cost.call, report, roots))
    assert len(found) == len(by_call) == len(expected) == len(inputs)
    for ours, theirs, said in zip(found, expected, by_call, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-6)
        np.testing.assert_allclose(np.sort(np.ravel(said)), np.sort(np.ravel(theirs)), rtol=1e-4, atol=1e-6)


class TestSettings:
    NET, P = Block(), Ridge(X[0], 0.5)

    @pytest.mark.parametrize(
        ("wrt", "inputs"),
        [
            ("net.drop.p", ["net.drop.p"]),
            ("net.drop", ["net.drop.p"]),
            ("net.norm", ["net.norm.weight", "net.norm.bias"]),
            (("net.norm.bias", "net.scale"), ["net.norm.bias", "net.scale"]),
            (("net", "net.scale"), [*BLOCK, "net.scale"]),
            (0, BLOCK),
        ],
    )
    def test_one_that_wrt_names_is_differentiated(self, wrt: Any, inputs: list[str]) -> None:
        assert names(subject_of(with_key, (self.NET, KEY), {}, wrt)) == inputs

    def test_its_derivative_is_that_of_a_number(self) -> None:
        report = reported(lambda p: jnp.sum((X @ p.w) ** 2) * p.penalty, (self.P,), wrt="p.penalty")
        np.testing.assert_allclose(report.gradient, jnp.sum((X @ self.P.w) ** 2), rtol=1e-5)

    def test_the_report_says_that_it_is_one(self) -> None:
        report = reported(with_key, (self.NET, KEY))
        assert [(h.name, h.kind) for h in report.subject.held if h.name.startswith("net.s")] == [
            ("net.seed", "key"),
            ("net.scale", "setting"),
        ]
        assert "net.drop.p = 0.3 (setting)" in str(report)
        assert "net.depth = 2 (integer)" in str(report)
        assert report.gradient.drop.p is None

    def test_an_argument_of_nothing_but_settings_is_left_out_beside_a_model(self) -> None:
        f = lambda layer, drop, key: jnp.sum(drop(layer(X[0]), key=key))  # noqa: E731
        subject = subject_of(f, (SEQUENCE[0], SEQUENCE[1], KEY), {})
        assert names(subject) == ["layer.weight", "layer.bias"]
        assert subject.argnums == 0
        assert isinstance(subject.assemble([[1, 2]], 1), eqx.nn.Linear)

    def test_numbers_of_a_model_beside_arrays_that_are_no_model_are_inputs(self) -> None:
        assert names(subject_of(lambda p, x: p.mass * jnp.sum(x) * p.length, (Pendulum(1.0, 2.0), X), {})) == [
            "p.length",
            "p.mass",
            "x",
        ]

    def test_those_of_another_model_that_is_not_differentiated_are_not_selected(self) -> None:
        subject = subject_of(lambda p, x: jnp.sum(x @ p.w) * p.penalty, (self.P, X), {}, "x")
        assert [(held.name, held.kind) for held in subject.held] == [
            ("p.w", "not selected"),
            ("p.penalty", "not selected"),
        ]

    def test_products_of_the_whole_model_are_not_offered_by_jax_calls_that_take_them_too(self) -> None:
        report = reported(lambda p: jnp.sum((X @ p.w) ** 2) * p.penalty, (self.P,), order=2)
        assert report.products is None or "report.products" in report.products.calls["hvp"]

    def test_without_a_librarys_gradient_the_call_closes_over_them(self) -> None:
        space: dict[str, Any] = {"__name__": "reader", "p": self.P, "X": X, "options": {"symbolic": False, "order": 1}}
        text = """
import jax
import jax.numpy as jnp
from jaxdiff_magic import derive
def f(p):
    return jnp.sum((X @ p.w) ** 2) * p.penalty
call = derive(f, cost="count", points=0, **options)(p).cost.call
"""
        exec(text, space)
        assert "jax.tree.flatten" in space["call"]
        *before, last = space["call"].split("\n")
        exec("\n".join(before), space)
        (found,) = jax.tree.leaves(eval(last, space))
        np.testing.assert_allclose(found, 2 * X.T @ (X @ self.P.w) * 0.5, rtol=1e-5)


class TestNames:
    @pytest.mark.parametrize(
        ("case", "written", "said"),
        [
            ("Flax: a state of nnx", "parts['norm']['bias'].value", "parts['norm']['bias']"),
            ("Flax: a module of nnx", "net.layers[0].kernel.value", "net.layers[0].kernel"),
            ("own: a class without names", "p[<flat index 1>]['w']", "p.params['w']"),
        ],
    )
    def test_jax_own_spelling_is_known_too(self, case: str, written: str, said: str) -> None:
        f, args, _, _ = CASES[case]
        assert names(subject_of(f, args, {}, written)) == names(subject_of(f, args, {}, said)) == [said]

    def test_a_name_that_is_none_is_refused_with_the_nearest_that_is(self) -> None:
        f, args, _, _ = CASES["Flax: a module of nnx"]
        with pytest.raises(InputError, match=r"Did you mean 'net.layers\[0\].kernel'"):
            subject_of(f, args, {}, "net.layer[0].kernel")

    def test_two_attributes_that_are_one_array_leave_the_number(self) -> None:
        (leaf,) = subject_of(lambda p: jnp.sum(p.params), (Old(3, X, X),), {}, "p[<flat index 1>]").inputs
        assert leaf.name == "p[<flat index 1>]"

    @pytest.mark.parametrize(
        ("function", "first"),
        [
            (eqx.filter_grad(mean_square), "∇mean_square.layers[0].weight"),
            (eqx.filter_value_and_grad(mean_square), "mean_square"),
            (eqx.filter_jit(eqx.filter_value_and_grad(mean_square)), "mean_square"),
            (eqx.filter_checkpoint(mean_square), "mean_square"),
        ],
    )
    def test_results_of_a_librarys_transformations(self, function: Callable[..., Any], first: str) -> None:
        outputs = [leaf.name for leaf in subject_of(function, (MLP,), {}).outputs]
        assert outputs[0] == first
        assert all(name.startswith("∇mean_square.layers[") for name in outputs[1:])

    def test_a_librarys_transformation_is_written_as_the_reader_writes_it(self) -> None:
        written = [
            subject_of(made(function), args, {}).callee
            for made, function, args in (
                (eqx.filter_jit, mean_square, (MLP,)),
                (eqx.filter_value_and_grad, mean_square, (MLP,)),
                (eqx.filter_grad, with_key, (Block(), KEY)),
                (eqx.filter_checkpoint, scanned, (LAYERS,)),
            )
        ]
        assert written == [
            "eqx.filter_jit(mean_square)",
            "eqx.filter_value_and_grad(mean_square)",
            "eqx.filter_grad(with_key)",
            "eqx.filter_checkpoint(scanned)",
        ]

    def test_a_function_under_jit_of_flax_has_its_own_name(self) -> None:
        subject = subject_of(nnx.jit(squared), (Counted(),), {})
        assert [leaf.name for leaf in subject.outputs] == ["squared"]
        assert subject.callee == "nnx.jit(squared)"


def trained(net: Any) -> Any:
    """A step of gradient descent, as it is written: a model from a model."""
    _, gradient = eqx.filter_value_and_grad(mean_square)(net)
    return eqx.apply_updates(net, jax.tree.map(lambda g: -0.1 * g, gradient))


class TestReturnedModels:
    CASES: ClassVar[dict[str, tuple[Any, Any, list[str]]]] = {
        "a step of training": (
            trained,
            MLP,
            [f"trained.layers[{k}].{part}" for k in (0, 1) for part in ("weight", "bias")],
        ),
        "an old class": (lambda x: Old("text", x**2, jnp.tanh), X[0], ["f.params"]),
        "a state": (
            lambda net: (jnp.sum(net(X)), nnx.state(net)),
            Counted(),
            ["f[0]", *(f"f[1]['{name}']" for name in ("seen", "shift", "w"))],
        ),
        "a dict": (
            lambda x: {"model": Ridge(x, 0.5), "loss": jnp.sum(x)},
            X[0],
            ["f['loss']", "f['model'].w", "f['model'].penalty"],
        ),
    }

    @pytest.mark.parametrize("case", CASES)
    def test_one_is_differentiated_by_its_numbers(self, case: str) -> None:
        f, x, outputs = self.CASES[case]
        report = derive(f, order=1, symbolic=False, cost="none", points=0, budget=0.1)(x)
        assert [leaf.name for leaf in report.subject.outputs] == outputs
        own = [leaf for leaf in jax.tree.leaves(f(x)) if isinstance(leaf, (float, jax.Array))]
        assert len(jax.tree.leaves(report.value)) == len(own) == len(outputs)
        for ours, theirs in zip(jax.tree.leaves(report.value), own, strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-5)

    def test_text_beside_numbers_that_is_in_no_model_is_refused(self) -> None:
        with pytest.raises(InputError, match=r"f\['kind'\] is 'a', of type str, not a number"):
            subject_of(lambda x: {"kind": "a", "loss": x}, (1.0,), {})


@pytest.mark.parametrize("name", MODELS)
def test_every_model_of_the_catalogue_is_differentiated_by_its_arrays(name: str) -> None:
    f, args = MODELS[name]()
    subject = subject_of(f, args, {})
    assert not subject.untraceable
    assert subject.is_scalar
    assert subject.size == parameters(args)
    assert not any("value" in name or "<" in name for name in names(subject))


def by_odeint(rate: Any) -> Any:
    from jax.experimental.ode import odeint

    return jnp.sum(odeint(lambda y, t, rate: -rate * y, X[0], jnp.linspace(0.0, 1.0, 3), rate) ** 2)


def by_diffrax(solver: Any, rate: Any) -> Any:
    term = diffrax.ODETerm(lambda t, y, rate: -rate * y)
    return jnp.sum(diffrax.diffeqsolve(term, solver, 0.0, 1.0, 0.25, X[0], args=rate).ys ** 2)


@pytest.mark.parametrize(
    "f",
    [lambda rate: by_diffrax(diffrax.Heun(), rate), lambda rate: by_diffrax(diffrax.Tsit5(), rate), by_odeint],
    ids=["Heun", "Tsit5", "odeint"],
)
def test_a_solution_of_a_differential_equation_has_a_report(f: Callable[[Any], Any]) -> None:
    report = reported(f, (jnp.float32(0.7),), cost="none")
    np.testing.assert_allclose(report.gradient, jax.grad(f)(jnp.float32(0.7)), rtol=1e-5)
    assert not [finding.message for finding in report.findings if finding.kind == "incomplete"]
    assert report.verdict != "differs"
