"""The table of a model's leaves as a panel is told it: rows by module, bars already as long as they are drawn."""

from __future__ import annotations

from typing import Any

from jaxdiff_magic.report import ReportData
from jaxdiff_magic.report.leaves import LeafRow
from jaxdiff_magic.report.plain import plain
from jaxdiff_magic.show.leaf_table import (
    MOST_BEGINNINGS,
    Scale,
    caption_of,
    facts_of,
    modules_of,
    scale_of,
    sentence_of,
    shape_of,
    tone_of,
)


def leaf_state(report: ReportData) -> dict[str, Any] | None:
    """What `js/src/wire.ts` calls a LeafTable; None of a function that is no model."""
    leaves = report.leaves
    if leaves is None or not leaves.is_model:
        return None
    modules, left_out = modules_of(leaves)
    scale = scale_of(leaves, modules)
    begins = leaves.begins[:MOST_BEGINNINGS]
    return {
        "caption": caption_of(leaves, scale),
        "begins": [{"tone": tone_of(one), "said": list(sentence_of(one, len(leaves)))} for one in begins],
        "modules": [
            {
                "whole": _row(module.whole, module.whole.name, scale),
                "rows": [_row(row, row.last, scale) for row in module.rows],
                "open": module.is_open,
            }
            for module in modules
        ],
        "left_out": left_out,
        "facts": [list(fact) for fact in facts_of(report)],
    }


def _row(row: LeafRow, name: str, scale: Scale) -> dict[str, Any]:
    return {
        "name": name,
        "shape": shape_of(row),
        "gradient": plain(row.gradient),
        "ratio": plain(row.ratio),
        "share": round(1.0 if row.nonfinite else scale.share(row.ratio), 3),
        "zeros": plain(row.zeros),
        "nonfinite": row.nonfinite or 0,
        "outcome": row.outcome,
    }
