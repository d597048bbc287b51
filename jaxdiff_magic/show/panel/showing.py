"""Where a panel is shown of its own accord: in a notebook, whose kernel has widgets; not in a terminal or a script."""

from __future__ import annotations

import sys
from typing import Any

from jaxdiff_magic.base.errors import OutOfReach

KEPT = "application/vnd.jaxdiff-magic.panel+json"

_open: dict[str, tuple[str, list[Any]]] = {}
"""By cell: which run of it showed panels, and those panels."""


def show_panel(report: Any) -> None:
    """Display the panel over a report; nothing where there are no widgets, or the report asks for none."""
    application = getattr(sys.modules.get("ipykernel.kernelapp"), "IPKernelApp", None)
    if not report.with_panel or application is None or not application.initialized():
        return
    try:
        from IPython.display import display

        from jaxdiff_magic.show.panel.widget import Panel

        panel = Panel(report)
        _close_earlier(application.instance().kernel.get_parent("shell"), panel)
        display(panel)
        # Our JupyterLab extension draws it where the notebook is opened again and the widget is gone; others nothing.
        display({KEPT: panel.state, "text/html": "", "text/plain": ""}, raw=True)
    except OutOfReach:  # it is too large, and the static output says what there is to say
        return
    except Exception as error:  # a panel less is no reason to show no report
        print(f"There is no live panel: {type(error).__name__}: {error}", file=sys.stderr)


def _close_earlier(request: dict[str, Any], panel: Any) -> None:
    """Close what an earlier run of the cell showed: its outputs are gone, and it would hold its report forever."""
    cell, run = request.get("metadata", {}).get("cellId"), request.get("header", {}).get("msg_id", "")
    if not cell:
        return
    shown_by, panels = _open.get(cell, (run, []))
    if shown_by != run:
        for earlier in panels:
            earlier.close()
        panels = []
    _open[cell] = run, [*panels, panel]
