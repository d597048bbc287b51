"""Equations that run other programs, beside what JAX makes of them."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax
from jax.extend.core import ClosedJaxpr, jaxpr_as_fun

from jaxdiff_magic.primitives.bodies import (
    bodies_of,
    call_body,
    equations_within,
    parameters_of,
    scan_carried,
    scan_parts,
    until_still,
    while_parts,
)

X = np.array([0.5, -1.5, 2.0])


def equation_of(f: Any, *args: Any, primitive: str) -> tuple[Any, list[Any]]:
    """The first equation of a primitive in a function's jaxpr, and the values of its operands."""
    closed = jax.make_jaxpr(f)(*args)
    known = dict(zip((*closed.jaxpr.constvars, *closed.jaxpr.invars), (*closed.consts, *args), strict=True))
    for equation in closed.jaxpr.eqns:
        operands = [atom.val if hasattr(atom, "val") else known[atom] for atom in equation.invars]
        if equation.primitive.name == primitive:
            return equation, operands
        results = equation.primitive.bind(*operands, **equation.primitive.get_bind_params(equation.params))
        results = results if equation.primitive.multiple_results else [results]
        known.update(zip(equation.outvars, results, strict=True))
    raise AssertionError(f"no {primitive} in {closed}")


@jax.custom_jvp
def ruled(x: Any) -> Any:
    return jnp.sin(x)


ruled.defjvp(lambda primals, tangents: (ruled(*primals), jnp.cos(primals[0]) * tangents[0]))


class TestRunByTheirParts:
    @pytest.mark.parametrize("f", [jax.jit(jnp.sin), jax.checkpoint(jnp.sin), ruled], ids=["jit", "remat", "ruled"])
    def test_a_call_gives_what_its_program_gives(self, f: Any) -> None:
        (equation,) = jax.make_jaxpr(f)(X).jaxpr.eqns
        body = call_body(equation)
        closed = body if hasattr(body, "jaxpr") else ClosedJaxpr(body, ())
        np.testing.assert_allclose(jaxpr_as_fun(closed)(X)[0], jnp.sin(X), rtol=1e-6)
        assert bodies_of(equation) == []

    def test_a_branch_has_all_operands_but_the_one_that_chooses(self) -> None:
        f = lambda x: lax.cond(x[0] > 0, lambda y: y * 2, jnp.sin, x)  # noqa: E731
        equation, (which, *operands) = equation_of(f, X, primitive="cond")
        assert call_body(equation) is None
        np.testing.assert_allclose(jaxpr_as_fun(bodies_of(equation)[int(which)])(*operands)[0], 2 * X, rtol=1e-6)

    def test_a_scan_goes_from_round_to_round_with_what_it_carries(self) -> None:
        scale = jnp.asarray(3.0)
        f = lambda x: lax.scan(lambda s, y: ((s[0] + scale * y, s[1] * y), s[0]), (0.0, 1.0), x)  # noqa: E731
        equation, operands = equation_of(f, X, primitive="scan")
        params = parameters_of(equation)
        constants, carry, arrays = scan_parts(params, operands)
        assert (len(constants), len(carry), len(arrays)) == (1, 2, 1)
        assert operands[scan_carried(params)] == carry
        (body,), rows = bodies_of(equation), []
        for k in range(params["length"]):
            results = jaxpr_as_fun(body)(*constants, *carry, *(array[k] for array in arrays))
            carry, rows = results[: len(carry)], [*rows, results[len(carry) :]]
        (total, product), sums = f(X)
        np.testing.assert_allclose(carry, [total, product], rtol=1e-6)
        np.testing.assert_allclose([row[0] for row in rows], sums, rtol=1e-6)

    def test_a_while_loop_asks_its_condition_before_each_round(self) -> None:
        end, step = jnp.asarray(5.0), jnp.asarray(2.0)
        f = lambda x: lax.while_loop(lambda s: s[0] < end, lambda s: (s[0] + step, s[1] * s[0]), (x, 1.0))  # noqa: E731
        equation, operands = equation_of(f, np.float32(0.5), primitive="while")
        goes_on, body = bodies_of(equation)
        of_condition, of_body, carry = while_parts(equation.params, operands)
        assert (len(of_condition), len(of_body), len(carry)) == (1, 1, 2)
        while jaxpr_as_fun(goes_on)(*of_condition, *carry)[0]:
            carry = jaxpr_as_fun(body)(*of_body, *carry)
        np.testing.assert_allclose(carry, f(np.float32(0.5)), rtol=1e-6)

    def test_a_scan_is_counted_from_shapes_alone(self) -> None:
        f = lambda w, x: lax.scan(lambda s, y: (w @ s + y, (s, y)), x[0], x)  # noqa: E731
        equation, _ = equation_of(f, np.ones((3, 3)), np.ones((4, 3)), primitive="scan")
        found = parameters_of(equation)
        assert (found["num_consts"], found["num_carry"]) == (1, 1)


class TestAllEquations:
    def test_are_those_of_programs_within_programs_too(self) -> None:
        f = lambda x: lax.scan(lambda s, _: (lax.cond(s > 0, jnp.sin, jnp.cos, s), None), x, None, length=2)[0]  # noqa: E731
        names = [equation.primitive.name for equation in equations_within(jax.make_jaxpr(f)(1.0).jaxpr)]
        assert names[0] == "scan"
        assert {"cond", "sin", "cos", "gt"} < set(names)


class TestWhatMattersInALoop:
    def test_grows_until_no_round_adds_to_it(self) -> None:
        reads = [{0}, {2}, {3}, {1}]  # results: of which operands; the first operand is a constant

        def inside(wanted: tuple[bool, ...]) -> tuple[bool, ...]:
            return tuple(any(want and k in read for want, read in zip(wanted, reads, strict=True)) for k in range(5))

        assert until_still((True, False, False, False), inside, slice(1, 5)) == (
            (True, False, False, False),
            (True, False, False, False, False),
        )
        wanted, needed = until_still((False, False, False, True), inside, slice(1, 5))
        assert wanted == (True, False, False, True)
        assert needed == (True, True, False, False, False)

    def test_keeps_rows_and_slices_apart_from_what_is_carried(self) -> None:
        wanted, needed = until_still((False, True), lambda wanted: (False, False, wanted[1]), slice(1, 2))
        assert (wanted, needed) == ((False, True), (False, False, True))
