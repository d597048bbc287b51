"""Python text as a tree, one at a time: CPython 3.11 fails now and then where two threads parse at once.

https://github.com/python/cpython/issues/106905
"""

from __future__ import annotations

import ast
import threading
from typing import Any

_ONE_AT_A_TIME = threading.Lock()


def parsed(text: str, mode: str = "exec") -> Any:
    """`ast.parse`; raises what that raises."""
    with _ONE_AT_A_TIME:
        return ast.parse(text, mode=mode)
