"""See and trust derivatives: `%load_ext jaxdiff_magic` in a notebook, `derive(f)(x)` anywhere.

Importing this package, and loading the extension, imports nothing heavy; JAX and SymPy come with the first use.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from jaxdiff_magic.base.errors import DeriveError, InputError, OutOfReach, WrongDerivative
    from jaxdiff_magic.cost.structure import jacobian_through_bottleneck
    from jaxdiff_magic.pipeline import check, derive
    from jaxdiff_magic.show.report import Report

__all__ = [
    "DeriveError",
    "InputError",
    "OutOfReach",
    "Report",
    "WrongDerivative",
    "check",
    "derive",
    "jacobian_through_bottleneck",
]
__version__ = "0.1.0"

_HOMES = {
    "check": "pipeline",
    "derive": "pipeline",
    "Report": "show.report",
    "jacobian_through_bottleneck": "cost.structure",
}
_RENAMED = {"jacobian_through_bottleneck": "jacobian_through_bottleneck"}  # as 0.1 had it
_HOMES |= dict.fromkeys(["DeriveError", "InputError", "OutOfReach", "WrongDerivative"], "base.errors")


def __getattr__(name: str) -> Any:
    name = _RENAMED.get(name, name)
    if name not in _HOMES:
        raise AttributeError(f"module 'jaxdiff_magic' has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(f"jaxdiff_magic.{_HOMES[name]}"), name)


def load_ipython_extension(shell: Any) -> None:
    """Add `%derive` and `%%derive` to the shell; called by `%load_ext jaxdiff_magic`."""
    from jaxdiff_magic.notebook.magic import load

    load(shell)


def unload_ipython_extension(shell: Any) -> None:
    """Remove exactly what loading added; called by `%unload_ext jaxdiff_magic`."""
    from jaxdiff_magic.notebook.magic import unload

    unload(shell)
