"""Formulas as a reader sees them: LaTeX for notebooks, plain text for terminals."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import sympy as sp
from sympy.printing.latex import LatexPrinter
from sympy.printing.precedence import PRECEDENCE
from sympy.printing.str import StrPrinter

from jaxdiff_magic.formula import Formula
from jaxdiff_magic.symbolic.expression import Index, free, standard
from jaxdiff_magic.symbolic.program import Definition
from jaxdiff_magic.wrappers import as_latex

LETTERS = ("i", "j", "k", "l", "m", "n", "p", "q", "r", "s", "t", "u", "v", "w")


def scalar_formula(e: sp.Expr) -> Formula:
    """An expression without index symbols, such as a component."""
    return Formula(_latex(e), _text(e), standard(e))


def typed(e: sp.Expr) -> sp.Expr:
    """`e` with float literals as exactly what was typed for them: 1/10, not 13421773/134217728."""
    return e.xreplace({r: sp.Rational(text) for r in e.atoms(sp.Rational) if (text := _decimal(r)) is not None})


def short_formula(e: sp.Expr) -> Formula:
    """As `scalar_formula`, fractions with few decimals written so, `0.001*cos(x)`, not `cos(x)/1000`; halves remain."""
    fractions = [r for r in e.atoms(sp.Rational) if r.q > 64 or r.q % 5 == 0]
    short = {r: sp.Float(text) for r in fractions if sp.Rational(text := f"{float(r):.6g}") == r}
    return scalar_formula(e.xreplace(short))


def definition_formula(definition: Definition, name: str = "") -> Formula:
    """A definition in index notation: `f[i] = Sum(A[i, j]*x[j], (j, 0, 2))`."""
    e, indices = lettered(definition)
    text, latex = _text(e), _latex(e)
    left = name or definition.array.name
    if indices:
        left_text = f"{left}[{', '.join(index.name for index in indices)}]"
        left_latex = f"{{{latex_name(left)}}}_{{{' '.join(index.name for index in indices)}}}"
    else:
        left_text, left_latex = left, latex_name(left)
    return Formula(f"{left_latex} = {latex}", f"{left_text} = {text}", standard(e))


def derivative_formula(definition: Definition, output: str, inputs: Sequence[str]) -> Formula:
    """A derivative in index notation, its left side a quotient of differentials.

    Args:
        definition: of shape `output.shape + inputs[0].shape + …`.
        output, inputs: their names.
    """
    e, letters = lettered(definition)
    power = str(len(inputs)) if len(inputs) > 1 else ""
    text = f"d{power}{output}/{' '.join('d' + name for name in inputs)}"
    below = r"\, ".join(rf"\partial {latex_name(name)}" for name in inputs)
    latex = rf"\frac{{\partial{power and '^' + power} {latex_name(output)}}}{{{below}}}"
    if letters:
        text += f"[{', '.join(letter.name for letter in letters)}]"
        latex = rf"\left({latex}\right)_{{{' '.join(letter.name for letter in letters)}}}"
    return Formula(f"{latex} = {_latex(e)}", f"{text} = {_text(e)}", standard(e))


def lettered(definition: Definition) -> tuple[sp.Expr, list[Index]]:
    """The expression with readable index letters, and those of its free indices."""
    taken = {symbol.name for symbol in free(definition.expr)}
    letters = (letter for letter in (*LETTERS, *(f"i{k}" for k in range(99))) if letter not in taken)
    names = {index: Index(index.size, next(letters)) for index in definition.indices}
    for node in sp.preorder_traversal(definition.expr):
        if isinstance(node, Index) and node not in names:
            names[node] = Index(node.size, next(letters))
    return definition.expr.xreplace(names), [names[index] for index in definition.indices]


def array_formula(entries: np.ndarray) -> Formula:
    """An array of component formulas as one vector or matrix (nested lists beyond two axes)."""
    formulas = entries if entries.ndim else entries.reshape(())
    if formulas.ndim == 0:
        return formulas.item()
    text = _nested(formulas)
    expressions = np.vectorize(lambda formula: formula.sympy, otypes=[object])(formulas)
    if formulas.ndim > 2:
        return Formula(rf"\text{{{len(formulas.shape)}-dimensional array}}", text, sp.Array(expressions.tolist()))
    rows = formulas.reshape(formulas.shape[0], formulas[:1].size)
    body = r" \\ ".join(" & ".join(entry.latex for entry in row) for row in rows)
    return Formula(rf"\begin{{bmatrix}} {body} \end{{bmatrix}}", text, sp.Matrix(expressions.tolist()))


def grouped_formula(parts: Mapping[str, Formula]) -> Formula:
    """Several blocks, each under its name; a single one as it is."""
    if len(parts) == 1:
        return next(iter(parts.values()))
    latex = r" \\ ".join(f"{name} &: {part.latex}" for name, part in ((latex_name(n), p) for n, p in parts.items()))
    return Formula(
        rf"\begin{{aligned}} {latex} \end{{aligned}}",
        "\n".join(f"{name}: {part.text}" for name, part in parts.items()),
        {name: part.sympy for name, part in parts.items()},
    )


def text_number(value: sp.Expr) -> str:
    """A number as the user wrote it: `0.1`, `1/100`."""
    return _text(value)


def latex_number(value: sp.Expr) -> str:
    """A number as the user wrote it, in LaTeX."""
    return _latex(value)


def latex_name(name: str) -> str:
    """A name of the user's code as mathematics: `x`, `\\theta`, `\\mathrm{params}_{W}`, `x_{0}`."""
    if (made := as_latex(name, latex_name)) is not None:
        return made
    match = re.fullmatch(r"([^\[.]*)((?:\[[^\]]*\]|\.\w+)*)", name)
    if match is None:
        return rf"\mathrm{{{_escaped(name)}}}"
    root, keys = match.groups()
    parts = [part.strip("[].'\"") for part in re.findall(r"\[[^\]]*\]|\.\w+", keys)]
    printed = _latex_word(root)
    return f"{printed}_{{{','.join(map(_latex_word, parts))}}}" if parts else printed


def _latex_word(word: str) -> str:
    base, _, suffix = word.partition("_")
    if suffix and base:
        return (
            f"{_latex_word(base)}_{{{_latex_word(suffix.replace('_', ' '))}}}"
            if not suffix.count("_")
            else rf"\mathrm{{{_escaped(word)}}}"
        )
    if len(word) <= 1 or word.isdigit():
        return _escaped(word)
    if word in GREEK:
        return f"\\{word}"
    if re.fullmatch(r"[A-Za-z]\d+", word):
        return f"{word[0]}_{{{word[1:]}}}"
    return rf"\mathrm{{{_escaped(word)}}}"


GREEK = frozenset(
    "alpha beta gamma delta epsilon zeta eta theta kappa lambda mu nu xi pi rho sigma tau phi chi psi omega".split()
)


def _escaped(word: str) -> str:
    return re.sub(r"([_#$%&{}])", r"\\\1", word)


def _nested(formulas: np.ndarray) -> str:
    if formulas.ndim == 0:
        return str(formulas.item())
    return (
        f"[{', '.join(_nested(part) for part in formulas)}]"
        if formulas.ndim > 1
        else (f"[{', '.join(entry.text for entry in formulas)}]")
    )


def _text(e: sp.Expr) -> str:
    return _Text({"full_prec": False}).doprint(_with_decimals(e))


def _latex(e: sp.Expr) -> str:
    return _Latex({"fold_short_frac": False, "full_prec": False}).doprint(_with_decimals(e))


def _with_decimals(e: sp.Expr) -> sp.Expr:
    """`e` with float literals as the user wrote them: 0.1, not 13421773/134217728."""
    literals = {r: sp.Float(text) for r in e.atoms(sp.Rational) if (text := _decimal(r)) is not None}
    return e.xreplace(literals)


def _decimal(value: sp.Rational) -> str | None:
    """How the user wrote a float literal; None for a rational that reads well as a fraction."""
    if value.q <= 64 or (value.q < 10_000 and value.q & (value.q - 1)):
        return None
    number = float(value)
    single = np.float32(number)
    return str(single) if float(single) == number else f"{number:.12g}"


class _Text(StrPrinter):
    def _print_Delta(self, e: Any) -> str:
        return f"δ({self._print(e.args[0])}, {self._print(e.args[1])})"

    def _print_Within(self, e: Any) -> str:
        return f"[{e.args[1]} <= {self._print(e.args[0])} <= {e.args[2]}]"

    def _print_Dummy(self, e: sp.Dummy) -> str:
        return e.name

    def _print_IndexSum(self, e: Any) -> str:
        limits = ", ".join(f"({i.name}, 0, {i.size - 1})" for i in e.indices)
        return f"Sum({self._print(e.body)}, {limits})"

    def _print_Truth(self, e: Any) -> str:
        return f"[{self._print(e.args[0])}]"

    def _print_Choice(self, e: Any) -> str:
        condition, yes, no = map(self._print, e.args)
        return f"({yes} if {condition} else {no})"

    def _print_Equality(self, e: Any) -> str:
        return f"{self._print(e.lhs)} == {self._print(e.rhs)}"

    def _print_Unequality(self, e: Any) -> str:
        return f"{self._print(e.lhs)} != {self._print(e.rhs)}"

    def _print_Heaviside(self, e: sp.Heaviside) -> str:
        return f"[{self._print(e.args[0])} > 0]"

    def _print_Frozen(self, e: Any) -> str:
        return f"stop_gradient({self._print(e.args[0])})"

    def _print_Sigmoid(self, e: Any) -> str:
        return f"sigmoid({self._print(e.args[0])})"

    def _print_Log1p(self, e: Any) -> str:
        return f"log(1 + {self._print(e.args[0])})"

    def _print_Expm1(self, e: Any) -> str:
        return f"(exp({self._print(e.args[0])}) - 1)"


class _Latex(LatexPrinter):
    def _print_Symbol(self, e: sp.Symbol, style: str = "plain") -> str:
        return latex_name(e.name)

    def _print_Dummy(self, e: sp.Dummy) -> str:
        return latex_name(e.name)

    def _print_Indexed(self, e: sp.Indexed) -> str:
        name = latex_name(e.base.label.name)
        indices = ",".join(self._print(index) for index in e.indices)
        return f"{name[:-1]},{indices}}}" if "_{" in name else f"{name}_{{{indices}}}"

    def _print_Delta(self, e: Any, exp: str | None = None) -> str:
        return rf"\delta_{{{self._print(e.args[0])},{self._print(e.args[1])}}}"

    def _print_Within(self, e: Any, exp: str | None = None) -> str:
        return rf"\left[{e.args[1]} \le {self._print(e.args[0])} \le {e.args[2]}\right]"

    def _print_IndexSum(self, e: Any) -> str:
        sums = " ".join(rf"\sum_{{{i.name}=0}}^{{{i.size - 1}}}" for i in e.indices)
        return f"{sums} {self.parenthesize(e.body, PRECEDENCE['Mul'])}"

    def _print_Truth(self, e: Any, exp: str | None = None) -> str:
        return rf"\left[{self._print(e.args[0])}\right]"

    def _print_Choice(self, e: Any, exp: str | None = None) -> str:
        condition, yes, no = map(self._print, e.args)
        cases = rf"\begin{{cases}} {yes} & \text{{if }} {condition} \\ {no} & \text{{otherwise}} \end{{cases}}"
        return self._power(rf"\left({cases}\right)", exp) if exp else cases

    def _print_Heaviside(self, e: sp.Heaviside, exp: str | None = None) -> str:
        return rf"\left[{self._print(e.args[0])} > 0\right]"

    def _print_Frozen(self, e: Any, exp: str | None = None) -> str:
        return self._power(rf"\operatorname{{sg}}\left({self._print(e.args[0])}\right)", exp)

    def _print_Sigmoid(self, e: Any, exp: str | None = None) -> str:
        return self._power(rf"\sigma\left({self._print(e.args[0])}\right)", exp)

    def _print_Log1p(self, e: Any, exp: str | None = None) -> str:
        return self._power(rf"\log\left(1 + {self._print(e.args[0])}\right)", exp)

    def _print_Expm1(self, e: Any, exp: str | None = None) -> str:
        return self._power(rf"\left(e^{{{self._print(e.args[0])}}} - 1\right)", exp)

    def _power(self, printed: str, exponent: str | None) -> str:
        return f"{{{printed}}}^{{{exponent}}}" if exponent else printed
