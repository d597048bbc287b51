"""A report as a pytest file: the function, the point, its verdict, and the numbers of today."""

from __future__ import annotations

import os
from typing import Any

import jax
import numpy as np

from jaxdiff_magic.base.copies import Missing, sentence
from jaxdiff_magic.base.errors import InputError
from jaxdiff_magic.report import ReportData
from jaxdiff_magic.show.exporting.definitions import ALWAYS, Definitions
from jaxdiff_magic.show.exporting.literals import literal
from jaxdiff_magic.subject.subject import Subject, display_name, subject_of

MARK = "# written by jaxdiff_magic: exporting again overwrites this file"
"""The second line of an exported file; a file without it is never overwritten."""


def export_test(report: ReportData, path: str | os.PathLike[str]) -> str:
    """Write a report's verdict as a test.

    Args:
        report: on a function whose source can be found.
        path: of the file; one that was exported before is overwritten.

    Returns:
        The absolute path.

    Raises:
        InputError: the file is not an exported one, or something that the function uses cannot be written; nothing
            is written then.
    """
    file = os.path.abspath(os.fspath(path))
    if os.path.exists(file):
        with open(file, encoding="utf-8", errors="replace") as opened:
            if MARK not in opened.read(4096):
                raise InputError(f"{path} exists and was not exported from a report. Choose another name for the test.")
    text = test_text(report)
    try:
        compile(text, file, "exec", dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise InputError(f"{report.subject.name} cannot be written into a test: {error}.") from error
    with open(file, "w", encoding="utf-8") as opened:
        opened.write(text)
    return file


def test_text(report: ReportData) -> str:
    """The text of the pytest file.

    Raises:
        InputError: names what cannot be written.
    """
    subject, found = report.subject, Definitions()
    if isinstance(subject.function, Missing):
        raise InputError(f"No test can be written: {sentence(subject.name)}.")
    function = found.other(subject.function, display_name(subject.function))
    arguments = [literal(value, f"argument {k + 1}", found.other) for k, value in enumerate(subject.args)]
    keywords = found.keywords(subject.kwargs)
    called = function if function.isidentifier() else "the function"
    parts = [
        f'"""The derivative of {called} is right, and is what it was when this was written."""\n{MARK}',
        *([f"from __future__ import {', '.join(sorted(found.futures))}"] if found.futures else []),
        "\n".join(_imports(found)),
        *(['jax.config.update("jax_enable_x64", True)'] if jax.config.read("jax_enable_x64") else []),
        *found.blocks,
        _tests(report, function, f"({', '.join([*arguments, *keywords])})", {*found.known, *found.imports}),
    ]
    return "\n\n".join(parts) + "\n"


def _imports(found: Definitions) -> list[str]:
    own = {"jaxdiff_magic": "import jaxdiff_magic"}
    lines = {**ALWAYS, **found.imports, **own}.values()
    return sorted(set(lines), key=lambda line: (line.startswith("from"), line))


def _tests(report: ReportData, function: str, call: str, taken: set[str]) -> str:
    wrt = _wrt(report.subject)
    check, derive, found, expected = (_beside(name, taken) for name in ("check", "derive", "found", "expected"))
    lines = [
        "def test_the_derivative_is_right():",
        f"    {check} = jaxdiff_magic.check({function}{wrt}){call}",
        *([f'    assert {check}.outcome in ("proved", "agrees"), {check}.summary'] if _is_good(report) else []),
    ]
    if report.verdict != "differs" and report.jacobian is not None:
        leaves = [literal(np.asarray(leaf), "the derivative", _refused) for leaf in jax.tree.leaves(report.jacobian)]
        eps = max(float(jax.numpy.finfo(leaf.dtype).eps) for leaf in (*report.subject.inputs, *report.subject.outputs))
        lines += [
            "",
            "",
            "def test_the_derivative_has_the_same_numbers():",
            f'    {derive} = jaxdiff_magic.derive({function}{wrt}, order=1, symbolic=False, cost="none", points=0)',
            f"    {found} = jax.tree.leaves({derive}{call}.jacobian)",
            f"    {expected} = [",
            *(f"        {leaf}," for leaf in leaves),
            "    ]",
            f"    for now, then in zip({found}, {expected}, strict=True):",
            "        scale = np.max(np.abs(then), initial=0, where=np.isfinite(then))",
            f"        np.testing.assert_allclose(now, then, rtol={1e3 * eps:.1e}, atol={1e3 * eps:.1e} * scale)",
        ]
    return "\n".join(lines)


def _beside(name: str, taken: set[str]) -> str:
    """A local name that hides none of the reader's."""
    while name in taken:
        name += "_"
    return name


def _is_good(report: ReportData) -> bool:
    return report.verdict in ("proved", "agrees")


def _refused(value: Any, name: str) -> str:
    raise InputError(f"{name} cannot be written into a test.")


def _wrt(subject: Subject) -> str:
    """The option that differentiates by the same leaves; "" where no option does."""
    if subject_of(subject.function, subject.args, subject.kwargs).inputs == subject.inputs:
        return ""
    names = tuple(leaf.name for leaf in subject.inputs)
    return f", wrt={names[0]!r}" if len(names) == 1 else f", wrt={names!r}"
