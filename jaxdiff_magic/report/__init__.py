"""The frozen result of a derivation, and its plain-data form.

Everything that text, HTML or a panel shows is in here; renderers compute nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import numpy as np

from jaxdiff_magic.base.copies import Data, Unsaved, portable, sentence
from jaxdiff_magic.base.errors import OutOfReach
from jaxdiff_magic.report.cost_figures import Cost
from jaxdiff_magic.report.fault import Fault
from jaxdiff_magic.report.formula import Formula, Notation
from jaxdiff_magic.report.grade import Grade
from jaxdiff_magic.report.leaves import Leaves
from jaxdiff_magic.report.live import Live
from jaxdiff_magic.report.matrix_free import Products
from jaxdiff_magic.report.outcome import OUTCOMES as OUTCOMES
from jaxdiff_magic.report.outcome import Outcome as Outcome
from jaxdiff_magic.report.outcome import worst as worst
from jaxdiff_magic.report.plain import plain
from jaxdiff_magic.subject.leaves import Leaf
from jaxdiff_magic.subject.subject import Subject

What = Literal["value", "gradient", "jacobian", "hessian"]
SCHEMA_VERSION = 1
PARTS = (
    *("value", "gradient", "jacobian", "hessian", "function", "blocks", "steps", "check", "cost", "curvature"),
    *("products", "leaves", "findings", "layout", "seconds", "calls"),
)
"""What the plain data of a report has under its own name, besides what comes first."""


@dataclass(frozen=True, eq=False)
class Block(Data):
    """The derivative of one output leaf with respect to one input leaf (two for a Hessian).

    Attributes:
        what: "gradient", "jacobian", "hessian", or "d3", "d4", … for higher orders.
        output: the output leaf.
        inputs: the input leaves, in order of differentiation.
        values: shape `output.shape + inputs[0].shape (+ inputs[1].shape …)`, JAX's own dtype.
        formulas: an object array of `Formula` of the same shape, or None where too large or out of reach.
        closed_form: the whole block as one formula in index notation, or None.
        missing: why there is neither, or "".
    """

    what: str
    output: Leaf
    inputs: tuple[Leaf, ...]
    values: np.ndarray
    formulas: np.ndarray | None = None
    closed_form: Formula | None = None
    missing: str = ""


@dataclass(frozen=True, eq=False)
class Step(Data):
    """One step of the derivation: a definition, its value, and the adjoint that reaches it.

    Attributes:
        name: the variable's name in the user's source, or `t1`, `t2`, … where it has none.
        formula: how it is computed from earlier steps.
        partials: for each earlier name it uses, the local partial derivative.
        value: its value at the point, float64.
        adjoint: derivative of the (scalar) output with respect to it, float64; None for vector outputs.
        where: "cell, line 3" or "" when unknown.
        source: the source line, stripped, or "".
    """

    name: str
    formula: Formula
    partials: tuple[tuple[str, Formula], ...]
    value: np.ndarray
    adjoint: np.ndarray | None
    where: str = ""
    source: str = ""


@dataclass(frozen=True)
class CheckEntry:
    """One row of the check: a derivative computed four ways.

    Attributes:
        what: which derivative, as in `Block.what`, or "value".
        output: element of the output, as a reader writes it: `f[0]`.
        inputs: elements of the inputs: `("x[1]",)`, two for a Hessian.
        symbolic, forward, reverse, numeric: the four values at the point; None where a column does not exist.
        error: JAX's own, of both modes the larger: its distance to what is right in units in the last place; None
            where that is not known so finely.
        outcome: one of the four words.
        reason: why, for "differs" and "out of reach".
        why: the kind of that reason, such as "at a tie" or "wrong rule".
    """

    what: str
    output: str
    inputs: tuple[str, ...]
    symbolic: float | None
    forward: float | None
    reverse: float | None
    numeric: float | None
    error: float | None
    outcome: Outcome
    reason: str = ""
    why: str = ""


@dataclass(frozen=True)
class Slope:
    """How the Taylor remainder |f(x + hv) - f(x) - h J v| falls with the step h, J being JAX's derivative.

    Attributes:
        what: which derivative, as in `Block.what`.
        output: the output, or for a Hessian the entry of the gradient, for which it falls slowest.
        mode: "forward" or "reverse"; "second" for a Hessian.
        direction: v in words.
        slope: of log remainder against log h: 2 (or more) where J is right, 1 where it is wrong; None where every
            remainder is rounding, as for a linear function.
        steps: largest and smallest h that the slope was read off; None where it is None.
        floor: the largest h at which rounding hides the remainder; 0.0 where none does.
        dtype: in which the function was evaluated.
        says: what follows for J along v.
    """

    what: str
    output: str
    mode: str
    direction: str
    slope: float | None
    steps: tuple[float, float] | None
    floor: float
    dtype: str
    says: Literal["right", "cannot decide", "wrong"]


@dataclass(frozen=True, eq=False)
class Check(Data):
    """The verdict and what it rests on.

    Attributes:
        outcome: the worst of all outcomes, over all entries, also those not listed.
        entries: one per scalar entry while that is readable, else the worst entry of each block.
        summary: one sentence: how it was checked.
        points: how many random points around the given one were compared.
        columns: for each column that is missing, why.
        not_covered: what this check says nothing about.
        taylor: how the Taylor remainders fall, for each derivative, output and mode.
        faults: steps whose derivative rules are wrong, those first that are done first.
    """

    outcome: Outcome
    entries: tuple[CheckEntry, ...]
    summary: str
    points: int = 0
    columns: Mapping[str, str] = field(default_factory=dict)
    not_covered: tuple[str, ...] = ()
    taylor: tuple[Slope, ...] = ()
    faults: tuple[Fault, ...] = ()

    @property
    def fault(self) -> Fault | None:
        """The first step whose rule is wrong, other than as the reader said."""
        return next((fault for fault in self.faults if not fault.trusted), None)


@dataclass(frozen=True, eq=False)
class Curvature(Data):
    """What the Hessian of a scalar function says at the point.

    Attributes:
        eigenvalues: of the symmetrised Hessian over all inputs, ascending, float64, shape (n,).
        definiteness: "positive definite", "positive semidefinite", "negative definite",
            "negative semidefinite", "indefinite", "zero" or "undecided".
        point_kind: "minimum", "maximum", "saddle", "not stationary" or "undecided".
        condition: ratio of largest to smallest |eigenvalue|; inf when singular.
        newton_step: -inv(H) g, one float64 array per input leaf, or None when H is singular.
        symmetry_defect: largest |H - H'| before symmetrising.
        note: what the reader must know about these numbers, or "".
        descends: whether the function falls along the Newton step; None where there is none, or nowhere to go.
    """

    eigenvalues: np.ndarray
    definiteness: str
    point_kind: str
    condition: float
    newton_step: tuple[np.ndarray, ...] | None
    symmetry_defect: float
    note: str = ""
    descends: bool | None = None


@dataclass(frozen=True)
class Finding:
    """Something the reader should know.

    Attributes:
        kind: "kink", "nan", "custom-rule", "precision", "zero-gradient", "integer", "domain", "frozen-branch",
            "infeasible-mode", "too-large", "out-of-range-index", "derivative", "impure", "incomplete" …: as the files
            of `findings` say.
        severity: "info", "warning" or "error".
        path: the input, output or derivative it concerns, as a reader writes it, or "".
        where: "cell, line 3" or "".
        message: what happened, in one or two sentences.
        cure: what to do next, or "".
        formula: the one that the message has as text, or None.
    """

    kind: str
    severity: Literal["info", "warning", "error"]
    path: str
    where: str
    message: str
    cure: str = ""
    formula: Formula | None = None


@dataclass(frozen=True, eq=False)
class ReportData(Data):
    """What was found out about one function at one point, without the ways to show it: see `show.report.Report`."""

    subject: Subject
    value: Any
    gradient: Any
    jacobian: Any
    built_hessian: Any
    higher: Mapping[int, Any]
    blocks: tuple[Block, ...]
    function: Formula | None
    steps: tuple[Step, ...]
    check: Check
    cost: Cost | None
    curvature: Curvature | None
    findings: tuple[Finding, ...]
    products: Products | None = None
    leaves: Leaves | None = None
    mine: tuple[Grade, ...] = ()
    layout: Literal["numerator", "denominator"] = "numerator"
    sections: tuple[str, ...] = ()
    with_panel: bool = True
    seconds: float = field(default=0.0, compare=False)
    calls: int = field(default=0, compare=False)
    formulas: Callable[[str, str], Formula] | None = field(default=None, repr=False, compare=False)
    with_digits: Callable[[str, int], Any] | None = field(default=None, repr=False, compare=False)
    live: Live | None = field(default=None, repr=False, compare=False)
    unreachable: str = field(default="", compare=False)
    missing: Mapping[str, str] = field(default_factory=dict)

    UNSAVED: ClassVar[Unsaved] = {
        **dict.fromkeys(("value", "gradient", "jacobian", "built_hessian", "higher"), lambda _, tree: portable(tree)),
        **dict.fromkeys(("formulas", "with_digits", "live"), lambda *_: None),
        "unreachable": lambda report, why: why if report.formulas is None else sentence(report.subject.name),
    }

    @property
    def hessian(self) -> Any:
        """The Hessian, built now where it is large; None where it does not exist, or would not fit."""
        if self.built_hessian is None and self.live is not None:
            return self.live.hessian()
        return self.built_hessian

    @property
    def verdict(self) -> Outcome:
        """The worst of all outcomes: "proved", "agrees", "out of reach" or "differs"."""
        return self.check.outcome

    @property
    def grade(self) -> Literal["right", "undecided", "wrong"] | None:
        """The worst grade of the reader's own derivations; None where there are none."""
        outcomes = {one.outcome for one in self.mine}
        return next((outcome for outcome in ("wrong", "undecided", "right") if outcome in outcomes), None)

    def formula(self, what: str = "gradient", notation: Notation = "auto") -> Formula:
        """The formula of `what` ("function", "gradient", "jacobian", "hessian", "d3", …).

        Raises:
            OutOfReach: when there is no formula; the message names the primitive or the reason.

        Example:
            >>> report.formula("gradient").text          # doctest: +SKIP
            '[2*x[0]*x[1], x[0]**2 + 3*x[1]**2]'
        """
        if self.formulas is None:
            raise OutOfReach(self.unreachable or "formulas were not asked for")
        return self.formulas(what, notation)

    def precise(self, what: str = "gradient", digits: int = 50) -> Any:
        """The value or a derivative with as many right digits as are asked for, for functions of few inputs.

        `what` is "value", "gradient", "jacobian", "hessian", "d3", …. Inputs and literals count as what the program
        holds: 0.1 in float32 is 13421773/134217728. The result has the structure of `report.gradient`, with
        `mpmath.mpf` for scalars and object arrays of them for arrays.

        Raises:
            OutOfReach: it is too large, or a step is evaluated in float64 only; the message says which.
            InputError: there is no such derivative.

        Example:
            >>> import jax.numpy as jnp
            >>> report = derive(lambda x: jnp.exp(x) - 1)(1e-10)      # doctest: +SKIP
            >>> report.value, report.precise("value", digits=20)      # doctest: +SKIP
            (Array(0., dtype=float32), mpf('1.0000000133514319600817e-10'))
        """
        if self.with_digits is None:
            raise OutOfReach(self.unreachable or "this report was made without the function's steps")
        return self.with_digits(what, digits)

    def to_dict(self) -> dict[str, Any]:
        """Plain data (dict, list, str, int, float, bool, None), versioned, safe for strict JSON.

        NaN and infinities become the strings "nan", "inf", "-inf"; arrays become nested lists, above
        250,000 entries their shape and dtype alone.
        """
        return {
            "version": SCHEMA_VERSION,
            "subject": self.subject.to_dict(),
            "grade": self.grade,
            "mine": plain(self.mine),
            "verdict": self.verdict,
            **{name: plain(getattr(self, "built_hessian" if name == "hessian" else name)) for name in PARTS},
        }
