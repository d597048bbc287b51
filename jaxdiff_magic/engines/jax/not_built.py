"""Why a derivative is described and not built: it has too many entries, or is made of too many separate arrays."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from jaxdiff_magic.subject.subject import Subject

MAX_BUILT_ENTRIES = 4_000_000
"""A derivative with more scalar entries than this is described, not built. A choice of memory: 32 MB in float64, and
several times that within the check."""
MAX_UNASKED = 90_000
"""A Hessian with more entries than this is built when it is asked for. A choice of time: that of
300 inputs takes JAX a few seconds to compile and to run in the dearer models, and nobody reads it whole."""
WHEN_ASKED = "report.hessian builds it when it is asked for"
MAX_BLOCKS = 400
"""A derivative of more arrays than this, one for each output and inputs, takes minutes to compile …"""
MAX_FORWARD = 100
"""… as forward mode does with more inputs than this."""


def too_large(subject: Subject, shape: Sequence[int]) -> str:
    """Why a derivative of a shape is not built, or ""."""
    if (entries := int(np.prod(shape, dtype=object))) <= MAX_BUILT_ENTRIES:
        return ""
    gigabytes = entries * np.dtype(subject.inputs[0].dtype).itemsize / 1e9
    return f"it would have {' x '.join(map(str, shape))} entries ({gigabytes:.3g} GB)"


def unasked(name: str, shape: Sequence[int]) -> str:
    """Why a Hessian that would fit is not built before somebody asks for it, or ""."""
    if name != "hessian" or int(np.prod(shape, dtype=object)) <= MAX_UNASKED:
        return ""
    return f"it has {' x '.join(map(str, shape))} entries; {WHEN_ASKED}"


def too_many(subject: Subject, name: str) -> str:
    """Why a derivative of many separate arrays is not compiled, or ""."""
    inputs, outputs = len(subject.inputs), len(subject.outputs)
    one_array = "pass them as one array"
    if name in ("forward", "reverse"):
        if inputs <= MAX_FORWARD or (name == "reverse" and outputs * inputs <= max(MAX_BLOCKS, inputs)):
            return ""
        return f"with {inputs:,} separate inputs it would take minutes to compile; {one_array}"
    order = {"hessian": 2, "hessian_reverse": 2}.get(name) or int(name[1:])
    if (blocks := outputs * inputs**order) <= MAX_BLOCKS:
        return ""
    return f"{inputs:,} separate inputs make {blocks:,} arrays of it, which take minutes to compile; {one_array}"
