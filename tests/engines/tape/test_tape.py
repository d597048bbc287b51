"""What a tape holds: both sides of a choice that is a selection, a guard for every other one, and little else."""

from __future__ import annotations

import itertools
import json
import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from jaxdiff_magic.base.errors import OutOfReach
from jaxdiff_magic.engines.tape import Tape, tape_of
from jaxdiff_magic.engines.tape.operations import OPERATIONS
from jaxdiff_magic.engines.tape.recorder import Recorder
from jaxdiff_magic.subject.subject import subject_of
from jaxdiff_magic.subject.trace import subject_trace

from .agreement import assert_tape_as_jax, tape_in_float64
from .interpreter import BINARY, UNARY, run

A = np.array([[2.0, 1.0, 0.3], [0.5, 3.0, -0.2], [0.1, 0.4, 1.5]])
X = np.array([1.0, -2.0, 0.5])


def operations(tape: Tape) -> list[Any]:
    return [node[0] for node in tape.nodes]


class TestChoicesThatAreSelections:
    @pytest.mark.parametrize(
        "f",
        [
            lambda x: jnp.where(x > 0.3, x * x, jnp.sin(x)),
            lambda x: jnp.maximum(x, 0.3 * x),
            lambda x: jnp.minimum(x, x * x) + jnp.max(x),
            lambda x: jax.nn.relu(x) ** 2,
            lambda x: jnp.abs(x) * x,
            lambda x: jnp.clip(x, -0.7, 0.9) * x,
            lambda x: lax.clamp(-0.7, x, 0.9) * x + lax.rem(x, 0.8) * x,
            lambda x: jax.nn.elu(x) + jax.nn.leaky_relu(x) + jax.nn.relu6(3 * x),
            lambda x: jnp.where((x > 0.2) & ~(x < 0.1) | (x > 3), x, 2 * x * x),
            lambda x: jnp.select([x > 0.5, x < -0.5], [x * x, jnp.sin(x)], x),
            lambda x: lax.select_n((jnp.abs(x) * 2).astype(jnp.int32) % 3, x, x * x, jnp.sin(x)),
            lambda x: x * jnp.sign(x) + x * jnp.floor(3 * x) + jnp.mod(x, 0.8) * x,
            lambda x: jax.vmap(lambda y: lax.cond(y > 0, jnp.sin, lambda z: z * z, y))(x),
            lambda x: x * jnp.round(2 * x) + jnp.floor_divide(x, 0.4) * x,
        ],
    )
    def test_are_right_on_either_side(self, f: Any) -> None:
        for point in ([1.0, -2.0, 0.25], [-1.3, 2.1, -0.35]):
            tape = assert_tape_as_jax(f, point, recorded_at=[X])
            assert tape.guards == ()

    def test_nan_in_the_case_not_taken_stays_there(self) -> None:
        tape = tape_in_float64(lambda x: jnp.where(x > 0, jnp.log(x), x), 1.0)
        assert run(tape, [-2.0]).value == [-2.0]

    def test_a_maximum_shares_its_derivative_between_equal_numbers(self) -> None:
        assert_tape_as_jax(lambda x: jnp.maximum(x[0], x[1]) ** 3, [0.4, 0.4])


class TestGuards:
    def test_say_which_branch_was_taken_and_where(self) -> None:
        def f(x: Any) -> Any:
            return lax.cond(x > 1.0, lambda y: y * y, jnp.sin, x)

        tape = assert_tape_as_jax(f, 2.0)
        ((node, then, choice),) = tape.guards
        assert tape.nodes[node][0] == "gt"
        assert then == 1
        assert choice.startswith("the branch of the condition in test_tape.py, line ")
        assert run(tape, [1.5]).holds
        assert not run(tape, [0.5]).holds

    def test_hold_while_a_loop_takes_as_many_rounds(self) -> None:
        tape = assert_tape_as_jax(lambda x: lax.while_loop(lambda c: c > 1.0, lambda c: 0.5 * c, x), 5.0)
        assert [then for _, then, _ in tape.guards] == [1, 1, 1, 0]
        assert "whether the loop goes on" in tape.guards[0][2]
        assert run(tape, [7.0]).holds
        assert not run(tape, [9.0]).holds
        assert not run(tape, [3.0]).holds

    @pytest.mark.parametrize(
        ("f", "words"),
        [
            (jnp.sort, "the order of the sorted values"),
            (lambda x: jnp.flip(jnp.sort(x)) * x, "the order of the sorted values"),
            (lambda x: x[jnp.argsort(x)[0]] * x[1], "the order of the sorted values"),
            (lambda x: lax.top_k(x, 2)[0], "the order of the sorted values"),
            (lambda x: jnp.median(x), "the order of the sorted values"),
            (lambda x: x[jnp.argmax(x)] ** 2, "which element is the largest"),
            (lambda x: x * jnp.argmin(x), "which element is the smallest"),
            (lambda x: x[(10 * x[0]).astype(int) % 3] * x, "a position that is computed"),
            (lambda x: lax.dynamic_slice(x, (jnp.floor(x[2] * 3).astype(int),), (1,)), "a position that is computed"),
            (lambda x: x.at[jnp.floor(x[2] * 3).astype(int)].set(x[0] * 2), "a position that is computed"),
            (lambda x: jnp.linalg.inv(jnp.outer(x, x) + jnp.diag(x)), "the order of the pivots"),
        ],
    )
    def test_name_what_was_chosen_by_the_numbers(self, f: Any, words: str) -> None:
        tape = assert_tape_as_jax(f, X)
        assert tape.guards
        assert any(words in choice for _, _, choice in tape.guards)
        assert run(tape, X + 1e-3).holds
        assert not run(tape, [-1.0, 5.0, -3.0]).holds

    def test_leave_elimination_alone_while_its_pivots_are_large_enough(self) -> None:
        tape = assert_tape_as_jax(lambda a: jnp.linalg.slogdet(a)[1], A)
        moved = np.array([[0.4, 1.0, 0.3], [0.5, 3.0, -0.2], [0.1, 0.4, 1.5]])  # the first pivot is no longer first
        assert_tape_as_jax(lambda a: jnp.linalg.slogdet(a)[1], moved, recorded_at=[A])
        assert not run(tape, [1e-5, *moved.ravel()[1:]]).holds


class TestOperationsOnArrays:
    @pytest.mark.parametrize(
        "f",
        [
            lambda x: jnp.cumprod(x) + lax.cummax(x) + jnp.cumsum(x[::-1]) + jax.nn.logsumexp(x),
            lambda x: jnp.outer(x, jnp.sin(x)) @ x + jnp.kron(x, x)[:3],
            lambda x: jnp.convolve(x, jnp.exp(x), "same") + jnp.prod(x),
            lambda x: lax.reduce_window(x, -jnp.inf, lax.max, (2,), (1,), "SAME") * x,
            lambda x: jnp.pad(x, 2, constant_values=0.5)[1:-1] ** 3,
            lambda x: x.at[jnp.array([0, 0, 2])].add(x * x).at[1].multiply(x[0]),
            lambda x: x.at[jnp.array([0, 7])].get(mode="fill", fill_value=0.5) * x[1],
            lambda x: lax.scan(lambda c, y: (jnp.sin(c) * y, c + y), 1.0, x, reverse=True)[1],
            lambda x: lax.fori_loop(0, 3, lambda i, c: jnp.sin(c) * (i + 1.0) + x[i], x),
            lambda x: x * jax.random.normal(jax.random.key(0), (3,)),
            lambda x: x[jax.random.permutation(jax.random.PRNGKey(0), 3)] * jnp.arange(3.0),
            lambda x: x * jax.random.uniform(jax.random.split(jax.random.fold_in(jax.random.key(1), 5))[1]),
            lambda x: jnp.interp(x, jnp.linspace(-3.0, 3.0, 5), jnp.asarray([0.0, 1.0, -0.5, 0.3, 2.0])),
            lambda x: jnp.where(jnp.isfinite(x), jnp.nan_to_num(x), 0.0) ** 3,
            lambda x: jnp.einsum("i,j,k->kj", x, x * x, jnp.sin(x)),
            lambda x: jax.grad(lambda y: jnp.sum(jnp.sin(y) * y) * lax.stop_gradient(y[0]))(x),
            lambda x: lax.stop_gradient(x) * x,
            lambda x: (1.5 + x * x) ** x + jnp.arctan2(x, x[0] * 2) + jax.scipy.special.gammaln(2 + x * x),
        ],
    )
    def test_have_the_numbers_of_jax(self, f: Any) -> None:
        assert_tape_as_jax(f, X)

    @pytest.mark.parametrize(
        "f",
        [
            jnp.linalg.inv,
            jnp.linalg.det,
            lambda a: jnp.linalg.det(jnp.kron(a, jnp.eye(2)) + 0.1),
            lambda a: jnp.stack(jnp.linalg.slogdet(a @ a)),
            lambda a: jnp.linalg.solve(a, a[:, :2] ** 2),
            lambda a: jnp.linalg.inv(jnp.stack([a, a.T @ a])),
            lambda a: jnp.linalg.cholesky(a @ a.T),
            lambda a: jax.scipy.linalg.cho_solve((jnp.linalg.cholesky(a @ a.T), True), a[0]),
            lambda a: jax.scipy.linalg.solve_triangular(a, a[:, 0], trans=1, lower=True, unit_diagonal=True),
            lambda a: jax.scipy.linalg.solve_triangular(a, a[:, 0], lower=False),
            lambda a: jax.scipy.linalg.lu_factor(a)[0],
            lambda a: jnp.linalg.matrix_power(a, -2),
            lambda a: lax.linalg.tridiagonal_solve(0.3 * a[0], 3.0 + a[1], 0.2 * a[2], a[:, :1]),
            lambda a: jax.scipy.sparse.linalg.cg(a @ a.T, a[0], tol=1e-14)[0],
        ],
    )
    def test_of_matrices_have_the_numbers_of_jax(self, f: Any) -> None:
        assert_tape_as_jax(f, A)


class TestATape:
    def test_folds_constants_and_shares_what_is_computed_twice(self) -> None:
        tape = tape_in_float64(lambda x: jnp.sin(x) * jnp.exp(jnp.sin(x)) + jnp.cos(2.0) ** 2 * 3, 1.0)
        assert operations(tape) == ["input", "sin", "exp", "mul", "const", "add"]
        assert tape.nodes[4] == ("const", pytest.approx(math.cos(2.0) ** 2 * 3, rel=1e-15))

    @pytest.mark.parametrize("name", sorted(OPERATIONS.keys() & (UNARY.keys() | BINARY.keys())))
    def test_folds_what_is_known_to_the_number_that_the_operation_has(self, name: str) -> None:
        numbers = (-2.5, -0.75, 0.75, 2.5)
        for operands in itertools.product(numbers, repeat=1 if name in UNARY else 2):
            with np.errstate(all="ignore"):
                folded, (value, *_) = Recorder().record(name, *operands), (UNARY | BINARY)[name](*operands)
            np.testing.assert_allclose(folded, value, rtol=1e-15, err_msg=f"{name}{operands}")

    def test_takes_the_branch_of_a_remainder_that_has_the_sign_of_the_dividend(self) -> None:
        branches = [lambda x: x * x, jnp.sin, jnp.cos, jnp.exp]
        assert_tape_as_jax(lambda x: lax.switch(lax.rem(x.astype(int), 3) + 2, branches, x), -4.3)

    def test_leaves_out_what_no_output_needs(self) -> None:
        tape = tape_in_float64(lambda x: (jnp.exp(x[0] * x[1]), x[2])[1] * 2, X)
        assert operations(tape) == ["input", "const", "mul"]

    def test_drops_a_product_with_zero_only_where_it_is_finite(self) -> None:
        assert operations(tape_in_float64(lambda x: x @ jnp.array([0.0, 1.0, 0.0]), X)) == ["input"]
        tape = tape_in_float64(lambda x: 0.0 * jnp.log(x), 1.0)
        assert np.isnan(run(tape, [0.0]).value)

    def test_of_a_float32_function_has_the_literals_of_its_program(self) -> None:
        subject = subject_of(lambda x: 0.1 * x, [np.float32(3.0)], {}, None)
        tape = tape_of(subject, subject_trace(subject))
        assert ("const", float(np.float32(0.1))) in tape.nodes

    def test_takes_captured_arrays_and_held_arguments_as_constants(self) -> None:
        weights = jnp.array([0.5, 2.0, 4.0])
        subject = subject_of(lambda x, n: jnp.sum(weights * x) * n, [X, 3], {}, None)
        tape = tape_of(subject, subject_trace(subject))
        assert operations(tape).count("input") == 3
        assert run(tape, X).value == pytest.approx(3 * (X @ [0.5, 2.0, 4.0]))

    def test_numbers_inputs_and_outputs_leaf_after_leaf(self) -> None:
        tape = assert_tape_as_jax(lambda a, b: {"p": a * b, "q": jnp.sum(a)}, [[1.0, 2.0], [3.0, 4.0]], 0.5)
        assert len(tape.outputs) == 5

    def test_goes_over_the_wire_without_what_json_has_no_words_for(self) -> None:
        tape = tape_in_float64(lambda x: jnp.where(x > 0, jnp.inf, -jnp.inf) + jnp.where(x > 1, jnp.nan, x), 0.5)
        sent = json.loads(json.dumps(tape.to_dict(), allow_nan=False))
        assert {"inf", "-inf", "nan"} == {node[1] for node in sent["nodes"] if isinstance(node[1], str)}
        assert sent["outputs"] == list(tape.outputs)

    def test_of_a_function_of_no_inputs_that_matter_is_a_constant(self) -> None:
        tape = tape_in_float64(lambda x: jnp.ones(2) * 3, 0.5)
        assert tape == Tape((("const", 3.0),), (0, 0))


class TestOutOfReach:
    @pytest.mark.parametrize(
        ("f", "point", "reason"),
        [
            (lambda x: jnp.linalg.eigvalsh(jnp.outer(x, x)), X, "the browser has no `eigh`"),
            (jax.scipy.special.erfinv, 0.3, "the browser has no `erf_inv`"),
            (lambda x: jnp.abs(jnp.exp(1j * x) + 2), 0.3, "complex numbers"),
            (lambda x: jnp.sum(jnp.outer(x, x) @ jnp.outer(x, jnp.sin(x))), np.ones(40), "more than 12,000 scalar"),
            (
                lambda x: jnp.sum(x**3) + jnp.sin(x) @ jnp.cos(x),
                np.linspace(0, 1, 900),
                "scalar operations; the browser",
            ),
            (lambda x: jnp.sum(x**2), np.ones(10_000), "10,000 numbers; the browser takes up to 3,000"),
            (lambda x: lax.fori_loop(0, 10**6, lambda i, c: c + 0 * i, x), 1.0, "more than 3,000 steps"),
            (lambda x: jnp.linalg.inv(jnp.outer(x, x)), [1.0, 2.0], "singular at the point"),
            (lambda a: lax.linalg.cholesky(a, symmetrize_input=False), np.eye(2) * 2, "symmetric"),
        ],
    )
    def test_has_a_reason_in_words(self, f: Any, point: Any, reason: str) -> None:
        with pytest.raises(OutOfReach) as raised:
            tape_in_float64(f, point)
        assert reason in raised.value.reason
