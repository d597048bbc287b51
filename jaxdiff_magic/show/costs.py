"""What a report says of cost: the ways to each derivative with their figures, the one to take, and the counted work."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from jaxdiff_magic.base.units import operations
from jaxdiff_magic.report.cost_figures import Cost, Crossover, Kept, ModeCost, ProgramCost
from jaxdiff_magic.show.bars import bars
from jaxdiff_magic.show.crossover import crossover_picture
from jaxdiff_magic.show.document import Cell, Code, DocumentTable, Paragraph, Part
from jaxdiff_magic.show.numbers import duration, memory
from jaxdiff_magic.show.spy import spy

TITLES = {
    "function": "the function",
    "jvp": "J v, one forward product",
    "vjp": "v' J, one reverse product",
    "hessian-vector product": "H v, one product with the Hessian",
}
"""The programs that are listed on their own; the others are rows of the ways to a derivative."""
MOST_LINES = 8
"""Of how many lines it is listed what reverse mode keeps. A choice: the largest come first."""


def costs(cost: Cost) -> Iterator[Part]:
    """The parts of the section on cost."""
    modes = [cost.forward, cost.reverse]
    structured = [way for way in cost.strategies if way.mode not in ("forward", "reverse")]
    yield _ways("Forward against reverse mode, first derivative", [*modes, *structured], cost.recommended)
    if (picture := bars([way for way in (*modes, *structured) if not way.infeasible])) is not None:
        yield picture
    yield Paragraph((cost.reason,))
    yield from _pattern("Jacobian", cost.strategies)
    if cost.rule:
        yield Paragraph((cost.rule,))
    for crossover in cost.crossovers:
        yield from _crossover(crossover)
    if cost.fixed:
        yield Paragraph((cost.fixed,))
    if not cost.measured:
        yield Paragraph(("Passes and operations were counted; nothing was timed.",))
    if cost.note:
        yield Paragraph((cost.note,))
    yield Code(cost.call)
    if cost.hessian:
        best = cost.hessian[0]
        yield _ways("The Hessian, by the order of the two modes", cost.hessian, "" if best.infeasible else best.mode)
        if best.because:
            yield Paragraph((f"{best.mode.capitalize()}: {best.because}.",))
        yield from _pattern("Hessian", cost.hessian)
        if (to_paste := next((way for way in cost.hessian if way.call and not way.infeasible), None)) is not None:
            yield Code(to_paste.call)
    yield from _work(cost)
    yield from _kept(cost.kept)


def _pattern(name: str, ways: Sequence[ModeCost]) -> Iterator[Part]:
    """Where the entries are, for the best of the ways that use it."""
    sparsity = next((way.sparsity for way in ways if way.sparsity is not None and not way.infeasible), None)
    if sparsity is not None and (picture := spy(name, sparsity)) is not None:
        yield picture


def _ways(caption: str, ways: Sequence[ModeCost], recommended: str) -> DocumentTable:
    """A row for each way; no column without a figure."""
    columns: list[tuple[str, str, Callable[[Any], str]]] = [
        ("passes", "passes", "{:,}".format),
        ("FLOPs", "flops", operations),
        ("time", "seconds", duration),
        ("compile", "compile_seconds", duration),
        ("temporary memory", "temp_bytes", memory),
    ]
    columns = [column for column in columns if any(getattr(way, column[1]) is not None for way in ways)]
    rows = tuple(
        (
            Cell((way.mode,)),
            *(_figure(getattr(way, field), write) for _, field, write in columns),
            _remark(way, recommended),
        )
        for way in ways
    )
    return DocumentTable(caption, ("", *(title for title, _, _ in columns), ""), rows)


def _crossover(crossover: Crossover) -> Iterator[Part]:
    """Both modes at other sizes: the figures, the picture, and what they say; that alone where they do the same."""
    if crossover.forward == crossover.reverse:
        yield Paragraph((crossover.words,))
        return
    rows = tuple(
        (
            Cell((f"{n:,}{' (here)' if k == crossover.here else ''}",)),
            Cell((f"{m:,}",), "number"),
            Cell((operations(forward),), "number"),
            Cell((operations(reverse),), "number"),
            Cell(("" if forward == reverse else "forward" if forward < reverse else "reverse",)),
        )
        for k, (n, m, forward, reverse) in enumerate(
            zip(
                crossover.sizes,
                crossover.outputs if crossover.grows == "inputs" else crossover.inputs,
                crossover.forward,
                crossover.reverse,
                strict=True,
            )
        )
    )
    other = "outputs" if crossover.grows == "inputs" else "inputs"
    caption = f"The same function with {', '.join(crossover.arguments)} of other sizes: counted FLOPs"
    yield DocumentTable(caption, (crossover.grows, other, "forward", "reverse", "less"), rows)
    yield crossover_picture(crossover)
    yield Paragraph((crossover.words,))


def _figure(value: Any, write: Callable[[Any], str]) -> Cell:
    return Cell(("—" if value is None else write(value),), "number")


def _remark(way: ModeCost, recommended: str) -> Cell:
    if way.infeasible:
        return Cell((way.infeasible,), "text", "warning")
    return Cell(("★ recommended",), "text", "good") if way.mode == recommended else Cell(("",))


def _work(cost: Cost) -> Iterator[Part]:
    """What the function and one product of each kind take, counted; and where others count otherwise."""
    listed = [program for program in cost.programs if program.name in TITLES and not program.missing]
    if listed:
        header = ("", "FLOPs", "transcendentals", "bytes, unfused")
        yield DocumentTable("Counted work", header, tuple(map(_program, listed)))
    if cost.xla:
        yield Paragraph((cost.xla,))
    for sentence in dict.fromkeys(sentence for program in listed for sentence in program.unknown):
        yield Paragraph((f"Not in these numbers: {sentence}",))


def _kept(kept: Sequence[Kept]) -> Iterator[Part]:
    """What reverse mode keeps, by line, and what it would take not to."""
    if not kept:
        return
    rows = tuple(
        (
            Cell((row.where or "elsewhere",)),
            Cell((f"{row.arrays:,}",), "number"),
            Cell((memory(row.bytes),), "number"),
            Cell((row.source,), "code"),
        )
        for row in kept[:MOST_LINES]
    )
    whole = sum(row.bytes for row in kept)
    yield DocumentTable("Kept for the second pass of reverse mode", ("", "arrays", "memory", "source"), rows)
    yield Paragraph(
        (f"In all {memory(whole)}. `jax.checkpoint` around the function would keep none of it, and run it twice.",)
    )


def _program(program: ProgramCost) -> tuple[Cell, ...]:
    figures = (program.flops, program.transcendentals, program.bytes)
    return (Cell((TITLES[program.name],)), *(Cell((_range(figure),), "number") for figure in figures))


def _range(figure: tuple[int, int] | None) -> str:
    if figure is None:
        return "—"
    least, most = map(operations, figure)
    return least if least == most else f"{least} to {most}"
