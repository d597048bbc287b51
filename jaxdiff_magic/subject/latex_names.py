"""Names of the user's code as mathematics, in the LaTeX that KaTeX and MathJax share.

`x`, `x_1` and `x1` are x with an index, `x_hat` is x with a hat, `lambda_` and `theta` are Greek letters, what has more
letters stands upright; elements of pytrees have their path as index. Distinct names that one function may well have
stay distinct, so only `lambda_`, which cannot be had otherwise, loses its underscore.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from jaxdiff_magic.subject.wrappers import as_latex

GREEK = frozenset(
    "alpha beta gamma delta epsilon varepsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau upsilon phi "
    "varphi chi psi omega Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega".split()
)
"""Letters that LaTeX has a command for; capitals that look Latin have none."""
DERIVED = frozenset("∇∂′″‴·…")
"""Signs of names of functions that are made from others: see `wrappers`."""
ACCENTS = {"hat": "hat", "bar": "bar", "tilde": "tilde", "dot": "dot", "ddot": "ddot", "vec": "vec"}
MARKS = {"\u0302": "hat", "\u0304": "bar", "\u0303": "tilde", "\u0307": "dot", "\u0308": "ddot", "\u20d7": "vec"}
"""Accents as combining characters, which identifiers may have."""
_STEP = r"\[(?:'[^']*'|\"[^\"]*\"|[^\]'\"]*)\]|\.\w+"
"""A step of a path: `['W']`, `[0]`, `.weight`."""
_UPRIGHT = {"\\": r"\backslash ", "^": r"\wedge ", "~": r"\sim ", "'": r"\text{'}", '"': r"\text{\"}"}
"""What has no name of its own in text."""


def latex_name(name: str) -> str:
    """A name, such as `theta`, `params['W']`, `x[0]`, or `inv(A)`, or several with commas, as LaTeX.

    Example:
        >>> latex_name("x[0]"), latex_name("rate_1"), latex_name("x_hat"), latex_name("lambda_")
        ('x_{0}', '\\\\mathrm{rate}_{1}', '\\\\hat{x}', '\\\\lambda')
    """
    if (set(name) & DERIVED or name.startswith("vmap(")) and (made := as_latex(name, latex_name)) is not None:
        return made
    several = _parts(name)
    if len(several) > 1:
        return ", ".join(map(latex_name, several))
    if nabla := re.fullmatch("(∇[∇²³]*)(.+)", name):
        signs = "".join({"∇": r"\nabla", "²": "^{2}", "³": "^{3}"}[sign] for sign in nabla[1])
        return f"{signs} {latex_name(nabla[2])}"
    if (quotient := _quotient(name)) is not None:
        return quotient
    if call := re.fullmatch(r"(\w+)\((.*)\)", name):
        inside = latex_name(call[2])
        return _call(call[1], inside)
    match = re.fullmatch(rf"([^\[.\]]+)((?:{_STEP})*)", name)
    if match is None:
        return words(name)
    root, path = match.groups()
    return indexed(_word(root), [_key(part) for part in re.findall(_STEP, path)])


def indexed(printed: str, indices: Sequence[str]) -> str:
    """An element of an array, all written already: `x_{i,j}`, and `(x_{1})_{j}` for the array x1."""
    if not indices:
        return printed
    written, outside = ",".join(indices), _outside(printed)
    own = printed.rpartition("_{")[2][:-1] if outside.endswith("_") and printed.endswith("}") else ""
    if own and "^" not in outside and not re.search(r"(^|,)\d+$", own):
        return f"{printed[:-1]},{written}}}"
    return f"({printed})_{{{written}}}" if set(outside) & set("_^ ") else f"{printed}_{{{written}}}"


def _outside(printed: str) -> str:
    """What stands in no brackets."""
    depth, found = 0, ""
    for character in re.sub(r"\\.", "", printed):
        depth += (character in "{([") - (character in "})]")
        found += character if depth == 0 and character not in "})]" else ""
    return found


def words(text: str) -> str:
    """Any text as LaTeX, character by character what it is."""
    parts = re.split(r"([\\{}_^#$%&'\"~])", text)
    written = (
        (rf"\text{{{part}}}" if k % 2 == 0 else _UPRIGHT.get(part, rf"\{part}")) for k, part in enumerate(parts) if part
    )
    return "".join(written)


def _word(word: str) -> str:
    """An identifier; what is none, such as the name of a derivative by a derivative, letter by letter."""
    if re.search(r"[/()\s]", word):
        return words(word)
    if word == "lambda_":
        return r"\lambda"
    core = word.strip("_")
    if core in GREEK and word == f"{core}_":
        return rf"\{core}_{{\_}}"
    if core != word or not core:
        return _upright(word)
    base, *suffixes = re.split("_+", core)
    if (digits := re.fullmatch(r"(.*\D)(\d+)", base)) and (len(digits[1]) == 1 or digits[1] in GREEK or suffixes == []):
        base, suffixes = digits[1], [digits[2], *suffixes]
    printed = _letter(base)
    while suffixes and suffixes[0] in ACCENTS:
        printed = _accented(printed, ACCENTS[suffixes.pop(0)])
    return f"{printed}_{{{','.join(map(_letter, suffixes))}}}" if suffixes else printed


def _letter(word: str) -> str:
    """What has no underscore: a letter, a Greek one, a number, or several letters, upright."""
    if word in GREEK:
        return f"\\{word}"
    base, marks = _without_marks(word)
    if marks:
        printed = _letter(base)
        for mark in marks:
            printed = _accented(printed, mark)
        return printed
    if len(word) == 1 and not word.isascii():
        found = re.fullmatch(r"GREEK (SMALL|CAPITAL) LETTER (\w+)", unicodedata.name(word, ""))
        spelled = "" if found is None else found[2].replace("LAMDA", "LAMBDA").lower()
        spelled = spelled if found is None or found[1] == "SMALL" else spelled.capitalize()
        return f"\\{spelled}" if spelled in GREEK else _upright(word)
    return word if (len(word) == 1 and word.isalpha()) or word.isdigit() else _upright(word)


def _without_marks(word: str) -> tuple[str, list[str]]:
    decomposed = unicodedata.normalize("NFD", word)
    if len(decomposed) < 2 or unicodedata.combining(decomposed[0]) or not decomposed[0].isalpha():
        return word, []
    marks = list(decomposed[1:])
    return (decomposed[0], [MARKS[m] for m in marks]) if all(m in MARKS for m in marks) else (word, [])


def _accented(printed: str, accent: str) -> str:
    """Over all of it: the wide form where it has more than a letter."""
    wide = {"hat": "widehat", "bar": "overline", "tilde": "widetilde"} if r"\mathrm" in printed else {}
    return rf"\{wide.get(accent, accent)}{{{printed}}}"


def _upright(word: str) -> str:
    return rf"\mathrm{{{word.replace('_', chr(92) + '_')}}}" if re.fullmatch("[A-Za-z0-9_]+", word) else words(word)


def _key(part: str) -> str:
    """A part of a path, `['W']`, `[0]` or `.weight`, as an index."""
    inner = part[1:-1] if part[0] == "[" else part[1:]
    if quoted := re.fullmatch(r"'(.*)'|\"(.*)\"", inner):
        inner = quoted[1] or quoted[2] or ""
    if flat := re.fullmatch(r"<flat index (\d+)>", inner):
        inner = flat[1]
    if re.fullmatch(r"[\d, ]+", inner):
        return ",".join(inner.replace(" ", "").strip(",").split(","))
    return _word(inner) if inner.isidentifier() else words(inner)


def _quotient(name: str) -> str | None:
    """`ddf/dx/dy`, as derivatives are called among the steps."""
    above, *below = name.split("/d") if "'" not in name else [name]
    order = len(below)
    if not below or not all(below) or not above.startswith("d" * order) or len(above) == order:
        return None
    power = f"^{{{order}}}" if order > 1 else ""
    variables = r"\, ".join(rf"\partial {latex_name(part)}" for part in below)
    return rf"\left(\frac{{\partial{power} {latex_name(above[order:])}}}{{{variables}}}\right)"


def _call(function: str, inside: str) -> str:
    """A function of whole arrays."""
    match function:
        case "inv":
            return f"({inside})^{{-1}}" if "^" in inside else f"{inside}^{{-1}}"
        case "det":
            return rf"\det({inside})"
        case "logdet":
            return rf"\log \left|\det({inside})\right|"
        case _:
            return rf"\operatorname{{{function.replace('_', chr(92) + '_')}}}({inside})"


def _parts(arguments: str) -> list[str]:
    """The arguments of a call, as they stand in its text."""
    found, depth = [""], 0
    for character in arguments:
        depth += (character in "([") - (character in ")]")
        if character == "," and not depth:
            found.append("")
        else:
            found[-1] += character
    return [part.strip() for part in found]
