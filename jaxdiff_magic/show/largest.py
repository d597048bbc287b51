"""The entries of a derivative that are largest, for one that is too long to be listed."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np

from jaxdiff_magic.base.figures import superscript
from jaxdiff_magic.report import Block
from jaxdiff_magic.show.limits import LARGEST


def largest(blocks: Sequence[Block]) -> list[tuple[str, float, str]]:
    """Name, value and dtype of the largest entries of some blocks; what is not finite counts as larger than all.

    Of entries that differ only in the order of differentiation the first stands for all.
    """
    found: list[tuple[float, tuple[str, ...], float, str]] = []
    for block in blocks:
        flat = np.asarray(block.values).astype(np.float64).ravel()
        with np.errstate(invalid="ignore"):
            size = np.where(np.isfinite(flat), np.abs(flat), np.inf)
        many = LARGEST * math.factorial(len(block.inputs))
        most = np.argpartition(-size, many)[:many] if flat.size > many else np.arange(flat.size)
        for k in most:
            index = tuple(map(int, np.unravel_index(int(k), block.values.shape)))
            found.append((float(size[k]), tuple(_elements(block, index)), float(flat[k]), block.output.dtype))
    found.sort(key=lambda entry: -entry[0])
    kept: dict[tuple[str, ...], tuple[str, float, str]] = {}
    for _, names, value, dtype in found:
        kept.setdefault((names[0], *sorted(names[1:])), (entry_name(names), value, dtype))
    return list(kept.values())[:LARGEST]


def entry_name(names: Sequence[str]) -> str:
    """`∂f/∂x[3]`, `∂²f/∂x[0]∂x[1]`: of the output's element and those of the inputs; without these the output alone."""
    if len(names) == 1:
        return names[0]
    power = "" if len(names) == 2 else superscript(len(names) - 1)
    return f"∂{power}{names[0]}/{''.join(f'∂{name}' for name in names[1:])}"


def _elements(block: Block, index: Sequence[int]) -> Iterator[str]:
    start = 0
    for leaf in (block.output, *block.inputs):
        yield leaf.element(index[start : start + len(leaf.shape)])
        start += len(leaf.shape)


def as_matrix(block: Block) -> np.ndarray:
    """The values of a block as a matrix: the last input along its rows, or an input that is a matrix as itself."""
    values = np.asarray(block.values)
    if len(block.inputs) == 1 and not block.output.shape and len(block.inputs[0].shape) == 2:
        return values
    return values.reshape(-1, block.inputs[-1].size) if values.size else values.reshape(0, 0)


def all_of(blocks: Sequence[Block]) -> np.ndarray:
    """All blocks of one kind of derivative as one matrix: outputs and all inputs but the last down, the last across."""
    lines: dict[tuple[object, ...], list[np.ndarray]] = {}
    for block in blocks:
        lines.setdefault((block.output, *block.inputs[:-1]), []).append(
            np.asarray(block.values).reshape(-1, block.inputs[-1].size)
        )
    rows = [np.concatenate(line, axis=1) for line in lines.values()]
    widths = {row.shape[1] for row in rows}
    return np.concatenate(rows) if len(widths) == 1 else np.zeros((0, 0))
