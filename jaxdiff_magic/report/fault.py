"""What a report says of a step whose derivative rule is wrong."""

from __future__ import annotations

from dataclasses import dataclass

from jaxdiff_magic.report.formula import Formula


@dataclass(frozen=True)
class Fault:
    """A step whose derivative rule is not the derivative of the code that it stands for.

    Attributes:
        name: of the function, or the primitive.
        kind: "custom_jvp", "custom_vjp", "primitive", or "transpose" of a step that brings its own.
        defect: "derivative", "second derivative", "not linear", "not finite" (where the derivative of the code is),
            "value" (the rule returns another value than the function) or "fails" (JAX refuses the rule).
        where, source: the line where it is called, and its text; "" when unknown.
        defined: where the function is defined.
        rule, rule_where: name and place of the function that is the rule; "" when unknown.
        entry: the entry with the largest relative error, in words; "" where none is meant.
        given, expected: what the rule gives for it, and the code; None where none is meant.
        trusted: whether the reader said that the rule is meant to differ.
        likeness: how the rule differs, in words that follow "it", such as "is 2 times the derivative"; or "".
        sentence: all of it in words, without the place of the call.
        residual: what the rule gives minus the derivative of the code, confirmed by their numbers; None where it is
            out of reach or too long to read.
        residual_of: the derivative that it belongs to, in words: "f[i] with respect to x[j]"; or "".
    """

    name: str
    kind: str
    defect: str
    where: str
    source: str
    defined: str
    rule: str
    rule_where: str
    entry: str
    given: float | None
    expected: float | None
    trusted: bool
    likeness: str
    sentence: str
    residual: Formula | None = None
    residual_of: str = ""

    @property
    def difference(self) -> str:
        """The residual as a sentence without its full stop; "" where there is none."""
        if self.residual is None:
            return ""
        what = "second derivative" if self.defect == "second derivative" else "derivative"
        return f"JAX's {what} - {what} of the code = {self.residual.text}, for {self.residual_of}"
