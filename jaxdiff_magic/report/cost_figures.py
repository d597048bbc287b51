"""What a report says of cost: of a function's programs, of the ways to its derivatives, and which to take."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from jaxdiff_magic.base.copies import Data


@dataclass(frozen=True, eq=False)
class Sparsity(Data):
    """Where a derivative can have entries at all, as a matrix of all outputs by all inputs, and which passes find them.

    Attributes:
        shape: (rows, columns), in scalars.
        rows, cols: of the entries, int, shape (nnz,); every other entry is zero for every input.
        colours: the pass that finds each of them, from 0, int, shape (nnz,).
    """

    shape: tuple[int, int]
    rows: np.ndarray
    cols: np.ndarray
    colours: np.ndarray


@dataclass(frozen=True, eq=False)
class ModeCost(Data):
    """What one way of computing a whole derivative costs.

    Attributes:
        mode: "forward" or "reverse"; of the ways that use structure "coloured forward", "coloured reverse",
            "bottleneck"; of those that take few columns or rows at once "chunked forward", "chunked reverse"; for a
            Hessian "forward over reverse" and the other orders, "coloured" or "chunked".
        passes: products with the Jacobian (forward), its transpose (reverse) or the Hessian that are needed; None
            where that is not known.
        seconds: best measured run time after compiling; None when not measured.
        spread: lower and upper quartile of the measured times, seconds.
        compile_seconds: time to trace and compile.
        temp_bytes: temporary memory of the compiled program, as XLA states it.
        infeasible: why this way cannot be used; "" when it can.
        call: Python text to paste; "" where there is none.
        flops, transcendentals, bytes: counted over the program, see `ProgramCost`; None where it was not counted.
        because: the structure that it uses, or its chunks, in words; "" for the plain modes.
        verified: what its numbers were compared with, in words; "" for the plain modes, which the check compares.
        sparsity: the pattern that a coloured way uses; None for the others.
    """

    mode: str
    passes: int | None
    seconds: float | None = None
    spread: tuple[float, float] | None = None
    compile_seconds: float | None = None
    temp_bytes: int | None = None
    infeasible: str = ""
    call: str = ""
    flops: int | None = None
    transcendentals: int | None = None
    bytes: int | None = None
    because: str = ""
    verified: str = ""
    sparsity: Sparsity | None = None


@dataclass(frozen=True, eq=False)
class ProgramCost(Data):
    """The work of one program, counted over its jaxpr: loops as often as they run, LAPACK by formula.

    Attributes:
        name: "function", "jvp", "vjp", "jacobian forward", "jacobian reverse", "hessian-vector product", or "hessian
            forward over reverse" and the other orders.
        flops: least and most additions, multiplications, divisions and comparisons of floating-point numbers; they
            differ where the program chooses between branches.
        transcendentals: least and most elements of exp, log, sin, sqrt and the like, which are no FLOPs.
        bytes: least and most read and written by each operation on its own, before a compiler fuses them.
        unknown: sentences on what the numbers leave out.
        missing: why there are no numbers; "" where there are.
    """

    name: str
    flops: tuple[int, int] | None = None
    transcendentals: tuple[int, int] | None = None
    bytes: tuple[int, int] | None = None
    unknown: tuple[str, ...] = ()
    missing: str = ""


@dataclass(frozen=True, eq=False)
class Kept(Data):
    """What reverse mode keeps of one line until its second pass.

    Attributes:
        where, source: the line and its text; "" when unknown.
        arrays: how many.
        bytes: their size.
    """

    where: str
    source: str
    arrays: int
    bytes: int


@dataclass(frozen=True, eq=False)
class Crossover(Data):
    """The work of the whole first derivative in both modes, counted with arguments of other sizes.

    Attributes:
        grows: "inputs" or "outputs": what the re-sized arguments change; growing inputs may change the outputs as well.
        arguments: the arguments that were re-sized, by name.
        inputs, outputs: how many scalars there are at each size, in the order of what grows.
        forward, reverse: FLOPs at each size, counted as in `ProgramCost`; where there are branches, the most.
        here: which of the sizes is that of the point.
        at: where the two modes cross, in scalars of what grows; None where they do not.
        estimated_at: the same for times: those measured at the point, grown as the counted work grows; None where
            nothing was measured that is long enough to be of work, or they do not cross.
        words: what the figures say, in a sentence or two.
    """

    grows: str
    arguments: tuple[str, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    forward: tuple[int, ...]
    reverse: tuple[int, ...]
    here: int
    at: float | None
    estimated_at: float | None
    words: str

    @property
    def sizes(self) -> tuple[int, ...]:
        """How many scalars there are of what grows."""
        return self.inputs if self.grows == "inputs" else self.outputs


def about(scalars: float) -> str:
    """A number of scalars between two that were counted: whole, and in two digits from 100 on.

    Example:
        >>> about(29.7), about(1234.5)
        ('30', '1,200')
    """
    digits = max(0, math.floor(math.log10(scalars)) - 1)
    return f"{round(scalars, -digits):,.0f}"


@dataclass(frozen=True, eq=False)
class Cost(Data):
    """Forward against reverse mode, and what beats both.

    Attributes:
        forward, reverse: the two modes, for the whole first derivative.
        strategies: the feasible ways to the first derivative, best first; those that use its structure among them.
        recommended: `mode` of the one to take, "either" when no difference between the two modes can be measured.
        reason: one or two sentences with the figures.
        call: Python text to paste.
        measured: False when nothing was timed.
        note: what was cut short, or "".
        programs: the work of the function and its derivatives.
        xla: where XLA's own count of the recommended program differs, and why; "" where it does not, or is not known.
        rule: up to which size the faster mode stays the faster one; "" when nothing was timed.
        hessian: the ways to the Hessian of a scalar function, best first, the infeasible last.
        kept: what reverse mode keeps between its passes, the largest line first; () where it is not worth a word.
        crossovers: both modes at other sizes of the arguments; () where nothing was timed or sizes cannot change.
        fixed: which captured arrays keep the sizes from changing, in a sentence; "" where that is not the reason.
    """

    forward: ModeCost
    reverse: ModeCost
    strategies: tuple[ModeCost, ...]
    recommended: str
    reason: str
    call: str
    measured: bool
    note: str = ""
    programs: tuple[ProgramCost, ...] = ()
    xla: str = ""
    rule: str = ""
    hessian: tuple[ModeCost, ...] = ()
    kept: tuple[Kept, ...] = ()
    crossovers: tuple[Crossover, ...] = ()
    fixed: str = ""
