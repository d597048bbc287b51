"""Tapes as a file for the browser's tests.

TAPE_CASES=cases.json PROGRAMS=100 python -m pytest tests/engines/tape/test_cases.py writes the lessons and as many
random programs there.
"""

from __future__ import annotations

import itertools
import json
import os
from pathlib import Path

import numpy as np

from .cases import lesson_cases, random_cases, write


def test_tapes_and_the_numbers_of_jax_are_written_for_the_browser(tmp_path: Path) -> None:
    wanted = os.environ.get("TAPE_CASES")
    path = Path(wanted) if wanted else tmp_path / "cases.json"
    programs = random_cases(int(os.environ.get("PROGRAMS", "30")) if wanted else 2)
    write(path, itertools.chain(lesson_cases() if wanted else lesson_cases(["B2", "C4"]), programs))
    cases = json.loads(path.read_text(encoding="utf-8"))["cases"]
    assert len(cases) >= 4
    for case in cases:
        n, m = len(case["point"]), len(case["tape"]["outputs"])
        assert [len(case[key]) for key in ("value", "jacobian", "hessian")] == [m, m * n, m * n * n]
    (cubic,) = (case for case in cases if case["name"] == "B2")
    np.testing.assert_allclose(cubic["jacobian"], [4.0, 13.0])
    np.testing.assert_allclose(cubic["hessian"], [4.0, 2.0, 2.0, 12.0])
