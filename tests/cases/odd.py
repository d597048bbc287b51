"""Three hundred odd callables and arguments, by family: what people pass that no textbook has."""

from __future__ import annotations

import asyncio
import collections
import contextlib
import dataclasses
import decimal
import enum
import fractions
import functools
import math
import operator
import typing
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import jax
import jax.experimental.sparse
import jax.extend.core
import jax.numpy as jnp
import numpy as np
import sympy
from jax import lax

Member = tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]
"""A function, its arguments, its keywords."""
FAMILIES: dict[str, Callable[[], dict[str, Member]]] = {}
X = np.array([0.5, -1.5, 2.0], np.float32)


def family(make: Callable[[], dict[str, Member]]) -> Callable[[], dict[str, Member]]:
    FAMILIES[make.__name__] = make
    return make


def call(f: Any, *args: Any, **kwargs: Any) -> Member:
    return f, args, kwargs


def square(x: Any) -> Any:
    return jnp.sum(x * x)


class Model:
    """A class whose instances, methods, and the class itself are callable."""

    scale = 2.0

    def __init__(self, weight: Any = 1.5) -> None:
        self.weight = weight

    def __call__(self, x: Any) -> Any:
        return jnp.sum(jnp.sin(x) * self.weight)

    def method(self, x: Any) -> Any:
        return jnp.sum(x) * self.weight

    @classmethod
    def of_class(cls, x: Any) -> Any:
        return jnp.sum(x * x) * cls.scale

    @staticmethod
    def static(x: Any) -> Any:
        return jnp.sum(jnp.tanh(x))

    @property
    def made(self) -> Callable[..., Any]:
        return lambda x: jnp.sum(x) * self.weight

    @functools.cached_property
    def kept(self) -> Callable[..., Any]:
        return lambda x: jnp.sum(x**3)

    @functools.singledispatchmethod
    def dispatched(self, x: Any) -> Any:
        return jnp.sum(x) + 1.0


class Slotted:
    __slots__ = ("weight",)

    def __call__(self, x: Any) -> Any:
        return jnp.sum(x)


class Named:
    """An object that calls itself what no function is called."""

    def __init__(self, name: Any) -> None:
        self.__name__ = name

    def __call__(self, x: Any) -> Any:
        return jnp.sum(x**2)


class Evasive:
    """An object that answers every question with an object of its kind."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and name != "__name__":
            raise AttributeError(name)
        return Evasive()

    def __call__(self, x: Any) -> Any:
        return jnp.sum(x)


class Unprintable:
    def __repr__(self) -> str:
        raise RuntimeError("no repr")

    def __call__(self, x: Any) -> Any:
        return jnp.sum(x)


class Equality:
    """Whose `==` is no truth value."""

    def __eq__(self, other: Any) -> Any:
        return np.array([True, False])

    __hash__ = None  # type: ignore[assignment]

    def __call__(self, x: Any) -> Any:
        return jnp.sum(x)


class Meta(type):
    def __call__(cls, x: Any) -> Any:
        return jnp.sum(x * 3)


class ByMeta(metaclass=Meta):
    pass


class Descriptor:
    def __get__(self, instance: Any, owner: Any = None) -> Any:
        return lambda x: jnp.sum(x)


class HasDescriptor:
    f = Descriptor()


def of_source(code: str, name: str = "f") -> Any:
    space: dict[str, Any] = {"jnp": jnp, "jax": jax, "np": np}
    exec(code, space)
    return space[name]


def recursive(x: Any, n: int = 4) -> Any:
    return x if n == 0 else jnp.sin(recursive(x, n - 1)) * x


def variadic(*xs: Any, **named: Any) -> Any:
    return sum(jnp.sum(x) for x in xs) * named.get("k", 1.0)


def keyword_only(x: Any, *, k: float = 2.0) -> Any:
    return jnp.sum(x) ** k


def positional_only(x: Any, /, y: Any = 1.0) -> Any:
    return jnp.sum(x * y)


def renamed(x: Any, inf: Any = 1.0, lambda_: Any = 2.0, E: Any = 1.0) -> Any:
    return jnp.sum(x) * inf * lambda_ * E


def deep(x: Any) -> Any:
    for _ in range(30):
        x = jnp.sin(x) + x
    return jnp.sum(x)


def inner_jit(x: Any) -> Any:
    return jax.jit(lambda y: jax.jit(jnp.sin)(y) * 2)(x).sum()


def stateful() -> Callable[..., Any]:
    calls: list[int] = []

    def f(x: Any) -> Any:
        calls.append(1)
        return jnp.sum(x) * len(calls)

    return f


def raising(x: Any) -> Any:
    raise ZeroDivisionError("of the reader's own")


def raising_elsewhere(x: Any) -> Any:
    if float(np.asarray(x).ravel()[0]) != 0.5:
        raise ValueError("only at 0.5")
    return jnp.sum(jnp.asarray(x))


def generator(x: Any) -> Iterator[Any]:
    yield jnp.sum(x)


async def coroutine(x: Any) -> Any:
    await asyncio.sleep(0)
    return jnp.sum(x)


@contextlib.contextmanager
def managed(x: Any) -> Iterator[Any]:
    yield jnp.sum(x)


def wrapped(f: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(f)
    def inner(*args: Any, **kwargs: Any) -> Any:
        return f(*args, **kwargs)

    return inner


@functools.singledispatch
def dispatched(x: Any) -> Any:
    return jnp.sum(x) * 2


@jax.custom_jvp
def own_rule(x: Any) -> Any:
    return jnp.sum(x**2)


own_rule.defjvp(lambda p, t: (own_rule(p[0]), jnp.sum(2 * p[0] * t[0])))


@jax.custom_jvp
def raising_rule(x: Any) -> Any:
    return jnp.sum(x**2)


def _raises(p: Any, t: Any) -> Any:
    raise LookupError("within a rule")


raising_rule.defjvp(_raises)


@jax.custom_vjp
def own_pullback(x: Any) -> Any:
    return jnp.sum(x**2)


own_pullback.defvjp(lambda x: (jnp.sum(x**2), x), lambda x, g: (2 * x * g,))


@jax.custom_vjp
def misshapen(x: Any) -> Any:
    return jnp.sum(x**2)


misshapen.defvjp(lambda x: (jnp.sum(x**2), x), lambda x, g: (jnp.ones(7),))


@family
def functions() -> dict[str, Member]:
    model = Model()
    return {
        "lambda": call(lambda x: jnp.sum(x**2), X),
        "builtin sum": call(sum, [0.5, 1.5]),
        "builtin abs": call(abs, -1.5),
        "builtin max": call(max, 0.5, 1.5),
        "builtin pow": call(pow, 1.5, 2.0),
        "builtin float": call(float, 1.5),
        "builtin round": call(round, 1.5),
        "builtin print": call(print, 1.5),
        "builtin type": call(type, 1.5),
        "operator.mul": call(operator.mul, 1.5, 2.0),
        "operator.itemgetter": call(operator.itemgetter(0), X),
        "operator.methodcaller": call(operator.methodcaller("sum"), jnp.asarray(X)),
        "operator.attrgetter": call(operator.attrgetter("T"), jnp.asarray(X)),
        "math.sin": call(math.sin, 0.5),
        "math.fsum": call(math.fsum, [0.5, 1.5]),
        "np.sin": call(np.sin, 0.5),
        "np.add.reduce": call(np.add.reduce, X),
        "np.sum": call(np.sum, X),
        "np.linalg.norm": call(np.linalg.norm, X),
        "np.vectorize": call(np.vectorize(lambda x: x * x), X),
        "np.frompyfunc": call(np.frompyfunc(lambda x: x * x, 1, 1), X),
        "np.poly1d": call(np.poly1d([1.0, 2.0]), 0.5),
        "jnp.sum": call(jnp.sum, X),
        "jnp.sin": call(jnp.sin, 0.5),
        "jnp.add": call(jnp.add, 0.5, 1.5),
        "jnp.vectorize": call(jnp.vectorize(lambda x: x * x), X),
        "jnp.frompyfunc": call(jnp.frompyfunc(lambda x, y: x * y, 2, 1), 0.5, 1.5),
        "partial": call(functools.partial(jnp.power, 2.0), 1.5),
        "partial of partial": call(functools.partial(functools.partial(variadic, 1.0), k=2.0), 1.5),
        "jax.tree_util.Partial": call(jax.tree_util.Partial(jnp.multiply, 2.0), 1.5),
        "partialmethod": call(functools.partialmethod(Model.method).__get__(model, Model), X),
        "instance": call(model, X),
        "method": call(model.method, X),
        "function of a class": call(Model.method, model, X),
        "classmethod": call(Model.of_class, X),
        "staticmethod": call(Model.static, X),
        "bare staticmethod": call(staticmethod(square), X),
        "property": call(model.made, X),
        "cached property": call(model.kept, X),
        "singledispatch method": call(model.dispatched, X),
        "singledispatch": call(dispatched, X),
        "slots": call(Slotted(), X),
        "metaclass": call(ByMeta, X),
        "descriptor": call(HasDescriptor().f, X),
        "class": call(Model, X),
        "array's method": call(jnp.asarray(X).dot, X),
        "number's method": call((2.0).__mul__, 1.5),
        "str.upper": call(str.upper, 1.5),
        "name is a number": call(Named(3), X),
        "name is None": call(Named(None), X),
        "name is empty": call(Named(""), X),
        "name with braces": call(Named("{f} <b>$x$"), X),
        "name of many lines": call(Named("a\nb" * 50), X),
        "name in bytes": call(Named(b"f"), X),
        "evasive": call(Evasive(), X),
        "unprintable": call(Unprintable(), X),
        "equality": call(Equality(), X),
        "wraps": call(wrapped(square), X),
        "wraps twice": call(wrapped(wrapped(jnp.sum)), X),
        "lru_cache": call(functools.lru_cache(lambda x: x * x), 1.5),
        "lru_cache of arrays": call(functools.lru_cache(square), X),
        "generator": call(generator, X),
        "async": call(coroutine, X),
        "context manager": call(managed, X),
        "exec": call(of_source("def f(x):\n    return jnp.sum(x ** 2)"), X),
        "exec of a lambda": call(of_source("f = lambda x: jnp.sum(x ** 2)"), X),
        "eval": call(eval("lambda x: x * x"), 1.5),
        "exec that branches": call(of_source("def f(x):\n    return x * x if x > 0 else x"), 1.5),
        "exec with NumPy": call(of_source("def f(x):\n    return np.sin(x)"), 1.5),
        "recursive": call(recursive, 0.5),
        "varargs": call(variadic, 1.0, 2.0, 3.0),
        "varargs and keywords": call(variadic, X, k=2.0),
        "keyword only": call(keyword_only, X, k=3.0),
        "positional only": call(positional_only, X),
        "odd names": call(renamed, X, 1.5, 0.5),
        "closure over an array": call((lambda w: lambda x: jnp.sum(x * w))(jnp.asarray(X)), X),
        "deep": call(deep, 0.1),
        "state": call(stateful(), X),
        "raises": call(raising, X),
        "raises elsewhere": call(raising_elsewhere, 0.5),
        "typing.cast": call(functools.partial(typing.cast, float), 1.5),
        "not callable": call(3.0, 1.5),
        "None": call(None, 1.5),
        "too few arguments": call(positional_only),
        "too many arguments": call(square, X, X),
        "unknown keyword": call(square, X, nope=1.0),
        "exits": call(lambda x: exec("raise StopIteration"), X),
        "recursion without end": call(of_source("def f(x):\n    return f(x)"), 1.5),
        "own rule": call(own_rule, X),
        "own pullback": call(own_pullback, X),
        "rule that raises": call(raising_rule, X),
        "pullback of another shape": call(misshapen, X),
        "deletes its argument": call(of_source("def f(x):\n    y = jnp.sum(x)\n    del x\n    return y"), X),
        "writes into its argument": call(of_source("def f(x):\n    x[0] = 1.0\n    return jnp.sum(x)"), X),
        "sympy lambdify": call(sympy.lambdify(sympy.Symbol("x"), sympy.sin(sympy.Symbol("x")), "math"), 0.5),
        "enum": call(enum.Enum("E", {"A": 1}), 1.5),
        "NamedTuple class": call(collections.namedtuple("P", "a"), 1.5),  # type: ignore[arg-type]
    }


@family
def transformed() -> dict[str, Member]:
    mesh = jax.sharding.Mesh(np.array(jax.devices()[:1]), ("d",))
    sharded = jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec("d"))
    return {
        "jit": call(jax.jit(square), X),
        "jit of jit": call(jax.jit(jax.jit(square)), X),
        "jit, static": call(jax.jit(keyword_only, static_argnames="k"), X, k=3.0),
        "jit, donated": call(jax.jit(square, donate_argnums=0), jnp.asarray(X)),
        "jit within": call(inner_jit, X),
        "vmap": call(jax.vmap(lambda x: x * x), X),
        "vmap of nothing": call(jax.vmap(lambda x: x * x), np.zeros((0,), np.float32)),
        "vmap with axes": call(jax.vmap(jnp.dot, in_axes=(0, None)), np.ones((2, 3), np.float32), X),
        "grad": call(jax.grad(square), X),
        "value_and_grad": call(jax.value_and_grad(square), X),
        "hessian": call(jax.hessian(square), X),
        "jacfwd": call(jax.jacfwd(jnp.sin), 0.5),
        "checkpoint": call(jax.checkpoint(square), X),
        "linearize": call(jax.linearize(square, jnp.asarray(X))[1], X),
        "vjp function": call(jax.vjp(square, jnp.asarray(X))[1], np.float32(1.0)),
        "compiled": call(jax.jit(square).lower(X).compile(), X),
        "jaxpr_as_fun": call(jax.extend.core.jaxpr_as_fun(jax.make_jaxpr(square)(X)), X),
        "named_call": call(jax.named_call(square, name="a b"), X),
        "named_scope": call(of_source("def f(x):\n    with jax.named_scope('s'):\n        return jnp.sum(x)"), X),
        "pure_callback": call(lambda x: jax.pure_callback(np.sin, jax.ShapeDtypeStruct((), "float32"), x), 0.5),
        "debug.print": call(
            of_source("def f(x):\n    jax.debug.callback(lambda v: None, x)\n    return jnp.sum(x)"), X
        ),
        "callback that raises": call(
            lambda x: jax.pure_callback(raising, jax.ShapeDtypeStruct((), jnp.float32), x) + x, 0.5
        ),
        "cond": call(lambda x: lax.cond(x > 0, jnp.sin, jnp.cos, x), 0.5),
        "switch": call(lambda x: lax.switch(1, [jnp.sin, jnp.cos], x), 0.5),
        "scan": call(lambda x: lax.scan(lambda c, a: (c * a, c), 1.0, x), X),
        "scan of nothing": call(lambda x: lax.scan(lambda c, a: (c + a, a), 0.0, x), np.zeros(0, np.float32)),
        "scan of length 0": call(lambda x: lax.scan(lambda c, a: (c * x, None), x, None, length=0)[0], 0.5),
        "fori_loop": call(lambda x: lax.fori_loop(0, 5, lambda i, c: c * x, x), 0.5),
        "while_loop": call(lambda x: lax.while_loop(lambda c: c < 10.0, lambda c: c * 2, x), 0.5),
        "while_loop of no turn": call(lambda x: lax.while_loop(lambda c: False, lambda c: c * 2, x), 0.5),
        "associative_scan": call(lambda x: lax.associative_scan(jnp.multiply, x), X),
        "map": call(lambda x: lax.map(jnp.sin, x), X),
        "custom_root": call(
            lambda a: lax.custom_root(
                lambda x: x * x - a,
                1.0,
                lambda f, x0: lax.fori_loop(0, 9, lambda i, x: x - f(x) / jax.grad(f)(x), x0),
                lambda g, y: y / g(1.0),
            ),
            2.0,
        ),
        "custom_linear_solve": call(
            lambda b: lax.custom_linear_solve(lambda x: 2 * x, b, lambda mv, y: y / 2, symmetric=True), X
        ),
        "stop_gradient": call(lambda x: jnp.sum(lax.stop_gradient(x)), X),
        "random": call(lambda x: jnp.sum(x * jax.random.normal(jax.random.key(0), (3,))), X),
        "random with a key": call(lambda k, x: jnp.sum(x * jax.random.normal(k, (3,))), jax.random.key(1), X),
        "legacy key": call(lambda k, x: jnp.sum(x * jax.random.normal(k, (3,))), jax.random.PRNGKey(1), X),
        "keys": call(lambda k, x: x * jax.random.uniform(k[0]), jax.random.split(jax.random.key(0)), 0.5),
        "gamma": call(lambda k, a: jax.random.gamma(k, a), jax.random.key(0), 1.5),
        "sharding constraint": call(lambda x: jnp.sum(lax.with_sharding_constraint(x, sharded)), X),
        "sharded": call(square, jax.device_put(X, sharded)),
        "device_put": call(lambda x: jnp.sum(jax.device_put(x, jax.devices()[0])), X),
        "optimization_barrier": call(lambda x: jnp.sum(lax.optimization_barrier(x) ** 2), X),
        "reduce_precision": call(lambda x: lax.reduce_precision(x, 8, 7), 0.3),
        "bitcast": call(lambda x: lax.bitcast_convert_type(x, jnp.int32).astype(jnp.float32), 0.3),
        "nextafter": call(lambda x: jnp.nextafter(x, 2.0), 0.5),
        "sort": call(jnp.sort, X),
        "argmax": call(jnp.argmax, X),
        "unique": call(jnp.unique, X),
        "mask": call(lambda x: jnp.sum(x[x > 0] ** 2), X),
        "nonzero": call(lambda x: jnp.sum(x[jnp.nonzero(x > 0)]), X),
        "power of integers": call(lambda x: jnp.sum(x ** jnp.arange(3)), 2.0),
        "fft": call(lambda x: jnp.abs(jnp.fft.fft(x)), X),
        "irfft": call(lambda x: jnp.fft.irfft(jnp.fft.rfft(x), 3), X),
        "einsum": call(lambda x: jnp.einsum("i,j->", x, x), X),
        "svd": call(lambda x: jnp.linalg.svd(jnp.outer(x, x) + jnp.eye(3))[1], X),
        "inverse of a singular": call(lambda x: jnp.linalg.inv(jnp.outer(x, x)), X),
        "expint": call(jax.scipy.special.exp1, 0.5),
        "corrcoef": call(lambda x: jnp.corrcoef(x, jnp.array([1.0, 2.0, 4.0]))[0, 1], X),
        "interp": call(lambda x: jnp.interp(x, jnp.arange(3.0), jnp.arange(3.0) ** 2), 0.5),
        "piecewise": call(lambda x: jnp.piecewise(x, [x < 0, x >= 0], [lambda v: -v, lambda v: v * v]), X),
        "select": call(lambda x: jnp.select([x > 1, x > 0], [x, x**2], 0.0), X),
        "at add": call(lambda x: jnp.zeros(3).at[jnp.array([0, 0, 2])].add(x), X),
        "out of bounds": call(lambda x: x[jnp.array([5, -7])], X),
        "erf_inv": call(lambda x: jax.scipy.special.erfinv(x / 3), X),
        "convolve": call(lambda x: jnp.convolve(x, x), X),
        "clip": call(lambda x: jnp.clip(x, -1.0, 1.0), X),
        "float8 within": call(lambda x: jnp.sum(x.astype(jnp.float8_e4m3fn).astype(jnp.float32)), jnp.asarray(X)),
        "int8 within": call(lambda x: jnp.sum(x.astype(jnp.int8).astype(jnp.float32) * x), jnp.asarray(X)),
        "complex within": call(lambda x: jnp.abs(x + 1j), X),
        "checkify-like": call(lambda x: jnp.where(jnp.isnan(x), 0.0, x), X),
    }


class Pair(NamedTuple):
    a: Any
    b: Any


@jax.tree_util.register_dataclass
@dataclasses.dataclass
class Parts:
    w: Any
    b: Any


@jax.tree_util.register_pytree_node_class
class Strict:
    """A node that refuses what is no array of its rank."""

    def __init__(self, w: Any) -> None:
        if getattr(w, "ndim", 1) != 1:
            raise TypeError("one axis")
        self.w = w

    def tree_flatten(self) -> tuple[tuple[Any, ...], None]:
        return (self.w,), None

    @classmethod
    def tree_unflatten(cls, aux: None, children: tuple[Any, ...]) -> Strict:
        return cls(*children)


@family
def results() -> dict[str, Member]:
    makes: dict[str, Callable[[Any], Any]] = {
        "None": lambda x: None,
        "nothing but None": lambda x: {"a": None},
        "empty tuple": lambda x: (),
        "empty dict": lambda x: {},
        "dict": lambda x: {"loss": jnp.sum(x), "n": 3},
        "dict with odd keys": lambda x: {3: jnp.sum(x), "a b'\"": x, (1, 2): x},
        "keys that do not sort": lambda x: {"a": x, 1: x},
        "nested": lambda x: (x, (x, [x, {"a": x}])),
        "list of None": lambda x: [None, jnp.sum(x), None],
        "int": lambda x: 3,
        "bool": lambda x: x[0] > 0,
        "argmax": lambda x: jnp.argmax(x),
        "complex": lambda x: x + 1j,
        "str": lambda x: "text",
        "bytes": lambda x: b"text",
        "str beside": lambda x: (jnp.sum(x), "text"),
        "set": lambda x: {1.0},
        "function": lambda x: jnp.sin,
        "object": lambda x: object(),
        "type": lambda x: float,
        "exception": lambda x: ValueError("x"),
        "Ellipsis": lambda x: ...,
        "NotImplemented": lambda x: NotImplemented,
        "constant": lambda x: 3.0,
        "NumPy constant": lambda x: np.float64(3.0),
        "NumPy array": lambda x: np.ones(2),
        "NumPy integers": lambda x: np.ones(2, int),
        "object array": lambda x: np.array([1.0, None], object),
        "text array": lambda x: np.array(["a"]),
        "datetime": lambda x: np.datetime64("2020-01-01"),
        "empty array": lambda x: x[:0],
        "no elements": lambda x: jnp.zeros((0, 3)),
        "identity": lambda x: x,
        "scalar array": lambda x: jnp.sum(x)[None],
        "huge rank": lambda x: jnp.sum(x).reshape((1,) * 8),
        "namedtuple": lambda x: Pair(jnp.sum(x), x),
        "dataclass": lambda x: Parts(jnp.sum(x), x),
        "strict class": lambda x: Strict(x),
        "key": lambda x: jax.random.key(0),
        "key beside": lambda x: (jnp.sum(x), jax.random.key(0)),
        "iterator": lambda x: iter([x]),
        "generator": lambda x: (v for v in x),
        "lazy map": lambda x: map(jnp.sin, x),
        "Decimal": lambda x: decimal.Decimal("1.5"),
        "Fraction": lambda x: fractions.Fraction(1, 3),
        "sympy": lambda x: sympy.Float(1.5),
        "nan": lambda x: jnp.nan * x,
        "inf": lambda x: x / 0.0,
        "overflow": lambda x: jnp.exp(x * 1000),
        "underflow": lambda x: jnp.sum(x * 1e-40),
        "float16": lambda x: jnp.sum(x).astype(jnp.float16),
        "bfloat16": lambda x: jnp.sum(x).astype(jnp.bfloat16),
        "float8": lambda x: jnp.sum(x).astype(jnp.float8_e4m3fn),
        "mixed dtypes": lambda x: (x.astype(jnp.bfloat16), x),
        "same twice": lambda x: (x, x),
        "abstract": lambda x: jax.ShapeDtypeStruct((3,), jnp.float32),
        "slices": lambda x: slice(x),
        "memoryview": lambda x: memoryview(b"abc"),
        "range": lambda x: range(3),
        "defaultdict": lambda x: collections.defaultdict(float, a=jnp.sum(x)),
        "OrderedDict": lambda x: collections.OrderedDict(b=x, a=jnp.sum(x)),
        "deque": lambda x: collections.deque([x]),
        "nested None": lambda x: ((None, [None]), x),
    }
    return {name: call(make, jnp.asarray(X)) for name, make in makes.items()}


def _deleted() -> Any:
    x = jnp.ones(3)
    x.delete()
    return x


def _read_only() -> Any:
    x = X.copy()
    x.flags.writeable = False
    return x


class FloatOfMine(float):
    pass


class ArrayOfMine(np.ndarray):
    pass


class Wraps:
    """What turns into an array when asked."""

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        return np.ones(3, dtype or np.float32)


class WrapsForJax:
    def __jax_array__(self) -> Any:
        return jnp.ones(3)


def total(x: Any) -> Any:
    return sum(jnp.sum(jnp.asarray(leaf) ** 2) for leaf in jax.tree_util.tree_leaves(x))


@family
def arguments() -> dict[str, Member]:
    values: dict[str, Any] = {
        "nan": math.nan,
        "inf": math.inf,
        "minus inf": -math.inf,
        "nan among others": np.array([1.0, math.nan, 2.0], np.float32),
        "1e300": 1e300,
        "1e38": 1e38,
        "1e-300": 1e-300,
        "subnormal": 1e-45,
        "minus zero": -0.0,
        "zero": 0.0,
        "huge integer": 10**400,
        "float16": np.ones(3, np.float16),
        "bfloat16": jnp.ones(3, jnp.bfloat16),
        "float8": jnp.ones(3, jnp.float8_e4m3fn),
        "float8 e5m2": jnp.ones(3, jnp.float8_e5m2),
        "int4": jnp.ones(3, jnp.int4),
        "float64": np.ones(3),
        "longdouble": np.longdouble(1.5),
        "0-d array": np.array(1.5),
        "0-d JAX array": jnp.array(1.5),
        "size 0": np.zeros(0, np.float32),
        "shape (0, 3)": np.zeros((0, 3), np.float32),
        "rank 8": np.ones((1, 2, 1, 1, 2, 1, 1, 1), np.float32),
        "list of floats": [0.5, 1.5],
        "list of lists": [[0.5], [1.5, 2.5]],
        "tuple": (0.5, 1.5),
        "empty list": [],
        "empty dict": {},
        "list of ints": [1, 2],
        "int": 3,
        "bool": True,
        "str": "1.5",
        "bytes": b"1.5",
        "None": None,
        "complex": 1.5 + 2j,
        "complex array": np.ones(2, complex),
        "key": jax.random.key(0),
        "legacy key": jax.random.PRNGKey(0),
        "np.float32": np.float32(1.5),
        "np.float64": np.float64(1.5),
        "np.int64": np.int64(3),
        "np.bool_": np.bool_(True),
        "np.matrix": np.matrix([[1.0, 2.0]]),
        "masked": np.ma.masked_array([1.0, 2.0], [True, False]),
        "all masked": np.ma.masked,
        "record": np.zeros(2, [("a", float), ("b", int)]),
        "read only": _read_only(),
        "not contiguous": np.arange(6.0, dtype=np.float32)[::2],
        "big endian": np.array([1.0, 2.0], ">f4"),
        "broadcast": np.broadcast_to(np.float32(1.5), (3,)),
        "object array": np.array([1.0, 2.0], object),
        "ragged objects": np.array([[1.0], [1.0, 2.0]], object),
        "text array": np.array(["a", "b"]),
        "datetimes": np.array(["2020-01-01"], "datetime64[D]"),
        "Decimal": decimal.Decimal("1.5"),
        "Fraction": fractions.Fraction(3, 2),
        "sympy Float": sympy.Float(1.5),
        "sympy Integer": sympy.Integer(3),
        "sympy Symbol": sympy.Symbol("x"),
        "deleted": _deleted(),
        "weak type": jnp.asarray(1.5),
        "ShapeDtypeStruct": jax.ShapeDtypeStruct((3,), jnp.float32),
        "float of mine": FloatOfMine(1.5),
        "array of mine": X.view(ArrayOfMine),
        "__array__": Wraps(),
        "__jax_array__": WrapsForJax(),
        "function": math.sin,
        "class": float,
        "object": object(),
        "Ellipsis": ...,
        "range": range(3),
        "set": {1.5},
        "iterator": iter([1.5]),
        "memoryview": memoryview(bytearray(8)),
        "bytearray": bytearray(8),
        "dict": {"w": X, "b": 1.5},
        "dict with odd keys": {"a b": 1.5, 3: 2.5} | {"a'b\"": 0.5},
        "dict with numbers": {1: 1.5, 2: 2.5},
        "dict with tuples": {(1, 2): 1.5},
        "dict with int leaves": {"w": X, "n": 3},
        "dict with text": {"w": X, "kind": "relu"},
        "dict with functions": {"w": X, "f": jnp.tanh},
        "nested": {"a": [X, (X, {"b": 1.5})]},
        "namedtuple": Pair(1.5, X),
        "dataclass": Parts(1.5, X),
        "strict class": Strict(X),
        "defaultdict": collections.defaultdict(float, a=1.5),
        "OrderedDict": collections.OrderedDict(b=1.5, a=X),
        "deque": collections.deque([1.5]),
        "many leaves": [float(i) for i in range(30)],
        "deep nesting": functools.reduce(lambda inner, _: [inner], range(50), 1.5),
        "committed": jax.device_put(X, jax.devices()[0]),
        "Ref": jax.new_ref(jnp.ones(3)) if hasattr(jax, "new_ref") else 1.5,
        "enum": enum.Enum("E", {"A": 1.5}).A,
        "IntEnum": enum.IntEnum("I", {"A": 1}).A,
        "timedelta": np.timedelta64(3, "s"),
        "structured scalar": np.zeros((), [("a", float)])[()],
        "sparse": jax.experimental.sparse.BCOO.fromdense(jnp.eye(2)),
    }
    alone = {name: call(total, value) for name, value in values.items()}
    beside = ("str", "None", "key", "int", "function", "object", "deleted", "complex", "object array", "masked")
    return alone | {f"{name} beside x": call(lambda x, other: square(x), X, values[name]) for name in beside}


@family
def options() -> dict[str, Member]:
    """Calls of `derive` itself: `wrt` and the like are the last member's keywords under the key "options"."""
    two = lambda x, y: jnp.sum(x * y)  # noqa: E731
    odd: dict[str, dict[str, Any]] = {
        "wrt unknown": {"wrt": "z"},
        "wrt out of range": {"wrt": 5},
        "wrt negative": {"wrt": -1},
        "wrt twice": {"wrt": ("x", "x")},
        "wrt empty": {"wrt": ()},
        "wrt a path": {"wrt": "x[0]"},
        "wrt a float": {"wrt": 1.5},
        "wrt None in a tuple": {"wrt": (None,)},
        "wrt True": {"wrt": True},
        "order 0": {"order": 0},
        "order -1": {"order": -1},
        "order 4": {"order": 4},
        "order text": {"order": "two"},
        "order a float": {"order": 2.0},
        "points 0": {"points": 0},
        "points -1": {"points": -1},
        "points text": {"points": "many"},
        "budget 0": {"budget": 0},
        "budget nan": {"budget": math.nan},
        "budget inf": {"budget": math.inf},
        "budget text": {"budget": "long"},
        "seed -1": {"seed": -1},
        "seed huge": {"seed": 2**70},
        "seed text": {"seed": "abc"},
        "trust unknown": {"trust": "nobody"},
        "trust a number": {"trust": 3},
    }
    return {name: (two, (jnp.asarray(X), jnp.asarray(X)), {"options": asked}) for name, asked in odd.items()}
