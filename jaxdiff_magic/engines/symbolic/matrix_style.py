"""The signs of matrix notation: LaTeX for KaTeX and MathJax, Unicode for terminals."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import sympy as sp

from jaxdiff_magic.engines.symbolic.notation import latex_number, text_number
from jaxdiff_magic.subject.latex_names import indexed, latex_name

SUPERSCRIPTS = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")
LATEX_FUNCTIONS = frozenset("exp log sin cos tan sinh cosh tanh arcsin arccos arctan max min det".split())


@dataclass(frozen=True)
class Style:
    """The signs of one way of writing.

    Attributes:
        name, element, number: how a name, an element of an array, and a rational number are written.
        function: a function's name.
        power: a base and an exponent, both written.
        fraction: numerator and denominator, both written.
        norm: around a value.
        transposed, ones, identity, unit, times, kronecker, commutation: signs.
    """

    name: Callable[[str], str]
    number: Callable[[sp.Expr], str]
    function: Callable[[str], str]
    power: Callable[[str, str], str]
    fraction: Callable[[str, str], str]
    subscript: Callable[[str, str], str]
    norm: tuple[str, str]
    indicator: tuple[str, str]
    transposed: str
    inverse: str
    inverse_transposed: str
    ones: str
    hadamard: str
    kronecker: str
    commutation: str
    is_latex: bool


def _text_power(base: str, exponent: str) -> str:
    if exponent.lstrip("-").isdigit():
        return base + exponent.translate(SUPERSCRIPTS)
    return f"{base}^({exponent})" if "/" in exponent else f"{base}^{exponent}"


def _latex_power(base: str, exponent: str) -> str:
    """The exponent beside all of its base: without braces, a bar alone would carry it."""
    return f"{base}^{{{exponent}}}" if len(base) == 1 else f"{{{base}}}^{{{exponent}}}"


TEXT = Style(
    name=lambda name: name,
    number=text_number,
    function=lambda name: name,
    power=_text_power,
    fraction=lambda above, below: f"{above}/{below}",
    subscript=lambda name, index: f"{name}[{index}]",
    norm=("‖", "‖"),
    indicator=("[", "]"),
    transposed="ᵀ",
    inverse="⁻¹",
    inverse_transposed="⁻ᵀ",
    ones="𝟏",
    hadamard=" ⊙ ",
    kronecker=" ⊗ ",
    commutation="K",
    is_latex=False,
)
LATEX = Style(
    name=latex_name,
    number=latex_number,
    function=lambda name: (
        f"\\{name}" if name in LATEX_FUNCTIONS else rf"\operatorname{{{name.replace('_', chr(92) + '_')}}}"
    ),
    power=_latex_power,
    fraction=lambda above, below: rf"\frac{{{above}}}{{{below}}}",
    subscript=lambda name, index: indexed(name, [index.replace(", ", ",")]),
    norm=(r"\lVert ", r" \rVert"),
    indicator=(r"\left[", r"\right]"),
    transposed=r"^{\top}",
    inverse="^{-1}",
    inverse_transposed=r"^{-\top}",
    ones=r"\mathbf{1}",
    hadamard=r" \odot ",
    kronecker=r" \otimes ",
    commutation="K",
    is_latex=True,
)
