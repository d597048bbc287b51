"""What JAX returns: value, Jacobian both ways, Hessian and higher derivatives, from one shared compiled function."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import jax
import jax.core
import numpy as np

from jaxdiff_magic.engines.jax.compilation import Compilation, Ready
from jaxdiff_magic.engines.jax.not_built import too_large, too_many, unasked
from jaxdiff_magic.primitives.bodies import equations_within
from jaxdiff_magic.subject.derivative_programs import DerivativeProgram, in_chunks
from jaxdiff_magic.subject.entangled import holds_tracers
from jaxdiff_magic.subject.leaves import is_spread
from jaxdiff_magic.subject.subject import Subject
from jaxdiff_magic.subject.untraced import REFUSED, hindrance_of, innermost

MAX_PASSES = 1024
"""The dearer of two modes is left out of the check beyond this many passes. A choice of time and memory: all passes run
at once."""
MANY_PASSES = "it would take"
"""How the reason begins."""
MAX_BOTH_WAYS = 1024
"""A Hessian with no more entries than this is computed a second time, in another order, for the check …"""
MAX_ROWS = 256
"""… while reverse mode takes no more passes for it than this …"""
MAX_LINES = 2_000
"""… and its program has no more equations than this: it doubles what there is to compile. All three are choices of
time."""
MAX_COMPILED_EQUATIONS = 20_000
"""A program with more equations than this takes minutes to compile and is not compiled unasked."""
MAX_BYTES = 1_000_000_000
"""Where one array within a program would be larger, its columns or rows are computed in chunks…"""
CHUNK_BYTES = 128_000_000
"""… in which that array is about as large as this. Choices of memory: more than the first might bring down a small
machine, an eighth of it leaves room for other arrays."""

NO_DERIVATIVE = (TypeError, ValueError, NotImplementedError, AssertionError)
"""What JAX raises where a function has no derivative of the kind asked for; the last where a rule is not linear in its
tangent, so that it has no transpose."""

Nested = Any
"""Arrays indexed `[output]` and then once by `[input]` for each order of differentiation."""


@dataclass(frozen=True)
class _Candidate:
    """A derivative in one mode.

    Attributes:
        mode: "forward" or "reverse".
        function: what it is the derivative of, of leaves of any dtype.
        below: makes the same function for the point's dtypes, traced already.
        program: traces the derivative of that.
    """

    mode: str
    function: Callable[..., Any]
    below: Callable[[], Callable[..., Any]]
    program: Callable[[], DerivativeProgram]


@dataclass(frozen=True)
class Values:
    """Derivatives at one point, as JAX computes them.

    Attributes:
        result: what the user's function returns, its whole pytree.
        value: its floating-point leaves.
        forward: Jacobian blocks `[o][i]` of shape `out.shape + in.shape` by forward mode; None when not computed.
        reverse: the same by reverse mode.
        hessian: blocks `[o][i][j]`, forward over reverse mode where that exists; None when not computed.
        hessian_reverse: the same, reverse over reverse mode; None when not computed.
        higher: derivatives of order 3 and more, one more `[input]` deep for each order.
        missing: for "forward", "reverse", "jacobian", "hessian", "d3" …: why it is not here.
    """

    result: Any
    value: tuple[Any, ...]
    forward: Nested | None
    reverse: Nested | None
    hessian: Nested | None
    hessian_reverse: Nested | None
    higher: Mapping[int, Nested]
    missing: Mapping[str, str]

    @property
    def jacobian(self) -> Nested | None:
        """By reverse mode where there is one."""
        return self.reverse if self.reverse is not None else self.forward


@dataclass(frozen=True)
class Derivatives:
    """A function's derivatives, ready to be evaluated at any point.

    Attributes:
        subject: the function.
        transforms: name ("forward", "reverse", "hessian", "d3" …) to the transformed function of leaves of any dtype.
        programs: the same for leaves of the point's own dtypes, traced already.
        missing: why a derivative is not among them.
        beside: how XLA compiles them in another thread.
    """

    subject: Subject
    transforms: Mapping[str, Callable[..., Any]]
    programs: Mapping[str, Callable[..., Any]]
    missing: Mapping[str, str]
    _entered: list[None] = field(default_factory=list, compare=False, repr=False)
    beside: Compilation = field(default_factory=Compilation, compare=False, repr=False)

    @property
    def orders(self) -> tuple[int, ...]:
        """Of the derivatives that are here, without those for the check alone."""
        named = {"forward": 1, "reverse": 1, "hessian": 2} | {name: int(name[1:]) for name in self._higher}
        return tuple(sorted({named[name] for name in self.transforms if name in named}))

    @property
    def _higher(self) -> list[str]:
        return [name for name in self.transforms if name[1:].isdigit()]

    @property
    def compilations(self) -> int:
        """How often JAX has compiled them so far; how often they were evaluated, where it cannot trace the function."""
        return len(self._entered)

    @functools.cached_property
    def _compiled(self) -> Callable[..., Any]:
        def everything(*leaves: Any) -> dict[str, Any]:
            self._entered.append(None)
            found = {"result": self.subject.result(*leaves), "value": self.subject.traced(*leaves)}
            return found | {name: program(*leaves) for name, program in self.programs.items()}

        return everything if self.subject.untraceable else jax.jit(everything)

    def compile_beside(self, ready: Ready | None = None) -> None:
        """Have XLA compile them in another thread, which leaves this one free until somebody needs them compiled.

        Args:
            ready: is called there with what the program gives at the point, as soon as it does; None where nobody
                waits.
        """
        if not self.subject.untraceable:
            self.beside.begin(self._compiled, self._leaves(self.subject.point), ready)

    def product(self, leaves: Sequence[Any], direction: Sequence[Any]) -> Nested | None:
        """The derivative of the Jacobian along a direction: `[o][i]` of shape `out.shape + in.shape`.

        None where JAX has no second derivative.

        Args:
            leaves: the point.
            direction: one array for each input leaf, of its shape and dtype.

        For a scalar function this is the Hessian-vector product, forward over reverse mode.
        """
        jacobian = self.programs.get("reverse") or self.programs["forward"]
        point = tuple(map(jax.numpy.asarray, leaves))

        def along(point: Sequence[Any], direction: Sequence[Any]) -> Nested:
            return jax.jvp(lambda *xs: jacobian(*xs), tuple(point), tuple(direction))[1]

        try:
            return (along if self.subject.untraceable else jax.jit(along))(point, tuple(direction))
        except NO_DERIVATIVE:
            return None

    def at(self, leaves: Sequence[Any]) -> Values:
        """All derivatives at a point: one array for each leaf, of its shape; they are rounded to the leaves' dtypes."""
        self.beside.wait()
        leaves, missing = self._leaves(leaves), self.missing
        try:
            found = self._compiled(*leaves)
        except Exception as error:  # of one of them, or of the function itself
            found, failed = self._one_by_one(leaves)
            if not failed:
                raise error from None
            missing = {**missing, **failed}
        return Values(
            result=found["result"],
            value=found["value"],
            forward=found.get("forward"),
            reverse=found.get("reverse"),
            hessian=found.get("hessian"),
            hessian_reverse=found.get("hessian_reverse"),
            higher={int(name[1:]): found[name] for name in self._higher if name in found},
            missing=missing,
        )

    def _one_by_one(self, leaves: Sequence[Any]) -> tuple[dict[str, Any], dict[str, str]]:
        """The derivatives that can be evaluated, and why the others cannot; nothing where the function cannot be."""
        failed: dict[str, str] = {}
        try:
            found: dict[str, Any] = {"result": self.subject.result(*leaves), "value": self.subject.traced(*leaves)}
        except Exception:
            return {}, failed
        for name, program in self.programs.items():
            try:
                found[name] = (program if self.subject.untraceable else jax.jit(program))(*leaves)
            except Exception as error:
                failed[name] = f"JAX cannot evaluate it: {refusal(error)}"
        return found, failed

    def _leaves(self, leaves: Sequence[Any]) -> Sequence[Any]:
        if self.subject.untraceable:
            return leaves
        given = zip(leaves, self.subject.inputs, self.subject.point, strict=True)
        return [_as_at_the_point(x, leaf.dtype, own) for x, leaf, own in given]


def derivatives_of(subject: Subject, order: int, asked: bool = False) -> Derivatives:
    """Which derivatives up to `order` exist, fit in memory and compile in reasonable time.

    Args:
        asked: whether a large Hessian was asked for in so many words.
    """
    kept = _Kept(subject, subject.flat, asked or order > 2)
    kept.first_order()
    if not kept.transforms:
        kept.missing["jacobian"] = kept.missing["reverse"]
    else:
        if order >= 2:
            kept.second_order()
        kept.higher_orders(order)
    return Derivatives(subject, kept.transforms, kept.programs, kept.missing)


@dataclass(frozen=True)
class _Kept:
    """The derivatives that were found to exist so far, each of which those of the next order build upon.

    Attributes:
        subject: the function.
        flat: its `flat`, as one object, by which candidates know what is no derivative yet.
        asked: whether a large Hessian is wanted.
        transforms, programs, missing: as of `Derivatives`.
    """

    subject: Subject
    flat: Callable[..., Any]
    asked: bool
    transforms: dict[str, Callable[..., Any]] = field(default_factory=dict)
    programs: dict[str, Callable[..., Any]] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)

    def first_order(self) -> None:
        """Both modes, but the dearer one where it takes far more passes."""
        subject, known, n, m = self.subject, self.subject.programs, self.subject.size, self.subject.output_size

        def first(mode: str) -> _Candidate:
            return _Candidate(mode, self.flat, lambda: subject.traced, lambda: known[f"jacobian {mode}"])

        self._offer("reverse", [first("reverse")], (m, n) if m > 1 else (m,))  # a gradient is no larger than the inputs
        if n > max(MAX_PASSES, m) and "reverse" in self.transforms:
            self.missing["forward"] = f"{MANY_PASSES} {n} passes, reverse mode {m}"
            return
        self._offer("forward", [first("forward")], (m, n))
        if m > max(MAX_PASSES, n) and {"forward", "reverse"} <= set(self.transforms):
            del self.transforms["reverse"], self.programs["reverse"]
            self.missing["reverse"] = f"{MANY_PASSES} {m} passes, forward mode {n}"

    def second_order(self) -> None:
        """The Hessian in the first of four orders that exists, and a small one in a second order, too."""
        known, n, m = self.subject.programs, self.subject.size, self.subject.output_size

        def second(mode: str, inner: str) -> _Candidate:
            below, whole = f"jacobian {inner}", f"hessian {mode} over {inner}"
            function = known.transformed(inner, self.flat, False)
            return _Candidate(mode, function, lambda: known[below].call, lambda: known[whole])

        four = [second(mode, below) for below in ("reverse", "forward") for mode in ("forward", "reverse")]
        kept = self._offer("hessian", four, (m, n, n))
        brief = kept is not None and _is_brief(kept.program())
        if m * n * n <= MAX_BOTH_WAYS and m * n <= MAX_ROWS and brief and kept is not four[1]:
            self._offer("hessian_reverse", four[1:2], (m, n, n))
            self.missing.pop("hessian_reverse", None)  # it is a second opinion, not something to miss

    def higher_orders(self, order: int) -> None:
        """Each by forward or reverse mode from the one below it."""
        known, last = self.subject.programs, "hessian"

        def next_order(mode: str, name: str) -> _Candidate:
            below = self.programs[name]
            program = lambda: known.program(known.transformed(mode, below, True))  # noqa: E731
            return _Candidate(mode, self.transforms[name], lambda: below, program)

        for k in range(3, order + 1):
            if last not in self.transforms:
                self.missing[f"d{k}"] = "the derivative below it is missing"
            else:
                shape = (self.subject.output_size, *[self.subject.size] * k)
                self._offer(f"d{k}", [next_order("forward", last), next_order("reverse", last)], shape)
                last = f"d{k}"

    def _offer(self, name: str, candidates: Sequence[_Candidate], shape: Sequence[int]) -> _Candidate | None:
        """Keep the first candidate that exists, and return it; say why when none does."""
        why = too_large(self.subject, shape) or too_many(self.subject, name)
        if why := why or ("" if self.asked else unasked(name, shape)):
            self.missing[name] = why
            return None
        for candidate in candidates:
            lines = self.subject.size if candidate.mode == "forward" else int(np.prod(shape[:-1]))  # columns, or rows
            made = self._made(candidate, lines)
            if isinstance(made, str):
                self.missing.setdefault(name, made)
                continue
            self.transforms[name], self.programs[name] = made
            self.missing.pop(name, None)
            return candidate
        return None

    def _made(self, candidate: _Candidate, lines: int) -> tuple[Callable[..., Any], Callable[..., Any]] | str:
        """The transform and the program of a candidate, in chunks where it is large; or why there is none."""
        known = self.subject.programs
        transform = known.transformed(candidate.mode, candidate.function, candidate.function is not self.flat)
        try:
            found = candidate.program()
            if found.closed is not None and holds_tracers(found.closed):
                return "the program that JAX makes of it cannot run: it holds a traced value"
            if (at_once := _at_once(found, lines)) is not None:
                transform = in_chunks(candidate.mode, candidate.function, at_once)
                found = known.program(in_chunks(candidate.mode, candidate.below(), at_once))
        except Exception as error:  # JAX's refusals are of many kinds, and a rule of the reader's may raise any
            return refusal(error)
        if found.closed is not None and (size := equation_count(found.closed.jaxpr)) > MAX_COMPILED_EQUATIONS:
            return f"its program has {size} equations and would take minutes to compile"
        return transform, found.call


def _as_at_the_point(value: Any, dtype: str, own: Any) -> Any:
    """A leaf as the report's point has it, so that nothing is compiled twice.

    A Python number is of no dtype to JAX; and what is spread over devices there is spread in the same way.
    """
    if isinstance(value, jax.Array) and not value.weak_type and str(value.dtype) == dtype:
        return value
    array = np.asarray(value).astype(jax.numpy.dtype(dtype))
    if is_spread(own):
        return jax.device_put(array, own.sharding)
    return array


def refusal(error: Exception) -> str:
    """Why JAX has no derivative, by the error that it raised, or that a rule of the reader's did."""
    if isinstance(error, REFUSED):
        return hindrance_of(error)
    if isinstance(error, AssertionError) and not str(error):
        return "JAX cannot transpose it; a derivative rule in it is not linear in its tangent"
    words = next(iter(str(error).strip().splitlines()), "")
    if words and isinstance(error, NO_DERIVATIVE):
        return words
    place, _ = innermost(error)
    return f"{type(error).__name__}{f': {words}' if words else ''}{f' ({place})' if place.line else ''}"


def equation_count(jaxpr: Any) -> int:
    """Number of equations of a jaxpr, those of nested jaxprs included."""
    return sum(1 for _ in equations_within(jaxpr))


def _is_brief(program: DerivativeProgram) -> bool:
    return program.closed is None or equation_count(program.closed.jaxpr) <= MAX_LINES


def _at_once(program: DerivativeProgram, lines: int) -> int | None:
    """How many columns or rows of a program fit into memory together; None where all of them do."""
    if program.closed is None or lines <= 1 or (largest := _largest(program.closed.jaxpr)) <= MAX_BYTES:
        return None
    if any(0 in x.shape for x in (*program.closed.in_avals, *program.closed.out_avals)):
        return None  # jax.lax.map has no chunks of arrays without elements
    return max(1, CHUNK_BYTES * lines // largest)


def _largest(jaxpr: Any) -> int:
    """Bytes of the largest array in a jaxpr and those within it."""
    arrays = (v.aval for equation in equations_within(jaxpr) for v in equation.outvars if hasattr(v.aval, "shape"))
    return max((int(np.prod(x.shape, dtype=object)) * getattr(x.dtype, "itemsize", 0) for x in arrays), default=0)
