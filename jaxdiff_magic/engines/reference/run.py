"""One run of a trace on numbers, forward, with a tape on which adjoints run back.

Source: Griewank & Walther, "Evaluating Derivatives", 2nd ed., chapters 3 (forward and reverse sweeps) and 5 (duals on
the tape give second and higher derivatives).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxdiff_magic.base.budget import Limit
from jaxdiff_magic.base.errors import OutOfReach
from jaxdiff_magic.engines.reference.bounded import Bounded, Number, move, plus
from jaxdiff_magic.engines.reference.nodes import Diverges, Entry, Node, Pull, Result, RuleStep
from jaxdiff_magic.engines.reference.precise import Spent, precise
from jaxdiff_magic.primitives.bodies import Mask
from jaxdiff_magic.primitives.facts import having
from jaxdiff_magic.subject.dependence import leading_to
from jaxdiff_magic.subject.native import run_alone
from jaxdiff_magic.subject.source import Location
from jaxdiff_magic.subject.trace import Constant, Equation, RuleCall, Trace, Variable

MAX_TAPE_ENTRIES = 400_000
"""A run with more steps than this takes minutes."""
BETWEEN_LOOKS = 64
"""The clock is looked at every so many steps, which take a millisecond or two."""

_RUNS = Limit("runs")
runs_until = _RUNS.until
"""No run goes on after a deadline: what needs it is out of reach then."""


SPREADING = having("passes", "reshapes") | {"broadcast_in_dim"}
"""What an extremum is laid out by, before it is compared with what it was chosen from."""


Watch = Callable[[Equation | RuleCall, Sequence[Node], Sequence[Node]], None]
Decides = Callable[[int, np.ndarray, np.ndarray, "np.ndarray | None"], np.ndarray]
"""From the position of a choice, where it is undecided, what it decides and what it compares: what it is to decide."""


@dataclass
class Run:
    """What the steps of one run share.

    Attributes:
        batch_axes: how many batch axes every array has; the first is that of the points.
        points: how many points are run at once.
        freeze: whether what `stop_gradient` froze keeps the value that it has at the first point.
        thawed: whether `stop_gradient` does nothing.
        taped: whether operations are recorded.
        at_tie: for each point, whether a choice (a comparison, a maximum, an absolute value) fell within rounding
            of a tie, so that the derivative there is a matter of convention.
        entries: the tape.
        precise: whether values have as many digits as `precision` says, instead of float64.
        literal_eps: relative error ascribed to literals that are not short binary fractions.
        rounds: relative rounding of the function's own dtype, where values that a program cuts to fewer bits than that
            are rounded; 0 where none are.
        watch: is told of every step once it is done: the step, its operands and its results.
        further: by how much of their own length loops go on once they have ended.
        most_trips: of one loop whose length is not known beforehand; None for any number.
        trips: of the longest such loop.
        closing_in: bodies of the loops that closed in on a root.
        unread: for each result of the equation that is being run, whether nothing looks at it.
        decides: is asked at every choice, in their order, instead of noting the tie.
        as_written: whether linear solves whose code does not solve give what that code gives.
        steps: how many were done.
        doing, place: the primitive whose rule was called last, and where its step was written.
    """

    batch_axes: int
    points: int
    freeze: bool = False
    taped: bool = True
    thawed: bool = False
    precise: bool = False
    at_tie: np.ndarray = field(default=None)  # type: ignore[assignment]
    entries: list[Entry] = field(default_factory=list)
    literal_eps: float = 0.0
    rounds: float = 0.0
    watch: Watch | None = None
    further: float = 0.0
    most_trips: int | None = None
    trips: int = 0
    decides: Decides | None = None
    as_written: bool = False
    closing_in: list[Trace] = field(default_factory=list)
    steps: int = 0
    unread: tuple[bool, ...] = ()
    choices: int = 0
    doing: str = ""
    place: Location = field(default_factory=Location)
    _needed: dict[int, tuple[list[Equation], set[Variable]]] = field(default_factory=dict)
    _chosen: dict[int, tuple[Node, Sequence[Node]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.at_tie = np.zeros(self.points, bool)

    # Values

    def constant(self, value: np.ndarray) -> Node:
        """An array without batch axes, known beforehand."""
        data = np.asarray(value)
        led = data.reshape((1,) * self.batch_axes + data.shape)
        if not jnp.issubdtype(data.dtype, jnp.inexact):
            return Node(led, data.shape, False)
        led, error = self.floating(led), None
        if (
            self.literal_eps
            and data.shape == ()
            and np.isfinite(led).all()
            and np.any(led * 2048 != np.round(led * 2048))
        ):
            error = self.literal_eps * np.abs(led)
        return Node(Bounded(led, error), data.shape, False)

    def literal(self, atom: Constant) -> Node:
        """A constant of the program; with more digits than the program has, as the program rounds it."""
        return self.constant(atom.rounded if self.precise else atom.value)

    def floating(self, array: np.ndarray) -> np.ndarray:
        """An array as numbers of the run: float64 (complex128), or objects with more digits.

        Raises:
            OutOfReach: complex numbers have no more digits.
        """
        complex_ = np.iscomplexobj(array)
        if self.precise and complex_:
            raise OutOfReach("complex numbers are evaluated in complex128 only")
        return precise(array) if self.precise else array.astype(complex if complex_ else float)

    def record(
        self, operands: Sequence[Node], values: Sequence[Any], shapes: Sequence[tuple[int, ...]], pull: Pull
    ) -> list[Node]:
        """Nodes of an operation's results, and its place on the tape."""
        varies = any(node.varies and node.is_number for node in operands)  # integers are constant nearby
        results = [Node(value, shape, varies) for value, shape in zip(values, shapes, strict=True)]
        self.steps += 1
        if self.steps > MAX_TAPE_ENTRIES:
            raise OutOfReach(f"it takes more than {MAX_TAPE_ENTRIES:,} steps")
        if self.steps % BETWEEN_LOOKS == 0 and _RUNS.is_over:
            raise OutOfReach("to follow it step by step takes longer than there is time for")
        if self.taped and varies and any(node.is_number for node in results):
            self.entries.append(Entry(tuple(operands), tuple(results), pull, self.doing, self.place))
        return results

    def note_tie(self, near: np.ndarray, *nodes: Node) -> None:
        """Say where some comparison is undecided; it counts where a node compared depends on the inputs."""
        if near.any() and any(node.varies for node in nodes):
            near = np.broadcast_to(near, (self.points, *near.shape[1:]))
            self.at_tie |= near.reshape(self.points, -1).any(axis=1)

    def decide(
        self, near: np.ndarray, decision: np.ndarray, *nodes: Node, compared: np.ndarray | None = None
    ) -> np.ndarray:
        """What a choice decides, the tie noted.

        Args:
            near: where it is undecided.
            decision: what it decides by the numbers as they are; `near` broadcasts to it.
            nodes: what is compared.
            compared: numbers whose signs decide, where there are such; of the shape of the decision.
        """
        if not any(node.varies for node in nodes):
            return decision
        self.choices += 1
        if self.decides is not None:
            return self.decides(self.choices, near, decision, compared)
        self.note_tie(near, *nodes)
        return decision

    def note_choice(self, result: Node, operands: Sequence[Node]) -> None:
        """Say that each element of a result is one of some operands' elements, and that ties have been noted."""
        self._chosen[id(result)] = result, operands  # which keeps the result, and so its id

    def is_choice(self, result: Node, operand: Node) -> bool:
        """Whether a result was chosen from an operand: whether they are equal asks what was chosen, and no more.

        JAX's rules of max, min and their like ask for it. Where they are equal they are so exactly.
        """
        _, operands = self._chosen.get(id(result), (None, ()))
        return any(operand is other for other in operands)

    def shared(self, node: Node) -> np.ndarray:
        """An integer or boolean value that is the same at all points, without batch axes.

        Raises:
            Diverges: it is not the same.
        """
        flat = node.array.reshape(math.prod(node.array.shape[: self.batch_axes]), *node.shape)
        if len(flat) > 1 and not (flat == flat[:1]).all():
            if self.points == 1:
                raise OutOfReach("a choice depends on the direction of differentiation")
            raise Diverges
        return flat[0]

    # Steps

    def trace(self, trace: Trace, arguments: Sequence[Node]) -> list[Node]:
        """The results of a trace."""
        environment: dict[Variable, Node] = dict(zip(trace.inputs, arguments, strict=True))

        unread = self.constant(np.zeros(0))  # what a rule does not look at need not have been computed

        def read(atom: Variable | Constant) -> Node:
            if isinstance(atom, Variable):
                return environment.get(atom, unread)
            return self.literal(atom)

        def is_known(atom: Variable | Constant) -> bool:
            return isinstance(atom, Constant) or atom in environment

        equations, needed = self._live(trace)
        for equation in equations:
            operands = [read(atom) for atom in equation.inputs]
            self.unread = tuple(variable not in needed for variable in equation.outputs)
            results = self.equation(equation, operands)
            environment.update(zip(equation.outputs, results, strict=True))
            if self.watch:
                self.watch(equation, operands, results)
        if self.watch:
            for call in trace.rule_calls:
                if all(map(is_known, call.inputs)) and any(map(is_known, call.outputs)):  # one result may be enough
                    self.watch(call, [read(atom) for atom in call.inputs], [read(atom) for atom in call.outputs])
        return [read(atom) for atom in trace.outputs]

    def _live(self, trace: Trace) -> tuple[list[Equation], set[Variable]]:
        """The equations of a trace that its results depend on, and the variables that these read or are."""
        if id(trace) not in self._needed:
            self._needed[id(trace)] = leading_to(trace.equations, trace.outputs, _used)
        return self._needed[id(trace)]

    def equation(self, equation: Equation, operands: list[Node]) -> list[Node]:
        """The results of one equation.

        Raises:
            OutOfReach: names the primitive that has no rule, and the user's line.
        """
        results = [Result(variable.shape, variable.dtype) for variable in equation.outputs]
        self.place = equation.location
        try:
            found = self.apply(equation.primitive, operands, equation.params, results, equation.bodies)
            if equation.primitive in SPREADING and id(operands[0]) in self._chosen:
                self.note_choice(found[0], self._chosen[id(operands[0])][1])
            return found
        except OutOfReach as error:
            if (fixed := self._fixed(equation, operands)) is not None:
                return fixed
            raise OutOfReach(_placed(error.reason, equation.location)) from None

    def _fixed(self, equation: Equation, operands: Sequence[Node]) -> list[Node] | None:
        """The results of an operation of nothing that depends on the inputs, as JAX computes them; else None."""
        if equation.operator is None or equation.bodies or self.precise or any(node.varies for node in operands):
            return None
        if any(jnp.issubdtype(variable.dtype, jax.dtypes.prng_key) for variable in equation.outputs):
            return None  # which no node can hold
        given = []
        for atom, node in zip(equation.inputs, operands, strict=True):
            is_key = isinstance(atom, Constant) and atom.key is not None
            is_narrowed = not is_key and jax.dtypes.canonicalize_dtype(atom.dtype) != atom.dtype
            if node.array.dtype == object or is_narrowed:
                return None  # numbers of the browser's tape, or of a precision that is not enabled
            flat = node.array.reshape(-1, *node.shape)
            if len(flat) > 1 and not (flat == flat[:1]).all():
                return None  # it jumps between the points
            given.append(atom.key if is_key else jnp.asarray(flat[0], atom.dtype))  # pyright: ignore
        try:
            return [self.constant(np.asarray(result)) for result in run_alone(equation, given)]
        except OutOfReach:
            return None

    def apply(
        self,
        primitive: str,
        operands: Sequence[Node],
        params: Mapping[str, Any],
        results: Sequence[Result],
        bodies: Sequence[Trace] = (),
    ) -> list[Node]:
        """The results of one primitive."""
        if rule := RULES.get(primitive):
            self.doing = primitive
            try:
                found = rule(self, list(operands), RuleStep(params, list(results), list(bodies)))
            except (OutOfReach, Diverges, Spent):
                raise
            except Exception as error:
                if self.precise:
                    raise OutOfReach(f"{primitive} is evaluated in float64 only, not with more digits") from error
                raise OutOfReach(_unfit(primitive, error)) from error
            if found is not None:
                return found
        if len(bodies) == 1:  # a library function without a rule of its own
            return self.trace(bodies[0], operands)
        raise OutOfReach(f"{primitive} has no rule yet")

    # Adjoints

    def adjoints(self, seeds: Sequence[tuple[Node, Number]], inputs: Sequence[Node]) -> list[Number | None]:
        """Run the tape back.

        Args:
            seeds: results of the run, each with its cotangent.
            inputs: whose adjoints are wanted; None for one that nothing depends on.
        """
        known: dict[int, Number | None] = {}
        for node, seed in seeds:
            known[id(node)] = plus(known.get(id(node)), seed)
        for entry in reversed(self.entries):
            above = [known.get(id(node)) for node in entry.results]
            if all(adjoint is None for adjoint in above):
                continue
            try:
                pulled = entry.pull(above)
            except (OutOfReach, Diverges, Spent):
                raise
            except Exception as error:
                raise OutOfReach(_placed(_unfit(entry.primitive, error), entry.place)) from error
            for node, adjoint in zip(entry.operands, pulled, strict=True):
                if adjoint is not None and node.varies and node.is_number:
                    known[id(node)] = plus(known.get(id(node)), adjoint)
        return [known.get(id(node)) for node in inputs]

    # Axes

    def axes(self, axes: Sequence[int]) -> tuple[int, ...]:
        """Axes of a value as axes of its array."""
        return tuple(int(axis) + self.batch_axes for axis in axes)

    def expanded(self, node: Node, shape: tuple[int, ...]) -> Any:
        """A value at a larger shape: a scalar, or axes of length 1, repeated."""
        if node.shape == shape:
            return node.value
        batch_axes = self.batch_axes

        def spread(array: np.ndarray) -> np.ndarray:
            full = array.reshape(
                *array.shape[:batch_axes], *(1,) * (len(shape) - len(node.shape)), *array.shape[batch_axes:]
            )
            return np.broadcast_to(full, (*full.shape[:batch_axes], *shape))

        return move(node.value, spread) if node.is_number else spread(node.value)


Rule = Callable[[Run, list[Node], RuleStep], list[Node] | None]
"""The results of a primitive; None where the rule does not fit and the primitive's body should be run."""
TotalRule = Callable[[Run, list[Node], RuleStep], list[Node]]
"""A rule that fits always."""
RULES: dict[str, Rule] = {}
"""Primitive to its rule; the files of `rules` fill it."""


def _placed(reason: str, place: Location) -> str:
    """A reason with the user's line, where it has none."""
    return f"{reason} ({place})" if place.line and ", line " not in reason else reason


def _unfit(primitive: str, error: Exception) -> str:
    text = str(error) or type(error).__name__
    return f"the rule of {primitive} does not fit this use of it ({text})"


def _used(equation: Equation, _: Mask) -> Sequence[Variable | Constant]:
    """The operands that a rule reads: of a linear solve, those of the map and the right side alone."""
    if equation.primitive != "custom_linear_solve":
        return equation.inputs
    lengths = equation.params["const_lengths"]
    return (*equation.inputs[: lengths.matvec], *equation.inputs[sum(lengths) :])
