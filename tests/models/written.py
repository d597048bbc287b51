"""Calls with models of several libraries, and with trees of the reader's: what their inputs and settings are called."""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Callable
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import linen as nn
from flax import nnx, struct
from flax.core import freeze
from flax.training.train_state import TrainState

KEY = jax.random.key(0)
X = jnp.asarray(np.random.default_rng(0).standard_normal((4, 3)), jnp.float32)


# Models of Equinox


class Block(eqx.Module):
    """Holds all that a model may: layers, a rate, a function, a text, a number, a key, and nothing."""

    first: eqx.nn.Linear
    norm: eqx.nn.LayerNorm
    drop: eqx.nn.Dropout
    last: dict[str, eqx.nn.Linear]
    act: Callable[..., Any]
    kind: str
    depth: int
    seed: jax.Array
    scale: float
    spare: None = None

    def __init__(self) -> None:
        one, two = jax.random.split(KEY)
        self.first, self.norm = eqx.nn.Linear(3, 4, key=one), eqx.nn.LayerNorm(4)
        self.drop, self.last = eqx.nn.Dropout(0.3), {"out": eqx.nn.Linear(4, 1, key=two)}
        self.act, self.kind, self.depth, self.seed, self.scale = jax.nn.gelu, "block", 2, jax.random.key(7), 0.5

    def __call__(self, x: Any, key: Any = None) -> Any:
        h = self.drop(self.norm(self.act(self.first(x))), key=key)
        return self.scale * self.last["out"](h)[0] ** self.depth


class Pendulum(eqx.Module):
    length: float
    mass: float


def mean_square(net: Any) -> Any:
    return jnp.mean(jax.vmap(net)(X) ** 2)


def with_key(net: Any, key: Any) -> Any:
    return jnp.mean(jax.vmap(net)(X, jax.random.split(key, len(X))) ** 2)


def in_turn(layers: Any, key: Any) -> Any:
    h = X[0]
    for k, layer in enumerate(layers):
        h = layer(h, key=jax.random.fold_in(key, k))
    return jnp.sum(h**2)


def scanned(layers: Any) -> Any:
    arrays, rest = eqx.partition(layers, eqx.is_array)
    body = lambda h, own: (jnp.tanh(jax.vmap(eqx.combine(own, rest))(h)), None)  # noqa: E731
    return jnp.sum(jax.lax.scan(body, X, arrays)[0])


def recurrent(cell: Any) -> Any:
    return jnp.sum(jax.lax.scan(lambda h, x: (cell(x, h), None), jnp.zeros(2), X)[0])


def over_an_ensemble(nets: Any) -> Any:
    return jnp.sum(eqx.filter_vmap(lambda net: net(X[0]))(nets) ** 2)


@eqx.filter_jit
def jitted(net: Any) -> Any:
    return mean_square(net)


def rematted(net: Any) -> Any:
    return jnp.sum(eqx.filter_checkpoint(lambda net, x: jax.vmap(net)(x))(net, X) ** 2)


def attending(layer: Any) -> Any:
    return jnp.sum(layer(X, X, X) ** 2)


def imaged(net: Any) -> Any:
    return jnp.sum(net(X[None]) ** 2)


def swinging(p: Any) -> Any:
    return p.mass * 9.81 * p.length * (1 - jnp.cos(0.3))


LAYERS = jax.vmap(lambda key: eqx.nn.Linear(3, 3, key=key))(jax.random.split(KEY, 3))
MLP = eqx.nn.MLP(3, 1, 4, 1, key=KEY)
BLOCK = ["net.first.weight", "net.first.bias", "net.norm.weight", "net.norm.bias"]
BLOCK += ["net.last['out'].weight", "net.last['out'].bias"]
MLP_NAMES = [f"net.layers[{k}].{part}" for k in (0, 1) for part in ("weight", "bias")]
SEQUENCE = [eqx.nn.Linear(3, 3, key=KEY), eqx.nn.Dropout(0.2), eqx.nn.Linear(3, 1, key=KEY)]

# function, arguments, the names of the inputs, the names of the settings
Case = tuple[Callable[..., Any], tuple[Any, ...], list[str], list[str]]
EQUINOX: dict[str, Case] = {
    "dropout with a key": (with_key, (Block(), KEY), BLOCK, ["net.drop.p", "net.scale"]),
    "dropout that is off": (mean_square, (eqx.nn.inference_mode(Block()),), BLOCK, ["net.drop.p", "net.scale"]),
    "a list of layers": (
        in_turn,
        (SEQUENCE, KEY),
        [f"layers[{k}].{part}" for k in (0, 2) for part in ("weight", "bias")],
        ["layers[1].p"],
    ),
    "attention": (
        attending,
        (eqx.nn.MultiheadAttention(1, 3, key=KEY),),
        [f"layer.{part}_proj.weight" for part in ("query", "key", "value", "output")],
        ["layer.dropout.p"],
    ),
    "a convolution": (imaged, (eqx.nn.Conv2d(1, 2, 2, key=KEY),), ["net.weight", "net.bias"], []),
    "a recurrent cell under scan": (
        recurrent,
        (eqx.nn.GRUCell(3, 2, key=KEY),),
        ["cell.weight_ih", "cell.weight_hh", "cell.bias", "cell.bias_n"],
        [],
    ),
    "stacked layers under scan": (scanned, (LAYERS,), ["layers.weight", "layers.bias"], []),
    "an ensemble under vmap": (over_an_ensemble, (LAYERS,), ["nets.weight", "nets.bias"], []),
    "a jitted loss": (jitted, (MLP,), MLP_NAMES, []),
    "a rematted model": (rematted, (MLP,), MLP_NAMES, []),
    "a loss under filter_jit": (eqx.filter_jit(mean_square), (MLP,), MLP_NAMES, []),
    "nothing but numbers": (swinging, (Pendulum(1.0, 2.0),), ["p.length", "p.mass"], []),
}


# Models of Flax


class Net(nnx.Module):
    def __init__(self, rngs: nnx.Rngs) -> None:
        self.layers = nnx.List([nnx.Linear(3, 4, rngs=rngs), nnx.Linear(4, 1, rngs=rngs)])
        self.norm, self.drop = nnx.BatchNorm(4, rngs=rngs), nnx.Dropout(0.3, rngs=rngs)
        self.gain = nnx.Param(0.5)

    def __call__(self, x: Any) -> Any:
        return self.layers[1](self.drop(self.norm(jnp.tanh(self.layers[0](x))))) * self.gain


class Counted(nnx.Module):
    """A variable that is no parameter, one of a class of its own, and an array that is no variable."""

    def __init__(self) -> None:
        self.w, self.seen, self.shift = nnx.Param(jnp.ones(3)), Average(jnp.ones(3)), jnp.ones(3)

    def __call__(self, x: Any) -> Any:
        return x @ (self.w * self.seen) + jnp.sum(self.shift)


class Average(nnx.Variable): ...


class Stack(nn.Module):
    """Layers by `nn.scan`, each rematted."""

    @nn.compact
    def __call__(self, x: Any) -> Any:
        layer = nn.remat(nn.Dense)
        scan = nn.scan(lambda own, h, _: (jnp.tanh(own(h)), None), {"params": 0}, split_rngs={"params": True}, length=3)
        return scan(layer(3, name="layer"), x, None)[0]


def squared(net: Any) -> Any:
    return jnp.mean(net(X) ** 2)


DENSE, STACK = nn.Dense(2), Stack()
NORM = nn.BatchNorm(use_running_average=False)
STATE = TrainState.create(apply_fn=DENSE.apply, params=DENSE.init(KEY, X)["params"], tx=optax.sgd(0.1))
GRAPH, PARTS = nnx.split(Net(nnx.Rngs(0)))
BOXED = nn.Dense(2, kernel_init=nn.with_partitioning(nn.initializers.lecun_normal(), ("a", "b"))).init(KEY, X)
STATE_PARTS = [f"['layers'][{k}]['{part}']" for k in (0, 1) for part in ("bias", "kernel")]
STATE_PARTS += ["['norm']['bias']", "['norm']['scale']"]
NET_PARTS = [f"layers[{k}].{part}" for k in (0, 1) for part in ("bias", "kernel")] + ["norm.bias", "norm.scale"]


def dense(v: Any) -> Any:
    return jnp.sum(DENSE.apply(v, X) ** 2)


def of_parts(parts: Any) -> Any:
    return jnp.sum(nnx.merge(GRAPH, parts)(X) ** 2)


def normed(v: Any) -> Any:
    return jnp.sum(NORM.apply(v, X, mutable=["batch_stats"])[0] ** 3)


FLAX: dict[str, Case] = {
    "a module of nnx": (
        squared,
        (Net(nnx.Rngs(0)),),
        ["net.gain", *(f"net.{part}" for part in NET_PARTS)],
        ["net.norm.mean", "net.norm.var"],
    ),
    "a variable of another kind": (squared, (Counted(),), ["net.shift", "net.w"], ["net.seen"]),
    "a state of nnx": (
        of_parts,
        (PARTS,),
        ["parts['gain']", *(f"parts{part}" for part in STATE_PARTS)],
        ["parts['norm']['mean']", "parts['norm']['var']"],
    ),
    "a variable by itself": (lambda w: jnp.sum(w**2), (nnx.Param(X),), ["w"], []),
    "an embedding of nnx": (
        lambda table: jnp.sum(table(jnp.array([0, 2])) ** 2),
        (nnx.Embed(3, 2, rngs=nnx.Rngs(0)),),
        ["table.embedding"],
        [],
    ),
    "variables of linen": (dense, (DENSE.init(KEY, X),), ["v['params']['bias']", "v['params']['kernel']"], []),
    "frozen variables": (dense, (freeze(DENSE.init(KEY, X)),), ["v['params']['bias']", "v['params']['kernel']"], []),
    "boxes with names of axes": (
        lambda v: dense(nn.unbox(v)),
        (BOXED,),
        ["v['params']['bias']", "v['params']['kernel'].value"],
        [],
    ),
    "scanned and rematted layers of linen": (
        lambda v: jnp.sum(STACK.apply(v, X) ** 2),
        (STACK.init(KEY, X),),
        ["v['params']['layer']['bias']", "v['params']['layer']['kernel']"],
        [],
    ),
    "a state of training": (
        lambda s: jnp.sum(s.apply_fn({"params": s.params}, X) ** 2),
        (STATE,),
        ["s.params['bias']", "s.params['kernel']"],
        [],
    ),
}


# Trees of the reader's


class Weights(NamedTuple):
    w: Any
    b: float


@jax.tree_util.register_dataclass
@dataclasses.dataclass
class Ridge:
    w: Any
    penalty: float = 0.5


@struct.dataclass
class Spring:
    stiffness: Any
    damping: float
    label: str = struct.field(pytree_node=False, default="spring")


class Old:
    """Registered without names of its parts, which are its attributes all the same."""

    def __init__(self, step: Any, params: Any, rates: Any) -> None:
        self.step, self.params, self.rates = step, params, rates


jax.tree_util.register_pytree_node(Old, lambda o: ((o.step, o.params, o.rates), None), lambda _, parts: Old(*parts))


def adam_step(params: Any, state: Any) -> Any:
    found, _ = optax.adam(1e-2).update(jax.grad(lambda p: jnp.sum((X @ p["w"]) ** 2))(params), state, params)
    return jnp.sum(optax.apply_updates(params, found)["w"] ** 2)


PARAMS = {"w": jnp.ones(3)}
TREES: dict[str, Case] = {
    "a named tuple": (lambda p: jnp.sum(X @ p.w + p.b), (Weights(X[0], 0.5),), ["p.w", "p.b"], []),
    "a dict": (lambda p: jnp.sum(X @ p["w"]) * p["b"], ({"w": X[0], "b": 0.5},), ["p['b']", "p['w']"], []),
    "a list": (lambda p: jnp.sum(X @ p[0]) * p[1], ([X[0], 0.5],), ["p[0]", "p[1]"], []),
    "an ordered dict": (
        lambda p: jnp.sum(X @ p["w"]) * p["b"],
        (collections.OrderedDict(w=X[0], b=0.5),),
        ["p['w']", "p['b']"],
        [],
    ),
    "a dataclass": (lambda p: jnp.sum((X @ p.w) ** 2) * p.penalty, (Ridge(X[0], 0.5),), ["p.w"], ["p.penalty"]),
    "a dataclass in a dict": (
        lambda p: jnp.sum((X @ p["m"].w) ** 2) * p["m"].penalty * p["c"],
        ({"m": Ridge(X[0], 0.5), "c": 2.0},),
        ["p['c']", "p['m'].w"],
        ["p['m'].penalty"],
    ),
    "a dataclass of Flax": (
        lambda p: jnp.sum(p.stiffness**2) * p.damping,
        (Spring(X[0], 0.1),),
        ["p.stiffness"],
        ["p.damping"],
    ),
    "an array of NumPy for a number": (
        lambda p: jnp.sum((X @ p.w) ** 2) * p.penalty,
        (Ridge(X[0], np.float32(0.5)),),
        ["p.w", "p.penalty"],
        [],
    ),
    "a class without names": (
        lambda p: jnp.sum(X @ p.params["w"]) * p.rates[0],
        (Old(3, {"w": X[0]}, (0.1, 0.2)),),
        ["p.params['w']"],
        ["p.rates[0]", "p.rates[1]"],
    ),
    "a state of an optimiser": (
        adam_step,
        (PARAMS, optax.adam(1e-2).init(PARAMS)),
        ["params['w']", "state[0].mu['w']", "state[0].nu['w']"],
        [],
    ),
    "hyperparameters of an optimiser": (
        lambda w, state: jnp.sum(w**2) * state.hyperparams["learning_rate"],
        (X[0], optax.inject_hyperparams(optax.sgd)(learning_rate=0.1).init(X[0])),
        ["w", "state.hyperparams['learning_rate']"],
        [],
    ),
    "paths as Haiku has them": (
        lambda p: jnp.sum((X @ p["mlp/~/linear_0"]["w"]) ** 2),
        ({"mlp/~/linear_0": {"w": X.T, "b": jnp.zeros(3)}},),
        ["p['mlp/~/linear_0']['b']", "p['mlp/~/linear_0']['w']"],
        [],
    ),
}
LIBRARIES = {"Equinox": EQUINOX, "Flax": FLAX, "own": TREES}
CASES = {f"{library}: {name}": case for library, cases in LIBRARIES.items() for name, case in cases.items()}
