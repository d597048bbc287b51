"""What is shown of functions, as LaTeX: by name, and beside the numbers that it stands for."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from jaxdiff_magic.base.errors import OutOfReach
from jaxdiff_magic.engines.symbolic.atoms import Table
from jaxdiff_magic.engines.symbolic.derivation import Derivation
from jaxdiff_magic.engines.symbolic.presentation import Presentation
from jaxdiff_magic.subject.latex_names import latex_name
from jaxdiff_magic.subject.subject import Subject, subject_of
from jaxdiff_magic.subject.trace import subject_trace

WHATS = ("function", "gradient", "jacobian", "hessian")
NOTATIONS = ("auto", "component", "index", "matrix", "steps")
LONGEST = 20_000
"""No panel shows a formula with more characters; `Report.formula` has it all the same."""


@dataclass(frozen=True)
class Shown:
    """A function's formulas.

    Attributes:
        subject: the function at its point.
        derivation, presentation: its formulas.
    """

    subject: Subject
    derivation: Derivation
    presentation: Presentation

    def paths(self, order: int) -> Iterator[tuple[int, ...]]:
        outputs, inputs = range(len(self.subject.outputs)), range(len(self.subject.inputs))
        for k in range(order + 1):
            yield from itertools.product(outputs, *[inputs] * k)

    def strings(self) -> Iterator[tuple[str, str]]:
        """Every LaTeX string that a reader can get, each with what it is."""
        for what, notation in itertools.product(WHATS, NOTATIONS):
            if what == ("jacobian" if self.subject.is_scalar else "gradient"):
                continue
            try:
                yield f"{what}, {notation}", self.presentation.formula(what, notation).latex
            except OutOfReach:
                continue
        for step in self.presentation.steps(self.subject.point):
            yield f"step {step.name}", step.formula.latex
            yield from ((f"partial of {step.name} by {name}", partial.latex) for name, partial in step.partials)

    def readings(
        self, order: int
    ) -> Iterator[tuple[str, str, tuple[int, ...], tuple[int, ...], tuple[int, ...] | None]]:
        """Component and index formulas: what it is, LaTeX, shape, path, and for a component, which."""
        for path in self.paths(order):
            shape = self.subject.outputs[path[0]].shape + sum((self.subject.inputs[i].shape for i in path[1:]), ())
            if (entries := self.presentation.components(path)) is not None:
                for at in np.ndindex(*entries.shape):
                    yield f"entry {at} of {path}", entries[at].latex, (), path, at
            if (index := self.presentation.index_form(path)) is not None:
                yield f"index form of {path}", index.latex, shape, path, None

    def names(self, point: Sequence[np.ndarray]) -> Mapping[str, Any]:
        """The arrays that formulas may mention, as they are written there."""
        inputs = {latex_name(leaf.name): x for leaf, x in zip(self.subject.inputs, point, strict=True)}
        steps = self.derivation.steps
        tables = {t for d in (*steps.definitions, *steps.outputs) for t in d.expr.atoms(Table)}
        constants = {latex_name(array.name): x for array, x in steps.constants}
        return {latex_name(table.name): table.values for table in tables if table.name} | constants | inputs

    def another_point(self) -> list[np.ndarray]:
        rng = np.random.default_rng(len(self.subject.inputs))
        return [np.asarray(x, float) * (1 + 0.02 * rng.uniform(-1, 1, np.shape(x))) for x in self.subject.point]

    def derivatives(self, order: int, point: Sequence[np.ndarray]) -> list[Any]:
        """What JAX gives, by order, then `[output][input]…`."""

        def every(transformed: Callable[..., Any]) -> list[Any]:
            functions: list[Callable[..., Any]] = [self.subject.flat]
            for _ in range(order):
                functions.append(transformed(functions[-1], argnums=tuple(range(len(point)))))
            return [function(*point) for function in functions]

        try:
            return every(jax.jacrev)
        except ValueError:  # of a loop
            return every(jax.jacfwd)


def shown(function: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any] | None = None) -> Shown:
    """The formulas of a function; raises OutOfReach where there are none."""
    subject = subject_of(function, tuple(args), dict(kwargs or {}), None)
    names = [leaf.name for leaf in subject.inputs], [leaf.name for leaf in subject.outputs]
    derivation = Derivation(subject_trace(subject), *names, subject.point)
    return Shown(subject, derivation, Presentation(subject, derivation, "numerator"))
