"""A matrix form as an equation, and what its names stand for: `df/dW = 2 (1 - h²) xᵀ, where h = tanh(W x)`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from jaxdiff_magic.engines.symbolic.explanations import constants, with_where
from jaxdiff_magic.engines.symbolic.expression import standard
from jaxdiff_magic.engines.symbolic.matrix import Element, Kronecker, Matrix, Named, children
from jaxdiff_magic.engines.symbolic.matrix_form import MatrixForm
from jaxdiff_magic.engines.symbolic.matrix_notation import latex, text
from jaxdiff_magic.engines.symbolic.program import Definition, Program
from jaxdiff_magic.report.formula import Formula
from jaxdiff_magic.subject.latex_names import latex_name
from jaxdiff_magic.subject.leaves import Leaf


def matrix_equation(
    form: MatrixForm,
    program: Program,
    definition: Definition,
    output: Leaf,
    inputs: Sequence[Leaf],
    is_transposed: bool,
) -> Formula:
    """A function (no inputs) or a derivative in matrix notation.

    Args:
        form: what it is equal to.
        program, definition: the same in index notation.
        output, inputs: the leaf that is differentiated, and by which.
        is_transposed: whether rows are inputs and columns outputs.
    """
    left_text, left_latex = _left(form, output, inputs, is_transposed)
    right_text, right_latex = text(form.value), latex(form.value)
    values = (form.value, *(name.definition for name in form.names if name.definition is not None))
    mentioned = {part.name for value in values for part in _parts(value) if isinstance(part, Named)}
    mentioned |= {part.of.name for value in values for part in _parts(value) if isinstance(part, Element)}
    explanations = map(Formula, _explanations(form, latex, True), _explanations(form, text, False))
    equation = Formula(
        f"{left_latex} = {right_latex}", f"{left_text} = {right_text}", standard(definition.expr), "matrix"
    )
    return with_where(equation, [*explanations, *constants(program.constants, mentioned)])


def _left(form: MatrixForm, output: Leaf, inputs: Sequence[Leaf], is_transposed: bool) -> tuple[str, str]:
    """The left side: the function's name, or a quotient of differentials."""

    def stacked(leaf: Leaf, of: str, sign: str) -> str:
        return f"{sign}({of})" if form.is_block and len(leaf.shape) == 2 else of

    if not inputs:
        return output.name, latex_name(output.name)
    power = str(len(inputs)) if len(inputs) > 1 else ""
    above = stacked(output, output.name, "vec")
    below = " ".join("d" + stacked(leaf, leaf.name, "vec") for leaf in inputs)
    left = f"d{power}{above}/{below}"
    vec = r"\operatorname{vec}"
    above = ("" if form.is_block and len(output.shape) == 2 else " ") + stacked(output, latex_name(output.name), vec)
    below = r"\, ".join(rf"\partial {stacked(leaf, latex_name(leaf.name), vec)}" for leaf in inputs)
    left_latex = rf"\frac{{\partial{power and '^' + power}{above}}}{{{below}}}"
    return (f"({left})ᵀ", rf"\left({left_latex}\right)^{{\top}}") if is_transposed else (left, left_latex)


def _explanations(form: MatrixForm, written: Callable[[Matrix], str], in_latex: bool) -> Iterator[str]:
    for name in form.names:
        assert name.definition is not None
        yield f"{written(name)} = {written(name.definition)}"
    for left, right in form.conditions:
        yield f"{written(left)} = {written(right)}"
    for array in form.binary:
        yield rf"{written(array)} \text{{ has only 0 and 1}}" if in_latex else f"{written(array)} has only 0 and 1"
    if form.is_block and any(isinstance(part, Kronecker) and part.commuted for part in _parts(form.value)):
        yield r"K \operatorname{vec}(Z) = \operatorname{vec}(Z^{\top})" if in_latex else "K vec(Z) = vec(Zᵀ)"
    if form.is_block:
        yield r"\text{vec stacks the rows}" if in_latex else "vec stacks the rows"


def _parts(m: Matrix) -> Iterator[Matrix]:
    yield m
    for child in children(m):
        yield from _parts(child)
