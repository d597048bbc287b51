"""The panel as one HTML page that needs neither network nor kernel."""

from __future__ import annotations

import html
import json
import os
from pathlib import Path

from jaxdiff_magic.report import ReportData
from jaxdiff_magic.show.panel.state import state_of
from jaxdiff_magic.show.panel.widget import bundle

PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<style>
body {{ font-family: system-ui, sans-serif; margin: 1rem auto; max-width: 72rem; padding: 0 1rem }}
h1 {{ font-size: 1.2rem; margin: 0 }}
h2 {{ font-size: 1rem; font-weight: normal; margin: 0.2rem 0 1rem }}
</style>
</head>
<body>
<main>
<h1>{title}</h1>
<h2>Move the point, and everything follows</h2>
<div id="jdm-panel"></div>
</main>
<script type="application/json" id="jdm-state">{state}</script>
<script type="module">
{bundle}
</script>
</body>
</html>
"""


def save(report: ReportData, path: str | os.PathLike[str]) -> str:
    """Write the page; see `Report.save`."""
    # "<" cannot end the script element then, and means the same in JSON and in a JavaScript string
    state = json.dumps(state_of(report), allow_nan=False).replace("<", "\\u003c")
    code = bundle().replace("</script", "<\\/script")
    page = PAGE.format(title=html.escape(f"Derivatives of {report.subject.name}"), state=state, bundle=code)
    Path(path).write_text(page, encoding="utf-8")
    return str(path)
