"""Formulas as a reader sees them: LaTeX for notebooks, plain text for terminals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import sympy as sp
from sympy.printing.latex import LatexPrinter
from sympy.printing.precedence import PRECEDENCE
from sympy.printing.str import StrPrinter

from jaxdiff_magic.engines.symbolic.expression import Choice, Index, IndexSum, free, standard
from jaxdiff_magic.engines.symbolic.program import Definition
from jaxdiff_magic.report.formula import Formula
from jaxdiff_magic.subject.latex_names import indexed, latex_name

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
    else:
        left_text = left
    left_latex = indexed(latex_name(left), [index.name for index in indices])
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
        latex = rf"\left({latex}\right)_{{{','.join(letter.name for letter in letters)}}}"
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
    array = sp.Array if formulas.ndim > 2 else sp.Matrix
    return Formula(_latex_array(formulas), text, array(expressions.tolist()))


def _latex_array(formulas: np.ndarray) -> str:
    """A vector as a column, a matrix, and what has more axes as a list of those."""
    if formulas.ndim > 2:
        parts = r",\; ".join(map(_latex_array, formulas))
        return rf"\left[{parts}\right]"
    rows = formulas.reshape(formulas.shape[0], formulas[:1].size)
    body = r" \\ ".join(" & ".join(entry.latex for entry in row) for row in rows)
    return rf"\begin{{bmatrix}} {body} \end{{bmatrix}}"


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
    printer = _Latex({"fold_short_frac": False, "full_prec": False})
    printer.taken = frozenset(latex_name(symbol.name) for symbol in free(e))
    return printer.doprint(_with_decimals(e))


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

    def _print_LogAddExp(self, e: Any) -> str:
        x, y = map(self._print, e.args)
        return f"log(1 + exp({x}))" if e.args[1] == 0 else f"log(exp({x}) + exp({y}))"

    def _print_Rounded(self, e: Any) -> str:
        return f"round({self._print(e.args[0])})"

    def _print_Expm1(self, e: Any) -> str:
        return f"(exp({self._print(e.args[0])}) - 1)"


class _Latex(LatexPrinter):
    """Signs that are names of the reader's, too, give way to words: e, σ and δ.

    Attributes:
        taken: the reader's names, as they are written.
    """

    taken: frozenset[str] = frozenset()

    def _exp(self, exponent: Any) -> str:
        written = self._print(exponent)
        return rf"\exp\left({written}\right)" if "e" in self.taken else f"e^{{{written}}}"

    def _print_ExpBase(self, e: sp.exp, exp: str | None = None) -> str:
        return self._power(self._exp(e.args[0]), exp)

    def _print_Symbol(self, e: sp.Symbol, style: str = "plain") -> str:
        return latex_name(e.name)

    def _print_Dummy(self, e: sp.Dummy) -> str:
        return latex_name(e.name)

    def _print_Indexed(self, e: sp.Indexed) -> str:
        return indexed(latex_name(e.base.label.name), [self._print(index) for index in e.indices])

    def parenthesize(self, item: Any, level: int, is_neg: bool = False, strict: bool = False) -> str:
        """SymPy takes what it does not know for an atom, which an exponent may follow."""
        if isinstance(item, (IndexSum, Choice)) and (level > PRECEDENCE["Mul"] or not strict):
            return rf"\left({self._print(item)}\right)"
        return super().parenthesize(item, level, is_neg=is_neg, strict=strict)

    def _needs_mul_brackets(self, expr: Any, first: bool = False, last: bool = False) -> bool:
        """A sum ends where the product does that it is in; so one that others follow stands in brackets."""
        if isinstance(expr, (IndexSum, Choice)):
            return not last or isinstance(expr, Choice)
        return super()._needs_mul_brackets(expr, first=first, last=last)

    def _print_Delta(self, e: Any, exp: str | None = None) -> str:
        a, b = map(self._print, e.args)
        return rf"\left[{a} = {b}\right]" if r"\delta" in self.taken else rf"\delta_{{{a},{b}}}"

    def _print_Within(self, e: Any, exp: str | None = None) -> str:
        return rf"\left[{e.args[1]} \le {self._print(e.args[0])} \le {e.args[2]}\right]"

    def _print_IndexSum(self, e: Any) -> str:
        sums = " ".join(rf"\sum_{{{i.name}=0}}^{{{i.size - 1}}}" for i in e.indices)
        return f"{sums} {self.parenthesize(e.body, PRECEDENCE['Mul'], strict=True)}"

    def _print_Truth(self, e: Any, exp: str | None = None) -> str:
        return rf"\left[{self._print(e.args[0])}\right]"

    def _print_Choice(self, e: Any, exp: str | None = None) -> str:
        condition, yes, no = map(self._print, e.args)
        cases = rf"\begin{{cases}} {yes} & \text{{if }} {condition} \\ {no} & \text{{otherwise}} \end{{cases}}"
        return self._power(cases, exp)

    def _print_Heaviside(self, e: sp.Heaviside, exp: str | None = None) -> str:
        return rf"\left[{self._print(e.args[0])} > 0\right]"

    def _print_Frozen(self, e: Any, exp: str | None = None) -> str:
        return self._power(rf"\operatorname{{sg}}\left({self._print(e.args[0])}\right)", exp)

    def _print_Sigmoid(self, e: Any, exp: str | None = None) -> str:
        name = r"\operatorname{sigmoid}" if r"\sigma" in self.taken else r"\sigma"
        return self._power(rf"{name}\left({self._print(e.args[0])}\right)", exp)

    def _print_Log1p(self, e: Any, exp: str | None = None) -> str:
        return self._power(rf"\log\left(1 + {self._print(e.args[0])}\right)", exp)

    def _print_LogAddExp(self, e: Any, exp: str | None = None) -> str:
        x, y = map(self._exp, e.args)
        both = f"1 + {x}" if e.args[1] == 0 else f"{x} + {y}"
        return self._power(rf"\log\left({both}\right)", exp)

    def _print_Rounded(self, e: Any, exp: str | None = None) -> str:
        return self._power(rf"\operatorname{{round}}\left({self._print(e.args[0])}\right)", exp)

    def _print_Expm1(self, e: Any, exp: str | None = None) -> str:
        printed = f"{self._exp(e.args[0])} - 1"
        return self._power(printed, exp) if exp else rf"\left({printed}\right)"

    def _power(self, printed: str, exponent: str | None) -> str:
        return rf"{{\left({printed}\right)}}^{{{exponent}}}" if exponent else printed
