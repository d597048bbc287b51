"""What is shown of derivatives that are too large to build."""

from __future__ import annotations

from collections.abc import Iterator

from jaxdiff_magic.base.figures import number, significant
from jaxdiff_magic.report.matrix_free import Estimate, Products
from jaxdiff_magic.show.document import Cell, Code, DocumentTable, Paragraph, Part


def too_large(products: Products) -> Iterator[Part]:
    """Sizes of the gradient, extreme eigenvalues, and the calls to paste."""
    yield Paragraph(("Too large to build: the Hessian is known here by its products with vectors.",))
    rows = tuple(
        (
            Cell((one.name,)),
            Cell((f"{one.size:,}",), "number"),
            Cell((number(one.norm, "float32"),), "number"),
            Cell((number(one.largest, "float32"),), "number"),
        )
        for one in products.gradient
    )
    if rows:
        yield DocumentTable("Gradient by argument", ("", "entries", "norm", "largest |entry|"), rows)
    for one in products.gradient:
        if one.formula is not None:
            yield Paragraph((one.formula,))
    known = {
        "largest eigenvalue": products.largest,
        "smallest eigenvalue": products.smallest,
        "trace": products.trace,
    }
    facts = tuple((Cell((name,)), Cell((within(fact),))) for name, fact in known.items() if fact is not None)
    if facts:
        yield DocumentTable(f"The Hessian, from {products.passes} products with it", (), facts)
    if products.note:
        yield Paragraph((products.note,))
    for call in products.calls.values():
        yield Code(call)


def within(estimate: Estimate) -> str:
    """A number in as many digits as its error leaves: `3.412 (± 0.002)`.

    Example:
        >>> within(Estimate(3.41234, 0.0017))
        '3.412 (± 0.002)'
    """
    error = float(f"{estimate.error:.1g}")
    if not error > 0:
        return f"{significant(estimate.value, 6)} (± 0)"
    places = max(0, -int(f"{error:e}".split("e")[1]))
    return (
        f"{estimate.value:,.{places}f} (± {error:,.0f})"
        if error >= 1
        else f"{estimate.value:,.{places}f} (± {significant(error, 1)})"
    )
