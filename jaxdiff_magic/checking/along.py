"""The check of a function of too many inputs to be followed one by one: by algebra, and along one direction.

Nothing leaves its device and no array is larger than the inputs. Function values along a direction say nothing about
single entries, so that alone they prove nothing; they can show that a derivative is wrong.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np

from jaxdiff_magic.base.budget import passed, within
from jaxdiff_magic.base.errors import OutOfReach
from jaxdiff_magic.base.figures import figure
from jaxdiff_magic.checking.proofs import MAX_PROVED_EQUATIONS, Proofs
from jaxdiff_magic.checking.rules import RuleName, rule_trace
from jaxdiff_magic.engines.jax.products.maps import Maps, maps_of
from jaxdiff_magic.engines.jax.products.vectors import Vector, dot, drawn, norm, plus, scaled, vector_of
from jaxdiff_magic.engines.jax.values import Derivatives, Values
from jaxdiff_magic.engines.symbolic.derivation import Derivation
from jaxdiff_magic.primitives.facts import having
from jaxdiff_magic.report import Check, CheckEntry, Outcome
from jaxdiff_magic.subject.subject import Subject
from jaxdiff_magic.subject.trace import Constant, Equation, Trace, subject_trace

SMOOTH = having("smooth")
"""A function of these has no kinks and no poles."""
PROOF_SECONDS = 5.0
"""A proof is looked for at least so long. A choice: what is tried there has no other way to be proved, and simple
formulas take far less."""
SMALL = 0.05
"""A relative difference that is more than curvature and rounding leave in the quotients that are compared. A choice:
wrong rules are mostly off by a factor or a sign; a smaller error is not seen, and none is made up."""


@dataclass(frozen=True)
class Along:
    """The derivative along one direction, three ways.

    Attributes:
        forward: by forward mode; None where there is none.
        reverse: the gradient times the direction.
        numeric: by central differences of the function, in its own dtype.
        error: of that: rounding, and what changes with half the step.
        left, right: one-sided quotients.
    """

    forward: float | None
    reverse: float
    numeric: float
    error: float
    left: float
    right: float

    @property
    def is_known(self) -> bool:
        """Whether function values determine the derivative: all is finite, and no kink lies between."""
        parts = [self.reverse, self.numeric, self.error, self.left, self.right]
        if not np.isfinite(parts).all():
            return False
        scale = max(abs(self.numeric), abs(self.reverse))
        return self.error <= SMALL / 5 * scale and abs(self.right - self.left) <= SMALL * scale + 4 * self.error

    @property
    def is_met(self) -> bool:
        """Whether JAX's derivative is the one of the function values."""
        given = [self.reverse, *([] if self.forward is None else [self.forward])]
        return all(abs(value - self.numeric) <= SMALL * abs(self.numeric) + 4 * self.error for value in given)


def check_along(
    derivatives: Derivatives,
    values: Values,
    derivation: Derivation | None,
    unreachable: str,
    *,
    trust: Collection[str],
    seed: int,
    deadline: float,
) -> Check:
    """Check a function of too many inputs; arguments as for `check_of`.

    Only a smooth function whose derivative is the one of JAX's rules, as an expression, is called proved, and only a
    smooth one whose values speak clearly against its gradient differs.
    """
    subject = derivatives.subject
    size = f"{subject.size:,} inputs are too many to be followed one by one"
    missing = {mode: why for mode, why in values.missing.items() if mode in ("forward", "reverse")}
    gaps = [f"{name}: {why}" for name, why in values.missing.items() if name not in missing]
    gaps.append(f"kinks, the places where digits are lost and the reasons of zeros: {size}")
    columns = {"symbolic": unreachable or size, **missing}
    if values.jacobian is None or not subject.is_scalar:
        return Check("out of reach", (), f"the derivative cannot be checked: {size}", 0, columns, tuple(gaps))
    maps, point = maps_of(subject, vector_of(subject.point)), vector_of(subject.point)
    found = _along(maps, point, vector_of(values.jacobian[0]), seed)
    smooth = _formulas(subject, derivation, trust)
    deadline = max(deadline, within(PROOF_SECONDS))  # nothing else decides as much
    modes: Sequence[RuleName] = ("reverse",) if found.forward is None else ("forward", "reverse")
    proved = smooth is not None and found.is_met and _is_proved(smooth, subject, modes, deadline)
    outcome, reason = _outcome(found, smooth is not None, proved, size)
    entry = CheckEntry(
        what="gradient",
        output=subject.outputs[0].name,
        inputs=(
            f"{'(' * (len(point) > 1)}{', '.join(leaf.name for leaf in subject.inputs)}{')' * (len(point) > 1)}·v",
        ),
        symbolic=None,
        forward=found.forward,
        reverse=found.reverse,
        numeric=found.numeric,
        error=None,
        outcome=outcome,
        reason="" if proved else reason,
    )
    if not proved:
        gaps.append("single entries: only the derivative along one random direction v was compared")
    return Check(outcome, (entry,), reason, 0, columns, tuple(gaps))


def _outcome(found: Along, smooth: bool, proved: bool, size: str) -> tuple[Outcome, str]:
    said = f"along a random direction function values say {figure(found.numeric, 5)}"
    if proved:
        return "proved", (
            "the formula derived from the code and the one behind JAX's rules are the same expression, in every entry; "
            f"{said}, JAX {figure(found.reverse, 5)}"
        )
    if found.is_known and not found.is_met:
        given = found.reverse if found.forward is None or found.is_met else found.forward
        given = max([found.reverse, given], key=lambda value: abs(value - found.numeric))
        if smooth:
            return "differs", f"{said}, JAX {figure(given, 5)}"
        return "out of reach", f"{size}; {said}, JAX {figure(given, 5)}, which speaks against JAX's gradient"
    if found.is_known:
        return "out of reach", f"{size}; {said}, JAX {figure(found.reverse, 5)}"
    return "out of reach", f"{size}, and function values along a random direction decide nothing here"


def _along(maps: Maps, point: Vector, gradient: Vector, seed: int) -> Along:
    """The derivative along the gradient with each entry stretched at random: no entry's share is lost among others."""
    stretch = drawn(_stretch, jax.random.key(seed), point)
    direction = _times(gradient, stretch)
    if not 0 < norm(direction) < float("inf"):
        direction = drawn(jax.random.normal, jax.random.key(seed), point)
    del stretch
    count = sum(x.size for x in point)
    eps = max(float(jnp.finfo(x.dtype).eps) for x in point)
    # a step that changes the inputs by a part that is neither lost in rounding nor far
    length = eps ** (1 / 3) * ((norm(point) or count**0.5) + 1e-3 * count**0.5)
    direction = scaled(direction, length / norm(direction))
    forward = None if maps.jvp is None else float(maps.jvp(point, direction))
    middle = float(maps.value(point))
    at = {h: float(maps.value(plus(point, h, direction))) for h in (-1.0, -0.5, 0.5, 1.0)}
    whole, half = (at[1.0] - at[-1.0]) / 2, at[0.5] - at[-0.5]
    return Along(
        forward=forward,
        reverse=dot(gradient, direction),
        numeric=(4 * half - whole) / 3,
        error=abs(whole - half) + 8 * eps * abs(middle),
        left=2 * (middle - at[-0.5]),
        right=2 * (at[0.5] - middle),
    )


def _stretch(key: jax.Array, shape: tuple[int, ...], dtype: np.dtype) -> jax.Array:
    return jax.random.uniform(key, shape, dtype, 0.5, 1.5)


@jax.jit
def _times(a: Vector, b: Vector) -> Vector:
    return tuple((x * y).astype(y.dtype) for x, y in zip(a, b, strict=True))


def _formulas(subject: Subject, derivation: Derivation | None, trust: Collection[str]) -> Derivation | None:
    """The formulas of a function that is smooth everywhere; None for others, and for rules that are trusted."""
    if subject.untraceable or trust:
        return None
    trace = subject_trace(subject)
    if len(trace.equations) > MAX_PROVED_EQUATIONS or not all(map(_is_smooth, trace.equations)):
        return None
    with contextlib.suppress(OutOfReach):
        return derivation or Derivation(
            trace, *([leaf.name for leaf in ends] for ends in (subject.inputs, subject.outputs))
        )
    return None


def _is_smooth(equation: Equation) -> bool:
    """Whether a step is smooth whatever it is given."""
    match equation.primitive:
        case "integer_pow":
            return equation.params["y"] >= 0
        case "div":
            return isinstance(equation.inputs[1], Constant)
        case "convert_element_type":
            return all(jnp.issubdtype(atom.dtype, jnp.floating) for atom in (*equation.inputs, *equation.outputs))
    return equation.primitive in SMOOTH


def _is_proved(derivation: Derivation, subject: Subject, modes: Sequence[RuleName], deadline: float) -> bool:
    """Whether JAX's rules, in the modes that it has, are the derivative of the code, for every input."""
    traces = dict(_traces(subject, modes, deadline))
    if len(traces) < len(modes):
        return False
    proofs = Proofs(subject, derivation, traces, deadline)
    return all(proofs.of_block((0, i), list(traces)) for i in range(len(subject.inputs)))


def _traces(subject: Subject, modes: Sequence[RuleName], deadline: float) -> Iterator[tuple[RuleName, Trace]]:
    for name in modes:
        if not passed(deadline):
            with contextlib.suppress(OutOfReach):
                yield name, rule_trace(subject, name)
