"""Any part of a report as plain data that strict JSON can hold."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from jaxdiff_magic.report.formula import Formula
from jaxdiff_magic.subject.leaves import LARGE, Leaf


def plain(value: Any) -> Any:
    """`value` as plain data: see `Report.to_dict`. Of an array of more than `LARGE` entries only shape and dtype."""
    match value:
        case None | bool() | str() | int():
            return value
        case float() if np.isfinite(value):
            return value
        case float() | np.floating() if not np.isfinite(value):
            return str(float(value))
        case Formula():
            return {"latex": value.latex, "text": value.text}
        case _ if isinstance(value, Leaf):
            return value.to_dict()
        case _ if dataclasses.is_dataclass(value) and not isinstance(value, type):
            return {item.name: plain(getattr(value, item.name)) for item in dataclasses.fields(value) if item.repr}
        case Mapping():
            return {str(key): plain(item) for key, item in value.items()}
        case tuple() | list():
            return [plain(item) for item in value]
        case _ if hasattr(value, "__array__") and np.size(value) > LARGE:
            return {"shape": list(np.shape(value)), "dtype": str(value.dtype), "left_out": np.size(value)}
        case _ if hasattr(value, "__array__"):
            return plain(np.asarray(value).astype(object).tolist())
        case _:
            return str(value)
