"""The parts that a report is made of, before anyone decides how they look."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from jaxdiff_magic.report.formula import Formula

Tone = Literal["", "good", "neutral", "warning", "bad"]
Runs = tuple[str | Formula, ...]


@dataclass(frozen=True)
class Cell:
    """Text and formulas in a row; numbers align to the right, code is monospaced."""

    runs: Runs
    kind: Literal["text", "number", "code"] = "text"
    tone: Tone = ""


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


Part = Paragraph | Code | DocumentTable | Picture


@dataclass(frozen=True)
class Section:
    """Some parts under a title; `name` is what `Report.sections` selects by."""

    name: str
    title: str
    parts: tuple[Part, ...]
    is_open: bool = False
