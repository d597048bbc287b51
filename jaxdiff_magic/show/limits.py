"""How much of a report is shown, stated once: what is left out is said in its place, and stays in the data."""

from __future__ import annotations

TEXT_LINES = 150
"""Of a report as text. Three screens of a terminal: who looks for one number still finds it by scrolling, and a loop
that prints reports fills no log."""
HTML_BYTES = 200_000
"""Of the static HTML. A notebook is saved with its outputs, and compared line by line: twenty such cells are 4 MB, what
editors and code hosting still show; one page of it is laid out in a tenth of a second."""
STATE_BYTES = 300_000
"""Of a panel's state as JSON, which goes through the kernel's websocket (10 MB at most, in JupyterLab, of all widgets)
and is kept in the notebook beside the HTML."""
LATEX_BYTES = 50_000
"""Of the LaTeX. A choice: KaTeX takes a second for it."""

LARGEST = 12
"""Of a derivative that is not listed in full, so many entries, the largest, are named. A choice: as many as the rows
of a table that is."""
HEAT_SIDE = 32
"""A heat map has so many cells a side at most; each is the largest of the entries that it stands for. A choice: 5
pixels each, so that one entry that stands out among 1,000 x 1,000 is still seen."""
MOST_TABLES = 6
"""Where derivatives would make more tables than this, one summary takes their place. A choice: what fits two
screens."""
MOST_CLOSED_FORMS = 6
"""Beside it stand so many formulas of single blocks. A choice, as above."""
FORMULA_CHARACTERS = 1_500
"""A longer formula is cut. A choice: 15 lines of text, more than anybody reads as one formula."""
SENTENCE_CHARACTERS = 1_200
"""What stands above the sections is cut there. A choice: 12 lines."""
MOST_GRADES = 12
"""So many grades of the reader's own derivations stand there. A choice: as many as the rows of a small table."""
MODULE_ROWS = 30
"""So many modules, or leaves without one, the table of a model has. A choice: what a screen shows …"""
OPEN_ROWS = 24
"""… and modules are open while no more leaves than this are shown …"""
LEAF_ROWS = 80
"""… and so many leaves can be unfolded in HTML. A choice: each takes half a kilobyte."""
HELD_NAMES = 12
"""So many arguments that are held fixed are named. A choice, as above."""
