"""Models as people write them: each gives a function and the arguments of one call, from fixed seeds, in float32.

The floating-point numbers of the arguments are the parameters. Data are what the function closes over, as in a cell.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

Call = tuple[Callable[..., Any], tuple[Any, ...]]
MODELS: dict[str, Callable[[], Call]] = {}


def model(name: str) -> Callable[[Callable[[], Call]], Callable[[], Call]]:
    """Files a builder under a name; the library that it needs is imported when it is called."""

    def file(build: Callable[[], Call]) -> Callable[[], Call]:
        MODELS[name] = build
        return build

    return file


def drawn(seed: int, *shape: int, scale: float = 1.0) -> jax.Array:
    """Normal numbers, the same for each seed."""
    return jnp.asarray(scale * np.random.default_rng(seed).standard_normal(shape), jnp.float32)


def parameters(tree: Any) -> int:
    """How many floating-point numbers a pytree holds."""
    return sum(leaf.size for leaf in jax.tree.leaves(tree) if hasattr(leaf, "size") and leaf.dtype == jnp.float32)


@model("mlp")
def mlp() -> Call:
    """An Equinox MLP of 1,569 parameters, over a batch by vmap."""
    import equinox as eqx

    net = eqx.nn.MLP(14, 1, 32, 2, activation=jnp.tanh, key=jax.random.key(0))
    x = drawn(1, 64, 14)
    y = jnp.sin(x[:, :1]) + 0.1 * x[:, 1:2] ** 2

    def loss(net: Any) -> jax.Array:
        return jnp.mean((jax.vmap(net)(x) - y) ** 2)

    return loss, (net,)


@model("convolutional net")
def convolutional() -> Call:
    """A Flax convolutional net of 3,818 parameters with relu and max-pooling, and its cross-entropy."""
    from flax import linen as nn

    class Net(nn.Module):
        @nn.compact
        def __call__(self, x: jax.Array) -> jax.Array:
            for features in (8, 16):
                x = nn.relu(nn.Conv(features, (3, 3))(x))
                x = nn.max_pool(x, (2, 2), strides=(2, 2))
            return nn.Dense(10)(x.reshape(x.shape[0], -1))

    net, images = Net(), drawn(2, 8, 16, 16, 1)
    labels = jnp.arange(8) % 10
    params = net.init(jax.random.key(0), images)["params"]

    def loss(params: Any) -> jax.Array:
        logits = net.apply({"params": params}, images)
        return -jnp.mean(jnp.take_along_axis(jax.nn.log_softmax(logits), labels[:, None], axis=1))

    return loss, (params,)


def transformer(width: int, heads: int, context: int, batch: int, length: int) -> Call:
    """A decoder of 4 blocks over a vocabulary of 256, as a dict of arrays, and its cross-entropy on integer tokens."""
    vocabulary, blocks, count = 256, 4, iter(range(1000))

    def weights(*shape: int) -> jax.Array:
        return drawn(next(count), *shape, scale=shape[0] ** -0.5)

    def norm() -> dict[str, jax.Array]:
        return {"scale": jnp.ones(width), "shift": jnp.zeros(width)}

    params = {
        "tokens": drawn(1001, vocabulary, width, scale=0.1),
        "positions": drawn(1002, context, width, scale=0.1),
        "blocks": [
            {
                "norm1": norm(),
                "qkv": weights(width, 3 * width),
                "out": weights(width, width),
                "norm2": norm(),
                "up": {"w": weights(width, 4 * width), "b": jnp.zeros(4 * width)},
                "down": {"w": weights(4 * width, width), "b": jnp.zeros(width)},
            }
            for _ in range(blocks)
        ],
        "norm": norm(),
        "logits": weights(width, vocabulary),
    }
    tokens = jnp.asarray(np.random.default_rng(0).integers(0, vocabulary, (batch, length + 1)))

    def layer_norm(p: dict[str, jax.Array], x: jax.Array) -> jax.Array:
        mean, variance = jnp.mean(x, -1, keepdims=True), jnp.var(x, -1, keepdims=True)
        return p["scale"] * (x - mean) / jnp.sqrt(variance + 1e-5) + p["shift"]

    def attention(p: dict[str, Any], x: jax.Array) -> jax.Array:
        b, t, d = x.shape
        q, k, v = (part.reshape(b, t, heads, d // heads) for part in jnp.split(x @ p["qkv"], 3, axis=-1))
        scores = jnp.einsum("bqhd,bkhd->bhqk", q, k) / jnp.sqrt(d // heads)
        scores = jnp.where(jnp.tril(jnp.ones((t, t), bool)), scores, -jnp.inf)
        mixed = jnp.einsum("bhqk,bkhd->bqhd", jax.nn.softmax(scores, axis=-1), v)
        return mixed.reshape(b, t, d) @ p["out"]

    def loss(params: dict[str, Any], tokens: jax.Array) -> jax.Array:
        seen, following = tokens[:, :-1], tokens[:, 1:]
        x = params["tokens"][seen] + params["positions"][: seen.shape[1]]
        for block in params["blocks"]:
            x = x + attention(block, layer_norm(block["norm1"], x))
            hidden = layer_norm(block["norm2"], x) @ block["up"]["w"] + block["up"]["b"]
            x = x + jax.nn.gelu(hidden) @ block["down"]["w"] + block["down"]["b"]
        logits = layer_norm(params["norm"], x) @ params["logits"]
        chosen = jnp.take_along_axis(jax.nn.log_softmax(logits), following[..., None], axis=-1)
        return -jnp.mean(chosen)

    return loss, (params, tokens)


@model("transformer 8.5k")
def small_transformer() -> Call:
    """8,496 parameters."""
    return transformer(8, 2, context=128, batch=4, length=32)


@model("transformer 220k")
def middle_transformer() -> Call:
    """221,160 parameters."""
    return transformer(60, 4, context=256, batch=4, length=32)


@model("transformer 1.7M")
def large_transformer() -> Call:
    """1,738,064 parameters."""
    return transformer(184, 8, context=64, batch=4, length=64)


@model("lstm")
def lstm() -> Call:
    """An LSTM over 40 steps, by scan, over a batch by vmap."""
    hidden, features, steps = 16, 4, 40
    params = {
        "W": drawn(0, features, 4 * hidden, scale=0.3),
        "U": drawn(1, hidden, 4 * hidden, scale=0.25),
        "b": jnp.zeros(4 * hidden),
        "out": drawn(2, hidden, scale=0.3),
    }
    series = jnp.cumsum(drawn(3, 8, steps, features, scale=0.3), axis=1)
    targets = jnp.sin(series[:, -1, 0])

    def predict(params: dict[str, jax.Array], xs: jax.Array) -> jax.Array:
        def step(carry: tuple[jax.Array, jax.Array], x: jax.Array) -> tuple[tuple[jax.Array, jax.Array], None]:
            h, c = carry
            i, f, g, o = jnp.split(x @ params["W"] + h @ params["U"] + params["b"], 4)
            c = jax.nn.sigmoid(f + 1.0) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
            return (jax.nn.sigmoid(o) * jnp.tanh(c), c), None

        (h, _), _ = jax.lax.scan(step, (jnp.zeros(hidden), jnp.zeros(hidden)), xs)
        return h @ params["out"]

    def loss(params: dict[str, jax.Array]) -> jax.Array:
        return jnp.mean((jax.vmap(predict, (None, 0))(params, series) - targets) ** 2)

    return loss, (params,)


@model("physics-informed net")
def physics_informed() -> Call:
    """Burgers' equation u_t + u u_x = nu u_xx by a net, with its derivatives inside the loss, and initial values."""
    sizes = (2, 20, 20, 1)
    layers = [(drawn(k, m, n, scale=m**-0.5), jnp.zeros(n)) for k, (m, n) in enumerate(itertools.pairwise(sizes))]
    rng = np.random.default_rng(5)
    inside = jnp.asarray(rng.uniform([0.0, -1.0], [1.0, 1.0], (32, 2)), jnp.float32)
    start = jnp.linspace(-1.0, 1.0, 16)

    def u(layers: Any, t: jax.Array, x: jax.Array) -> jax.Array:
        h = jnp.stack([t, x])
        for w, b in layers[:-1]:
            h = jnp.tanh(h @ w + b)
        w, b = layers[-1]
        return (h @ w + b)[0]

    def residual(layers: Any, t: jax.Array, x: jax.Array) -> jax.Array:
        u_t, u_x = jax.grad(u, 1)(layers, t, x), jax.grad(u, 2)(layers, t, x)
        _, u_xx = jax.jvp(lambda x: jax.grad(u, 2)(layers, t, x), (x,), (jnp.ones_like(x),))
        return u_t + u(layers, t, x) * u_x - 0.01 / jnp.pi * u_xx

    def loss(layers: Any) -> jax.Array:
        equation = jax.vmap(residual, (None, 0, 0))(layers, inside[:, 0], inside[:, 1])
        initial = jax.vmap(u, (None, None, 0))(layers, jnp.float32(0.0), start) + jnp.sin(jnp.pi * start)
        return jnp.mean(equation**2) + jnp.mean(initial**2)

    return loss, (layers,)


@model("neural ODE by diffrax")
def neural_ode() -> Call:
    """An Equinox vector field, solved by diffrax with steps that adapt."""
    import diffrax
    import equinox as eqx

    field = eqx.nn.MLP(2, 2, 16, 1, activation=jnp.tanh, key=jax.random.key(1))
    times = jnp.linspace(0.0, 2.0, 9)
    data = jnp.stack([jnp.cos(times), -jnp.sin(times)], axis=1)

    def loss(field: Any) -> jax.Array:
        solution = diffrax.diffeqsolve(
            diffrax.ODETerm(lambda t, y, field: field(y)),
            diffrax.Tsit5(),
            times[0],
            times[-1],
            0.1,
            data[0],
            args=field,
            saveat=diffrax.SaveAt(ts=times),
            stepsize_controller=diffrax.PIDController(rtol=1e-3, atol=1e-5),
        )
        return jnp.mean((solution.ys - data) ** 2)

    return loss, (field,)


@model("neural ODE by scan")
def neural_ode_by_scan() -> Call:
    """The same by hand: the classical Runge-Kutta method over 40 steps."""
    params = {
        "w1": drawn(0, 2, 16, scale=0.7),
        "b1": jnp.zeros(16),
        "w2": drawn(1, 16, 2, scale=0.25),
        "b2": jnp.zeros(2),
    }
    steps, h = 40, 0.05
    data = jnp.stack([jnp.cos(h * jnp.arange(steps + 1)), -jnp.sin(h * jnp.arange(steps + 1))], axis=1)

    def field(params: dict[str, jax.Array], y: jax.Array) -> jax.Array:
        return jnp.tanh(y @ params["w1"] + params["b1"]) @ params["w2"] + params["b2"]

    def loss(params: dict[str, jax.Array]) -> jax.Array:
        def step(y: jax.Array, _: None) -> tuple[jax.Array, jax.Array]:
            k1 = field(params, y)
            k2 = field(params, y + h / 2 * k1)
            k3 = field(params, y + h / 2 * k2)
            k4 = field(params, y + h * k3)
            y = y + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
            return y, y

        _, path = jax.lax.scan(step, data[0], None, length=steps)
        return jnp.mean((path - data[1:]) ** 2)

    return loss, (params,)


@model("Gaussian process")
def gaussian_process() -> Call:
    """The negative log marginal likelihood of 40 points, in three hyperparameters."""
    x = jnp.linspace(0.0, 4.0, 40)
    y = jnp.sin(2.0 * x) + drawn(4, 40, scale=0.2)
    params = {"amplitude": jnp.float32(0.1), "length": jnp.float32(-0.5), "noise": jnp.float32(-1.2)}

    def loss(params: dict[str, jax.Array]) -> jax.Array:
        amplitude, length, noise = (jnp.exp(params[name]) for name in ("amplitude", "length", "noise"))
        gram = amplitude**2 * jnp.exp(-0.5 * ((x[:, None] - x[None, :]) / length) ** 2)
        factor = jnp.linalg.cholesky(gram + noise**2 * jnp.eye(len(x)))
        alpha = jax.scipy.linalg.cho_solve((factor, True), y)
        return 0.5 * y @ alpha + jnp.sum(jnp.log(jnp.diagonal(factor))) + 0.5 * len(x) * jnp.log(2 * jnp.pi)

    return loss, (params,)


@model("hierarchical posterior")
def eight_schools() -> Call:
    """Eight schools, not centred: the log density of mu, log tau and what each school deviates by."""
    effects = jnp.array([28.0, 8.0, -3.0, 7.0, -1.0, 1.0, 18.0, 12.0])
    errors = jnp.array([15.0, 10.0, 16.0, 11.0, 9.0, 11.0, 10.0, 18.0])
    state = {"mu": jnp.float32(4.0), "log_tau": jnp.float32(1.2), "theta": drawn(6, 8, scale=0.5)}

    def log_density(state: dict[str, jax.Array]) -> jax.Array:
        normal = jax.scipy.stats.norm.logpdf
        tau = jnp.exp(state["log_tau"])
        prior = normal(state["mu"], 0.0, 5.0) + jnp.sum(normal(state["theta"]))
        prior += jnp.log(2.0) + jax.scipy.stats.cauchy.logpdf(tau, 0.0, 5.0) + state["log_tau"]
        return prior + jnp.sum(normal(effects, state["mu"] + tau * state["theta"], errors))

    return log_density, (state,)


@model("vae")
def vae() -> Call:
    """A variational autoencoder of binary images, with a key: the negative evidence lower bound."""
    count = iter(range(100))

    def dense(m: int, n: int) -> dict[str, jax.Array]:
        return {"w": drawn(next(count), m, n, scale=m**-0.5), "b": jnp.zeros(n)}

    params = {"encoder": [dense(64, 32), dense(32, 8)], "decoder": [dense(4, 32), dense(32, 64)]}
    images = jnp.asarray(np.random.default_rng(7).random((16, 64)) < 0.3, jnp.float32)

    def apply(layers: list[dict[str, jax.Array]], x: jax.Array) -> jax.Array:
        first, second = layers
        return jax.nn.softplus(x @ first["w"] + first["b"]) @ second["w"] + second["b"]

    def loss(params: dict[str, Any], key: jax.Array) -> jax.Array:
        mean, log_variance = jnp.split(apply(params["encoder"], images), 2, axis=-1)
        z = mean + jnp.exp(0.5 * log_variance) * jax.random.normal(key, mean.shape)
        logits = apply(params["decoder"], z)
        reconstruction = jnp.sum(images * logits - jnp.logaddexp(0.0, logits), axis=-1)
        divergence = 0.5 * jnp.sum(jnp.exp(log_variance) + mean**2 - 1.0 - log_variance, axis=-1)
        return jnp.mean(divergence - reconstruction)

    return loss, (params, jax.random.key(0))


@model("Kalman filter")
def kalman_filter() -> Call:
    """The log likelihood of a local linear trend over 50 steps, in the logs of its two noises."""
    observed = jnp.cumsum(0.2 + drawn(8, 50, scale=0.3)) + drawn(9, 50, scale=0.5)
    transition, seen = jnp.array([[1.0, 1.0], [0.0, 1.0]]), jnp.array([[1.0, 0.0]])
    params = jnp.array([-1.5, -0.7])

    def log_likelihood(params: jax.Array) -> jax.Array:
        process, noise = jnp.exp(2 * params)

        def step(carry: tuple[jax.Array, jax.Array], y: jax.Array) -> tuple[tuple[jax.Array, jax.Array], jax.Array]:
            mean, covariance = carry
            mean = transition @ mean
            covariance = transition @ covariance @ transition.T + process * jnp.eye(2)
            innovation = y - seen @ mean
            spread = seen @ covariance @ seen.T + noise
            gain = jnp.linalg.solve(spread, seen @ covariance).T
            mean = mean + gain @ innovation
            covariance = (jnp.eye(2) - gain @ seen) @ covariance
            return (mean, covariance), jax.scipy.stats.norm.logpdf(innovation[0], 0.0, jnp.sqrt(spread[0, 0]))

        _, terms = jax.lax.scan(step, (jnp.zeros(2), 10.0 * jnp.eye(2)), observed)
        return jnp.sum(terms)

    return log_likelihood, (params,)


@model("pendulum")
def pendulum() -> Call:
    """The cost of 60 torques that swing a pendulum up, by scan."""
    torques = drawn(10, 60, scale=0.5)
    start = jnp.array([jnp.pi - 0.5, 0.0])

    def cost(torques: jax.Array) -> jax.Array:
        def step(state: jax.Array, u: jax.Array) -> tuple[jax.Array, jax.Array]:
            angle, speed = state
            speed = speed + 0.05 * (-9.81 * jnp.sin(angle) - 0.1 * speed + 3.0 * jnp.tanh(u))
            angle = angle + 0.05 * speed
            return jnp.stack([angle, speed]), 0.05 * (1.0 + jnp.cos(angle)) + 1e-3 * u**2

        final, costs = jax.lax.scan(step, start, torques)
        return jnp.sum(costs) + 5.0 * (1.0 + jnp.cos(final[0])) + 0.1 * final[1] ** 2

    return cost, (torques,)


@model("particles")
def particles() -> Call:
    """The Lennard-Jones energy of 12 particles, beside a weak trap."""
    grid = jnp.stack(jnp.meshgrid(jnp.arange(3.0), jnp.arange(2.0), jnp.arange(2.0), indexing="ij"), -1).reshape(12, 3)
    positions = 1.15 * grid + drawn(11, 12, 3, scale=0.05)

    def energy(positions: jax.Array) -> jax.Array:
        i, j = jnp.triu_indices(len(positions), 1)
        inverse = 1.0 / jnp.sum((positions[i] - positions[j]) ** 2, axis=-1)
        pairs = 4.0 * (inverse**6 - inverse**3)
        return jnp.sum(pairs) + 0.05 * jnp.sum((positions - positions.mean(axis=0)) ** 2)

    return energy, (positions,)


@model("flax net")
def flax_net() -> Call:
    """A Flax net of 209 parameters."""
    from flax import linen as nn

    net = nn.Sequential([nn.Dense(16), nn.silu, nn.Dense(8), nn.silu, nn.Dense(1)])
    x = drawn(12, 20, 3)
    y = jnp.sum(x**2, axis=1, keepdims=True)
    params = net.init(jax.random.key(0), x)["params"]

    def loss(params: Any) -> jax.Array:
        return jnp.mean((net.apply({"params": params}, x) - y) ** 2)

    return loss, (params,)


@model("nnx net")
def nnx_net() -> Call:
    """A module of Flax's nnx with a norm and a dropout that is off, as an argument."""
    from flax import nnx

    class Net(nnx.Module):
        def __init__(self, rngs: nnx.Rngs) -> None:
            self.linear = nnx.Linear(3, 16, rngs=rngs)
            self.norm = nnx.LayerNorm(16, rngs=rngs)
            self.dropout = nnx.Dropout(0.2, deterministic=True)
            self.out = nnx.Linear(16, 1, rngs=rngs)

        def __call__(self, x: jax.Array) -> jax.Array:
            return self.out(self.dropout(jax.nn.gelu(self.norm(self.linear(x)))))

    x = drawn(13, 20, 3)
    y = jnp.sum(x**2, axis=1, keepdims=True)

    def loss(net: Any) -> jax.Array:
        return jnp.mean((net(x) - y) ** 2)

    return loss, (Net(nnx.Rngs(0)),)


@model("haiku-like net")
def haiku_net() -> Call:
    """A dict of modules, each a dict of w and b, by the paths that Haiku gives them."""
    sizes = {"mlp/~/linear_0": (5, 24), "mlp/~/linear_1": (24, 24), "mlp/~/linear_2": (24, 3)}
    params = {
        name: {"w": drawn(k, *shape, scale=shape[0] ** -0.5), "b": jnp.zeros(shape[1])}
        for k, (name, shape) in enumerate(sizes.items())
    }
    x, labels = drawn(14, 30, 5), jnp.arange(30) % 3

    def loss(params: dict[str, dict[str, jax.Array]]) -> jax.Array:
        *inner, last = params
        h = x
        for name in inner:
            h = jax.nn.relu(h @ params[name]["w"] + params[name]["b"])
        logits = h @ params[last]["w"] + params[last]["b"]
        penalty = sum(jnp.sum(layer["w"] ** 2) for layer in params.values())
        return 1e-3 * penalty - jnp.mean(jnp.sum(jax.nn.one_hot(labels, 3) * jax.nn.log_softmax(logits), axis=1))

    return loss, (params,)
