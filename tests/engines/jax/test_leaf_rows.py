"""The numbers of each leaf, against NumPy; and what the check says of it."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest

from jaxdiff_magic.engines.jax.leaf_rows import bend_along, leaf_rows, outcome_of, spectrum_of
from jaxdiff_magic.report import CheckEntry
from jaxdiff_magic.subject.leaves import LARGE, Leaf


def entry(what: str, inputs: tuple[str, ...], outcome) -> CheckEntry:
    return CheckEntry(what, "f", inputs, None, None, None, None, None, outcome)


ENTRIES = (
    entry("value", (), "differs"),
    entry("gradient", ("p['W'][0, 2]",), "proved"),
    entry("gradient", ("p['W'][1, 0]",), "agrees"),
    entry("gradient", ("p['W2'][1, 0]",), "out of reach"),
    entry("jacobian", ("b",), "out of reach"),
    entry("gradient", ("net.bias·v",), "differs"),
    entry("hessian", ("p['W'][0, 0]", "b"), "differs"),
)


@pytest.mark.parametrize(
    ("name", "shape", "outcome"),
    [
        ("p['W']", (2, 3), "agrees"),
        ("p['W2']", (2, 1), "out of reach"),
        ("p['W']", (2,), ""),
        ("b", (), "out of reach"),
        ("net.bias", (4,), "differs"),
        ("net", (4,), ""),
    ],
)
def test_the_outcome_of_a_leaf_is_the_worst_of_the_entries_about_it_alone(name, shape, outcome) -> None:
    assert outcome_of(Leaf(name, shape, "float32"), ENTRIES) == outcome


def test_norms_zeros_and_what_is_not_finite_are_counted_over_all_outputs() -> None:
    leaf = Leaf("x", (2, 2), "float32")
    value = jnp.array([[3.0, 0.0], [4.0, 0.0]])
    blocks = [[jnp.array([[1.0, 0.0], [0.0, 0.0]])], [jnp.array([[[2.0, 0.0], [0.0, jnp.inf]]])]]
    (row,) = leaf_rows([leaf], [value], blocks, ())
    assert row.parameter == 5.0 and row.gradient == np.inf
    assert row.zeros == 0.5 and row.nonfinite == 1
    (row,) = leaf_rows([leaf], [value], [[blocks[0][0]]], ())
    assert (row.gradient, row.ratio, row.zeros, row.nonfinite) == (1.0, 0.2, 0.75, 0)


@pytest.mark.parametrize("scale", [1e30, 1e-30, 0.0])
def test_norms_neither_overflow_nor_underflow(scale: float) -> None:
    given = jnp.full(4, scale, jnp.float32)
    (row,) = leaf_rows([Leaf("x", (4,), "float32")], [given], [[given]], ())
    assert row.gradient == pytest.approx(2 * float(given[0])) and row.parameter == row.gradient
    assert row.ratio == (1.0 if scale else None)


def test_a_large_leaf_is_counted_as_a_small_one_is() -> None:
    size = LARGE + 2
    given = np.ones(size, np.float32)
    given[:5] = 0.0
    given[7] = np.nan
    (row,) = leaf_rows([Leaf("x", (size,), "float32")], [jnp.ones(size)], [[jnp.asarray(given)]], ())
    assert row.zeros == 5 / size and row.nonfinite == 1 and np.isnan(row.gradient)
    assert row.parameter == pytest.approx(size**0.5)


def test_without_a_derivative_only_the_parameter_is_known() -> None:
    (row,) = leaf_rows([Leaf("x", (1,), "float32")], [jnp.ones(1)], None, ())
    assert (row.gradient, row.ratio, row.zeros, row.nonfinite) == (None, None, None, None)


def test_the_curvature_along_the_gradient_is_the_rayleigh_quotient() -> None:
    H, g = np.diag([1.0, 5.0]), np.array([3.0, 4.0])
    found = bend_along([g], [H @ g])
    assert found is not None and found.value == pytest.approx((9 + 5 * 16) / 25) and 0 < found.error < 1e-12
    assert bend_along([np.zeros(2)], [np.zeros(2)]) is None


def test_the_spectrum_of_a_built_hessian_is_within_its_error() -> None:
    A = np.random.default_rng(0).normal(size=(40, 40))
    H = A + A.T
    largest, trace = spectrum_of(H, 2.0**-52)
    assert largest is not None and trace is not None
    assert abs(largest.value - np.linalg.eigvalsh(H)[-1]) <= largest.error < 1e-9
    assert trace.value == pytest.approx(np.trace(H))
    assert spectrum_of(np.full((3, 3), np.nan), 2.0**-52) == (None, None)
    rounded, _ = spectrum_of(H.astype(np.float32).astype(float), 2.0**-23)
    assert rounded is not None and abs(rounded.value - np.linalg.eigvalsh(H)[-1]) <= rounded.error
