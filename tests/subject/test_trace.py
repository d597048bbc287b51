"""From a function to steps: calls opened, sources and names found."""

from __future__ import annotations

import functools

import jax
import jax.numpy as jnp
import numpy as np

from jaxdiff_magic.subject.subject import subject_of
from jaxdiff_magic.subject.trace import subject_trace

WEIGHTS = np.array([[1.0, 2.0], [3.0, 4.0]])
OFFSET = jnp.array([5.0, 6.0])


def steps(function, *args):
    return subject_trace(subject_of(function, args, {})).equations


def constant_names(function, *args) -> set[str]:
    return {atom.name for step in steps(function, *args) for atom in step.inputs if hasattr(atom, "name")} - {""}


def test_calls_are_opened_down_to_primitives():
    def f(x):
        return jax.nn.relu(jax.jit(jnp.tanh)(x)).sum()

    assert [step.primitive for step in steps(f, jnp.ones(2))] == ["tanh", "max", "reduce_sum"]


def test_a_custom_rule_is_replaced_by_the_code_it_stands_for():
    @jax.custom_jvp
    def square(x):
        return x * x

    square.defjvp(lambda primals, tangents: (square(primals[0]), 1000.0 * tangents[0]))

    @jax.custom_vjp
    def cube(x):
        return x**3

    cube.defvjp(lambda x: (cube(x), x), lambda x, g: (1000.0 * g,))
    assert [step.primitive for step in steps(lambda x: square(x) + cube(x), 2.0)] == ["mul", "integer_pow", "add"]


def test_assigned_variables_name_their_steps():
    def f(x):
        y = jnp.sin(x + 1.0)
        z = y * y
        y = z - y
        return y * 2.0

    assert [step.name for step in steps(f, 1.0)] == ["", "y", "z", "y_2", ""]


def test_steps_know_their_line():
    def f(x):
        doubled = 2.0 * x
        return jnp.linalg.norm(doubled)

    first, *rest = steps(f, jnp.ones(3))
    assert first.location.source == "doubled = 2.0 * x"
    assert {step.location.source for step in rest} == {"return jnp.linalg.norm(doubled)"}
    assert str(first.location) == f"test_trace.py, line {f.__code__.co_firstlineno + 1}"


def test_a_library_function_is_blamed_on_the_line_that_calls_it_now():
    def f(x):
        return jnp.linalg.norm(x)

    def g(x):
        return jnp.linalg.norm(x) + 1.0

    assert steps(f, jnp.ones(5))[0].location.source == "return jnp.linalg.norm(x)"
    assert steps(g, jnp.ones(5))[0].location.source == "return jnp.linalg.norm(x) + 1.0"


def test_captured_arrays_have_the_names_they_have_in_the_code():
    local = jnp.array([7.0, 8.0])

    def inner(x):
        return WEIGHTS @ x

    def f(x):
        return inner(x) + OFFSET * local

    assert constant_names(f, jnp.ones(2)) == {"WEIGHTS", "OFFSET", "local"}


def test_arrays_of_a_partial_or_an_object_are_named_too():
    class Model:
        def __init__(self):
            self.A = jnp.array([[1.0, 0.5], [0.5, 3.0]])

        def loss(self, x):
            return x @ self.A @ x

    def scaled(x, factors):
        return (x * factors).sum()

    assert constant_names(Model().loss, jnp.ones(2)) == {"self.A"}
    assert constant_names(functools.partial(scaled, factors=OFFSET), jnp.ones(2)) == {"factors"}


def test_steps_of_loops_and_branches_have_lines_of_their_own():
    def f(x):
        def step(c, xi):
            y = jnp.sin(xi)
            return c * y, None

        total = jax.lax.scan(step, 1.0, x)[0]
        total = jax.lax.fori_loop(0, 2, lambda i, c: jnp.cos(c), total)
        return jax.lax.cond(total > 0, lambda c: jnp.exp(c), lambda c: jnp.log(c), total)

    def inside(equations):
        for step in equations:
            yield step
            for body in step.bodies:
                yield from inside(body.equations)

    found = {step.primitive: step for step in inside(steps(f, jnp.ones(3)))}
    assert found["sin"].location.source == "y = jnp.sin(xi)"
    assert found["sin"].name == "y"
    assert found["mul"].location.source == "return c * y, None"
    assert found["scan"].location.source.startswith("total = jax.lax.")
    assert found["exp"].location.source.startswith("return jax.lax.cond")
    start, end = found["exp"].location.column, found["exp"].location.end_column
    assert "        " + found["exp"].location.source[start - 8 : end - 8] == "        jnp.exp(c)"


def test_held_arguments_keep_their_names():
    subject = subject_of(lambda x, v: (x * v).sum(), (jnp.ones(2), jnp.array([3.0, 4.0])), {}, "x")
    names = {atom.name for step in subject_trace(subject).equations for atom in step.inputs if hasattr(atom, "name")}
    assert "v" in names


def test_statements_on_one_line_are_told_apart_by_their_columns(tmp_path):
    file = tmp_path / "one_line.py"
    file.write_text(
        "import jax.numpy as jnp\ndef f(z): e = jnp.exp(z); s = jnp.sum(e); return e / s\n", encoding="utf-8"
    )
    namespace = {}
    exec(compile(file.read_text(encoding="utf-8"), str(file), "exec"), namespace)
    named = [(step.primitive, step.name) for step in steps(namespace["f"], jnp.ones(3)) if step.name]
    assert named == [("exp", "e"), ("reduce_sum", "s")]


def test_calls_with_rules_of_their_own_are_kept_beside_the_code_they_stand_for():
    @jax.custom_vjp
    def half(x, y):
        z = x * y
        return z / 2

    half.defvjp(lambda x, y: (half(x, y), (x, y)), lambda kept, g: (g * kept[1] / 2, g * kept[0] / 2))

    def f(x):
        first = jnp.sin(x)
        return half(first, first) + jax.nn.relu(x)

    trace = subject_trace(subject_of(f, (3.0,), {}))
    own, library = trace.rule_calls
    assert (own.kind, own.name, own.is_library) == ("custom_vjp", "half", False)
    assert [trace.equations[i].primitive for i in range(*own.equations)] == ["mul", "div"]
    assert "half(first, first)" in own.location.source
    assert "custom_vjp" in own.defined.source
    assert "z = x * y" in trace.equations[own.equations[0]].location.source, "its code has its own lines"
    assert (library.kind, library.name, library.is_library) == ("custom_jvp", "relu", True)

    # twice the same operand: JAX differentiates by each of them
    (value,) = own.function(2.0, 5.0)
    assert value == 5.0
    assert [float(g) for g in jax.grad(lambda *xs: own.function(*xs)[0], (0, 1))(2.0, 5.0)] == [2.5, 1.0]


def test_a_literal_is_also_known_as_the_program_rounds_it():
    """Trap S7: 0.1 in float32 is 13421773 / 134217728."""
    (step,) = steps(lambda x: 0.1 * x, 1.0)
    (literal,) = (atom for atom in step.inputs if hasattr(atom, "value"))
    assert float(literal.rounded) == 13421773 / 134217728


def test_the_same_code_in_two_files_is_told_apart(tmp_path):
    places = []
    for name in ("first.py", "second.py"):
        space = {}
        exec(compile("def f(x):\n    return x * 2.0\n", str(tmp_path / name), "exec"), space)
        places.append(steps(space["f"], 1.0)[0].location)
    assert [str(place) for place in places] == ["first.py, line 2", "second.py, line 2"]


def test_what_jax_makes_of_code_is_opened():
    """Some versions of JAX have a primitive for each of these, whose class tells its code."""

    def root(y):
        solve = lambda f, x: jax.lax.fori_loop(0, 9, lambda i, x: x - 0.4 * f(x), x)  # noqa: E731
        return jax.lax.custom_root(lambda x: x**3 - y, 1.0, solve, lambda g, y: y / g(1.0))

    trace = subject_trace(subject_of(root, (0.5,), {}))
    assert {step.primitive for step in trace.equations} & {"scan", "while"}
    (call,) = trace.rule_calls
    assert "custom_root" in call.name and call.is_library and call.outputs == trace.outputs
    np.testing.assert_allclose(call.function(*np.ones(len(call.inputs), np.float32))[0], 1.0, rtol=1e-2)
    for search in (
        lambda x: x[:2] * jax.vmap(jnp.searchsorted)(jnp.stack([x, x]), x[:2]),
        lambda x: jnp.ldexp(x, 3),
        lambda x: x[0] * jnp.nonzero(x, size=1)[0],
    ):
        assert not any(step.primitive == "call_hi_primitive" for step in steps(search, jnp.arange(3.0)))
