"""Partial derivatives of the scalar functions, derived by SymPy and written down as `reference/partials.py`.

`python -m jaxdiff_magic.engines.symbolic.shipped` derives them anew and rewrites that file, so that the reference
needs no SymPy when it runs. Each is written with the function's own value `y` where it occurs, which saves its
evaluation.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import sympy as sp
from sympy.printing.str import StrPrinter

from jaxdiff_magic.engines.symbolic import shipped_slopes
from jaxdiff_magic.engines.symbolic.functions import FORMULAS, elementary
from jaxdiff_magic.primitives.scalar import SCALARS

COMMAND = "jaxdiff_magic.engines.symbolic.shipped"
SHIPPED = Path(__file__).parents[1] / "reference" / "partials.py"

a, b, c, x, y = sp.symbols("a b c x y", real=True)


lgamma, bessel_i, bessel_i0e, bessel_i1e = map(sp.Function, ("lgamma", "bessel_i", "bessel_i0e", "bessel_i1e"))
"""Functions that SymPy lacks, by the names of the reference."""


def _by_inverse(inverse: sp.Expr) -> sp.Expr:
    """dy/dx where x = inverse(y)."""
    return 1 / sp.diff(inverse, y)


def _in_value(formula: sp.Expr) -> sp.Expr:
    """The derivative of an expression in x, with the expression itself written as y."""
    derivative = sp.diff(elementary(formula), x)
    return derivative if isinstance(formula, sp.log) else derivative.subs(formula, y)


def _log_gamma_form(e: sp.Expr) -> sp.Expr:
    """Products of powers and gamma functions as the exponential of a sum, which does not overflow."""
    logarithm = sp.expand_log(sp.log(e.rewrite(sp.gamma)), force=True)
    return sp.exp(logarithm.replace(sp.gamma, lambda t: sp.exp(lgamma(t))).replace(sp.log, _log))


def _log(e: sp.Expr) -> sp.Expr:
    return e.args[0] if isinstance(e, sp.exp) else sp.log(e)


def partials() -> Mapping[str, tuple[sp.Expr | None, ...]]:
    """For each function its partial derivatives, in its arguments (x, or a, b, c) and its value y."""
    stated = {**{name: (e,) for name, e in _better().items()}, **_several()}
    return {
        name: stated[name] if name in stated else (_in_value(FORMULAS[name](x)),)
        for name, known in SCALARS.items()
        if known.digits is not None
    }


def _better() -> Mapping[str, sp.Expr]:
    """Derivatives of functions that SymPy lacks, or of which the reference has a better form."""
    return {
        "power": a * sp.Function("power")(x, a - 1),
        "cbrt": _by_inverse(y**3),
        "acosh": 1 / sp.sqrt(sp.expand((x - 1) * (x + 1))),
        "logistic": y * (1 - y),
        "bessel_i": sp.diff(sp.besseli(a, x), x).replace(sp.besseli, lambda order, at: bessel_i(at, order)),
        "bessel_i0e": bessel_i1e(x) - sp.sign(x) * y,
        "bessel_i1e": bessel_i0e(x) - y * (sp.sign(x) + 1 / x),
    }


def _several() -> Mapping[str, tuple[sp.Expr | None, ...]]:
    """Those of functions of several numbers, where they are known."""
    return {
        "pow": (b * sp.Function("pow_below")(a, b), y * sp.log(a)),
        "atan2": (sp.diff(sp.atan2(a, b), a), sp.diff(sp.atan2(a, b), b)),
        "polygamma": (None, sp.diff(sp.polygamma(a, b), b)),
        "zeta": (None, -a * sp.zeta(a + 1, b)),
        "igamma": (None, _log_gamma_form(sp.diff(sp.lowergamma(a, b) / sp.gamma(a), b))),
        "igammac": (None, -_log_gamma_form(-sp.diff(sp.uppergamma(a, b) / sp.gamma(a), b))),
        "regularized_incomplete_beta": (
            None,
            None,
            _log_gamma_form(c ** (a - 1) * (1 - c) ** (b - 1) * sp.gamma(a + b) / (sp.gamma(a) * sp.gamma(b))),
        ),
    }


class _Python(StrPrinter):
    """Python over numbers of the reference: powers as calls, so that constants stay constants."""

    def _print_Pow(self, e: sp.Pow, rational: bool = False) -> str:
        del rational
        return f"power({self._print(e.base)}, {_constant(e.exp)})"

    def _print_exp(self, e: sp.exp) -> str:
        return f"exp({self._print(e.args[0])})"

    def _print_Mul(self, e: sp.Mul) -> str:
        return " * ".join(
            f"({self._print(arg)})" if arg.is_Add else _constant(arg) if arg.is_number else self._print(arg)
            for arg in e.args
        )

    def _print_polygamma(self, e: sp.polygamma) -> str:
        return f"polygamma({self._print(e.args[0])}, {self._print(e.args[1])})"

    def _print_digamma(self, e: sp.digamma) -> str:
        return f"digamma({self._print(e.args[0])})"


def _constant(e: sp.Expr) -> str:
    """A number: as Python has it where that is exact, else by its name in `precise_functions.CONSTANTS`."""
    if e.is_Integer:
        return str(e)
    if e.is_Rational and e.q & (e.q - 1) == 0:
        return repr(float(e))
    return f"constant('{e}', y)" if e.is_number else _Python().doprint(e)


def text() -> str:
    """The whole of `reference/partials.py`."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    derived = partials()
    yield f'"""Partial derivatives of the scalar functions, written by `python -m {COMMAND}`."""'
    yield ""
    yield "# ruff: noqa: E501"
    yield "# fmt: off"
    yield ""
    yield "from __future__ import annotations"
    yield ""
    yield "from collections.abc import Callable, Mapping"
    yield "from typing import Any"
    yield ""
    yield "from jaxdiff_magic.engines.reference.dispatch import ("
    printed = {name: [None if e is None else _Python().doprint(e) for e in row] for name, row in derived.items()}
    everything = " ".join(filter(None, (text for row in printed.values() for text in row)))
    used = {word for word in everything.replace("(", " ( ").split() if word.isidentifier()}
    for word in sorted(used - {"a", "b", "c", "x", "y"}):
        yield f"    {word},"
    yield ")"
    yield ""
    yield "Partial = Callable[..., Any]"
    yield ""
    yield "PARTIALS: Mapping[str, tuple[Partial | None, ...]] = {"
    for name, row in printed.items():
        arguments = (
            ["x", "a", "y"]
            if name in ("power", "bessel_i")
            else ["x", "y"]
            if len(row) == 1
            else [*"abc"[: len(row)], "y"]
        )
        entries = (
            "None" if text is None else f"lambda {', '.join(arguments)}: {text}"  # one line for each
            for text in row
        )
        yield f'    "{name}": ('
        for entry in entries:
            yield f"        {entry},"
        yield "    ),"
    yield "}"
    yield '"""Function to its partial derivatives, each of all arguments and the value y; None where none is known."""'


FILES = {
    SHIPPED: text,
    Path(__file__).with_name("slopes.py"): lambda: shipped_slopes.in_python(COMMAND),
    Path(__file__).parents[3] / "js" / "src" / "slopes.ts": lambda: shipped_slopes.in_typescript(COMMAND),
}
"""What is written, and how."""

if __name__ == "__main__":
    for file, written in FILES.items():
        file.write_text(written())
