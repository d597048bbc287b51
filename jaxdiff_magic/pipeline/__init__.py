"""derive(f)(x): the whole pipeline on one screen."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, Literal

import jax

from jaxdiff_magic.base.budget import Budget, now
from jaxdiff_magic.base.errors import InputError, OutOfReach
from jaxdiff_magic.base.options import Options
from jaxdiff_magic.base.progress import is_heard, tell, tell_first
from jaxdiff_magic.checking.directions import is_many
from jaxdiff_magic.checking.grading import Mine
from jaxdiff_magic.checking.verdict import verdict_of
from jaxdiff_magic.engines.jax.products.at_point import ProductsAtPoint
from jaxdiff_magic.engines.jax.values import Derivatives, Values, derivatives_of
from jaxdiff_magic.engines.reference.digits import subject_with_digits
from jaxdiff_magic.engines.reference.run import runs_until
from jaxdiff_magic.engines.symbolic.time_limits import until
from jaxdiff_magic.engines.tape import Tape, tape_of
from jaxdiff_magic.findings.too_large import is_unasked
from jaxdiff_magic.pipeline.formulas import blocks_of, formulas_of
from jaxdiff_magic.pipeline.looking import Known, looked_into
from jaxdiff_magic.report import Check, Live
from jaxdiff_magic.report.assertion import raise_if_wrong
from jaxdiff_magic.report.shortfall import Parts, in_reach
from jaxdiff_magic.show.glance import glance
from jaxdiff_magic.show.report import Report
from jaxdiff_magic.subject.length import LONG, executed
from jaxdiff_magic.subject.subject import Subject, subject_of
from jaxdiff_magic.subject.surroundings import settings_set_aside
from jaxdiff_magic.subject.trace import Trace, subject_trace

THE_STEPS = "the steps of the function"


def derive(
    f: Callable[..., Any],
    *,
    wrt: int | str | Sequence[int | str] | None = None,
    order: int = Options.order,
    symbolic: bool = Options.symbolic,
    cost: Literal["measure", "count", "none"] = Options.cost,
    layout: Literal["numerator", "denominator"] = Options.layout,
    points: int = Options.points,
    budget: float = Options.budget,
    seed: int = Options.seed,
    trust: str | Sequence[str] = Options.trust,
    mine: Mine | None = None,
) -> Callable[..., Report]:
    """Inspect the derivatives of `f` at a point: `report = derive(f)(x)`.

    A transformation like `jax.grad`: options on the left, the point on the right.

    Args:
        f: any callable of pytrees that returns a pytree of numbers.
        wrt: names or positions of arguments, or a path such as "params['W']"; None for every floating leaf of the
            positional arguments. Settings of a model, as a dropout rate is, are differentiated only where they are
            named themselves.
        order: highest order of differentiation; the Hessian is 2.
        symbolic: whether to derive formulas.
        cost: "measure" forward against reverse mode, only "count" their passes, or "none".
        layout: "numerator" shows d y_i / d x_j in row i; "denominator" its transpose.
        points: how many random points around the given one the check compares.
        budget: seconds that the optional work (proofs, measuring) may take.
        seed: of the random points.
        mine: your own derivation, to be graded: text, such as "X.T @ (X @ w - y)" or "Xᵀ(X w - y)", or a function of
            the same arguments; by the first differentiated argument, or a dict of them by argument, or by "hessian".
        trust: names of functions whose own derivative rules are meant to differ from their code.

    Returns:
        A function of the point that returns the `Report`.

    Raises:
        InputError: an option, the point or the result of `f` cannot be used; the message says what to do.

    Example:
        >>> import jax.numpy as jnp
        >>> report = derive(lambda x: x[0] ** 2 * x[1])(jnp.array([1.0, 2.0]))
        >>> report.formula("gradient").text
        '[2*x[0]*x[1], x[0]**2]'
        >>> report.verdict
        'proved'
    """
    options = Options(wrt, order, symbolic, cost, layout, points, budget, seed, trust, mine)

    def at(*args: Any, **kwargs: Any) -> Report:
        with settings_set_aside():
            return _report(subject_of(f, args, kwargs, wrt), options)

    return at


def _report(subject: Subject, options: Options) -> Report:
    """Every stage by its name, in the order of the work; what a stage needs of earlier ones is what it is given."""
    if options.mine is not None and subject.is_large:
        raise InputError(f"mine= is compared in float64, number by number; {subject.size:,} inputs are too many.")
    started, parts = now(), Parts()
    derivatives = derivatives_of(subject, options.order)
    derivatives.compile_beside((lambda found: tell_first(glance(subject, found))) if is_heard() else None)

    tell("writing formulas")  # meanwhile
    trace, unreachable = _trace(subject, parts) if options.symbolic else (None, "formulas were not asked for")
    many = is_many(subject, trace, options.order)
    budget = Budget(options.budget, many or (trace is not None and executed(trace) > LONG))
    formulas = formulas_of(subject, derivatives, trace, unreachable, options.layout, parts, budget)
    if trace is None and many:
        trace, _ = _trace(subject, parts)  # without it such a function has no verdict
    tell("compiling the derivatives")
    values = derivatives.at(subject.point)
    budget.begin(derivatives.beside.ready)

    known = Known(subject, options, parts, budget, derivatives, values, trace, unreachable, formulas)
    with runs_until(budget.given_up), until(budget.deadline):
        found = looked_into(known)
    return Report(
        subject=subject,
        value=values.result,
        **_assembled(subject, values),
        blocks=() if subject.is_large else tuple(blocks_of(subject, values, formulas)),
        function=formulas.function,
        steps=formulas.steps,
        check=found.check,
        cost=found.cost,
        curvature=found.curvature,
        products=found.products,
        leaves=found.leaves,
        findings=(*found.findings, *parts.missing),
        mine=found.grades,
        layout=options.layout,
        seconds=now() - started,
        calls=subject.calls,
        formulas=in_reach("the formula", formulas.presentation.formula) if formulas.presentation else None,
        with_digits=_with_digits(subject, trace),
        live=_live(subject, derivatives, values, trace, unreachable),
        unreachable=formulas.unreachable,
        missing={what: why for what, why in formulas.missing.items() if isinstance(what, str)},
    )


def check(
    f: Callable[..., Any],
    *,
    wrt: int | str | Sequence[int | str] | None = None,
    order: int = Options.order,
    points: int = Options.points,
    budget: float = Options.budget,
    seed: int = Options.seed,
    trust: str | Sequence[str] = Options.trust,
    strict: bool = False,
) -> Callable[..., Check]:
    """Assert that JAX's derivatives of `f` are right, in a test suite: `check(f)(x)`.

    No formulas are written and no cost is measured, so an outcome is "agrees" where `derive` may say "proved".

    Args:
        f, wrt, order, points, budget, seed, trust: as in `derive`.
        strict: whether what cannot be decided fails as well.

    Returns:
        A function of the point that returns the `Check`.

    Raises:
        WrongDerivative: an AssertionError that names the entry and both numbers, when a derivative differs.
        InputError: as in `derive`.

    Example:
        >>> import jax.numpy as jnp
        >>> check(lambda x: x[0] ** 2 * x[1])(jnp.array([1.0, 2.0])).outcome
        'agrees'
    """
    options = Options(wrt, order, points=points, budget=budget, seed=seed, trust=trust)

    def at(*args: Any, **kwargs: Any) -> Check:
        with settings_set_aside():
            subject, parts, limit = subject_of(f, args, kwargs, wrt), Parts(), Budget(budget)
            derivatives = derivatives_of(subject, order)
            trace, unreachable = _trace(subject, parts)
            values = derivatives.at(subject.point)
            limit.begin()
            with runs_until(limit.given_up):
                known = parts, derivatives, values, trace, None, unreachable
                found, _ = verdict_of(*known, order, points, seed, limit.deadline, options.trusted)
        raise_if_wrong(found, subject, strict)
        return found

    return at


def _trace(subject: Subject, parts: Parts) -> tuple[Trace | None, str]:
    """The subject's steps, or why they cannot be told."""
    if subject.untraceable:
        return None, subject.hindrance
    trace = parts.made(THE_STEPS, None, subject_trace, subject)
    return trace, parts.why.get(THE_STEPS, "")


def _with_digits(subject: Subject, trace: Trace | None) -> Callable[[str, int], Any] | None:
    """What computes the subject's derivatives with any number of digits; None where its steps cannot be told."""
    if subject.untraceable:
        return None
    return in_reach(
        "the digits", lambda what, digits: subject_with_digits(subject, trace or subject_trace(subject), what, digits)
    )


def _live(subject: Subject, derivatives: Derivatives, values: Values, trace: Trace | None, unreachable: str) -> Live:
    """What moves the point: in the precision of now, whatever that is when the point moves, and in any thread."""
    wide = bool(jax.config.read("jax_enable_x64"))

    def at(leaves: Sequence[Any]) -> Values:
        with settings_set_aside(), jax.enable_x64(wide):
            return derivatives.at(leaves)

    def tape() -> Tape:
        if subject.untraceable:
            raise OutOfReach(unreachable)
        with settings_set_aside():
            return tape_of(subject, trace or subject_trace(subject))

    @functools.cache
    def hessian() -> Any:
        if not is_unasked(values):
            return None
        with settings_set_aside(), jax.enable_x64(wide):
            found = derivatives_of(subject, 2, asked=True).at(subject.point).hessian
        return None if found is None else subject.assemble(found, 2)

    products = ProductsAtPoint(subject)
    return Live(values, at, lambda: derivatives.compilations, hessian, products, in_reach("the tape", tape))


def _assembled(subject: Subject, values: Values) -> dict[str, Any]:
    """JAX's derivatives as JAX would return them."""
    first = None if values.jacobian is None else subject.assemble(values.jacobian, 1)
    return {
        "gradient": first if subject.is_scalar else None,
        "jacobian": first,
        "built_hessian": None if values.hessian is None else subject.assemble(values.hessian, 2),
        "higher": {k: subject.assemble(nested, k) for k, nested in values.higher.items()},
    }
