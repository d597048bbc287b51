"""What a reader does with a cure: writes its lines where the finding says."""

from __future__ import annotations

import re
import types
from collections.abc import Callable
from pathlib import Path

from jaxdiff_magic.report import Finding


def cured(module: types.ModuleType, finding: Finding, written: Callable[[str], types.ModuleType]) -> types.ModuleType:
    """The module with the lines of a cure written where the finding says."""
    assert module.__file__ is not None
    lines = Path(module.__file__).read_text(encoding="utf-8").splitlines()
    number = int(re.findall(r"line (\d+)", finding.where)[0])
    old, new = lines[number - 1], re.findall(r"`([^`]*)`", finding.cure.split("Run: ")[0])
    indent = old[: len(old) - len(old.lstrip())]
    lines[number - 1 : number] = [indent + line for line in new]
    return written("\n".join(lines[2:]))
