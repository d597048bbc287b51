"""Derivatives of scalar functions in forms that lose no digits, written down for error bounds and for the panel.

They are SymPy's derivatives of the formulas in `primitives/scalar.py`, with the value `v` where it occurs in them, or
the forms that are stated there, where SymPy's would lose digits or overflow. `shipped.py` writes them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import sympy as sp
from sympy import Expr, Function, Symbol
from sympy.parsing.sympy_parser import parse_expr

from jaxdiff_magic.engines.symbolic.functions import FORMULAS, Sigmoid
from jaxdiff_magic.primitives.scalar import SCALARS, ScalarFacts

a, b, v, x = sp.symbols("a b v x", real=True)

POLYGAMMAS = ("digamma", "trigamma", "tetragamma")
"""By their order."""
BY_HAND = frozenset(
    "pow polygamma zeta igamma igammac regularized_incomplete_beta bessel_i0e bessel_i1e stop_gradient".split()
)
"""Functions with cases, with a derivative by one argument only, or bounded by something simpler: what is needed of them
stands in `scalar_values.SIZES` and in `js/src/functions.ts`."""


def stated(text: str) -> Expr:
    """A derivative that is stated in the table."""
    return parse_expr(text, {"x": x, "v": v, "logistic": Sigmoid})


def slope(known: ScalarFacts) -> Expr:
    """dy/dx of a function of one number, in x and its value v."""
    formula = FORMULAS[known.name](x)
    return stated(known.slope) if known.slope else _in_value(sp.diff(formula, x), formula)


def bend(known: ScalarFacts) -> Expr:
    """The second derivative, likewise: that of the slope, by way of x and by way of v."""
    first, formula = slope(known), FORMULAS[known.name](x)
    if known.bend:
        return stated(known.bend)
    return _in_value(sp.diff(first, x) + sp.diff(first, v) * first, formula)


def _in_value(derivative: Expr, formula: Expr) -> Expr:
    """A derivative with the function itself written as v; an inverse function's is in that alone."""
    return derivative if isinstance(formula, sp.log) else derivative.subs(formula, v)


def of_two(known: ScalarFacts) -> dict[str, Expr]:
    """The first and second partial derivatives of a function of a and b: those by a, b, a a, a b and b b."""
    formula = FORMULAS[known.name](a, b)
    by = {"da": (a,), "db": (b,), "daa": (a, a), "dab": (a, b), "dbb": (b, b)}
    return {name: sp.factor(sp.diff(formula, *arguments)) for name, arguments in by.items()}


def unary() -> list[ScalarFacts]:
    """The smooth functions of one number whose derivatives are written down."""
    apart = BY_HAND | {"atan2"}
    return [known for name, known in SCALARS.items() if name in FORMULAS and not known.border and name not in apart]


@dataclass(frozen=True)
class Language:
    """How a derivative is written.

    Attributes:
        function: the text of a function's name.
        constants: the names of positive numbers.
    """

    function: Callable[[str], str]
    constants: Mapping[float, str] = field(default_factory=dict)

    def text(self, e: Expr) -> str:
        """An expression; a number that is no fraction of two is written in float64."""
        if isinstance(e, Symbol):
            return e.name
        if e.is_number:
            return str(e) if e.is_Integer else self._number(float(e))
        if isinstance(e, sp.Add):
            return "".join(self._terms(e))
        return self._product(e) if isinstance(e, (sp.Mul, sp.Pow)) else self._call(e)

    def _number(self, value: float) -> str:
        name = self.constants.get(abs(value), repr(abs(value)))
        return f"-{name}" if value < 0 else name

    def _terms(self, e: sp.Add) -> Iterator[str]:
        """What is added first, then what is subtracted."""
        signed = [(term.could_extract_minus_sign(), term) for term in e.as_ordered_terms()]
        for k, (negative, term) in enumerate(sorted(signed, key=lambda pair: pair[0])):
            yield (" - " if negative else " + ") if k else "-" if negative else ""
            yield self.text(-term if negative else term)

    def _product(self, e: Expr) -> str:
        """Numbers first, then what is above the line and what is below it."""
        number, rest = e.as_independent(Symbol, as_Add=False)
        above: list[str] = []
        below: list[str] = []
        for factor in sp.Mul.make_args(rest):
            base, exponent = (factor, sp.S.One) if isinstance(factor, sp.exp) else factor.as_base_exp()
            under = exponent.is_negative and (exponent.is_Integer or exponent == -sp.S.Half)
            (below if under else above).extend(self._power(base, -exponent if under else exponent))
        if number.is_Rational and below and not number.is_Integer:
            below.insert(0, str(number.q))
            number = sp.Integer(number.p)
        sign = "-" if number == -1 and above and "**" not in above[0] else ""
        if (number != 1 and not sign) or not above:
            above.insert(0, self.text(number))
        top, bottom = sign + " * ".join(above), " * ".join(below)
        if not below:
            return top
        return f"{f'({top})' if len(above) > 1 else top} / {f'({bottom})' if len(below) > 1 else bottom}"

    def _power(self, base: Expr, exponent: Expr) -> list[str]:
        """The factors of a power: small ones of a letter are multiplied out."""
        factor = f"({self.text(base)})" if isinstance(base, (sp.Add, sp.Mul, sp.Pow)) else self.text(base)
        if exponent == 1:
            return [factor]
        if exponent == sp.S.Half:
            return [f"{self.function('sqrt')}({self.text(base)})"]
        if exponent in (2, 3) and isinstance(base, Symbol):
            return [factor] * int(exponent)
        return [f"{factor} ** {self.text(exponent)}"]

    def _call(self, e: Expr) -> str:
        if isinstance(e, sp.polygamma):
            return f"{self.function(POLYGAMMAS[int(e.args[0])])}({self.text(e.args[1])})"
        assert isinstance(e, Function)
        name = next(name for name, made in FORMULAS.items() if made is e.func)
        return f"{self.function(name)}({', '.join(map(self.text, e.args))})"


_PYTHON = Language(lambda name: name)
_IN_MATH = frozenset("sqrt exp sin cos sinh cosh".split())
_TYPESCRIPT = Language(
    lambda name: f"Math.{name}" if name in _IN_MATH else name,
    {math.log(2): "Math.LN2", 1 / math.log(2): "Math.LOG2E"},
)

_PYTHON_HEAD = '''"""Derivatives of the scalar functions in forms that lose no digits.

Written by `python -m {command}`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from jaxdiff_magic.primitives.scalar import SCALARS

Slope = Callable[..., np.ndarray]

cos, cosh, digamma, exp, logistic, polygamma, sin, sinh, sqrt = (
    SCALARS[name].value for name in "cos cosh digamma exp logistic polygamma sin sinh sqrt".split()
)


def trigamma(x: np.ndarray) -> np.ndarray:
    """The derivative of digamma."""
    return polygamma(1, x)


SLOPES: Mapping[str, tuple[Slope, ...]] = {{
'''
_TYPESCRIPT_HEAD = """/** First and second derivatives, at x or (a, b) where the value is v; written by
 * `python -m {command}`. */

import {{ digamma, logistic, tetragamma, trigamma }} from "./special";

"""


def in_python(command: str) -> str:
    """The whole of `slopes.py`: the first derivatives of those functions that are classes of SymPy's."""
    rows = {known.name: [f"lambda x, v: {_PYTHON.text(slope(known))}"] for known in unary()}
    both = of_two(SCALARS["atan2"])
    rows["atan2"] = [f"lambda a, b, v: {_PYTHON.text(both[by])}" for by in ("da", "db")]
    entries = "".join(
        f'    "{name}": ({", ".join(row)}{"," * (len(row) == 1)}),\n'
        for name, row in rows.items()
        if isinstance(FORMULAS[name], type)
    )
    said = '"""Function to its partial derivatives, each of all arguments and the value v."""'
    return f"{_PYTHON_HEAD.format(command=command)}{entries}}}\n{said}\n"


def in_typescript(command: str) -> str:
    """The whole of `js/src/slopes.ts`."""
    lines = [_TYPESCRIPT_HEAD.format(command=command) + "export const slopes = {"]
    for known in unary():
        if known.in_browser:
            lines += _entry(known.name, ("x", "v"), {"d": slope(known), "dd": bend(known)})
    lines += _entry("atan2", ("a", "b", "v"), of_two(SCALARS["atan2"]))
    return "\n".join(lines) + "\n};\n"


def _entry(name: str, arguments: tuple[str, ...], derivatives: Mapping[str, Expr]) -> Iterator[str]:
    yield f"  {name}: {{"
    for key, e in derivatives.items():
        used = {symbol.name for symbol in e.free_symbols}
        last = max((k for k, letter in enumerate(arguments) if letter in used), default=-1)
        letters = [f"{letter if letter in used else f'_{letter}'}: number" for letter in arguments[: last + 1]]
        yield f"    {key}: ({', '.join(letters)}) => {_TYPESCRIPT.text(e)},"
    yield "  },"
