"""What the table of scalar functions says of them, tried on their numbers."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from jaxdiff_magic.primitives.scalar import NEAREST, SCALARS

X = np.array([-1.3, -0.5, -0.2, 0.0, 0.4, 0.5, 0.7, 1.0, 1.5, 2.6])
BORDERED = [name for name, known in SCALARS.items() if known.border]
UNARY = [
    name
    for name, known in SCALARS.items()
    if name not in ("power", "pow", "atan2", "polygamma", "zeta", "bessel_i", "stop_gradient")
    and not name.startswith(("igamma", "regularized"))
]


@pytest.mark.parametrize("name", UNARY)
def test_the_numbers_are_those_of_jax(name: str) -> None:
    own = {"log2": jnp.log2, "round": lambda x: lax.round(x, lax.RoundingMethod.TO_NEAREST_EVEN)}
    function = own.get(name) or getattr(lax, name)
    with jax.enable_x64(True), np.errstate(all="ignore"):
        found, wanted = SCALARS[name].value(X), np.asarray(function(X))
    known = np.isfinite(wanted)
    np.testing.assert_allclose(found[known], wanted[known], rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("name", BORDERED)
def test_values_or_slopes_jump_at_the_border_and_nowhere_else(name: str) -> None:
    value, nearest = SCALARS[name].value, NEAREST[SCALARS[name].border]
    at, h = nearest(X), 1e-6
    second = lambda x: np.abs(value(x + h) - 2 * value(x) + value(x - h)) > 1e-9  # noqa: E731
    jump = lambda x: np.abs(value(x + h) - value(x - h)) > 0.5  # noqa: E731
    assert (second(at) | jump(at)).all()
    away = np.abs(X - at) > 1e-3
    assert not (second(X) | jump(X))[away].any()
