"""Work as numbers that add up: of one equation, of a program, and of a program that may take one way or another."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields


@dataclass(frozen=True)
class Work:
    """What some operations amount to; work one after the other adds up.

    Attributes:
        flops: floating-point additions, multiplications, divisions and comparisons.
        transcendentals: elements of exp, log, sin, sqrt and the like.
        bytes: read and written.
        lapack: those of `flops` that a linear algebra library does (factorisations, triangular solves, eigenvalues).
        once: those of `flops` that are left when every loop runs once, without `lapack`: what XLA's own count sees.
        once_other: operations that are no FLOPs here but that XLA counts as such, every loop run once: arithmetic of
            integers and booleans, selections and conversions.
    """

    flops: int = 0
    transcendentals: int = 0
    bytes: int = 0
    lapack: int = 0
    once: int = 0
    once_other: int = 0

    def __add__(self, other: Work) -> Work:
        return _by_field(sum, (self, other))

    def times(self, repeats: int) -> Work:
        """The same work done a number of times, by as many operations."""
        return _by_field(lambda values: repeats * next(iter(values)), (self,))

    def looped(self, trips: int) -> Work:
        """The same work done a number of times by a loop, whose body a compiler sees once."""
        return dataclasses.replace(self.times(trips), once=self.once, once_other=self.once_other)


def arithmetic(flops: int, transcendentals: int = 0) -> Work:
    """Floating-point operations that a compiler sees."""
    return Work(flops=flops, transcendentals=transcendentals, once=flops)


def library(flops: int) -> Work:
    """Floating-point operations of a linear algebra library, which a compiler does not see."""
    return Work(flops=flops, lapack=flops)


def other(operations: int) -> Work:
    """Operations on integers and booleans, selections and conversions: no FLOPs."""
    return Work(once_other=operations)


@dataclass(frozen=True)
class Count:
    """The work of a program.

    The numbers hold but for what `unknown` says. Where the program chooses between branches, or a loop stops early,
    `least` and `most` differ: field by field, the least and the most that any way through it takes.

    Attributes:
        least, most: the work.
        unknown: sentences about what is not in the numbers.
        met: what occurs in the program that others count differently: "loop" (run more than once), "branches",
            "lapack", "complex", "fft", "sort", "window" (a convolution, a cumulative sum or a reduction over windows),
            "special" (functions).
    """

    least: Work = Work()
    most: Work = Work()
    unknown: tuple[str, ...] = ()
    met: frozenset[str] = frozenset()

    @property
    def flops(self) -> int:
        """Floating-point operations; the fewest where the program chooses."""
        return self.least.flops

    @property
    def flops_most(self) -> int:
        return self.most.flops

    @property
    def transcendentals(self) -> int:
        """Elements of exp, log, sin, sqrt and the like; the fewest where the program chooses."""
        return self.least.transcendentals

    @property
    def transcendentals_most(self) -> int:
        return self.most.transcendentals

    @property
    def bytes(self) -> int:
        """Read and written by each operation on its own: more than a compiler that fuses operations will move."""
        return self.least.bytes

    @property
    def bytes_most(self) -> int:
        return self.most.bytes

    @property
    def is_range(self) -> bool:
        return self.least != self.most

    def __add__(self, other: Count) -> Count:
        unknown = tuple(dict.fromkeys([*self.unknown, *other.unknown]))
        return Count(self.least + other.least, self.most + other.most, unknown, self.met | other.met)

    def times(self, repeats: int) -> Count:
        """The same program a number of times, written out."""
        return dataclasses.replace(self, least=self.least.times(repeats), most=self.most.times(repeats))

    def looped(self, least: int, most: int) -> Count:
        """The same program as the body of a loop."""
        met = self.met | {"loop"} if most > 1 else self.met
        return Count(self.least.looped(least), self.most.looped(most), self.unknown, met)


def exactly(work: Work, *met: str, unknown: tuple[str, ...] = ()) -> Count:
    """The count of a program that has one way through it."""
    return Count(work, work, unknown, frozenset(met))


def one_of(branches: Iterable[Count]) -> Count:
    """The count of a program that runs one of several."""
    counts = list(branches)
    together = Count()
    for branch in counts:
        together += branch  # for its sentences; the numbers are those below
    return dataclasses.replace(
        together,
        least=_by_field(min, [branch.least for branch in counts]),
        most=_by_field(max, [branch.most for branch in counts]),
        met=together.met | {"branches"} if len(counts) > 1 else together.met,
    )


def _by_field(combine: Callable[[Iterable[int]], int], works: Iterable[Work]) -> Work:
    rows = list(works)
    return Work(**{item.name: combine([getattr(work, item.name) for work in rows]) for item in fields(Work)})
