"""The parts that a report is made of, before anyone decides how they look."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from jaxdiff_magic.report.formula import Formula

Tone = Literal["", "good", "neutral", "warning", "bad"]
Runs = tuple[str | Formula, ...]


@dataclass(frozen=True)
class Cell:
    """Text and formulas in a row; numbers align to the right, code is monospaced, a bar is drawn as long as its share.

    Nothing but its length is in a bar: the number stands in another cell.
    """

    runs: Runs
    kind: Literal["text", "number", "code", "bar"] = "text"
    tone: Tone = ""
    share: float = 0.0


@dataclass(frozen=True)
class Paragraph:
    """A line of text; one with a tone starts with the words that stand out."""

    runs: Runs
    tone: Tone = ""


@dataclass(frozen=True)
class Code:
    """Python to paste."""

    text: str


@dataclass(frozen=True)
class Picture:
    """A drawing; `alt` says all that it shows, for who does not see it. `caption` stands above, where it needs one."""

    svg: str
    alt: str
    caption: str = ""


@dataclass(frozen=True)
class DocumentTable:
    """The first cell of a row names the row; a table may do without a header, ()."""

    caption: str
    header: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]

    def alignment(self, column: int) -> Literal["left", "right"]:
        return "right" if any(row[column].kind == "number" for row in self.rows) else "left"


@dataclass(frozen=True)
class Group:
    """Rows that belong together, under a row that stands for all of them; `head` is None where they stand alone."""

    head: tuple[Cell, ...] | None
    rows: tuple[tuple[Cell, ...], ...]
    is_open: bool = True


@dataclass(frozen=True)
class FoldedTable:
    """A table whose groups can be folded; `widths` are those of its columns, in parts of the whole."""

    caption: str
    header: tuple[str, ...]
    groups: tuple[Group, ...]
    widths: tuple[float, ...]

    @property
    def shown(self) -> DocumentTable:
        """The same without folding: heads, and the rows of open groups below them."""
        rows = []
        for group in self.groups:
            if group.head is not None:
                mark = "▾ " if group.is_open and group.rows else "▸ "
                rows.append((Cell((mark, *group.head[0].runs), group.head[0].kind), *group.head[1:]))
            if group.is_open or group.head is None:
                indent = "" if group.head is None else "    "
                rows += [(Cell((indent, *row[0].runs), row[0].kind), *row[1:]) for row in group.rows]
        return DocumentTable(self.caption, self.header, tuple(rows))


Part = Paragraph | Code | DocumentTable | FoldedTable | Picture


@dataclass(frozen=True)
class Section:
    """Some parts under a title; `name` is what `Report.sections` selects by."""

    name: str
    title: str
    parts: tuple[Part, ...]
    is_open: bool = False
