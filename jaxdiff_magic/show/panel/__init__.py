"""The live panel over a report: its state, the widget that a notebook shows, and the page that stands alone."""

from __future__ import annotations

from jaxdiff_magic.show.panel.page import save
from jaxdiff_magic.show.panel.widget import Panel

__all__ = ["Panel", "save"]
