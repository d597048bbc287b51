"""The values of a run, the steps on its tape, and what a rule is told of a step."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from jaxdiff_magic.engines.reference.bounded import Number, base
from jaxdiff_magic.subject.source import Location
from jaxdiff_magic.subject.trace import Trace


class Diverges(Exception):
    """The points of a run take different branches, orders or positions: they must be run one by one."""


@dataclass(frozen=True, eq=False)
class Node:
    """A value of the run.

    Attributes:
        value: a `Number` for floating and complex values; an array with the run's batch axes for the others.
        shape: without the batch axes.
        varies: whether it depends on the run's inputs, other than by jumps.
    """

    value: Any
    shape: tuple[int, ...]
    varies: bool

    @property
    def is_number(self) -> bool:
        return isinstance(self.value, Number)

    @property
    def array(self) -> np.ndarray:
        """The value alone, with the batch axes."""
        return base(self.value).data if self.is_number else self.value


class Result(NamedTuple):
    """Shape and dtype of a result of a primitive."""

    shape: tuple[int, ...]
    dtype: Any


Pull = Callable[[list[Number | None]], Sequence[Number | None]]
"""From the adjoints of an operation's results (None where zero) to those of its operands."""


class Entry(NamedTuple):
    """An operation on the tape."""

    operands: tuple[Node, ...]
    results: tuple[Node, ...]
    pull: Pull
    primitive: str
    place: Location


@dataclass(frozen=True)
class RuleStep:
    """What a rule is told besides its operands.

    Attributes:
        params: the primitive's parameters.
        results: shape and dtype of each result.
        bodies: the programs it runs.
    """

    params: Mapping[str, Any]
    results: list[Result]
    bodies: list[Trace] = field(default_factory=list)
