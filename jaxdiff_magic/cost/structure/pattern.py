"""Where a Jacobian or Hessian can have entries at all, for every input, and how few passes that leaves to be made.

Patterns and colourings come from asdex (A. Hill, G. Dalle: "Sparser, Better, Faster, Stronger: Efficient Automatic
Differentiation for Sparse Jacobians and Hessians", 2025), which follows each element through the function's jaxpr.
Columns of one colour have no row in common, so one pass along their sum finds them all. asdex brings a compiler with
it (about a second to import and to colour the first pattern), so it is imported only when a pattern is asked for.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend.core import jaxprs_in_params  # pyright: ignore[reportPrivateImportUsage]

from jaxdiff_magic.cost.structure.kinds import kind_of
from jaxdiff_magic.cost.structure.verified_products import What, counts_of, gradient
from jaxdiff_magic.primitives.bodies import equations_within
from jaxdiff_magic.report.cost_figures import Sparsity
from jaxdiff_magic.subject.subject import Subject

Colouring = Literal["columns", "rows", "symmetric"]

MOST_WORK = 600_000
"""A program whose elements are more work than this (see `work_of`) is not followed: they take some seconds."""
UNION = 1 / 50
"""Taking one index into a set of indices, beside following one element. An estimate, for the work alone."""
ROUNDS = 64
"""How often the body of a while loop is followed, until nothing new depends on anything: a guess, for the work."""
CUSTOM = ("custom_jvp", "custom_vjp")
"""How the names of primitives begin whose derivative is not that of their code."""


@dataclass(frozen=True)
class Pattern:
    """Where a derivative can have entries that are not zero, over all inputs and outputs ravelled in order.

    Attributes:
        what: "jacobian", shape (outputs, inputs), or "hessian", shape (inputs, inputs).
        shape: (m, n), in scalars.
        rows, cols: int32, shape (nnz,), sorted by row; every other entry is zero for every input.
        colours: passes needed with a colouring of the "columns" (Jacobian-vector products; for a Hessian,
            Hessian-vector products), of the "rows" (vector-Jacobian products), or, for a Hessian, which is symmetric,
            a "symmetric" one. A colouring is found by a greedy method: it may not be the smallest that there is.
            As many as there are columns or rows where no colouring can save half of them.
        kind: in words: see `kind_of`.
        coloured: asdex's own objects, one for each colouring that was found.
    """

    what: What
    shape: tuple[int, int]
    rows: np.ndarray
    cols: np.ndarray
    colours: Mapping[Colouring, int]
    kind: str
    coloured: Mapping[Colouring, Any] = field(compare=False, repr=False)

    @property
    def nnz(self) -> int:
        """Number of entries that can be other than zero."""
        return len(self.rows)

    @property
    def density(self) -> float:
        """Share of entries that can be other than zero; 0 for a matrix without entries."""
        m, n = self.shape
        return self.nnz / (m * n) if m * n else 0.0

    def coloured_entries(self, way: Colouring) -> Sparsity:
        """The entries, each with the pass that finds it in one of the colourings."""
        colours = self.coloured[way].colors
        found = colours[self.rows if way == "rows" else self.cols]
        if way == "symmetric":  # an entry is found by its column or, mirrored, by its row; -1 is no pass
            found = np.where(found < 0, colours[self.rows], found)
        return Sparsity(self.shape, self.rows, self.cols, found)

    def dense(self) -> np.ndarray:
        """The pattern as a Boolean matrix of shape (m, n)."""
        found = np.zeros(self.shape, bool)
        found[self.rows, self.cols] = True
        return found


def pattern_of(subject: Subject, what: What = "jacobian", *, fill: float | None = None) -> tuple[Pattern | None, str]:
    """The sparsity pattern of a subject's Jacobian, or of its Hessian where it is scalar.

    Args:
        subject: what is differentiated.
        what: "jacobian" or "hessian".
        fill: about how many entries a row has, where that is known; a few products tell it else.

    Returns:
        The pattern and "", or None and why there is none: the function cannot be traced, is too large, has a
        primitive that asdex does not know, or a derivative rule that has entries where its code has none.

    Example:
        >>> pattern, reason = pattern_of(subject_of(lambda x: x[1:] - x[:-1], (jnp.ones(5),), {}))  # doctest: +SKIP
        >>> pattern.kind, pattern.colours["columns"]                                                # doctest: +SKIP
        ('banded (width 2)', 2)
    """
    if subject.untraceable:
        return None, f"JAX cannot trace {subject.name} ({subject.untraceable})"
    if what == "hessian" and not subject.is_scalar:
        return None, f"{subject.name} is not scalar"
    if fill is None:
        fill = max((float(counts.mean()) for counts in counts_of(subject, what).values() if counts.size), default=0.0)
    try:
        return _pattern(subject, what, fill)
    except ImportError as error:  # it reaches into JAX, and not every asdex goes with every JAX
        return None, f"asdex cannot be imported: {error}".split(" (", 1)[0]
    except Exception as error:  # asdex names the primitive that it does not know, and JAX what it cannot transform
        text = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        return None, text.split(". Please help", 1)[0].rstrip(".")


def _pattern(subject: Subject, what: What, fill: float) -> tuple[Pattern | None, str]:
    point = [jnp.asarray(value) for value in subject.point]
    function = subject.flat if what == "jacobian" else gradient(subject)
    jaxpr = jax.make_jaxpr(function)(*point).jaxpr
    if work_of(jaxpr, fill) > MOST_WORK:
        return None, "it computes too many numbers to follow each of them"
    import asdex

    argnums = tuple(range(len(point)))
    found = asdex.jacobian_sparsity(function, *point, argnums=argnums)
    if has_custom_rule(jaxpr) and not _covers(found, _rule_pattern(asdex, function, point)):
        return None, "a derivative rule in it has entries that its code does not have"
    rows, cols = np.asarray(found.rows), np.asarray(found.cols)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", asdex.DenseColoringWarning)
        coloured = _coloured(asdex, found, what)
    m, n = found.shape
    colours: dict[Colouring, int] = {"columns": n, "rows" if what == "jacobian" else "symmetric": m}
    colours |= {way: each.num_colors for way, each in coloured.items()}
    return Pattern(what, (m, n), rows, cols, colours, kind_of(rows, cols, (m, n)), coloured), ""


def _coloured(asdex: Any, found: Any, what: What) -> dict[Colouring, Any]:
    """The colourings that can save half the passes: those of nearly full patterns take long to find and save none."""
    m, n = found.shape
    largest_row = np.bincount(found.rows, minlength=1).max()
    largest_column = np.bincount(found.cols, minlength=1).max()
    coloured: dict[Colouring, Any] = {}
    if what == "jacobian":
        if largest_row <= n / 2:
            coloured["columns"] = asdex.jacobian_coloring_from_sparsity(found, mode="fwd")
        if largest_column <= m / 2:
            coloured["rows"] = asdex.jacobian_coloring_from_sparsity(found, mode="rev")
        return coloured
    if largest_row <= n / 2:
        coloured["columns"] = asdex.hessian_coloring_from_sparsity(found, symmetric=False)
    if fewest_symmetric(found.nnz / max(n, 1)) <= n / 4:
        coloured["symmetric"] = asdex.hessian_coloring_from_sparsity(found, symmetric=True)
    return coloured


def fewest_symmetric(mean: float) -> int:
    """How many colours a symmetric colouring has at least, where a row has `mean` entries on average.

    Two colours share the edges of a forest at most, so k of them (k - 1) n edges (A. Gebremedhin, F. Manne, A. Pothen,
    "What Color Is Your Jacobian?", SIAM Review 47, 2005, on star colourings).
    """
    return 1 + max(0, math.ceil((mean - 1) / 2))


def work_of(jaxpr: Any, fill: float) -> float:
    """How much work it is to follow a program element by element, in elements: some microseconds each.

    Args:
        jaxpr: the program.
        fill: how many inputs an element depends on, about.
    """
    total = 0.0
    for equation in jaxpr.eqns:
        elements = sum(math.prod(var.aval.shape) for var in equation.outvars)
        if equation.primitive.name in ("dot_general", "conv_general_dilated"):  # an element is a sum of many products
            left, right = (math.prod(var.aval.shape) for var in equation.invars[:2])
            elements += math.sqrt(elements * left * right)  # of an (m x k)(k x n) product these are m k n
        inner = sum(work_of(body, fill) for body in jaxprs_in_params(equation.params))
        times = {"scan": equation.params.get("length", 1), "while": ROUNDS}.get(equation.primitive.name, 1)
        total += elements * (1 + fill * UNION) + times * inner
    return total


def has_custom_rule(jaxpr: Any) -> bool:
    """Whether a function with its own derivative rule is called anywhere in a program."""
    return any(equation.primitive.name.startswith(CUSTOM) for equation in equations_within(jaxpr))


def _rule_pattern(asdex: Any, function: Callable[..., Any], point: Sequence[Any]) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns of the derivative that JAX computes by the rules, from a function that is linear in directions.

    asdex reads the code of a function with its own rule. A rule may depend on more than the code does, as that of a
    straight-through estimator: the pattern of its code would then be too small, and the numbers wrong.
    """
    n = len(point)

    def tangents(*arguments: Any) -> Any:
        return jax.jvp(function, arguments[:n], arguments[n:])[1]

    def cotangents(*arguments: Any) -> Any:
        return jax.vjp(function, *arguments[:n])[1](tuple(arguments[n:]))

    try:
        found = asdex.jacobian_sparsity(tangents, *point, *point, argnums=tuple(range(n, 2 * n)))
        return np.asarray(found.rows), np.asarray(found.cols)
    except (TypeError, NotImplementedError):  # a custom_vjp has no forward mode
        directions = [jnp.zeros(out.shape, out.dtype) for out in jax.eval_shape(function, *point)]
        argnums = tuple(range(n, n + len(directions)))
        found = asdex.jacobian_sparsity(cotangents, *point, *directions, argnums=argnums)
        return np.asarray(found.cols), np.asarray(found.rows)


def _covers(found: Any, entries: tuple[np.ndarray, np.ndarray]) -> bool:
    width = found.shape[1]
    code = np.asarray(found.rows, np.int64) * width + found.cols
    rule = np.asarray(entries[0], np.int64) * width + entries[1]
    return bool(np.isin(rule, code).all())
