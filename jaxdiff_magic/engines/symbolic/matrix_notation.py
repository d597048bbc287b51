"""Matrix expressions as a reader sees them: LaTeX for KaTeX and MathJax, Unicode text for terminals."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import sympy as sp

from jaxdiff_magic.engines.symbolic.matrix import (
    SCALAR,
    Apply,
    Diag,
    Diagonal,
    Element,
    Hadamard,
    Identity,
    Irrational,
    Kronecker,
    Matrix,
    Named,
    Ones,
    Power,
    Product,
    Scaled,
    Sum,
    TraceOf,
    Transpose,
    Unit,
    Vec,
    WholeArrayFunction,
    Zero,
    children,
    shape,
)
from jaxdiff_magic.engines.symbolic.matrix_algebra import scaled, unscaled
from jaxdiff_magic.engines.symbolic.matrix_style import LATEX, TEXT, Style

SUM, TERM, PRODUCT, FACTOR, ATOM = range(5)
"""How tightly a written value holds together: elementwise products less than products of matrices."""
RELATIONS = {">": ">", "≥": r"\ge", "<": "<", "≤": r"\le", "=": "=", "≠": r"\ne"}
TALL = (r"\frac", r"\sqrt", r"\begin", r"\left")
"""What needs brackets that grow."""


def text(m: Matrix) -> str:
    """A matrix expression on one line, for terminals.

    Example:
        >>> text(Transpose(Diag(Ones((2, None)))))
        'diag(𝟏)ᵀ'
    """
    return MatrixWriter(TEXT).written(m)[0]


def latex(m: Matrix) -> str:
    """A matrix expression in LaTeX, without delimiters."""
    is_taken = any(name.name in ("sigma", "σ") for name in _names(m))
    return MatrixWriter(LATEX, r"\operatorname{sigmoid}" if is_taken else r"\sigma").written(m)[0]


def _names(m: Matrix) -> Iterator[Named]:
    if isinstance(m, Named):
        yield m
    for child in children(m):
        yield from _names(child)


@dataclass(frozen=True)
class MatrixWriter:
    """Writes matrix expressions in one style; the sigmoid has a sign of its own where that is no name."""

    style: Style
    sigmoid: str = ""

    def written(self, m: Matrix) -> tuple[str, int]:
        """How a value is written, and how tightly that holds together."""
        style = self.style
        match m:
            case Named():
                return style.name(m.name), ATOM
            case Element():
                return style.subscript(style.name(m.of.name), ", ".join(map(str, m.indices))), ATOM
            case Irrational():
                return style.number(m.value), TERM
            case Zero():
                return "0", ATOM
            case Ones():
                return style.ones, ATOM
            case Identity():
                return "I", ATOM
            case Unit():
                return style.subscript("e", str(m.position)), ATOM
            case Transpose(WholeArrayFunction(name="inv", arguments=(of,))):
                return self.within(of, ATOM) + style.inverse_transposed, FACTOR
            case Transpose():
                return self.within(m.of, ATOM) + style.transposed, FACTOR
            case Product():
                return self._product(m)
            case Hadamard():
                return self._hadamard(m)
            case Scaled():
                return self._scaled(m)
            case Sum():
                return self._sum(m), SUM
            case Apply():
                return self._applied(m)
            case Power():
                return self._power(m)
            case Diag() | Diagonal():
                return self.call("diag", m.of), ATOM
            case TraceOf():
                if (root := _squared(m)) is not None:
                    return style.power(self._norm(root), "2"), FACTOR
                return self.call("tr", m.of), ATOM
            case Vec():
                return self.call("vec", m.of), ATOM
            case Kronecker(Identity(), Identity(), True):
                return style.commutation, ATOM
            case Kronecker():
                both = self.within(m.left, FACTOR) + style.kronecker + self.within(m.right, FACTOR)
                return (f"{style.commutation} {self.bracketed(both)}", PRODUCT) if m.commuted else (both, TERM)
            case WholeArrayFunction():
                return self._operation(m)

    def within(self, m: Matrix, at_least: int) -> str:
        """A value, in brackets where it would fall apart."""
        written, tightness = self.written(m)
        return written if tightness >= at_least else self.bracketed(written)

    def bracketed(self, written: str) -> str:
        is_tall = any(command in written for command in TALL)
        return rf"\left({written}\right)" if is_tall else f"({written})"

    def call(self, function: str, *arguments: Matrix) -> str:
        """A function applied."""
        inside = ", ".join(self.written(argument)[0] for argument in arguments)
        return self.style.function(function) + self.bracketed(inside)

    def _norm(self, of: Matrix) -> str:
        written = f"{self.style.norm[0]}{self.written(of)[0]}{self.style.norm[1]}"
        return written if None in shape(of) else f"{written}_F"

    def _product(self, m: Product) -> tuple[str, int]:
        if (root := _squared(m)) is not None and not isinstance(root, Named):
            return self.style.power(self._norm(root), "2"), FACTOR
        return self._chain([self.within(factor, FACTOR) for factor in m.factors]), PRODUCT

    def _chain(self, parts: list[str]) -> str:
        chain = parts[0]
        for part in parts[1:]:
            # no blank before a bracket that cannot be mistaken for that of a call
            tight = part.startswith(("(", r"\left(")) and chain.endswith((self.style.transposed, ")"))
            chain += part if tight else f" {part}"
        return chain

    def _hadamard(self, m: Hadamard) -> tuple[str, int]:
        above = [factor for factor in m.factors if not _is_reciprocal(factor)]
        below = [Power(f.base, -f.exponent) for f in m.factors if isinstance(f, Power) and _is_reciprocal(f)]
        bottom = [part.base if part.exponent == 1 else part for part in below]
        top = self.style.hadamard.join(self.within(f, PRODUCT) for f in above) if above else self.style.ones
        if not bottom:
            return top, TERM
        under = self.style.hadamard.join(self.within(f, FACTOR if self.style.is_latex else ATOM) for f in bottom)
        if self.style.is_latex:
            return self.style.fraction(top, under), FACTOR
        return f"{top} / {self.bracketed(under) if len(bottom) > 1 else under}", TERM

    def _scaled(self, m: Scaled) -> tuple[str, int]:
        style = self.style
        sign = "-" if m.coefficient < 0 else ""
        size = abs(m.coefficient)
        above = [s for s in m.scalars if not _is_reciprocal(s)]
        below = [s for s in m.scalars if _is_reciprocal(s)]
        if m.of is None and not above and not below:
            return sign + style.number(size), SUM if sign or (size.q != 1 and not style.is_latex) else ATOM
        parts = [self._squared_norm(s) or self.within(s, FACTOR) for s in above]
        if m.of is None and above and not below and self._squared_norm(above[-1]) is None:
            parts[-1] = self.within(above[-1], PRODUCT)  # 2 a'b: nothing follows that it could be mistaken for
        tightness = PRODUCT
        if m.of is not None:
            parts.append(self.within(m.of, TERM))
            tightness = min(PRODUCT, self.written(m.of)[1])
        tightness = SUM if sign else tightness
        front = self._front(size)
        if below:
            inverses = [self._inverse(s) for s in below]
            bottom = self._chain([self._squared_norm(s) or self.within(s, FACTOR) for s in inverses])
            if not style.is_latex and len(inverses) > 1:
                bottom = self.bracketed(bottom)
            if style.is_latex and len(parts) == 1 and m.of is not None:  # the bar holds it together
                parts = [self.written(m.of)[0]]
            top = self._chain(parts) if parts else "1"
            if not parts and size.p != 1:  # 2/x, not 2 1/x
                top, front = style.number(sp.Integer(size.p)), self._front(sp.Rational(1, size.q))
            parts = [style.fraction(top, bottom)]
        return sign + self._chain([*([front] if front else []), *parts]), tightness

    def _squared_norm(self, m: Matrix) -> str | None:
        root = _squared(m)
        return None if root is None else self.style.power(self._norm(root), "2")

    def _front(self, size: sp.Rational) -> str:
        """A positive number in front of something; nothing for 1."""
        if size == 1:
            return ""
        written = self.style.number(size)
        return self.bracketed(written) if "/" in written and not self.style.is_latex else written

    @staticmethod
    def _inverse(s: Matrix) -> Matrix:
        assert isinstance(s, Power)
        return s.base if s.exponent == -1 else Power(s.base, -s.exponent)

    def _sum(self, m: Sum) -> str:
        written = ""
        for place, term in enumerate(m.terms):
            by, scalars, body = unscaled(term)
            positive = scaled(abs(by), scalars, body)
            part = self.written(positive)[0] if not isinstance(positive, Sum) else self.within(positive, TERM)
            if not self.style.is_latex and isinstance(body, Ones) and not scalars:  # 1 - h, as a program has it
                part = self.style.number(abs(by))
            sign = ("-" if place == 0 else " - ") if by < 0 else ("" if place == 0 else " + ")
            written += sign + part
        return written

    def _applied(self, m: Apply) -> tuple[str, int]:
        if m.function in RELATIONS:
            left, right = (self.written(argument)[0] for argument in m.arguments)
            sign = RELATIONS[m.function] if self.style.is_latex else m.function
            opening, closing = self.style.indicator
            return f"{opening}{left} {sign} {right}{closing}", ATOM
        if m.function == "power":
            return self.style.power(self.within(m.arguments[0], ATOM), self.within(m.arguments[1], ATOM)), FACTOR
        if m.function == "sigmoid" and self.style.is_latex:
            return self.sigmoid + self.bracketed(self.written(m.arguments[0])[0]), ATOM
        if m.function == "abs":
            bars = (r"\left|", r"\right|") if self.style.is_latex else ("|", "|")
            return bars[0] + self.written(m.arguments[0])[0] + bars[1], ATOM
        return self.call(m.function, *m.arguments), ATOM

    def _power(self, m: Power) -> tuple[str, int]:
        root = _squared(m.base)
        if root is not None and shape(m.base) == SCALAR:
            norm, exponent = self._norm(root), 2 * m.exponent
            return (norm, ATOM) if exponent == 1 else (self.style.power(norm, self.style.number(exponent)), FACTOR)
        if m.exponent == sp.Rational(1, 2):
            if self.style.is_latex:
                return rf"\sqrt{{{self.written(m.base)[0]}}}", ATOM
            return self.call("sqrt", m.base), ATOM
        if _is_reciprocal(m):
            below = self._inverse(m)
            top = "1" if shape(m) == SCALAR else self.style.ones
            return self.style.fraction(top, self.within(below, SUM if self.style.is_latex else FACTOR)), TERM
        exponent = self.style.number(m.exponent)
        if None not in shape(m.base) and self.style.is_latex:
            exponent = rf"\odot {exponent}"
        elif None not in shape(m.base):
            return f"{self.within(m.base, ATOM)}^⊙{exponent}", FACTOR
        return self.style.power(self.within(m.base, ATOM), exponent), FACTOR

    def _operation(self, m: WholeArrayFunction) -> tuple[str, int]:
        if m.name == "inv":
            return self.within(m.arguments[0], ATOM) + self.style.inverse, FACTOR
        if m.name in ("logdet", "sign_det", "det"):
            sign = r"\det " if self.style.is_latex else "det "
            determinant = sign + self.within(m.arguments[0], ATOM)
            if m.name == "det":
                return determinant, PRODUCT
            if m.name == "logdet":
                bars = (r"\log \left|", r"\right|") if self.style.is_latex else ("log |", "|")
                return bars[0] + determinant + bars[1], PRODUCT
            return self.style.function("sign") + self.bracketed(determinant), ATOM
        return self.call(m.name, *m.arguments), ATOM


def _is_reciprocal(m: Matrix) -> bool:
    return isinstance(m, Power) and m.exponent < 0


def _squared(m: Matrix) -> Matrix | None:
    """x of x'x, or A of tr(A'A): whose squared norm it is."""
    inner = m.of if isinstance(m, TraceOf) else m
    if isinstance(inner, Product) and len(inner.factors) == 2 and shape(m) == SCALAR:
        left, right = inner.factors
        if left == Transpose(right):
            return right
        return left if right == Transpose(left) else None
    return None
