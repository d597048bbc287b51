"""The example notebooks, run from clean in a real kernel, and read as exported pages without scripts or network."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from nbconvert import HTMLExporter
from playwright.sync_api import Locator, Page

EXAMPLES = Path(__file__).parents[2] / "examples"
NOTEBOOKS = sorted(EXAMPLES.glob("*.ipynb"))
BLANK = {"text/plain": "", "text/html": ""}


def shown(cell: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    """A cell's outputs, without the emptied one of a cell that took long enough to say what it was at."""
    return [output for output in cell.outputs if output.get("data") != BLANK]


@pytest.fixture(scope="module")
def executed() -> Callable[[str], nbformat.NotebookNode]:
    """Runs an example, once, in a kernel of its own."""
    run: dict[str, nbformat.NotebookNode] = {}

    def execute(name: str) -> nbformat.NotebookNode:
        if name not in run:
            notebook = nbformat.read(EXAMPLES / f"{name}.ipynb", as_version=4)
            run[name] = NotebookClient(notebook, timeout=120).execute()
        return run[name]

    return execute


@pytest.fixture
def outputs(executed: Callable[[str], nbformat.NotebookNode]) -> dict[str, nbformat.NotebookNode]:
    """The data of the result of each quickstart cell that has one, by the cell's id; before it comes only a panel."""
    cells = [cell for cell in executed("quickstart").cells if cell.get("outputs")]
    assert {len(shown(cell)) for cell in cells} <= {1, 3}
    return {cell.id: cell.outputs[-1].data for cell in cells}


@pytest.fixture
def exported(
    executed: Callable[[str], nbformat.NotebookNode], new_page: Callable[..., Page], tmp_path: Path
) -> Callable[[str], Page]:
    """Shows the page that `jupyter nbconvert --to html` makes of an example, with JavaScript off."""

    def show(name: str) -> Page:
        page = new_page(javascript=False)
        target = tmp_path / f"{name}.html"
        target.write_text(HTMLExporter().from_notebook_node(executed(name))[0])
        page.goto(target.as_uri())
        return page

    return show


def visible_text(where: Locator) -> str:
    """What a reader sees, with one space for any gap."""
    return " ".join(where.inner_text().split())


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_an_example_is_stored_without_outputs(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    assert notebook.metadata.kernelspec.name == "python3"
    for cell in notebook.cells:
        assert cell.get("outputs", []) == []
        assert cell.get("execution_count") is None


@pytest.mark.parametrize("name", [path.stem for path in NOTEBOOKS])
def test_an_example_runs_and_every_derivation_has_all_forms(executed: Callable, name: str) -> None:
    derived = [cell for cell in executed(name).cells if cell.source.startswith("%%derive")]
    assert derived
    for cell in derived:
        panel, kept, output = shown(cell)
        assert "application/vnd.jupyter.widget-view+json" in panel.data
        assert kept.data["text/html"] == kept.data["text/plain"] == ""
        assert {"text/plain", "text/html", "text/latex"} <= output.data.keys()


@pytest.mark.parametrize("name", [path.stem for path in NOTEBOOKS])
def test_an_exported_example_shows_tables_and_formulas_of_every_derivation(exported: Callable, name: str) -> None:
    page = exported(name)
    reports = page.locator(".jdm-report").all()
    assert reports
    for report in reports:
        assert report.locator("table").first.is_visible()
    assert page.locator(".jdm-report math >> visible=true").count() > 0


def test_the_quickstart_proves_its_first_gradient(outputs: dict) -> None:
    text = outputs["first"]["text/plain"]
    assert "proved" in text
    assert "2*x[0]*x[1]" in text
    assert "x[0]**2 + 3*x[1]**2" in text


def test_the_quickstart_finds_the_wrong_rule_and_nothing_else_wrong(outputs: dict) -> None:
    verdicts = {
        name: data["text/plain"].split("\n")[1]
        for name, data in outputs.items()
        if "jdm-report" in data.get("text/html", "")
    }
    assert verdicts.pop("rule").startswith("✗ differs")
    for name, verdict in verdicts.items():
        assert verdict.startswith(("✓ proved", "≈ agrees")), name
    assert "0.7615942" in outputs["rule"]["text/plain"]  # tanh(1), which the rule says
    assert "0.7310585786" in outputs["rule"]["text/plain"]  # 1/(1 + exp(-1)), which is right


def test_the_quickstart_keeps_the_names_of_parameters_and_data(outputs: dict) -> None:
    text = outputs["loss"]["text/plain"]
    for name in ("params['w'][0]", "params['b']", "X[", "y[", "residual[j] ="):
        assert name in text


def test_the_quickstart_says_what_to_call_where_grad_refuses(outputs: dict) -> None:
    text = " ".join(outputs["vector"]["text/plain"].split())
    assert "Plain jax.grad refuses position" in text
    assert "jax.jacfwd(position, argnums=(0, 1))(r, angle)" in text


def test_the_quickstart_counts_one_reverse_pass_against_a_hundred(outputs: dict) -> None:
    rows = [line.split() for line in outputs["cost"]["text/plain"].splitlines()]
    passes = {row[0]: row[1] for row in rows if row[:1] in (["forward"], ["reverse"]) and row[1:2] != ["over"]}
    assert passes == {"forward": "100", "reverse": "1"}
    assert ["jax.grad(energy)(x)"] in rows


def test_the_quickstart_keeps_a_report_with_formula_and_array(outputs: dict) -> None:
    assert r"\begin{" in outputs["formula"]["text/latex"]
    assert outputs["hessian"]["text/plain"].split() == "Array([[ 4., 2.], [ 2., 12.]], dtype=float32)".split()


def test_the_exported_quickstart_shows_formulas_beside_numbers(exported: Callable) -> None:
    page = exported("quickstart")
    gradient = page.locator(".jdm-report table", has_text="Gradient of f").first.locator("tbody tr")
    assert gradient.count() == 2
    for row, number in zip(gradient.all(), ("4", "13"), strict=True):
        assert row.locator("math").first.is_visible()
        assert visible_text(row).endswith(number)
    check = page.locator(".jdm-report", has_text="softplus").locator("table", has_text="four ways")
    assert "0.7310585786" in visible_text(check)
    assert "differs" in visible_text(check)


def test_the_exported_quickstart_typesets_a_formula_that_a_cell_returns(exported: Callable) -> None:
    page = exported("quickstart")
    cell = page.locator(".jp-CodeCell", has_text='r.formula("hessian")')
    assert cell.locator("math").is_visible()
    assert "\\begin" not in visible_text(cell)


def test_the_comparison_rejects_what_is_wrong_and_nothing_that_is_right(executed: Callable) -> None:
    cells = {cell.id: cell for cell in executed("check_grads").cells}
    table = cells["table"].outputs[0].data["text/markdown"].splitlines()[2:]
    rows = [[column.strip() for column in line.strip("|").split("|")] for line in table]
    assert len(rows) == 9
    for name, truth, _, ours in rows:
        assert (ours == "differs") == (truth == "wrong"), name
    assert "x[7]" in cells["assert"].outputs[-1].data["text/plain"]
    assert "differs" in cells["small"].outputs[-1].data["text/plain"]
    assert "slope 1.0" in cells["small"].outputs[-1].data["text/plain"]
