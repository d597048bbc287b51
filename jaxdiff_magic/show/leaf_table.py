"""The first screen of a model: its leaves by module, where what is wrong begins, its curvature, what it keeps."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from jaxdiff_magic.base.figures import significant
from jaxdiff_magic.base.units import operations
from jaxdiff_magic.report import OUTCOMES, Outcome, ReportData
from jaxdiff_magic.report.leaves import Beginning, LeafRow, Leaves, together
from jaxdiff_magic.show.document import Cell, DocumentTable, FoldedTable, Group, Paragraph, Part, Tone
from jaxdiff_magic.show.limits import LEAF_ROWS, MODULE_ROWS, OPEN_ROWS
from jaxdiff_magic.show.matrix_free import within
from jaxdiff_magic.show.numbers import dimensions, memory

LEAST_DECADES, MOST_DECADES = 2, 6
"""A bar is a logarithm: the largest ratio fills it, one that is so many powers of ten less leaves it empty. As many as
the ratios take; more would hide all differences: in float32, which has seven digits, a step that suits the one changes
nothing of the other by then."""
LEAST_SHARE = 0.02
"""Of a bar, so that a ratio that is not 0 is not seen as none."""
MOST_BEGINNINGS = 4
"""So many lines are told of where something begins. A choice: the rest is in the data."""
MOST_NAMES = 3
"""So many leaves are named that it reaches."""
SIGNS: dict[Outcome, tuple[str, Tone]] = {
    "proved": ("✓", "good"),
    "agrees": ("≈", "good"),
    "out of reach": ("?", "warning"),
    "differs": ("✗", "bad"),
}
WHAT = {"nan": "NaN", "infinity": "An infinity", "zero": "An exact zero", "underflow": "Underflow to 0"}
HEADER = ("parameter", "shape", "|grad|", "ratio", "", "zeros", "check")
WIDTHS = (0.30, 0.16, 0.10, 0.09, 0.14, 0.07, 0.14)


@dataclass(frozen=True)
class Module:
    """Leaves that are shown together.

    Attributes:
        whole: all of them as one row; the leaf itself where it is alone.
        rows: the leaves; () where it is alone.
        is_open: whether they are shown unfolded.
    """

    whole: LeafRow
    rows: tuple[LeafRow, ...]
    is_open: bool


def leaf_parts(report: ReportData) -> Iterator[Part]:
    """What begins where, the table, and what is known of curvature, memory and work."""
    leaves = report.leaves
    if leaves is None or not leaves.rows:
        return
    for begun in leaves.begins[:MOST_BEGINNINGS]:
        yield _begun(begun, len(leaves))
    if (more := len(leaves.begins) - MOST_BEGINNINGS) > 0:
        yield Paragraph((f"{more} more such lines: `report.leaves.begins`.",))
    modules, left_out = modules_of(leaves)
    yield _table(leaves, modules)
    if left_out:
        plural = "module or leaf is" if left_out == 1 else "modules and leaves are"
        yield Paragraph((f"{left_out:,} more {plural} left out; all of them: `report.leaves`.",))
    facts = tuple((Cell((name,)), Cell((said,))) for name, said in facts_of(report))
    if facts:
        yield DocumentTable("Curvature, memory and work", (), facts)


def modules_of(leaves: Leaves) -> tuple[tuple[Module, ...], int]:
    """The leaves by module, in order, and how many modules are left out.

    Those with something wrong come first where not all can be shown, and are open; then those of the largest ratio.
    """
    groups = [tuple(group) for _, group in itertools.groupby(leaves.rows, lambda row: row.module)]
    wholes = [group[0] if len(group) == 1 else together(group[0].module or "arguments", group) for group in groups]
    order = sorted(range(len(groups)), key=lambda k: (not _is_wrong(groups[k]), -(wholes[k].ratio or 0.0), k))
    kept, opened, shown = [], set(), 0
    for k in order[:MODULE_ROWS]:
        kept.append(k)
        rows = len(groups[k]) if len(groups[k]) > 1 else 0
        if rows and shown + rows <= OPEN_ROWS:
            opened.add(k)
            shown += rows
    found, room = [], LEAF_ROWS
    for k in sorted(kept):
        rows = groups[k] if len(groups[k]) > 1 else ()
        worst = sorted(rows, key=lambda row: not row.is_broken)[: max(0, room)]
        room -= len(worst)
        found.append(Module(wholes[k], tuple(row for row in rows if row in worst), k in opened))
    return tuple(found), len(groups) - len(kept)


def _is_wrong(rows: Sequence[LeafRow]) -> bool:
    return any(row.is_broken for row in rows)


@dataclass(frozen=True)
class Scale:
    """How long bars are.

    Attributes:
        most: the ratio that fills one.
        decades: how many powers of ten below it none is left.
    """

    most: float
    decades: int

    def share(self, ratio: float | None) -> float:
        """The length of the bar of a ratio, from 0 to 1."""
        if not ratio or not math.isfinite(ratio) or not self.most:
            return 0.0
        return min(1.0, max(LEAST_SHARE, 1.0 + math.log10(ratio / self.most) / self.decades))


def scale_of(leaves: Leaves, modules: Sequence[Module]) -> Scale:
    """One scale for all bars."""
    ratios = [row.ratio for row in (*leaves.rows, *(module.whole for module in modules))]
    known = [ratio for ratio in ratios if ratio and math.isfinite(ratio)]
    most, least = max(known, default=0.0), min(known, default=1.0)
    decades = math.ceil(math.log10(most / least)) if known else 0
    return Scale(most, min(MOST_DECADES, max(LEAST_DECADES, decades)))


def _table(leaves: Leaves, modules: Sequence[Module]) -> FoldedTable:
    scale = scale_of(leaves, modules)
    groups = tuple(
        Group(
            head=_cells(module.whole, scale, module.whole.name) if module.rows else None,
            rows=tuple(_cells(row, scale, row.last) for row in module.rows)
            or (_cells(module.whole, scale, module.whole.name),),
            is_open=module.is_open or not module.rows,
        )
        for module in modules
    )
    return FoldedTable(caption_of(leaves, scale), HEADER, groups, WIDTHS)


def caption_of(leaves: Leaves, scale: Scale) -> str:
    """How much there is, and what the bars are."""
    many = "1 leaf" if len(leaves) == 1 else f"{len(leaves):,} leaves"
    bars = f"ratio is |grad| / |parameter|, its bar a logarithm over {scale.decades} decades"
    return f"{many}, {leaves.size:,} numbers; {bars}"


def shape_of(row: LeafRow) -> str:
    """`192 × 192`; of several leaves how many numbers they have, and how many they are: `1.3 M in 12`."""
    return dimensions(row.shape) if row.leaves == 1 else f"{_count(row.size)} in {row.leaves}"


def _cells(row: LeafRow, scale: Scale, name: str) -> tuple[Cell, ...]:
    broken: Tone = "bad" if row.nonfinite else ""
    return (
        Cell((name,), "code"),
        Cell((shape_of(row),)),
        _number(row.gradient, broken),
        _number(row.ratio, broken),
        Cell((), "bar", "bad" if row.nonfinite else "neutral", 1.0 if row.nonfinite else scale.share(row.ratio)),
        Cell(("—" if row.nonfinite or row.zeros is None else percent(row.zeros),), "number"),
        _outcome(row),
    )


def _number(value: float | None, tone: Tone) -> Cell:
    return Cell(("—" if value is None else "NaN" if math.isnan(value) else significant(value, 3),), "number", tone)


def _outcome(row: LeafRow) -> Cell:
    said: Outcome | None = next((word for word in OUTCOMES if word == row.outcome), None)
    if row.nonfinite:
        return Cell((f"{row.nonfinite:,} not finite",), "text", "bad")
    if said is None:
        return Cell(("—",))
    sign, tone = SIGNS[said]
    return Cell((f"{sign} {said}",), "text", tone)


def percent(share: float) -> str:
    """`0 %`, `38 %`; never 0 or 100 for what is not quite that.

    Example:
        >>> percent(0.0), percent(0.0001), percent(0.38), percent(0.9999)
        ('0 %', '< 1 %', '38 %', '> 99 %')
    """
    if 0 < share < 0.01:
        return "< 1 %"
    if 0.99 < share < 1:
        return "> 99 %"
    return f"{100 * share:.0f} %"


def _count(size: int) -> str:
    """`96`, `12.3 k`, `1.3 M`."""
    for unit, length in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if size >= 10 * length or size >= length > 1e3:
            return f"{significant(size / length, 3)} {unit}"
    return f"{size:,}"


def _begun(begun: Beginning, leaves: int) -> Paragraph:
    """`NaN begins on the way back, in cell, line 31 (0 * inf): it reaches 3 of 52 leaves: …`."""
    return Paragraph(sentence_of(begun, leaves), tone_of(begun))


def tone_of(begun: Beginning) -> Tone:
    """A number that is not finite is worse than a zero."""
    return "bad" if begun.what in ("nan", "infinity") else "warning"


def sentence_of(begun: Beginning, leaves: int) -> tuple[str, str]:
    """What begins, and where and what it reaches; the first part stands out."""
    way = "on the way back" if begun.way == "back" else "on the way forward"
    where = f", {begun.where}" if begun.where else ""
    line = f", in `{begun.source}`" if begun.source else ""
    event = f" ({begun.event})" if begun.event else ""
    named = ", ".join(begun.leaves[:MOST_NAMES])
    more = f" and {len(begun.leaves) - MOST_NAMES:,} more" if len(begun.leaves) > MOST_NAMES else ""
    of = f"{len(begun.leaves):,} of {leaves:,} leaves: " if begun.way == "back" and leaves > 1 else ""
    return f"{WHAT[begun.what]} begins {way}{where}", f"{line}{event}. It reaches {of}{named}{more}."


def facts_of(report: ReportData) -> Iterator[tuple[str, str]]:
    """Curvature with its errors, what reverse mode keeps, and the counted work."""
    leaves = report.leaves
    known = () if leaves is None else (leaves.largest, leaves.along, leaves.trace)
    names = ("largest eigenvalue of the Hessian", "curvature along the gradient", "trace of the Hessian")
    for name, estimate in zip(names, known, strict=False):
        if estimate is not None:
            yield name, within(estimate)
    if report.cost is None:
        return
    if kept := report.cost.kept:
        whole, first = sum(row.bytes for row in kept), kept[0]
        place = f", {memory(first.bytes)} of it at {first.where}" if first.where else ""
        line = f" (`{first.source}`)" if first.where and first.source else ""
        yield (
            "reverse mode keeps",
            f"{memory(whole)}{place}{line}; `jax.checkpoint` around the function would keep none",
        )
    counted = {program.name: program.flops for program in report.cost.programs if program.flops is not None}
    if "function" in counted and "vjp" in counted:
        value, pullback = counted["function"][1], counted["vjp"][1]
        yield "work", f"{operations(value)} FLOPs for the value, {operations(pullback)} with the gradient"
