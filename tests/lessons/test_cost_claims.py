"""Lessons on cost: what is claimed about the two modes, shown true or false by counted and measured figures."""

from __future__ import annotations

import math
from collections.abc import Iterator

import pytest
from IPython.core.interactiveshell import InteractiveShell

from jaxdiff_magic import Report
from jaxdiff_magic.report.cost_figures import Cost

from .conftest import Lesson


@pytest.fixture
def notebook(shell: InteractiveShell) -> Iterator[Lesson]:
    shell.reset(new_session=False)
    started = Lesson(shell, "float32")
    started.cell("import jax\nimport jax.numpy as jnp")
    yield started


def measured(report: Report) -> Cost:
    assert report.cost is not None
    assert report.cost.measured, report.cost.note
    return report.cost


def test_reverse_mode_wins_for_a_million_parameters_and_one_loss(notebook: Lesson) -> None:
    cost = measured(
        notebook.derive("""%%derive --cost measure
def loss(p):
    return jnp.sum(jnp.cos(p) * p**2)

loss(jnp.linspace(0.0, 1.0, 1_000_000))
""")
    )
    assert cost.recommended == "reverse"
    assert (cost.forward.passes, cost.reverse.passes) == (1_000_000, 1)
    assert cost.forward.infeasible
    assert (cost.forward.flops or 0) > 100_000 * (cost.reverse.flops or math.inf)


WIDE = """%%derive --cost measure --order 1
W = jnp.sin(jnp.arange(300.0).reshape(100, 3))
V = jnp.cos(jnp.arange(10_000.0).reshape(100, 100)) / 10

def f(x):
    y = W @ x
    for _ in range(10):
        y = jnp.tanh(V @ y)
    return y

f(jnp.array([0.1, 0.2, 0.3]))
"""


def test_forward_mode_wins_from_3_inputs_to_100_outputs(notebook: Lesson) -> None:
    cost = measured(notebook.derive(WIDE))
    assert cost.strategies[0].mode == "forward"
    assert (cost.forward.passes, cost.reverse.passes) == (3, 100)
    assert 5 * (cost.forward.flops or math.inf) < (cost.reverse.flops or 0)
    assert "100" in cost.reason


def test_that_forward_mode_suits_many_inputs_and_one_output_is_refuted_on_screen(notebook: Lesson) -> None:
    report = notebook.derive("""%%derive --cost measure --order 1
V = jnp.cos(jnp.arange(40_000.0).reshape(200, 200)) / 10

def f(x):
    for _ in range(5):
        x = jnp.tanh(V @ x)
    return jnp.sum(x**2)

f(jnp.linspace(0.0, 1.0, 200))
""")
    cost = measured(report)
    assert cost.recommended == "reverse"
    assert (cost.forward.flops or 0) > 50 * (cost.reverse.flops or math.inf)
    text, html = str(report), report._repr_mimebundle_()["text/html"]
    assert "Reverse mode needs 1 pass, forward mode 200 passes; measured" in text
    assert "★ recommended" in text.split("reverse", 1)[1].split("Reverse")[0]
    assert "data:image/svg+xml" in html  # bars
    assert "Bars. time: forward" in html


def test_a_product_with_the_hessian_costs_a_few_gradients_and_the_whole_of_it_n_times_as_much(
    notebook: Lesson,
) -> None:
    n = 30
    report = notebook.derive(f"""%%derive --cost count
V = jnp.cos(jnp.arange({n * n}.0).reshape({n}, {n})) / 10

def f(x):
    return jnp.sum(jnp.tanh(V @ jnp.tanh(V @ x)) ** 2)

f(jnp.linspace(0.0, 1.0, {n}))
""")
    assert report.cost is not None
    flops = {program.name: program.flops[1] for program in report.cost.programs if program.flops}
    gradient, product = flops["jacobian reverse"], flops["hessian-vector product"]
    assert 1 < product / gradient < 4
    whole = flops["hessian forward over reverse"]
    assert 0.4 * n * product < whole < 1.1 * n * product
    assert report.cost.hessian[0].mode == "forward over reverse"
    assert flops["hessian forward over reverse"] == min(v for k, v in flops.items() if k.startswith("hessian "))


def test_what_plain_grad_refuses_is_said_with_the_modes_that_do_not(notebook: Lesson) -> None:
    report = notebook.derive("""%%derive --cost count
def f(x):
    return jnp.stack([x**2, 4 * x])

f(1.0)
""")
    (refused,) = [finding for finding in report.findings if finding.kind == "infeasible-mode"]
    assert "jax.grad refuses f" in refused.message
    assert report.cost is not None
    assert report.cost.call in ("jax.jacfwd(f)(x)", "jax.jacrev(f)(x)")
