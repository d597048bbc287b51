"""What a reader does to a panel in a page, and what they see there."""

from __future__ import annotations

import re
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from playwright.sync_api import Locator, Page, expect

IMPORTS = "%load_ext jaxdiff_magic\nimport jax, jax.numpy as jnp"
LOGISTIC = """X = jnp.array([[0.52, 1.12, 0.77], [0.88, -1.08, 0.15], [0.52, 0.06, -1.30], [0.74, -2.49, 1.39]])
T = jnp.array([True, True, False, True])

def e9(W, b):
    p = 0.5 * (jnp.tanh((X @ W + b) / 2) + 1)
    return -jnp.sum(jnp.log(p * T + (1 - p) * (1 - T)))
"""
LESSONS = {
    "a6": ("def a6(x):\n    return x**2 + x + 4\n", "(1.0)"),
    "b2": ("def b2(x):\n    return x[0]**2 * x[1] + x[1]**3\n", "(jnp.array([1.0, 2.0]))"),
    "b5": ("def b5(x):\n    return x[0]**2 - x[1]**2\n", "(jnp.array([0.0, 0.0]))"),
    "c4": (
        "def c4(x):\n    return jnp.array([x[0]**2 + x[1], x[0] * x[1], jnp.sin(x[0]) + jnp.cos(x[1])])\n",
        "(jnp.array([1.0, 2.0]))",
    ),
    "e9": (LOGISTIC, "(jnp.array([0.1, -0.2, 0.3]), 0.05)"),
}
"""Functions of that name, and what they are called with."""


def cell(lesson: str, options: str = "--cost count") -> str:
    """A lesson as a person types it."""
    definition, arguments = LESSONS[lesson]
    return f"%%derive {options}\n{definition}\n{lesson}{arguments}"


def by_jax(lesson: str, point: Sequence[float]) -> dict[str, np.ndarray]:
    """Value, first and second derivative at a point, each as a vector, by JAX alone."""
    names: dict = {"jnp": jnp, "jax": jax}
    definition, arguments = LESSONS[lesson]
    exec(definition, names)  # the lesson's own text
    sizes = [np.shape(x) for x in eval(f"(lambda *xs: xs){arguments}", names)]

    def f(flat):
        parts, start = [], 0
        for shape in sizes:
            size = int(np.prod(shape, dtype=int))
            parts.append(flat[start : start + size].reshape(shape))
            start += size
        return names[lesson](*parts)

    x = jnp.array(point, jnp.float32)
    first = jax.jacrev(f)
    return {"value": np.ravel(f(x)), "first": np.ravel(first(x)), "hessian": np.ravel(jax.jacfwd(first)(x))}


def panel(page: Page, name: str = "f") -> Locator:
    """The panel of a function, once it is there."""
    found = page.locator(".jdm-card", has=page.locator(".jdm-signature", has_text=f"{name} :"))
    found.wait_for(state="attached")
    found.evaluate("element => element.scrollIntoView()")
    expect(found).to_be_visible(timeout=60_000)
    return found


def numbers(card: Locator, title: str) -> np.ndarray:
    """The numbers of the tables whose caption begins with `title`, as they are written."""
    texts = card.get_by_role("grid", name=re.compile(f"^{title}")).locator(".jdm-number").all_text_contents()
    return np.array([float(text.replace("−", "-")) for text in texts])


def field(card: Locator, name: str) -> Locator:
    """Where a component's number is typed."""
    return card.get_by_role("textbox", name=f"{name}, as a number", exact=True)


def slider(card: Locator, name: str) -> Locator:
    return card.get_by_role("slider", name=name, exact=True)


def moved(card: Locator, name: str, value: float) -> None:
    """Type a number into a field."""
    field(card, name).fill(str(value))
    field(card, name).press("Enter")


def confirmed(card: Locator) -> None:
    """Wait until JAX stands behind the numbers."""
    standing(card, "confirmed")


def standing(card: Locator, what: str) -> None:
    """Wait until the status line says so."""
    expect(card.locator(".jdm-status")).to_have_attribute("data-jdm-standing", what, timeout=30_000)
