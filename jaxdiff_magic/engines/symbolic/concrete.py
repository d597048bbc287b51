"""Values of a trace's variables, computed when asked for: of constants, and of everything else at one point."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax
import numpy as np

from jaxdiff_magic.base.errors import OutOfReach
from jaxdiff_magic.subject.native import run_alone
from jaxdiff_magic.subject.trace import Constant, Equation, Variable

Atom = Variable | Constant


class Concrete:
    """The values that equations give, one JAX operation at a time, and which of them depend on the inputs.

    Args:
        inputs: the trace's.
        point: their values; None where none are given, and then only what is constant has a value.
    """

    def __init__(self, inputs: tuple[Variable, ...], point: Mapping[Variable, Any] | None) -> None:
        self._dependent = set(inputs)
        self._values: dict[Variable, Any] = dict(point or {})
        self._makers: dict[Variable, Equation] = {}

    def add(self, equation: Equation) -> None:
        """Take note of an equation whose operands are known already."""
        dependent = not all(map(self.is_fixed, equation.inputs))
        for variable in equation.outputs:
            self._makers[variable] = equation
            if dependent:
                self._dependent.add(variable)

    def is_fixed(self, atom: Atom) -> bool:
        """Whether a value depends on no input."""
        return isinstance(atom, Constant) or atom not in self._dependent

    def value(self, atom: Atom) -> Any:
        """The value of a constant or variable.

        Raises:
            OutOfReach: it depends on the inputs and there is no point, or it cannot be computed.
        """
        pending = [atom] if isinstance(atom, Variable) else []
        while pending:
            variable = pending[-1]
            if variable in self._values:
                pending.pop()
                continue
            if variable not in self._makers:
                raise OutOfReach("a choice that depends on the inputs has no formula without a point")
            equation = self._makers[variable]
            missing = [a for a in equation.inputs if isinstance(a, Variable) and a not in self._values]
            if missing:
                pending += missing
            else:
                self._values.update(zip(equation.outputs, self._run(equation), strict=True))
        return atom.value if isinstance(atom, Constant) else self._values[atom]

    def _run(self, equation: Equation) -> list[Any]:
        operands = [a.value if isinstance(a, Constant) else self._values[a] for a in equation.inputs]
        # Literals do not say how wide they are: the variables do.
        variables = [a for a in (*equation.inputs, *equation.outputs) if isinstance(a, Variable)]
        wide = any(str(a.dtype) in ("float64", "int64", "uint64") for a in variables)
        try:
            with jax.enable_x64(wide):
                return run_alone(equation, operands)
        except OutOfReach as error:
            raise OutOfReach(f"{equation.primitive} has no formula yet") from error


def integers(value: Any) -> np.ndarray:
    """The values of a constant array of integers or truth values, as int64.

    Raises:
        OutOfReach: they do not fit.
    """
    array = np.asarray(value)
    if array.dtype.kind == "u" and array.size and int(array.max()) > np.iinfo(np.int64).max:
        raise OutOfReach("integers beyond 64 bits have no formula")
    return array.astype(np.int64)
