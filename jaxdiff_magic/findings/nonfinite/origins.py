"""Where a NaN or an infinity is born: the step of the value, or of JAX's forward or backward program, that makes it."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import jax.numpy as jnp
import numpy as np

from jaxdiff_magic.base.budget import within
from jaxdiff_magic.base.errors import OutOfReach
from jaxdiff_magic.engines.jax.replay import Played, Replay, Replayed, replay
from jaxdiff_magic.engines.jax.rule_traces import cotangent_trace, second_trace, tangent_trace
from jaxdiff_magic.findings.nonfinite.singular import Singular, event, singular
from jaxdiff_magic.findings.scene import Scene
from jaxdiff_magic.subject.leaves import Leaf
from jaxdiff_magic.subject.source import Location
from jaxdiff_magic.subject.trace import Constant, Trace, Variable, subject_trace

Program = Literal["value", "forward", "reverse", "second"]
ORDER: dict[Program, int] = {"value": 0, "forward": 1, "reverse": 1, "second": 2}
AT_LEAST = 1.0
"""Seconds that one run may take when the rest has used up the budget: the line is what the reader needs first."""
NO_PROGRAM = (OutOfReach, TypeError, ValueError, NotImplementedError)


@dataclass(frozen=True)
class Origin:
    """Why a number is not finite.

    Attributes:
        program: whose run it was: of the value, or of a derivative.
        event: what happened there: "0 * inf", "0 / 0", "log(-1)".
        is_nan: whether a NaN is born, not an infinity.
        location: on the user's line.
        culprit: the step of the function itself that is to blame, with its values; None where none is known.
        singular: what is wrong with it.
        unselected: why what the culprit gives takes no part in the value there: a select or a maximum; or None.
        data: the input or captured array that brings the number in; None where a step makes it.
    """

    program: Program
    event: str
    is_nan: bool
    location: Location
    culprit: Played | None = None
    singular: Singular | None = None
    unselected: Played | None = None
    data: Variable | Constant | None = None

    @property
    def key(self) -> Any:
        """Equal for origins that one sentence tells."""
        if isinstance(self.data, Variable):
            return self.data
        return self.data and id(self.data), self.location, self.singular and self.singular.words


@dataclass
class Origins:
    """Searches of one scene: its runs are shared."""

    scene: Scene
    _runs: dict[Any, Replay] = field(default_factory=dict)

    @functools.cached_property
    def primal(self) -> Replay:
        """The function's own run.

        Raises:
            OutOfReach: it cannot be run step by step.
        """
        subject, trace = self.scene.subject, self.scene.trace
        if trace is None and subject.untraceable:
            raise OutOfReach("the function cannot be traced")
        trace = trace or subject_trace(subject)  # also where no formulas were asked for
        return self._run(trace, list(subject.point))

    def of_value(self, output: int) -> list[Origin]:
        """Of an output that is not finite."""
        with_nothing = functools.partial(self._told, "value")
        return self._search(lambda: (self.primal, output), with_nothing)

    def of_derivative(
        self, program: Program, output: tuple[int, Sequence[int]], *inputs: tuple[int, Sequence[int]]
    ) -> list[Origin]:
        """Of one entry of a derivative.

        Args:
            program: in which mode.
            output: position of the output, and the index in it.
            inputs: likewise; two for a second derivative.
        """
        run = functools.partial(self.run_of, program, output, *inputs)
        return self._search(run, functools.partial(self._told, program))

    def run_of(
        self, program: Program, output: tuple[int, Sequence[int]], *inputs: tuple[int, Sequence[int]]
    ) -> tuple[Replay, int]:
        """The run that computes one entry of a derivative, and which of its results holds it; as in `of_derivative`.

        Raises:
            OutOfReach: it cannot be run step by step.
        """
        subject = self.scene.subject
        ct = _units(subject.outputs, *output)
        tangents = _units(subject.inputs, *inputs[-1])
        arguments = list(subject.point)
        if program != "forward":
            arguments += ct
        if program != "reverse":
            arguments += tangents
        kept = str((program, output if program != "forward" else None, inputs[-1] if program != "reverse" else None))
        if kept not in self._runs:
            self._runs[kept] = self._run(self._trace(program), arguments)
        return self._runs[kept], output[0] if program == "forward" else inputs[0][0]

    @functools.cached_property
    def _traces(self) -> dict[Program, Trace]:
        return {}

    def _trace(self, program: Program) -> Trace:
        if program not in self._traces:
            traced = {"forward": tangent_trace, "reverse": cotangent_trace, "second": second_trace}[program]
            self._traces[program] = traced(self.scene.subject)
        return self._traces[program]

    def _run(self, trace: Trace, arguments: Sequence[Any]) -> Replay:
        return replay(trace, arguments, max(self.scene.deadline, within(AT_LEAST)))

    def _search(self, run: Callable[[], tuple[Replay, int]], told: Callable[..., Origin]) -> list[Origin]:
        """Origins of a result; none where it cannot be run step by step."""
        try:
            replayed, position = run()
            result = replayed.results[position]
            bad = np.isnan if result.has(np.isnan) else np.isinf
            found = [told(replayed, place, bad) for place in replayed.origins(result, bad)]
        except NO_PROGRAM:
            return []
        kept: dict[Any, Origin] = {}
        for origin in found:
            kept.setdefault(origin.key, origin)
        return list(kept.values())

    def _told(self, program: Program, run: Replay, place: Played | Replayed, bad: Callable[..., Any]) -> Origin:
        is_nan = bad is np.isnan
        if isinstance(place, Replayed):
            what = "nan" if is_nan else "infinite"
            return Origin(program, what, is_nan, Location(), data=place.source)
        happened, infinite = event(place, bad), place
        if is_nan:  # what made the infinity that met a 0, or another infinity
            for operand in place.operands:
                if operand.has(np.isinf) and (makers := run.origins(operand, np.isinf)):
                    infinite = makers[0]
                    break
        if isinstance(infinite, Replayed):
            return Origin(program, happened, is_nan, place.equation.location, data=infinite.source)
        for candidate in (infinite, place):
            culprit, wrong = self._culprit(candidate, ORDER[program])
            if culprit is not None:
                location = culprit.equation.location
                return Origin(program, happened, is_nan, location, culprit, wrong, self._unselected(culprit, wrong))
        return Origin(program, happened, is_nan, infinite.equation.location)

    def _culprit(self, made: Played, order: int) -> tuple[Played | None, Singular | None]:
        """The step of the function at the same place that is singular; in a loop, in the same iteration if any is."""
        same = [step for step in self.primal.steps if step.equation.location == made.equation.location]
        same.sort(key=lambda step: step.iterations != made.iterations)
        for step in same:
            if wrong := singular(step, order):
                return step, wrong[0]
        return None, None

    def _unselected(self, culprit: Played, wrong: Singular | None) -> Played | None:
        """The step after which nothing is left of the singular elements: they are not selected, or not the largest."""
        if wrong is None:
            return None
        steps = self.primal.steps
        made = {position for position, step in enumerate(steps) if step is culprit}
        for position, step in enumerate(steps):
            fed = [k for k, operand in enumerate(step.operands) if made.intersection(operand.makers)]
            if not fed:
                continue
            made.add(position)
            if step.equation.location != culprit.equation.location and _drops(step, fed[0], wrong.mask):
                return step
        return None


def _drops(step: Played, fed: int, mask: np.ndarray) -> bool:
    """Whether a step leaves out some of the elements in the mask of an operand."""
    if step.equation.primitive == "select_n" and fed > 0:
        left_out = np.asarray(step.operands[0].data).astype(int) != fed - 1
    elif step.equation.primitive in ("max", "min"):
        other = np.asarray(step.operands[1 - fed].data)
        own = np.asarray(step.operands[fed].data)
        left_out = own < other if step.equation.primitive == "max" else own > other
    elif step.equation.primitive in ("reduce_max", "reduce_min"):
        data, axes = np.asarray(step.operands[0].data), tuple(step.equation.params["axes"])
        best = np.expand_dims(np.asarray(step.results[0].data), axes)
        left_out = data != best
    else:
        return False
    return bool(np.any(left_out & mask) if left_out.shape == mask.shape else np.any(left_out))


def _units(leaves: Sequence[Leaf], position: int, index: Sequence[int]) -> list[Any]:
    """Zeros of the leaves' shapes, with a single 1."""
    return [
        jnp.zeros(leaf.shape, leaf.dtype).at[tuple(index)].set(1)
        if k == position
        else jnp.zeros(leaf.shape, leaf.dtype)
        for k, leaf in enumerate(leaves)
    ]
