"""Solves that are differentiated implicitly are checked by the equation that their result meets, not by their steps."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from jaxdiff_magic import WrongDerivative, check, derive
from jaxdiff_magic.report import Check

Solver = Callable[[Any], Any]


def checked(f: Solver, point: Any, order: int = 1) -> Check:
    with jax.enable_x64(True):
        return check(f, order=order, points=3, budget=60)(jnp.asarray(point, float))


def condition(x: Any, y: Any) -> Any:
    return (x**2 + 2 * x) / 3 - y


def halved(f: Solver, low: Any, high: Any, times: int = 60) -> Any:
    """The root of an increasing function between two numbers."""

    def body(_: Any, bracket: Any) -> Any:
        low, high = bracket
        middle = (low + high) / 2
        above = f(middle) > 0
        return jnp.where(above, low, middle), jnp.where(above, middle, high)

    low, high = lax.fori_loop(0, times, body, (low, high))
    return (low + high) / 2


def bisection(y: Any) -> Any:
    return halved(lambda x: condition(x, y), 0 * y, 4 + 0 * y)


def by_steps(y: Any) -> Any:
    """A number and a step that is halved, until it is small."""

    def body(state: Any) -> Any:
        x, step = state
        return jnp.where(condition(x + step, y) < 0, x + step, x), step / 2

    return lax.while_loop(lambda state: state[1] > 1e-13, body, (0 * y, 2 + 0 * y))[0]


def by_signs(y: Any) -> Any:
    """Which end moves is told by the sign of a product, with a value that is kept."""

    def body(state: Any) -> Any:
        low, high, at_low = state
        middle = low + (high - low) / 2
        here = condition(middle, y)
        left = at_low * here < 0
        return jnp.where(left, low, middle), jnp.where(left, middle, high), jnp.where(left, at_low, here)

    return lax.while_loop(lambda s: s[1] - s[0] > 1e-13, body, (0 * y, 4 + 0 * y, condition(0 * y, y)))[1]


def newton(y: Any) -> Any:
    def body(x: Any) -> Any:
        return x - condition(x, y) / ((2 * x + 2) / 3)

    return lax.while_loop(lambda x: jnp.max(jnp.abs(condition(x, y))) > 1e-11, body, 1 + 0 * y)


def roughly(y: Any) -> Any:
    return halved(lambda x: condition(x, y), 0 * y, 4 + 0 * y, times=20)


SOLVERS: dict[str, Solver] = {
    "bisection": bisection,
    "steps that are halved": by_steps,
    "signs of a product": by_signs,
    "Newton's method": newton,
    "bisection that stops early": roughly,
}


def implicit(solver: Solver, factor: float = 1.0, reverse: bool = False) -> Solver:
    """The solver with the rule dx = dy / F_x, or a multiple of it."""

    def root(y: Any) -> Any:
        return solver(y)

    if reverse:
        made = jax.custom_vjp(root)
        made.defvjp(lambda y: (solver(y),) * 2, lambda x, ct: (factor * ct / ((2 * x + 2) / 3),))
        return made
    made = jax.custom_jvp(root)

    def rule(primals: Any, tangents: Any) -> Any:
        x = made(*primals)
        return x, factor * tangents[0] / ((2 * x + 2) / 3)

    made.defjvp(rule)
    return made


@pytest.mark.parametrize("name", SOLVERS)
def test_a_right_implicit_rule_agrees(name: str) -> None:
    found = checked(implicit(SOLVERS[name]), 0.5, order=2)
    assert found.outcome == "agrees", found.summary
    near = 1e-5 if "early" in name else 1e-9  # the root itself is known no better
    assert [row.symbolic for row in found.entries] == pytest.approx([0.9486832980505138, -0.5692099788303083], rel=near)


@pytest.mark.parametrize(("name", "factor"), list(zip(SOLVERS, (-1.0, 1.02, 0.5, 1.02, -1.0), strict=True)))
def test_a_wrong_implicit_rule_differs_and_the_solver_is_named(name: str, factor: float) -> None:
    with pytest.raises(WrongDerivative, match="is not the derivative of root"):
        checked(implicit(SOLVERS[name], factor), 0.5)


def test_reverse_rules_of_many_roots_at_once() -> None:
    point = [0.5, 2.0]
    assert checked(lambda y: jnp.sum(implicit(bisection, reverse=True)(y) ** 2), point).outcome == "agrees"
    assert checked(lambda y: jnp.sum(jax.vmap(implicit(bisection))(y) ** 2), point).outcome == "agrees"
    with pytest.raises(WrongDerivative, match="is not the derivative of root"):
        checked(lambda y: jnp.sum(implicit(bisection, 1.02, reverse=True)(y) ** 2), point)


def custom_root(tangent_solve: Callable[[Any, Any], Any], solver: str = "bisection") -> Solver:
    def solve(f: Solver, guess: Any) -> Any:
        if solver == "bisection":
            return halved(f, 0.0 * guess, 4.0 * guess)
        return lax.fori_loop(0, 30, lambda i, x: x - f(x) * 0.4, guess)

    return lambda y: lax.custom_root(lambda x: condition(x, y), jnp.ones(()), solve, tangent_solve)


@pytest.mark.parametrize("solver", ["bisection", "fixed point"])
def test_custom_root(solver: str) -> None:
    assert checked(custom_root(lambda g, y: y / g(1.0), solver), 0.5, order=2).outcome == "agrees"
    for wrong in (lambda g, y: -y / g(1.0), lambda g, y: y * g(1.0)):
        with pytest.raises(WrongDerivative, match="custom_root"):
            checked(custom_root(wrong, solver), 0.5)


MATRIX = jnp.array([[3.0, 1.0], [0.5, 2.0]])


def solved(b: Any, matrix: Any, transposed: bool = True, solves: bool = True) -> Any:
    def solve(_: Any, b: Any) -> Any:
        return jnp.linalg.solve(matrix, b)

    def transpose_solve(_: Any, b: Any) -> Any:
        found = jnp.linalg.solve(matrix.T if transposed else matrix, b)
        return found if solves else 1.1 * found

    return lax.custom_linear_solve(lambda x: matrix @ x, b, solve, transpose_solve)


def test_linear_solves() -> None:
    assert checked(lambda b: jnp.sum(jnp.sin(solved(b, MATRIX))), [1.0, 2.0], order=2).outcome == "agrees"
    turn = jnp.array([[0.0, 1.0], [2.0, 0.0]])
    of_matrix = lambda t: jnp.sum(jnp.sin(solved(jnp.array([1.0, 2.0]), MATRIX + t * turn)))  # noqa: E731
    assert checked(of_matrix, 0.3).outcome == "agrees"


@pytest.mark.parametrize("wrong", [{"transposed": False}, {"solves": False}])
def test_a_linear_solve_whose_transposed_one_is_wrong_differs(wrong: dict[str, bool]) -> None:
    with pytest.raises(WrongDerivative, match=r"reverse mode gives.*custom_linear_solve"):
        checked(lambda b: jnp.sum(jnp.sin(solved(b, MATRIX, **wrong))), [1.0, 2.0])
    turn = jnp.array([[0.0, 1.0], [2.0, 0.0]])
    with pytest.raises(WrongDerivative, match="reverse mode gives"):
        checked(lambda t: jnp.sum(jnp.sin(solved(jnp.array([1.0, 2.0]), MATRIX + t * turn, **wrong))), 0.3)


def fixed_point(factor: float, tolerance: float = 1e-10) -> Solver:
    """x = cos(a x), with the rule -x sin(a x) / (1 + a sin(a x))."""

    def run(a: Any) -> Any:
        def body(state: Any) -> Any:
            return jnp.cos(a * state[0]), state[0]

        return lax.while_loop(lambda s: jnp.abs(s[0] - s[1]) > tolerance, body, (1.0 + 0 * a, 0 * a))[0]

    @jax.custom_vjp
    def settle(a: Any) -> Any:
        return run(a)

    def back(known: Any, ct: Any) -> Any:
        a, x = known
        return (-factor * ct * x * jnp.sin(a * x) / (1 + a * jnp.sin(a * x)),)

    settle.defvjp(lambda a: (run(a), (a, run(a))), back)
    return settle


def test_fixed_points() -> None:
    assert checked(fixed_point(1.0), 0.8).outcome == "agrees"
    with pytest.raises(WrongDerivative, match="settle"):
        checked(fixed_point(1.02), 0.8)


def test_a_fixed_point_that_is_not_reached_is_not_called_right() -> None:
    assert checked(fixed_point(1.0, tolerance=1e-2), 0.8).outcome == "out of reach"


def test_a_bisection_without_a_rule_has_no_derivative_in_jax() -> None:
    with pytest.raises(WrongDerivative, match=r"gives 0 where the function's own derivative is 0\.94868"):
        checked(bisection, 0.5)


def test_the_loop_that_closes_in_on_a_root_is_named() -> None:
    with jax.enable_x64(True):
        report = derive(lambda y: bisection(y) ** 2, order=1, points=3, cost="none", budget=8)(0.5)
    assert report.verdict == "differs"
    assert any("closes in on a root" in f.message and "custom_root" in f.cure for f in report.findings)


def test_what_a_bisection_gives_besides_the_root_is_not_called_right() -> None:
    """Each step's middle is added up, though it jumps with y."""

    def body(_: Any, state: Any, y: Any) -> Any:
        low, high, total = state
        middle = (low + high) / 2
        above = condition(middle, y) > 0
        return jnp.where(above, low, middle), jnp.where(above, middle, high), total + middle * y

    def f(y: Any) -> Any:
        return lax.fori_loop(0, 40, lambda i, s: body(i, s, y), (0 * y, 4 + 0 * y, 0 * y))[2]

    with contextlib.suppress(WrongDerivative):  # function values say so
        assert checked(f, 0.5).outcome == "out of reach"


def test_loops_that_close_in_on_no_root_are_followed_step_by_step() -> None:
    """A step that becomes small, a comparison, and a derivative that is that of the steps: gradient descent, damped."""

    def f(y: Any) -> Any:
        def body(_: Any, state: Any) -> Any:
            x, rate = state
            slope = 2 * (x - y)
            return x - rate * jnp.where(slope > 10, 10 + 0 * slope, slope), rate * 0.5

        return lax.fori_loop(0, 12, body, (0 * y + 3, 0.4 + 0 * y))[0]

    kept = np.prod([1 - 0.8 * 0.5**k for k in range(12)])
    found = checked(f, 0.5)
    assert found.outcome == "agrees" and found.entries[0].symbolic == pytest.approx(1 - kept, rel=1e-12)
