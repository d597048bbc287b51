"""The words after `%derive` and `%%derive`: options first, then the call exactly as it stands.

One table of options drives the parser, the manual page and Tab completion.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from jaxdiff_magic.base.errors import InputError
from jaxdiff_magic.base.options import WORDS
from jaxdiff_magic.base.parsing import parsed

SECTIONS = ("leaves", "derivatives", "check", "cost", "curvature", "findings", "derivation")
LAYOUTS, COSTS = WORDS["layout"], WORDS["cost"]


@dataclass(frozen=True)
class Option:
    """One option of the magics.

    Attributes:
        name: as typed, without the dashes.
        keyword: the argument of `derive` that it sets; "sections" and "with_panel" are fields of the Report.
        help: one line of the manual.
        allowed: the values it takes, as the end of "--name takes …"; "" for an option without a value.
        read: its value from the text; ValueError or SyntaxError for anything not allowed.
        choices: the words it takes, where they can be listed.
        example: a value for the manual.
    """

    name: str
    keyword: str
    help: str
    allowed: str
    read: Callable[[str], Any]
    choices: tuple[str, ...] = ()
    example: str = ""


def _names(text: str) -> int | str | tuple[int | str, ...]:
    """`x` -> "x"; `0,params["W"]` -> (0, "params['W']")."""
    tree = parsed(text.strip(), mode="eval").body
    first, *others = map(_name, tree.elts if isinstance(tree, ast.Tuple) else [tree])
    return (first, *others) if others else first


def _name(node: ast.expr) -> int | str:
    if isinstance(node, (ast.Name, ast.Subscript, ast.Attribute)):
        return ast.unparse(node)
    literal = ast.literal_eval(node)
    if type(literal) not in (int, str):
        raise ValueError
    return literal


def _mine(text: str) -> str | dict[str, str]:
    """`"2*x"` -> "2*x"; `"w: X.T @ r, b: sum(r)"` -> {"w": "X.T @ r", "b": "sum(r)"}."""
    if text[:1] in "'\"":
        text = ast.literal_eval(text)
    if not text.strip():
        raise ValueError
    try:
        tree = parsed(f"{{{text}}}", mode="eval").body
    except SyntaxError:  # a formula that is not Python
        parts = re.split(r"(?:^|,)\s*([^\W\d][\w.]*)\s*:\s", text)
        return dict(zip(parts[1::2], parts[2::2], strict=True)) if len(parts) > 1 and not parts[0].strip() else text
    if not isinstance(tree, ast.Dict) or None in tree.keys:
        return text
    if not text.isascii():  # as it was written: Python takes Aᵀ for AT
        whole = f"{{{text}}}"
        pairs = zip(tree.keys, tree.values, strict=True)
        return {ast.unparse(of): ast.get_source_segment(whole, one) or "" for of, one in pairs if of}
    return {ast.unparse(of): ast.unparse(one) for of, one in zip(tree.keys, tree.values, strict=True) if of}


def _file(text: str) -> str:
    path = ast.literal_eval(text) if text[:1] in "'\"" else text
    if not path.endswith(".py"):
        raise ValueError
    return path


def _functions(text: str) -> tuple[str, ...]:
    names = tuple(word.strip() for word in text.split(","))
    if not all(names):
        raise ValueError
    return names


def _whole(text: str) -> int:
    if not text.isdecimal():
        raise ValueError
    return int(text)


def _order(text: str) -> int:
    if _whole(text) == 0:
        raise ValueError
    return int(text)


def _seconds(text: str) -> float:
    if not (seconds := float(text)) >= 0:  # not a number fails too
        raise ValueError
    return seconds


def _one_of(choices: tuple[str, ...]) -> Callable[[str], str]:
    return lambda text: choices[choices.index(text)]


def _sections(text: str) -> tuple[str, ...]:
    return tuple(_one_of(SECTIONS)(word.strip()) for word in text.rstrip(",").split(","))


def _listed(words: tuple[str, ...]) -> str:
    return f"{', '.join(words[:-1])} or {words[-1]}"


OPTIONS = {
    option.name: option
    for option in (
        Option(
            "wrt",
            "wrt",
            "the arguments, or parts of them, to differentiate with respect to",
            "names of arguments with commas between them, such as x,A or params['W']",
            _names,
            example="x,A",
        ),
        Option("order", "order", "the highest derivative", "a whole number from 1", _order, example="3"),
        Option(
            "only",
            "sections",
            f"the sections to show: {', '.join(SECTIONS)}",
            f"{_listed(SECTIONS)}, or several with commas between them",
            _sections,
            SECTIONS,
            "cost,check",
        ),
        Option(
            "layout",
            "layout",
            "numerator: row i, column j is dy_i/dx_j; denominator: its transpose",
            _listed(LAYOUTS),
            _one_of(LAYOUTS),
            LAYOUTS,
            "|".join(LAYOUTS),
        ),
        Option(
            "points",
            "points",
            "random points around the given one that the check compares",
            "a whole number",
            _whole,
            example="64",
        ),
        Option(
            "budget",
            "budget",
            "seconds that formulas and measuring may take",
            "a number of seconds",
            _seconds,
            example="10",
        ),
        Option("seed", "seed", "seed of the random points", "a whole number", _whole, example="0"),
        Option(
            "cost",
            "cost",
            "measure: time forward and reverse mode; count: count passes only",
            _listed(COSTS),
            _one_of(COSTS),
            COSTS,
            "|".join(COSTS),
        ),
        Option(
            "trust",
            "trust",
            "functions whose own derivative rules are meant to differ from their code",
            "names of functions with commas between them, such as clip_gradient",
            _functions,
            example="clip_gradient",
        ),
        Option(
            "mine",
            "mine",
            'your own derivative, to be graded; by several arguments: "w: …, b: …"',
            'a derivative in quotes, such as "X.T @ (X @ w - y)" or "2*x0*x1"',
            _mine,
            example='"2*x"',
        ),
        Option(
            "export-test",
            "export_test",
            "write a pytest file that holds the verdict and today's numbers",
            "a file's name that ends in .py",
            _file,
            example="test_f.py",
        ),
        Option("no-symbolic", "symbolic", "no formulas, numbers only", "", lambda _: False),
        Option("static", "with_panel", "no live panel, the static output only", "", lambda _: False),
    )
}

# A value ends at the first space that is not in quotes, in brackets, or after a comma.
_VALUE = r"""(?:'[^']*'|"[^"]*"|\[(?:'[^']*'|"[^"]*"|[^]'"])*\]|(?<=,)\s+|[^\s['"])*"""


def read_line(line: str) -> tuple[dict[str, Any], str]:
    """The options at the start of a magic's line, by keyword, and the call that follows, verbatim.

    Raises:
        InputError: a misspelt option, or a value that it does not take.

    Example:
        >>> read_line("--wrt x,A --order=3 f(x, A, mode='--fast')")
        ({'wrt': ('x', 'A'), 'order': 3}, "f(x, A, mode='--fast')")
    """
    settings: dict[str, Any] = {}
    rest = line.strip()
    while match := re.match(r"--([\w-]*)", rest):
        option = _option(match[1])
        rest, value = rest[match.end() :].lstrip(), ""
        if option.allowed:
            rest = rest.removeprefix("=").lstrip()
            value = re.match(_VALUE, rest)[0].rstrip()  # type: ignore[index]  # the pattern matches the empty text
            rest = rest[len(value) :].lstrip()
        elif rest.startswith("="):
            raise InputError(f"--{option.name} takes no value. Write --{option.name} alone.")
        try:
            settings[option.keyword] = _joined(settings.get(option.keyword), option.read(value))
        except (ValueError, SyntaxError):
            raise InputError(_bad_value(option, value)) from None
    return settings, rest


def _joined(before: Any, value: Any) -> Any:
    """The value of an option that was given before: derivatives by several arguments add up, else the last holds."""
    return before | value if isinstance(before, dict) and isinstance(value, dict) else value


def _option(name: str) -> Option:
    if name in OPTIONS:
        return OPTIONS[name]
    known = ", ".join(f"--{known}" for known in OPTIONS)
    raise InputError(
        f"%derive has no option --{name}.{_did_you_mean(name, tuple(OPTIONS), '--')} It has {known}; "
        "see %derive? for what they do."
    )


def _bad_value(option: Option, value: str) -> str:
    if not value:
        return f"--{option.name} needs a value. It takes {option.allowed}."
    wrong = next((word for word in value.split(",") if word not in option.choices), value)
    hint = _did_you_mean(wrong, option.choices)
    return f"--{option.name} {value} cannot be used: --{option.name} takes {option.allowed}.{hint}"


def _did_you_mean(word: str, known: tuple[str, ...], prefix: str = "") -> str:
    import difflib  # only mistakes need it, and loading the extension should be quick

    close = difflib.get_close_matches(word.lower(), known, n=1)
    return f" Did you mean {prefix}{close[0]}?" if close else ""


def suggest(text: str) -> tuple[str, list[str]]:
    """What Tab offers after `%derive `: the end of `text` to replace, and what can stand there.

    Nothing is offered within the call.

    Example:
        >>> suggest("--order 3 --la")
        ('--la', ['--layout'])
        >>> suggest("--only cost,ch")
        ('ch', ['check'])
    """
    before, word = re.fullmatch(r"(.*?)(\S*)", text, re.DOTALL).groups()  # type: ignore[union-attr]  # matches any text
    value = re.fullmatch(r"(.*?)--([\w-]+)(?:=|\s+)(\S*)", text, re.DOTALL)
    if value and value[2] in OPTIONS and OPTIONS[value[2]].choices:
        before, fragment = value[1], value[3].rpartition(",")[2]
        candidates = OPTIONS[value[2]].choices
    elif word.startswith("-"):
        fragment, candidates = word, [f"--{name}" for name in OPTIONS]
    else:
        return "", []
    try:
        _, call = read_line(before)
    except InputError:
        return "", []
    return fragment, [] if call else [candidate for candidate in candidates if candidate.startswith(fragment)]


def manual() -> str:
    """The text of `%%derive?`."""
    rows = [(f"--{option.name} {option.example}".rstrip(), option.help) for option in OPTIONS.values()]
    width = max(len(usage) for usage, _ in rows)
    return _MANUAL.format(options="\n".join(f"    {usage:{width}}  {text}" for usage, text in rows))


_MANUAL = """Differentiate a call: its derivatives, a check of them, and what they cost.

    %%derive [options]          run the cell, then differentiate its last expression, which is a call
    %%derive [options] f(x0)    run the cell, then differentiate this call
    %derive [options] f(x0)     differentiate this call; r = %derive f(x0) keeps the Report

A cell stays plain Python: without its first line it still runs.

Options, before the call:

{options}

To keep a preference for the session: %config DeriveMagics.budget = 5

Examples:

    %%derive
    def f(x):
        return x[0]**2 * x[1] + x[1]**3
    f(jnp.array([1.0, 2.0]))

    %derive f(x0)                                     a function that is already there
    %derive (lambda x: x**4)(2.0)
    %derive --order 4 jnp.sin(0.5)                    up to the fourth derivative
    %derive --wrt params['W'],x loss(params, x, y)    only with respect to these
    %derive --mine "X.T @ (X @ w - y)" loss(w)        is my derivative right, and if not, how is it wrong?
    %derive --export-test test_f.py f(x0)             keep the verdict as a test
    %derive --only cost f(x0)                         forward or reverse mode?
    report = %derive --no-symbolic f(x0)              then report.hessian, report.check, report.cost
"""
