"""Every way to compute a subject's first and second derivative that is worth a thought, each ready to be run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import jax

from jaxdiff_magic.base.budget import passed
from jaxdiff_magic.cost.counting import Count
from jaxdiff_magic.cost.measuring import TimedProgram
from jaxdiff_magic.cost.mode_calls import closed_over, derivative_call
from jaxdiff_magic.cost.passes import MOST_PASSES, Mode, passes, too_large
from jaxdiff_magic.cost.structure.bottleneck import bottleneck_of
from jaxdiff_magic.cost.structure.chunked import chunked_hessian, chunked_jacobians
from jaxdiff_magic.cost.structure.memory import Memory
from jaxdiff_magic.cost.structure.pattern import Colouring, Pattern, fewest_symmetric, pattern_of
from jaxdiff_magic.cost.structure.strategy import LATE, Strategy
from jaxdiff_magic.cost.structure.strategy_calls import transform_call
from jaxdiff_magic.cost.structure.verified_products import What, counts_of, obstacle, point_of, scalar
from jaxdiff_magic.cost.structure.verifying import confirmed
from jaxdiff_magic.engines.jax.not_built import MAX_BUILT_ENTRIES
from jaxdiff_magic.subject.subject import Subject

FEWEST_PASSES = 64
"""Where the better plain mode takes fewer passes, no structure is looked for: asdex takes a second to load."""
WORTH = 0.25
"""A colouring is worth its trouble while it takes at most this share of the passes of the better plain mode. A choice:
the coloured passes come with gathering and scattering, which passes do not count."""
ORDERS: Mapping[str, tuple[str, str, str]] = {
    "forward over reverse": ("jacfwd", "jacrev", "fwd_over_rev"),
    "reverse over forward": ("jacrev", "jacfwd", "rev_over_fwd"),
    "reverse over reverse": ("jacrev", "jacrev", "rev_over_rev"),
    "forward over forward": ("jacfwd", "jacfwd", ""),
}
"""Of a Hessian: outer and inner transformation, and asdex's name for the order, "" where it has none."""


def strategies_of(
    subject: Subject,
    *,
    missing: Mapping[str, str],
    deadline: float,
    counts: Mapping[str, Count] | None = None,
    programs: Mapping[str, TimedProgram] | None = None,
) -> tuple[Strategy, ...]:
    """All strategies for the Jacobian and, of a scalar subject, the Hessian.

    Args:
        subject: what is differentiated.
        missing: for "forward", "reverse" and "hessian", why JAX does not have it, as in `Values.missing`.
        deadline: an instant of `budget.now` after which nothing more is begun.
        counts: of its programs, "jacobian forward" and so on: those are known to exist, the others are tried.
        programs: the plain modes that are compiled already, by name.

    Returns:
        Jacobians, then Hessians; of each the feasible ones first, by their number of passes. All but the plain modes
        were compared with a plain mode or its products where they are feasible, and `verified` says how.

    Example:
        >>> best, *_ = strategies_of(subject_of(f, (x,), {}), missing={}, deadline=deadline)  # doctest: +SKIP
        >>> best.name, best.passes, best.call                                                 # doctest: +SKIP
        ('coloured forward', 3, "asdex.jacobian(f, x, mode='fwd')(x)")
    """
    memory = Memory(subject, counts or {}, programs or {}, deadline)
    found = [*_jacobians(subject, missing, memory)]
    if subject.is_scalar:
        found += _hessians(subject, missing, memory)
    return tuple(sorted(found, key=lambda s: (s.what == "hessian", bool(s.infeasible), s.passes or 0)))


def best_of(strategies: tuple[Strategy, ...], what: What = "jacobian") -> Strategy | None:
    """The feasible strategy of the fewest passes; None when there is none."""
    usable = [strategy for strategy in strategies if strategy.what == what and not strategy.infeasible]
    return min(usable, key=lambda strategy: strategy.passes or 0, default=None)


def by_formula(
    subject: Subject, what: What, program: Callable[..., Any], strategies: tuple[Strategy, ...], *, deadline: float
) -> Strategy:
    """The strategy of evaluating a formula of the derivative, compared with the plain modes as the others are.

    Args:
        subject: what is differentiated.
        what: which derivative.
        program: the leaves to its blocks `[o][i]`, or `[o][i][j]`, such as those of `symbolic.compiled.closed_form`.
        strategies: of the subject, as `strategies_of` gives them.
        deadline: as there; without a comparison it is infeasible.
    """
    plain = (s for s in strategies if s.what == what and not s.infeasible and not s.because)
    found = Strategy(
        what=what,
        name="closed form",
        passes=0,
        because=f"the {what.capitalize()} has a formula that can be evaluated as it stands",
        build=lambda: program,
    )
    found = confirmed(subject, found, next(plain, None), deadline)
    return found if found.verified or found.infeasible else replace(found, infeasible="there was no time to verify it")


def _jacobians(subject: Subject, missing: Mapping[str, str], memory: Memory) -> Iterator[Strategy]:
    argnums = tuple(range(len(subject.inputs)))
    plain: dict[Mode, Strategy] = {}
    transforms: dict[Mode, Callable[..., Any]] = {"forward": jax.jacfwd, "reverse": jax.jacrev}
    for mode, transform in transforms.items():
        transformed = transform(subject.flat, argnums)
        infeasible = too_large(subject, mode) or missing.get(mode)
        plain[mode] = Strategy(
            what="jacobian",
            name=mode,
            passes=passes(subject, mode),
            infeasible=infeasible or _obstacle("jacobian", mode, transformed, memory),
            call=derivative_call(subject, mode),
            build=lambda transformed=transformed: transformed,
        )
    yield from plain.values()
    yield from chunked_jacobians(subject, plain, memory.taken, memory.deadline)
    fewest = min(passes(subject, mode) for mode in plain)
    usable = sorted((s for s in plain.values() if not s.infeasible), key=lambda s: s.passes or 0)
    reference = usable[0] if usable else None
    if subject.untraceable or fewest < FEWEST_PASSES:
        return
    for strategy in (*_bottleneck(subject, usable), *_coloured_jacobians(subject, fewest, memory.deadline)):
        yield confirmed(subject, strategy, reference, memory.deadline, late=True)


def _obstacle(what: What, name: str, transformed: Callable[..., Any], memory: Memory) -> str:
    """Why a plain way cannot be used: JAX does not have it, or it takes too much memory."""
    exists = f"{what} {name}" in memory.counts
    return ("" if exists else obstacle(memory.subject, transformed)) or memory.excess(what, name, transformed)


def _bottleneck(subject: Subject, usable: list[Strategy]) -> Iterator[Strategy]:
    bottleneck = bottleneck_of(subject)
    if bottleneck is None:
        return
    entries = subject.size * subject.output_size
    infeasible = bottleneck.infeasible or (
        f"the Jacobian has {entries:,} entries" if entries > MAX_BUILT_ENTRIES else ""
    )
    if not infeasible and any(bottleneck.passes >= (plain.passes or 0) for plain in usable):
        infeasible = f"its two parts take {bottleneck.passes:,} passes together"
    here = f"{bottleneck.name} " if bottleneck.name else ""
    width = f"{bottleneck.width:,} {'value' if bottleneck.width == 1 else 'values'}"
    yield Strategy(
        what="jacobian",
        name="bottleneck",
        passes=bottleneck.passes,
        infeasible=infeasible,
        because=f"everything passes through the {width} of {here or 'one step '}({bottleneck.where}): the Jacobian of "
        f"what comes after, by {bottleneck.modes[1]} mode, times that of what comes before, by "
        f"{bottleneck.modes[0]} mode",
        call=transform_call(subject, "jaxdiff_magic.jacobian_through_bottleneck"),
        build=bottleneck.build,
    )


def _coloured_jacobians(subject: Subject, fewest: int, deadline: float) -> Iterator[Strategy]:
    if passed(deadline):
        yield Strategy("jacobian", "coloured", None, LATE)
        return
    counts = counts_of(subject, "jacobian")
    if not counts:
        return  # it has no derivative
    # A row's entries all have columns of different colours, and the other way round.
    least: dict[Colouring, int] = {}
    if "rows" in counts:
        least["columns"] = int(counts["rows"].max(initial=0))
    if "columns" in counts:
        least["rows"] = int(counts["columns"].max(initial=0))
    possible: list[tuple[Mode, Colouring]] = []
    if "columns" in counts:  # there is a forward mode
        possible.append(("forward", "columns"))
    if "rows" in counts:
        possible.append(("reverse", "rows"))
    possible = [(mode, way) for mode, way in possible if least.get(way, 0) <= WORTH * fewest]
    if not possible:
        yield Strategy("jacobian", "coloured", None, _full(least, fewest))
        return
    pattern, reason = pattern_of(subject, "jacobian", fill=max(float(each.mean()) for each in counts.values()))
    if pattern is None:
        yield Strategy("jacobian", "coloured", None, reason)
        return
    for mode, way in possible:
        unused = _no_use(subject, pattern, way, fewest)
        option = f", mode='{'fwd' if mode == 'forward' else 'rev'}'"
        yield Strategy(
            what="jacobian",
            name=f"coloured {mode}",
            passes=pattern.colours[way],
            infeasible=unused,
            because=_described(pattern, way),
            call=transform_call(subject, "asdex.jacobian", options=option, sample=True),
            sparse=True,
            sparsity=None if unused else pattern.coloured_entries(way),
            build=lambda way=way: _asdex().jacobian_from_coloring(subject.flat, pattern.coloured[way]),
        )


def _hessians(subject: Subject, missing: Mapping[str, str], memory: Memory) -> Iterator[Strategy]:
    n = subject.size
    argnums = tuple(range(len(subject.inputs)))
    plain: dict[str, Strategy] = {}
    for name, (outer, inner, _) in ORDERS.items():
        needed = n if inner == "jacrev" else n * n  # n tangents inside, each of them differentiated n times
        transformed = getattr(jax, outer)(getattr(jax, inner)(subject.flat, argnums), argnums)
        infeasible = f"the Hessian has {n:,} x {n:,} = {n * n:,} entries" if n * n > MAX_BUILT_ENTRIES else ""
        infeasible = infeasible or (f"it needs {needed:,} passes at once" if needed > MOST_PASSES else "")
        if not infeasible and f"hessian {name}" not in memory.counts and passed(memory.deadline):
            infeasible = LATE
        texts = ["jax.hessian"] if name == "forward over reverse" else [f"jax.{outer}", f"jax.{inner}"]
        plain[name] = Strategy(
            what="hessian",
            name=name,
            passes=needed,
            infeasible=infeasible or missing.get(name) or _obstacle("hessian", name, transformed, memory),
            call=transform_call(subject, *texts) or closed_over(subject, *texts),
            build=lambda transformed=transformed: transformed,
        )
    yield from plain.values()
    yield from chunked_hessian(subject, plain, memory.taken, memory.deadline)
    if subject.untraceable or n < FEWEST_PASSES:
        return
    reference = next((strategy for strategy in plain.values() if not strategy.infeasible), None)
    for strategy in _coloured_hessian(subject, memory.deadline):
        yield confirmed(subject, strategy, reference, memory.deadline, late=True)


def _coloured_hessian(subject: Subject, deadline: float) -> Iterator[Strategy]:
    n = subject.size
    if passed(deadline):
        yield Strategy("hessian", "coloured", None, LATE)
        return
    rows = counts_of(subject, "hessian").get("rows")
    if rows is None:
        return  # it has no second derivative
    least = fewest_symmetric(float(rows.mean()))
    if least > WORTH * n:
        yield Strategy("hessian", "coloured", None, _full({"symmetric": least}, n))
        return
    pattern, reason = pattern_of(subject, "hessian", fill=float(rows.mean()))
    if pattern is None:
        yield Strategy("hessian", "coloured", None, reason)
        return
    way: Colouring = "symmetric" if pattern.colours["symmetric"] < pattern.colours["columns"] else "columns"
    if reason := _no_use(subject, pattern, way, n):
        yield Strategy("hessian", "coloured", pattern.colours[way], reason, _described(pattern, way))
        return
    mode = next((order for order in ORDERS.values() if order[2] and not _second_obstacle(subject, *order[:2])), None)
    if mode is None:
        yield Strategy("hessian", "coloured", None, "JAX has no second derivative of it")
        return
    coloured = replace(pattern.coloured[way], mode=mode[2])
    option = f", mode='{mode[2]}'" + ("" if way == "symmetric" else ", symmetric=False")

    def build() -> Callable[..., Any]:
        program = _asdex().hessian_from_coloring(scalar(subject), coloured)
        return lambda *leaves: (program(*leaves),)

    yield Strategy(
        what="hessian",
        name="coloured",
        passes=pattern.colours[way],
        because=_described(pattern, way),
        call=transform_call(subject, "asdex.hessian", options=option, sample=True),
        sparse=True,
        sparsity=pattern.coloured_entries(way),
        build=build,
    )


def _second_obstacle(subject: Subject, outer: str, inner: str) -> str:
    """Why JAX has no product with the Hessian in one order; "" when it has."""
    function = scalar(subject)

    def second(leaves: Any, direction: Any) -> Any:
        def first(*leaves: Any) -> Any:
            if inner == "jacrev":
                return jax.grad(function, tuple(range(len(leaves))))(*leaves)
            return jax.jvp(function, leaves, direction)[1]

        if outer == "jacfwd":
            return jax.jvp(first, leaves, direction)[1]
        value, pullback = jax.vjp(first, *leaves)
        return pullback(value)

    along = tuple(x[None] for x in point_of(subject))
    return obstacle(subject, lambda *leaves: jax.vmap(second, in_axes=(None, 0))(leaves, along))


def _no_use(subject: Subject, pattern: Pattern, way: Colouring, fewest: int) -> str:
    """Why a colouring is not worth its use, or cannot be used; "" when it is."""
    colours = pattern.colours[way]
    if not transform_call(subject, ""):
        return "asdex differentiates whole arguments and results, and here it is parts of them"
    if pattern.nnz > MAX_BUILT_ENTRIES:
        return f"it may have {pattern.nnz:,} entries that are not zero"
    if colours > WORTH * fewest:
        return f"it takes {colours:,} passes where the plain mode takes {fewest:,}"
    if colours > MOST_PASSES or colours * max(pattern.shape) > MAX_BUILT_ENTRIES:
        return f"it needs {colours:,} passes at once"
    return ""


def _described(pattern: Pattern, way: Colouring) -> str:
    m, n = pattern.shape
    verb = "has" if pattern.kind == "sparse" else f"is {pattern.kind}:"
    colours = pattern.colours[way]
    groups = {"columns": "groups of columns", "rows": "groups of rows", "symmetric": "groups by symmetry"}[way]
    word = groups if colours != 1 else groups.replace("groups", "group")
    return f"the {pattern.what.capitalize()} {verb} {pattern.nnz:,} of {m * n:,} entries, {colours:,} {word}"


def _full(least: Mapping[Colouring, int], fewest: int) -> str:
    return f"it is too full: a colouring takes at least {min(least.values()):,} passes, the plain mode {fewest:,}"


def _asdex() -> Any:
    import asdex

    return asdex
