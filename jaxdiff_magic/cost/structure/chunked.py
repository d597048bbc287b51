"""A whole derivative some columns or rows at a time, where all of them at once would take too much memory."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import jax

from jaxdiff_magic.base.budget import passed, within
from jaxdiff_magic.base.units import duration, size
from jaxdiff_magic.cost.measuring import MOST_TEMP_BYTES, compiled
from jaxdiff_magic.cost.passes import MOST_PASSES, Mode, passes
from jaxdiff_magic.cost.structure.strategy import LATE, Strategy
from jaxdiff_magic.cost.structure.strategy_calls import chunked_call
from jaxdiff_magic.cost.structure.verified_products import (
    Inner,
    Product,
    What,
    directions,
    forward_product,
    gradient,
    point_of,
    reverse_product,
)
from jaxdiff_magic.cost.structure.verifying import confirmed
from jaxdiff_magic.engines.jax.not_built import MAX_BUILT_ENTRIES
from jaxdiff_magic.subject.derivative_programs import in_chunks
from jaxdiff_magic.subject.leaves import Leaf
from jaxdiff_magic.subject.subject import Subject

AT_ONCE = 256
"""Larger chunks are hardly faster."""
SHARE = 8
"""A chunk is made for about this share of the temporary memory that there should be; a single line may take it all. A
choice of three bits, for what else the program keeps."""
WORTH = 2
"""Chunks are worth their time while they take at most so many times the passes of the other mode. A choice: twice the
time for a derivative that would not fit otherwise."""
RUNS = 2
"""How often a way is run to verify it. A choice: once at the point, and once near it."""
SECOND: tuple[tuple[Mode, Inner, str], ...] = (
    ("forward", "jax.grad", "forward over reverse"),
    ("reverse", "jax.grad", "reverse over reverse"),
    ("forward", "jax.jacfwd", "forward over forward"),
)
"""The orders of a Hessian by chunks: mode of the outer derivative, the inner one, and the plain order's name."""


@dataclass(frozen=True)
class Lines:
    """The columns or rows of one derivative.

    Attributes:
        function: arrays to a tuple of arrays, of which it is the first derivative.
        mode: "forward" for columns, "reverse" for rows.
        inputs, outputs: of the function.
        each: passes for one column or row.
        inner, order: of a Hessian, what takes the first derivative, and both in words.
    """

    function: Callable[..., Any]
    mode: Mode
    inputs: Sequence[Leaf]
    outputs: Sequence[Leaf]
    each: int = 1
    inner: str = ""
    order: str = ""

    @property
    def count(self) -> int:
        """How many there are."""
        return sum(leaf.size for leaf in (self.inputs if self.mode == "forward" else self.outputs))

    def blocks(self, at_once: int) -> Callable[..., Any]:
        """Leaves to blocks `[o][i]`, so many columns or rows at once."""
        return in_chunks(self.mode, self.function, at_once)


def chunked_jacobians(
    subject: Subject, plain: Mapping[Mode, Strategy], taken: Mapping[str, int], deadline: float
) -> Iterator[Strategy]:
    """The modes that do not fit as a whole although their Jacobian does, in chunks.

    Args:
        subject: what is differentiated.
        plain: the modes as they stand.
        taken: temporary memory of those that take too much, by name, in bytes.
        deadline: an instant of `budget.now` after which nothing more is begun.
    """
    fitting = [strategy for strategy in plain.values() if not strategy.infeasible]
    limit = WORTH * min((passes(subject, mode) for mode in plain if plain[mode] in fitting), default=MAX_BUILT_ENTRIES)
    refused: list[Mode] = [mode for mode in plain if plain[mode].infeasible and passes(subject, mode) <= limit]
    if subject.untraceable or subject.size * subject.output_size > MAX_BUILT_ENTRIES:
        return
    make: dict[Mode, Callable[..., Product | None]] = {"forward": forward_product, "reverse": reverse_product}
    products: dict[Mode, Product] = {
        mode: product for mode in refused if (product := make[mode](subject, "jacobian")) is not None
    }
    limit = min([limit, *(WORTH * passes(subject, mode) for mode in products)])
    for mode, product in products.items():
        if 1 < passes(subject, mode) <= limit:
            lines = Lines(subject.flat, mode, subject.inputs, subject.outputs)
            yield _chunked(subject, "jacobian", lines, product, taken.get(mode), fitting, deadline)


def chunked_hessian(
    subject: Subject, plain: Mapping[str, Strategy], taken: Mapping[str, int], deadline: float
) -> Iterator[Strategy]:
    """The Hessian in chunks, by the first order that JAX has; none where a plain order of so few passes fits.

    Arguments as of `chunked_jacobians`.
    """
    n = subject.size
    fitting = [strategy for strategy in plain.values() if not strategy.infeasible]
    if subject.untraceable or not 1 < n <= MOST_PASSES or n * n > MAX_BUILT_ENTRIES:
        return
    if any(strategy.infeasible == LATE for strategy in plain.values()):
        return  # it may fit as it stands
    for mode, inner, order in SECOND:
        each = n if inner == "jax.jacfwd" else 1
        if any((strategy.passes or 0) <= each * n for strategy in fitting):
            return
        forward = forward_product(subject, "hessian", inner) if mode == "forward" else None
        product = forward if mode == "forward" else reverse_product(subject, "hessian")
        if product is not None:
            lines = Lines(gradient(subject, inner), mode, subject.inputs, subject.inputs, each, inner, f"{order}, ")
            yield _chunked(subject, "hessian", lines, product, taken.get(order), fitting, deadline)
            return


def _chunked(
    subject: Subject,
    what: What,
    lines: Lines,
    product: Product,
    whole: int | None,
    fitting: Sequence[Strategy],
    deadline: float,
) -> Strategy:
    """A derivative in chunks that fit, verified where there is time.

    Args:
        product: of one column or row.
        whole: temporary memory of all of them at once, in bytes; None where it was not asked.
        fitting: plain ways to the same derivative that can be run.
    """
    name = "chunked" if what == "hessian" else f"chunked {lines.mode}"
    if passed(deadline):
        return Strategy(what, name, lines.count * lines.each, LATE)
    at_once, needed = _chunk(subject, lines, whole)
    word = "columns" if lines.mode == "forward" else "rows"
    if needed is not None and needed > MOST_TEMP_BYTES:
        return Strategy(what, name, lines.count * lines.each, f"one of its {word} needs {size(needed)}")
    because = f"{lines.order}one {word[:-1]} at a time"
    if at_once > 1:
        exact = "" if lines.count % at_once == 0 else "up to "
        because = f"{lines.order}in {-(-lines.count // at_once):,} chunks of {exact}{at_once:,} {word}"
    if needed is not None:
        because += f", so that {size(needed)} of temporary memory suffice"
        because += f" where all {word} at once take {size(whole)}" if whole else ""
    found = Strategy(
        what=what,
        name=name,
        passes=lines.count * lines.each,
        because=because,
        call=chunked_call(subject, lines.mode, at_once, lines.inner),
        build=lambda: (
            lines.blocks(at_once) if what == "jacobian" else lambda *leaves: (lines.blocks(at_once)(*leaves),)
        ),
    )
    seconds = lines.count * _seconds(subject, lines, product)
    if within(RUNS * seconds) > deadline:
        return replace(found, because=f"{because}; not verified, as it may take {duration(seconds)}")
    return confirmed(subject, found, next(iter(fitting), None), deadline)


def _chunk(subject: Subject, lines: Lines, whole: int | None) -> tuple[int, int | None]:
    """How many columns or rows at once, and the temporary memory that XLA states for that; None where it does not."""
    at_once = min(AT_ONCE, -(-lines.count // 2), MOST_PASSES // lines.each)
    room = MOST_TEMP_BYTES // SHARE
    if whole:
        at_once = max(1, min(at_once, room * lines.count // whole))
    is_informed = bool(whole)
    while True:
        at_once = -(-lines.count // -(-lines.count // at_once))  # as many chunks, of the same size
        needed = compiled(subject, lines.blocks(at_once)).temp_bytes
        if needed is None or needed <= (MOST_TEMP_BYTES if is_informed else room) or at_once == 1:
            return at_once, needed
        at_once, is_informed = max(1, min(at_once // 2, room * at_once // needed)), True


def _seconds(subject: Subject, lines: Lines, product: Product) -> float:
    """What one column or row takes by itself."""
    run = jax.jit(product)
    given = point_of(subject), directions(lines.inputs if lines.mode == "forward" else lines.outputs, seed=0)
    jax.block_until_ready(run(*given))
    start = time.perf_counter()
    jax.block_until_ready(run(*given))
    return time.perf_counter() - start
