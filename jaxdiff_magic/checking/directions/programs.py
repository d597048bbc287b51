"""JAX's programs of the derivatives of one function, run in float64 along directions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from jaxdiff_magic.base.errors import OutOfReach
from jaxdiff_magic.checking.rules import RuleName, rule_values
from jaxdiff_magic.engines.jax.rule_traces import (
    cotangent_trace,
    second_by_reverse_trace,
    second_trace,
    tangent_trace,
)
from jaxdiff_magic.engines.jax.values import MANY_PASSES, NO_DERIVATIVE, refusal
from jaxdiff_magic.engines.reference.rule_values import RuleValues
from jaxdiff_magic.subject.subject import Subject
from jaxdiff_magic.subject.trace import Trace

WAYS: Mapping[RuleName, Sequence[Callable[[Subject], Trace]]] = {
    "forward": (tangent_trace,),
    "reverse": (cotangent_trace,),
    "second": (second_trace, second_by_reverse_trace),
}
"""How JAX's program of each rule is traced, and where that cannot be followed, in which other order."""
NO_FORWARD_STEP, NO_FORWARD = "custom_lin", "JAX has no forward mode of a custom_vjp function"
"""What stands in a program in place of a forward mode that is none, and what that means."""


class Programs:
    """The programs, each traced when it is first asked for.

    Args:
        missing: of JAX's own derivatives, why one is not there.

    Attributes:
        missing: why a mode cannot be run.
    """

    def __init__(self, subject: Subject, missing: Mapping[str, str]) -> None:
        self.subject = subject
        self._known: dict[RuleName, RuleValues] = {}
        self._instead: set[RuleName] = set()
        # what JAX would take many passes for takes one here
        self.missing = {
            mode: why for mode in ("forward", "reverse") if (why := missing.get(mode, "")) and MANY_PASSES not in why
        }

    @property
    def traces(self) -> dict[RuleName, Trace]:
        """Those that were run, but for what another order stands in for."""
        return {name: known.trace for name, known in self._known.items() if name not in self._instead}

    @property
    def modes(self) -> list[str]:
        """Of "forward" and "reverse" those that were run."""
        return [mode for mode in ("forward", "reverse") if mode in self._known]

    def along(
        self, name: RuleName, near: Sequence[np.ndarray], seeds: np.ndarray | None, units: np.ndarray | None
    ) -> list[np.ndarray] | None:
        """What one gives along a cotangent and a tangent; None where there is none that can be followed.

        Args: as of `RuleValues.along`, of one row each.

        Returns:
            For each of its results an array `(points, *shape)`.
        """
        if name in self.missing:
            return None
        raw, reasons = None, []
        for trace in WAYS[name] if name not in self._known else [None]:
            try:
                if trace is not None:
                    self._known[name] = rule_values(self.subject, name, trace(self.subject))
                raw, _ = self._known[name].along(near, seeds, units)
                self._instead.update([name] if reasons else [])
                break
            except NO_DERIVATIVE as error:
                reasons.append(refusal(error))
            except OutOfReach as error:
                reasons.append(NO_FORWARD if NO_FORWARD_STEP in error.reason else error.reason)
        if raw is None:
            self._known.pop(name, None)
            self.missing[name] = reasons[0]
            return None
        leaves = self.subject.outputs if name == "forward" else self.subject.inputs
        return [values.reshape(len(values), *leaf.shape) for (values, _), leaf in zip(raw, leaves, strict=True)]
