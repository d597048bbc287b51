"""What does not fit is shortened from the longest section on, and says what is left out."""

from __future__ import annotations

import pytest

from jaxdiff_magic.report.formula import Formula
from jaxdiff_magic.show.document import Cell, Code, DocumentTable, FoldedTable, Group, Paragraph, Picture, Section
from jaxdiff_magic.show.limits import FORMULA_CHARACTERS
from jaxdiff_magic.show.shortening import LADDER, cut, cut_text, fitted, shortened


def table(rows: int, columns: int = 2) -> DocumentTable:
    names = tuple(f"c{k}" for k in range(columns))
    return DocumentTable("a table", names, tuple(tuple(Cell((f"{k}",)) for _ in names) for k in range(rows)))


def count(section: Section) -> int:
    return sum(len(part.rows) if isinstance(part, DocumentTable) else 1 for part in section.parts)


def test_the_longest_section_gives_way_and_the_others_stay() -> None:
    long = Section("findings", "Findings", tuple(Paragraph((f"{k}",)) for k in range(400)))
    short = Section("check", "Check", (table(20),))
    first = Section("derivatives", "Derivatives", (table(10),))
    shown = fitted((first, short, long), count, 100)
    assert shown[:2] == (first, short)
    assert sum(map(count, shown)) <= 100
    kept, said = shown[2].parts[:-1], shown[2].parts[-1]
    assert kept == long.parts[: len(kept)] and len(kept) > 30
    assert said == Paragraph((f"Left out here: {400 - len(kept)} paragraphs. All of it: `report.findings`.",))


@pytest.mark.parametrize("room", [60, 20, 4])
def test_whatever_the_room_it_is_kept_to(room: int) -> None:
    parts = (table(500), *(Paragraph(("words " * 400,)) for _ in range(50)), Code("x" * 9000), table(300, 40))
    shown = fitted(tuple(Section(name, name, parts) for name in ("check", "cost", "findings", "other")), count, room)
    assert sum(map(count, shown)) <= room
    assert all(str(section.parts[-1]).count("All of it") == 1 for section in shown)


def test_what_opens_a_report_gives_way_last() -> None:
    first, second = (Section(name, name, (table(39), *[table(39)] * 3)) for name in ("leaves", "check"))
    shown = fitted((first, second), count, 200)
    assert shown[0] == first and shown[1] != second


def test_columns_and_rows_that_are_left_out_are_those_at_the_end() -> None:
    (small, said) = shortened(Section("check", "Check", (table(100, 30),)), LADDER[3]).parts
    assert isinstance(small, DocumentTable)
    assert small.header == tuple(f"c{k}" for k in range(LADDER[3].columns))
    assert [row[0].runs for row in small.rows] == [(f"{k}",) for k in range(LADDER[3].rows)]
    assert said == Paragraph((f"Left out here: {100 - LADDER[3].rows} rows. All of it: `report.check`.",))


def test_groups_keep_their_heads() -> None:
    rows = tuple((Cell((f"{k}",)),) for k in range(50))
    folded = FoldedTable("", ("",), (Group((Cell(("head",)),), rows), Group(None, rows[:1])), (1.0,))
    small, _ = shortened(Section("leaves", "Leaves", (folded,)), LADDER[3]).parts
    assert isinstance(small, FoldedTable)
    assert small.groups[0].head == (Cell(("head",)),) and len(small.groups[0].rows) == LADDER[3].rows // 2
    assert small.groups[1].rows == rows[:1]


def test_pictures_go_before_the_last_rows_do() -> None:
    section = Section("cost", "Cost", (Picture("<svg/>", "a picture of what the table says"), table(100)))
    assert any(isinstance(part, Picture) for part in shortened(section, LADDER[2]).parts)
    small = shortened(section, LADDER[-2]).parts
    assert not any(isinstance(part, Picture) for part in small) and isinstance(small[0], DocumentTable)


def test_a_long_formula_is_text_that_ends_and_says_how_long_it_is() -> None:
    long, short = Formula("x", "x" * (FORMULA_CHARACTERS + 1)), Formula("y", "y")
    (shown,) = shortened(Section("derivatives", "", (Paragraph((long, " and ", short)),)), None).parts
    assert isinstance(shown, Paragraph) and shown.runs[1:] == (" and ", short)
    assert str(shown.runs[0]).endswith("… (1,501 characters; `report.formula()` has all)")


def test_code_that_is_cut_is_still_code_and_short_text_stays() -> None:
    assert cut_text("Write `jnp.where(x > 0, x, 0)` there", 20) == "Write `jnp.where(x …`"
    assert cut_text("short", 20) == "short"
    assert cut(("twelve chars", Formula("x", "x" * 50)), 30) == ("twelve chars", "x" * 16 + " …")
