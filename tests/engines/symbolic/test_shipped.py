"""The partial derivatives that are shipped: SymPy's own, anew, and right at points."""

from __future__ import annotations

from pathlib import Path

import mpmath
import numpy as np
import pytest
import sympy as sp

from jaxdiff_magic.engines.reference.partials import PARTIALS
from jaxdiff_magic.engines.reference.scalars import FUNCTIONS
from jaxdiff_magic.engines.symbolic import shipped_slopes
from jaxdiff_magic.engines.symbolic.functions import FORMULAS, elementary
from jaxdiff_magic.engines.symbolic.shipped import FILES, SHIPPED, partials, text
from jaxdiff_magic.engines.symbolic.slopes import SLOPES
from jaxdiff_magic.primitives.scalar import SCALARS

MEANT = {
    "power": lambda x, a: x**a,
    "sqrt": mpmath.sqrt,
    "cbrt": mpmath.cbrt,
    "exp": mpmath.exp,
    "exp2": lambda x: mpmath.mpf(2) ** x,
    "expm1": mpmath.expm1,
    "log": mpmath.log,
    "log1p": mpmath.log1p,
    "log2": lambda x: mpmath.log(x, 2),
    "sin": mpmath.sin,
    "cos": mpmath.cos,
    "tan": mpmath.tan,
    "asin": mpmath.asin,
    "acos": mpmath.acos,
    "atan": mpmath.atan,
    "sinh": mpmath.sinh,
    "cosh": mpmath.cosh,
    "tanh": mpmath.tanh,
    "asinh": mpmath.asinh,
    "acosh": mpmath.acosh,
    "atanh": mpmath.atanh,
    "logistic": lambda x: 1 / (1 + mpmath.exp(-x)),
    "erf": mpmath.erf,
    "erfc": mpmath.erfc,
    "erf_inv": mpmath.erfinv,
    "lgamma": lambda x: mpmath.log(abs(mpmath.gamma(x))),
    "digamma": mpmath.digamma,
    "bessel_i": lambda x, order: mpmath.besseli(int(order), x),
    "bessel_i0e": lambda x: mpmath.exp(-abs(x)) * mpmath.besseli(0, x),
    "bessel_i1e": lambda x: mpmath.exp(-abs(x)) * mpmath.besseli(1, x),
    "pow": lambda a, b: a**b,
    "atan2": mpmath.atan2,
    "polygamma": lambda n, x: mpmath.polygamma(int(n), x),
    "zeta": mpmath.zeta,
    "igamma": lambda a, x: mpmath.gammainc(a, 0, x, regularized=True),
    "igammac": lambda a, x: mpmath.gammainc(a, x, mpmath.inf, regularized=True),
    "regularized_incomplete_beta": lambda a, b, x: mpmath.betainc(a, b, 0, x, regularized=True),
}
"""Each function as mpmath has it: https://mpmath.org/doc/current/functions/"""

POINTS = {
    "power": [(0.7, 2.5), (-1.3, 3), (1.9, -1), (2.1, 0.5)],
    "acosh": [(1.2,), (3.7,)],
    "atan": [(0.4,), (-12.5,)],
    "bessel_i": [(0.4, 0), (-2.3, 1), (7.1, 2)],
    "bessel_i0e": [(0.4,), (-2.3,), (7.1,)],
    "bessel_i1e": [(0.4,), (-2.3,), (7.1,)],
    "digamma": [(0.3,), (1.7,), (12.5,)],
    "erf": [(-1.1,), (0.2,), (2.4,)],
    "lgamma": [(0.3,), (1.7,), (12.5,), (-0.4,)],
    "pow": [(0.7, 2.5), (3.1, -0.4)],
    "atan2": [(0.7, 2.5), (-3.1, 0.4), (0.2, -1.3)],
    "polygamma": [(1, 0.7), (2, 3.4)],
    "zeta": [(2.5, 0.7), (3.0, 4.2)],
    "igamma": [(0.7, 0.4), (3.5, 2.2)],
    "igammac": [(0.7, 0.4), (3.5, 2.2)],
    "regularized_incomplete_beta": [(0.7, 1.4, 0.3), (2.5, 3.1, 0.8)],
}
USUAL = [(0.2,), (0.83,)]


def test_the_file_is_what_sympy_derives() -> None:
    assert SHIPPED.read_text() == text(), "run `python -m jaxdiff_magic.engines.symbolic.shipped`"


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_every_file_is_what_is_derived(file: Path) -> None:
    assert file.read_text() == FILES[file](), "run `python -m jaxdiff_magic.engines.symbolic.shipped`"


@pytest.mark.parametrize("name", [known.name for known in shipped_slopes.unary()])
def test_forms_that_lose_no_digits_are_the_derivatives_of_the_formula(name: str) -> None:
    """Slope and bend, stated or derived, against SymPy's derivatives of the formula in 30 digits."""
    known, x = SCALARS[name], shipped_slopes.x
    formula = elementary(FORMULAS[name](x))
    for (at,) in POINTS.get(name, USUAL):
        place = {x: sp.Float(at, 40)}
        for order, form in enumerate((shipped_slopes.slope(known), shipped_slopes.bend(known)), 1):
            found = elementary(form).subs(shipped_slopes.v, formula).subs(place).evalf(30)
            wanted = sp.diff(formula, x, order).subs(place).evalf(30)
            assert abs(found - wanted) <= 1e-25 * (1 + abs(wanted)), (at, order)


def test_slopes_lose_no_digits_where_they_are_small_or_near_a_pole() -> None:
    for name, at in {"asin": 1 - 1e-9, "atanh": -1 + 1e-9, "acosh": 1 + 1e-9, "tanh": 20.0, "logistic": 40.0}.items():
        (slope,) = SLOPES[name]
        with mpmath.workdps(60):
            exact = float(mpmath.diff(MEANT[name], mpmath.mpf(at)))
        np.testing.assert_allclose(slope(at, SCALARS[name].value(at)), exact, rtol=4e-16)


def test_every_function_has_its_partials() -> None:
    assert set(PARTIALS) == set(partials()) == set(FUNCTIONS) == set(MEANT)


@pytest.mark.parametrize("name", PARTIALS)
def test_the_functions_are_those_of_mpmath(name: str) -> None:
    for args in POINTS.get(name, USUAL):
        np.testing.assert_allclose(FUNCTIONS[name].value(*map(np.asarray, args)), float(MEANT[name](*args)), rtol=1e-13)


@pytest.mark.parametrize(("name", "position"), [(n, i) for n, row in PARTIALS.items() for i, p in enumerate(row) if p])
def test_the_partials_are_those_of_mpmath(name: str, position: int) -> None:
    partial = PARTIALS[name][position]
    for args in POINTS.get(name, USUAL):
        with mpmath.workdps(40):
            exact = mpmath.diff(
                lambda t, args=args: MEANT[name](*args[:position], t, *args[position + 1 :]), mpmath.mpf(args[position])
            )
        arrays = [np.asarray(arg) for arg in args]
        found = partial(*arrays, FUNCTIONS[name].value(*arrays))
        np.testing.assert_allclose(found, float(exact.real), rtol=1e-12)
