"""Compound primitives without a rule here, done in core ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from jaxdiff_magic.engines.reference.run import Node, Result, Rule, RuleStep, Run
from jaxdiff_magic.primitives.core import CORE, Rewriting


def rewritten(rewriting: Rewriting) -> Rule:
    """The rule that a rewriting makes."""

    def rule(run: Run, xs: list[Node], step: RuleStep) -> list[Node]:
        dtype = step.results[0].dtype

        def bind(primitive: str, operands: Sequence[Any], params: Mapping[str, Any], shape: tuple[int, ...]) -> Node:
            nodes = [x if isinstance(x, Node) else run.constant(np.full(shape, x, dtype)) for x in operands]
            return run.apply(primitive, nodes, params, [Result(shape, dtype)])[0]

        return rewriting(bind, xs, step.params, [result.shape for result in step.results])

    return rule


COMPOUND: Mapping[str, Rule] = {name: rewritten(rewriting) for name, rewriting in CORE.items()}
"""Primitive to its rule; an own one goes before it."""
