"""A formula as a reader sees it, in LaTeX and as text."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from jaxdiff_magic.base.copies import Data, Unsaved, saved
from jaxdiff_magic.report.mathml import formula_html

Notation = Literal["auto", "component", "index", "matrix", "steps"]


@dataclass(frozen=True, eq=False)
class Formula(Data):
    """One formula as a reader sees it.

    Attributes:
        latex: LaTeX without delimiters, in the subset that KaTeX and MathJax share.
        text: the same on one line, for terminals.
        sympy: the SymPy object (expression, matrix or tuple of them); None for steps.
        notation: which one it is written in, where that is known.
    """

    latex: str
    text: str
    sympy: Any = field(default=None, compare=False)
    notation: Notation = "auto"

    UNSAVED: ClassVar[Unsaved] = {"sympy": lambda _, found: saved(found)}

    def __str__(self) -> str:
        return self.text

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        latex = f"$\\displaystyle {self.latex}$"
        return {"text/plain": self.text, "text/latex": latex, "text/html": formula_html(self.latex, self.text)}
