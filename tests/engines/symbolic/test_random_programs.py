"""Whatever a user may write: formulas are right or there are none, never wrong."""

from __future__ import annotations

import contextlib

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jaxdiff_magic.base.errors import OutOfReach
from jaxdiff_magic.engines.symbolic import derivation

from .agreement import assert_formulas_match, primitives_of
from .programs import OPERATIONS, RandomProgram, programs


@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(programs, st.sampled_from([0, 3, 200, 1000]))
def test_formulas_of_random_programs_are_right_or_out_of_reach(program: RandomProgram, inline: int) -> None:
    before, derivation.INLINE = derivation.INLINE, inline
    try:
        with contextlib.suppress(OutOfReach):
            assert_formulas_match(program, *program.point())
    finally:
        derivation.INLINE = before


def test_random_programs_cover_what_users_write() -> None:
    found: set[str] = set()
    for operation in range(len(OPERATIONS)):
        for shapes in [((3,), (3,)), ((3, 3), (3, 3))]:
            program = RandomProgram(shapes, ((operation, 0, 1, 1),), 0)
            found |= primitives_of(program, *program.point())
    assert len(found) >= 60
