"""Formulas that lose digits, and the stable forms of them: a table, each entry tried at the point before it is shown.

Source: N. J. Higham, "Accuracy and Stability of Numerical Algorithms", 2nd ed., sections 1.7-1.14 (cancellation,
log1p, expm1, the variance, the quadratic).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import erfc

from jaxdiff_magic.primitives.facts import having
from jaxdiff_magic.subject.trace import Constant, Equation, Trace, Variable

Atom = Variable | Constant
SHAPES = having("passes", "reshapes") | {"broadcast_in_dim"}
"""Operations that change no number."""


@dataclass(frozen=True)
class Form:
    """A stable form.

    Attributes:
        template: Python text with `{}` for each operand.
        operands: what it is computed from.
        function: of the operands, in any dtype.
    """

    template: str
    operands: tuple[Atom, ...]
    function: Callable[..., Any]


class Steps:
    """What made each value of a trace."""

    def __init__(self, trace: Trace) -> None:
        self.makers = {variable: equation for equation in trace.equations for variable in equation.outputs}

    def bare(self, atom: Atom) -> Atom:
        """The value itself, without what only changes its shape or dtype."""
        while isinstance(atom, Variable) and (made := self.makers.get(atom)) and made.primitive in SHAPES:
            atom = made.inputs[0]
        return atom

    def operand(self, atom: Atom, *primitives: str) -> Atom | None:
        """What one of some primitives was applied to; None where something else made the value."""
        made = self.maker(atom)
        return self.bare(made.inputs[0]) if made and made.primitive in primitives else None

    def maker(self, atom: Atom) -> Equation | None:
        """The step that made a value."""
        atom = self.bare(atom)
        return self.makers.get(atom) if isinstance(atom, Variable) else None

    def number(self, atom: Atom) -> float | None:
        """The number that a constant is everywhere."""
        atom = self.bare(atom)
        if isinstance(atom, Constant) and atom.key is None and np.ptp(atom.value if atom.value.size else [0, 1]) == 0:
            return float(atom.value.ravel()[0])
        return None

    def terms(self, atom: Atom | Equation) -> list[tuple[int, Atom]]:
        """The terms of a sum or difference, each with its sign; none where it is neither."""
        made = atom if isinstance(atom, Equation) else self.maker(atom)
        if made is None or made.primitive not in ("add", "sub", "add_any"):
            return []
        a, b = map(self.bare, made.inputs)
        return [(1, a), (-1 if made.primitive == "sub" else 1, b)]

    def beside(self, atom: Atom | Equation, value: float) -> tuple[int, Atom] | None:
        """The other term, with its sign, where one of two terms is a number."""
        found = self.terms(atom)
        for (sign, term), other in zip(found, found[::-1], strict=True):
            known = self.number(term)
            if known is not None and sign * known == value:
                return other
        return None

    def same(self, a: Atom | None, b: Atom | None) -> bool:
        """Whether two values are one."""
        if a is None or b is None:
            return False
        known = self.number(a)
        return self.bare(a) == self.bare(b) if known is None else known == self.number(b)

    def squared(self, atom: Atom) -> Atom | None:
        """What is squared."""
        made = self.maker(atom)
        if made is None:
            return None
        two = made.primitive == "integer_pow" and made.params["y"] == 2
        product = made.primitive == "mul" and self.same(*made.inputs)
        return self.bare(made.inputs[0]) if two or product or made.primitive == "square" else None


def forms_of(steps: Steps, equation: Equation) -> Iterator[Form]:
    """The stable forms that a step has, those of more special patterns first."""
    if equation.primitive == "log":
        yield from _logarithm(steps, equation.inputs[0])
    if equation.primitive in ("pow", "integer_pow"):
        yield from _power(steps, equation)
    terms = steps.terms(equation)
    for (sign, a), (other, b) in (terms, terms[::-1]) if terms else ():
        if other == -sign:  # a - b, or b - a with the sign in front
            yield from _beside_one(steps, sign, a, b)
            if sign > 0:
                yield from _difference(steps, a, b)
    if len(terms) == 2 and (found := _swallowed(steps, terms)):
        yield found


def _logarithm(steps: Steps, u: Atom) -> Iterator[Form]:
    if (w := steps.operand(u, "logistic")) is not None:
        yield Form("jax.nn.log_sigmoid({})", (w,), jax.nn.log_sigmoid)
    made = steps.maker(u)
    if made and made.primitive == "div" and steps.number(made.inputs[0]) == 1:
        one_more = steps.beside(made.inputs[1], 1)
        exponent = steps.operand(one_more[1], "exp") if one_more and one_more[0] > 0 else None
        if exponent is not None and (w := steps.operand(exponent, "neg")) is not None:
            yield Form("jax.nn.log_sigmoid({})", (w,), jax.nn.log_sigmoid)
    total = steps.operand(u, "reduce_sum")
    if total is not None and (w := steps.operand(total, "exp")) is not None:
        yield Form("jax.nn.logsumexp({})", (w,), jax.nn.logsumexp)
    if other := steps.beside(u, 1):
        sign, z = other
        minus = "-" if sign < 0 else ""
        yield Form(f"jnp.log1p({minus}{{}})", (z,), lambda z: jnp.log1p(sign * z))
    if made and made.primitive == "div":
        a, b = map(steps.bare, made.inputs)
        yield Form("jnp.log1p(({0} - {1}) / {1})", (a, b), lambda a, b: jnp.log1p((a - b) / b))


def _power(steps: Steps, equation: Equation) -> Iterator[Form]:
    other = steps.beside(equation.inputs[0], 1)
    if other is None:
        return
    sign, z = other
    minus = "-" if sign < 0 else ""
    if equation.primitive == "integer_pow":
        n = int(equation.params["y"])
        yield Form(f"jnp.exp({n} * jnp.log1p({minus}{{}}))", (z,), lambda z: jnp.exp(n * jnp.log1p(sign * z)))
    else:
        operands = (z, steps.bare(equation.inputs[1]))
        yield Form(f"jnp.exp({{1}} * jnp.log1p({minus}{{0}}))", operands, lambda z, n: jnp.exp(n * jnp.log1p(sign * z)))


ONE_MINUS: Mapping[str, tuple[str, Callable[..., Any]]] = {
    "exp": ("-jnp.expm1({})", lambda w: -jnp.expm1(w)),
    "cos": ("2 * jnp.sin({} / 2) ** 2", lambda w: 2 * jnp.sin(w / 2) ** 2),
    "cosh": ("-2 * jnp.sinh({} / 2) ** 2", lambda w: -2 * jnp.sinh(w / 2) ** 2),
    "logistic": ("jax.nn.sigmoid(-{})", lambda w: jax.nn.sigmoid(-w)),
    "tanh": ("2 * jax.nn.sigmoid(-2 * {})", lambda w: 2 * jax.nn.sigmoid(-2 * w)),
    "erf": ("jax.scipy.special.erfc({})", erfc),
}
"""Function to the stable form of 1 minus it."""
MINUS_ONE: Mapping[str, tuple[str, Callable[..., Any]]] = {
    "exp": ("jnp.expm1({})", jnp.expm1),
    "cos": ("-2 * jnp.sin({} / 2) ** 2", lambda w: -2 * jnp.sin(w / 2) ** 2),
    "cosh": ("2 * jnp.sinh({} / 2) ** 2", lambda w: 2 * jnp.sinh(w / 2) ** 2),
}
"""Function to the stable form of it minus 1."""


def _beside_one(steps: Steps, sign: int, a: Atom, b: Atom) -> Iterator[Form]:
    """sign * (a - b) where a is 1."""
    if steps.number(a) != 1:
        return
    for name, (template, function) in (ONE_MINUS if sign > 0 else MINUS_ONE).items():
        if (w := steps.operand(b, name)) is not None:
            yield Form(template, (w,), function)
    if sign > 0 and (u := steps.squared(b)) is not None and (w := steps.operand(u, "tanh")) is not None:
        yield Form("1 / jnp.cosh({}) ** 2", (w,), lambda w: 1 / jnp.cosh(w) ** 2)


def _difference(steps: Steps, a: Atom, b: Atom) -> Iterator[Form]:
    """a - b of values of one kind."""
    yield from _of_roots(steps, a, b)
    yield from _variance(steps, a, b)
    u, v = steps.squared(a), steps.squared(b)
    if u is not None and (v is not None or steps.number(b) == 1):
        if v is None:
            yield Form("({0} - 1) * ({0} + 1)", (u,), lambda u: (u - 1) * (u + 1))
        else:
            yield Form("({0} - {1}) * ({0} + {1})", (u, v), lambda u, v: (u - v) * (u + v))
    u, v = steps.operand(a, "exp"), steps.operand(b, "exp")
    if u is not None and v is not None:
        if steps.same(steps.operand(v, "neg"), u):
            yield Form("2 * jnp.sinh({})", (u,), lambda u: 2 * jnp.sinh(u))
        yield Form("jnp.exp({1}) * jnp.expm1({0} - {1})", (u, v), lambda u, v: jnp.exp(v) * jnp.expm1(u - v))
    u, v = steps.operand(a, "log"), steps.operand(b, "log")
    if u is not None and v is not None:
        yield Form("jnp.log1p(({0} - {1}) / {1})", (u, v), lambda u, v: jnp.log1p((u - v) / v))
    for name, template, f in (
        ("sin", "2 * jnp.cos({0} + {1} / 2) * jnp.sin({1} / 2)", lambda v, h: 2 * jnp.cos(v + h / 2) * jnp.sin(h / 2)),
        (
            "cos",
            "-2 * jnp.sin({0} + {1} / 2) * jnp.sin({1} / 2)",
            lambda v, h: -2 * jnp.sin(v + h / 2) * jnp.sin(h / 2),
        ),
    ):
        u, v = steps.operand(a, name), steps.operand(b, name)
        if u is not None and v is not None and (h := _more(steps, u, v)) is not None:
            yield Form(template, (v, h), f)


def _more(steps: Steps, u: Atom, v: Atom) -> Atom | None:
    """h where u was made as v + h."""
    found = steps.terms(u)
    for (sign, term), (other, h) in zip(found, found[::-1], strict=True):
        if sign == other == 1 and steps.same(term, v):
            return h
    return None


def _of_roots(steps: Steps, a: Atom, b: Atom) -> Iterator[Form]:
    """sqrt(u) - v by its conjugate, for v a square root, or what u has the square of, or 1."""
    if (u := steps.operand(a, "sqrt")) is None:
        return
    if (v := steps.operand(b, "sqrt")) is not None:
        if (h := _more(steps, u, v)) is not None:
            template = "{1} / (jnp.sqrt({0} + {1}) + jnp.sqrt({0}))"
            yield Form(template, (v, h), lambda v, h: h / (jnp.sqrt(v + h) + jnp.sqrt(v)))
        template = "({0} - {1}) / (jnp.sqrt({0}) + jnp.sqrt({1}))"
        yield Form(template, (u, v), lambda u, v: (u - v) / (jnp.sqrt(u) + jnp.sqrt(v)))
    found = steps.terms(u)
    for (sign, term), (other, h) in zip(found, found[::-1], strict=True):
        if sign == other == 1 and steps.same(steps.squared(term), b):
            yield Form("{1} / (jnp.sqrt({0} ** 2 + {1}) + {0})", (b, h), lambda v, h: h / (jnp.sqrt(v**2 + h) + v))
    if steps.number(b) == 1:
        if other := steps.beside(u, 1):
            sign, h = other
            text = "+" if sign > 0 else "-"
            template = f"{'' if sign > 0 else '-'}{{0}} / (jnp.sqrt(1 {text} {{0}}) + 1)"
            yield Form(template, (h,), lambda h: sign * h / (jnp.sqrt(1 + sign * h) + 1))
        yield Form("({0} - 1) / (jnp.sqrt({0}) + 1)", (u,), lambda u: (u - 1) / (jnp.sqrt(u) + 1))


def _variance(steps: Steps, a: Atom, b: Atom) -> Iterator[Form]:
    """The mean of squares minus the square of the mean."""
    mean = steps.squared(b)
    squares, first = _averaged(steps, a), None if mean is None else _averaged(steps, mean)
    if squares is None or first is None:
        return
    x = steps.squared(squares)
    if x is not None and steps.same(x, first):
        yield Form("jnp.mean(({0} - jnp.mean({0})) ** 2)", (x,), lambda x: jnp.mean((x - jnp.mean(x)) ** 2))


def _averaged(steps: Steps, atom: Atom) -> Atom | None:
    """What an array's mean over all elements was made of."""
    made = steps.maker(atom)
    if made is None or made.primitive not in ("div", "mul"):
        return None
    return steps.operand(made.inputs[0], "reduce_sum")


def _swallowed(steps: Steps, terms: list[tuple[int, Atom]]) -> Form | None:
    """(c + y) - c: y alone."""
    for (sign, whole), (other, c) in (terms, terms[::-1]):
        parts = steps.terms(whole)
        for (s, part), (t, y) in zip(parts, parts[::-1], strict=True):
            if steps.same(part, c) and sign * s == -other:
                total = sign * t
                return Form("{}" if total > 0 else "-{}", (y,), lambda y, total=total: total * y)
    return None
