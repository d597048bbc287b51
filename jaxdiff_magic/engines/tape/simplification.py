"""What is simpler than an operation, with the same value and the same derivatives everywhere."""

from __future__ import annotations

from typing import Any

from jaxdiff_magic.engines.tape.scalar import Records, TapeScalar, is_zero


def simpler(recorder: Records, name: str, operands: tuple[Any, ...]) -> Any:
    """A number or scalar in place of an operation; None where it is to be recorded as it is.

    0 * x stays where x or its derivative may be infinite, since it is NaN there; so does x - x, and x / x.
    """
    match name, operands:
        case "add", (a, b):
            return a if is_zero(b) else b if is_zero(a) else None
        case "sub", (a, b):
            return a if is_zero(b) else recorder.record("neg", b) if is_zero(a) else None
        case "mul", (a, b):
            return _product(recorder, a, b) if not isinstance(b, TapeScalar) else _product(recorder, b, a)
        case "div", (a, b):
            return a if _is(b, 1) else recorder.record("neg", a) if _is(b, -1) else None
        case "pow", (x, exponent) if not isinstance(exponent, TapeScalar):
            return _power(recorder, x, exponent)
        case (("square" | "abs" | "neg"), (x,)) if (inner := _inside(recorder, "neg", x)) is not None:
            return inner[0] if name == "neg" else recorder.record(name, *inner)
        case "square", (x,) if (inner := _inside(recorder, "sub", x)) is not None and inner[0].number > inner[1].number:
            return recorder.record("square", recorder.record("sub", inner[1], inner[0]))  # (a - b)² and (b - a)² alike
        case (("max" | "min"), (a, b)) if a is b:
            return a
        case (("and" | "or"), (a, b)):
            return _logic(name, a, b) if not isinstance(b, TapeScalar) else _logic(name, b, a)
        case "not", (x,) if (inner := _inside(recorder, "not", x)) is not None and inner[0].truth:
            return inner[0]
        case "select", (c, a, b):
            return (a if c != 0 else b) if not isinstance(c, TapeScalar) else a if a is b else None
    return None


def _is(x: Any, number: float) -> bool:
    return not isinstance(x, TapeScalar) and x == number


def _inside(recorder: Records, name: str, x: Any) -> list[TapeScalar] | None:
    """The operands of `x` where it is the result of an operation."""
    if not isinstance(x, TapeScalar) or recorder.nodes[x.number][0] != name:
        return None
    return [recorder.scalars[number] for number in recorder.nodes[x.number][1:]]  # type: ignore[index]


def _product(recorder: Records, x: TapeScalar, factor: Any) -> Any:
    if isinstance(factor, TapeScalar):
        return recorder.record("square", x) if x is factor else None
    if factor == 1:
        return x
    if factor == -1:
        return recorder.record("neg", x)
    return 0.0 if factor == 0 and (x.tame or recorder.zeros_are_structural) else None


def _power(recorder: Records, x: TapeScalar, exponent: float) -> Any:
    if exponent == 0:
        return 1.0
    if exponent == 1:
        return x
    named = {2.0: "square", -1.0: "reciprocal"}.get(float(exponent))
    return recorder.record(named, x) if named else None


def _logic(name: str, x: Any, known: Any) -> Any:
    if isinstance(known, TapeScalar):
        return x if x is known and x.truth else None
    decisive = (known != 0) == (name == "or")
    return float(name == "or") if decisive else x if x.truth else None
