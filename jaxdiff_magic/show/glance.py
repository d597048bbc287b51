"""What stands on the screen as soon as JAX has its numbers, before anything is checked: one line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from jaxdiff_magic.base.figures import figure
from jaxdiff_magic.show.numbers import array, dimensions
from jaxdiff_magic.subject.leaves import joined
from jaxdiff_magic.subject.subject import Subject

FEW = 6
"""So many numbers stand in the line, of more their length. A choice: what is taken in at a glance."""
MANY = 1_000_000
"""Of more numbers not even the length is told. A choice: that would copy them, and they may be on another device."""


def glance(subject: Subject, found: Mapping[str, Any]) -> str:
    """The value and the first derivative: `f = 10, gradient [4, 13]: not checked yet`.

    Args:
        found: what JAX's program of all derivatives gives: "value", and "reverse" or "forward" where there is one.
    """
    values = [np.asarray(value, np.float64) for value in found["value"]]
    first = values[0] if len(values) == 1 else joined(values)
    said = f"{subject.name} = {array(first, subject.outputs[0].dtype)}"
    nested = found.get("reverse", found.get("forward"))
    if nested is None:
        return said
    if not subject.is_scalar:
        return f"{said}, Jacobian {dimensions((subject.output_size, subject.size))}: not checked yet"
    if subject.is_spread or subject.size > MANY:
        return f"{said}, gradient of {subject.size:,} numbers: not checked yet"
    gradient = joined([np.asarray(block) for block in nested[0]])
    if gradient.size > FEW:
        shown = f"of {gradient.size:,} numbers, |∇{subject.name}| = {figure(float(np.sqrt(np.sum(gradient**2))), 5)}"
    else:
        shown = array(gradient if gradient.size > 1 else gradient[0], subject.inputs[0].dtype)
    return f"{said}, gradient {shown}: not checked yet"
