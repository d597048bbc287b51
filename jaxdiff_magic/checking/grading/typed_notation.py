"""Mathematics as it is printed and as people type it, as a tree: `2x₀x₁`, `Xᵀ(X w - y)`, `A⁻ᵀ`, `Σₖ Aᵢₖ xₖ`, `λ ⊙ x²`.

What stands side by side is multiplied, and holds together more tightly than what stands beside a sign.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from jaxdiff_magic.base.errors import InputError

SUBSCRIPTS = dict(zip("₀₁₂₃₄₅₆₇₈₉ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓ", "0123456789aehijklmnoprstuvx", strict=True))
SUPERSCRIPTS = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁻ᵀ⊤", "0123456789-TT", strict=True))
SAME = {
    "−": "-",
    "–": "-",
    "⋅": "·",
    "∙": "·",
    "×": "·",
    "∘": "⊙",
    "≤": "<=",
    "≥": ">=",
    "≠": "!=",
    "∑": "Σ",
    "′": "'",
    "’": "'",
    "||": "‖",
    "∥": "‖",
    "𝟙": "𝟏",
    "½": "(1/2)",
    "⅓": "(1/3)",
    "¼": "(1/4)",
}
MARKS = {"\u0302": "_hat", "\u0304": "_bar", "\u0303": "_tilde", "\u0307": "_dot"}
"""Combining signs by how their names are written in a program."""
SIGNS = ("**", "<=", ">=", "==", "!=", *"+-*/@^⊙⊗·<>=(){}[],|‖√Σ𝟏.&~:")
RELATIONS = ("<", ">", "<=", ">=", "==", "=", "!=")
WORDS = ("if", "else", "and", "or", "not")
NUMBER = re.compile(r"([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
MAX_DEPTH = 60
"""Nobody writes more brackets within one another; Python's own stack ends further on."""


@dataclass(frozen=True)
class Token:
    """A number, name, sign, run of raised or lowered signs, or text in quotes; whether a blank stands before it."""

    kind: str
    text: str
    spaced: bool = False


@dataclass(frozen=True)
class Part:
    """A part of an expression: what it is, its sign, name or number, and its parts."""

    kind: str
    value: Any = None
    parts: tuple[Part, ...] = ()


def tokens(text: str, split: Callable[[str], list[str]], is_known: Callable[[str], bool]) -> list[Token]:
    """The words and signs of a text.

    Args:
        text: one expression.
        split: the names that a word is made of: `Xw` may be X times w.
        is_known: whether a name has a value: Σ may be a covariance.

    Raises:
        InputError: a sign has no meaning.
    """
    for sign, same in SAME.items():
        text = text.replace(sign, same)
    sums = not is_known("Σ")
    found: list[Token] = []
    at = 0
    while at < len(text):
        start = at
        while at < len(text) and text[at].isspace():
            at += 1
        if at == len(text):
            break
        spaced, sign = at > start, text[at]
        if sign in SUBSCRIPTS or sign in SUPERSCRIPTS:
            signs = SUBSCRIPTS if sign in SUBSCRIPTS else SUPERSCRIPTS
            end = next((k for k in range(at, len(text)) if text[k] not in signs), len(text))
            kind = "lowered" if signs is SUBSCRIPTS else "raised"
            found.append(Token(kind, "".join(signs[c] for c in text[at:end])))
        elif sign in "'\"" and found and found[-1].text == "[" and text.find(sign, at + 1) > 0:
            end = text.find(sign, at + 1) + 1
            found.append(Token("text", text[at + 1 : end - 1]))
        elif sign == "'":
            end = at + 1
            found.append(Token("raised", "T"))
        elif number := NUMBER.match(text, at):
            end = number.end()
            found.append(Token("number", number[0], spaced))
        elif _in_name(sign) and not (sign == "Σ" and sums):
            end = next((k for k in range(at, len(text)) if not _in_name(text[k])), len(text))
            words = split(_plain_name(text[at:end]))
            found += [Token("name", word, spaced or k > 0) for k, word in enumerate(words)]
        elif (sign := next((s for s in SIGNS if text.startswith(s, at)), "")) != "":
            end = at + len(sign)
            found.append(Token("sign", sign, spaced))
        else:
            raise InputError(f"the sign {text[at]} has no meaning here")
        at = end
    return [*found, Token("end", "")]


def _in_name(sign: str) -> bool:
    is_letter = sign.isalnum() or sign == "_" or unicodedata.combining(sign) > 0
    return is_letter and sign not in SUBSCRIPTS and sign not in SUPERSCRIPTS and sign not in "𝟏√"


def _plain_name(word: str) -> str:
    """A name with what stands above its letter written after it: x̂ is x_hat."""
    return "".join(MARKS.get(sign, sign) for sign in unicodedata.normalize("NFD", word))


class Parser:
    """Reads one expression.

    Args:
        found: its tokens.
        is_function: whether a name is a function's.
        tight: whether `a/b c` is a/(bc), else (a/b)c.
    """

    def __init__(self, found: list[Token], is_function: Callable[[str], bool], tight: bool) -> None:
        self.found, self.is_function, self.tight = found, is_function, tight
        self.at = self.depth = 0
        self.bars: list[str] = []

    def whole(self) -> Part:
        """The expression.

        Raises:
            InputError: it is none.
        """
        node = self._choice()
        if self.now.kind != "end":
            raise InputError(f"{self.now.text} does not fit where it stands")
        return node

    @property
    def now(self) -> Token:
        return self.found[self.at]

    def _take(self, *texts: str) -> str:
        """The next sign or word, if it is one of some; else ""."""
        if self.now.kind in ("sign", "name") and self.now.text in texts:
            self.at += 1
            return self.found[self.at - 1].text
        return ""

    def _expect(self, sign: str) -> None:
        if not self._take(sign):
            raise InputError(f"{sign} is missing before {self.now.text}" if self.now.text else f"{sign} is missing")

    def _choice(self) -> Part:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise InputError(f"it has more than {MAX_DEPTH} brackets within one another")
        yes = self._condition()
        if self._take("if"):
            condition = self._condition()
            if not self._take("else"):
                raise InputError("else is missing")
            yes = Part("choice", None, (condition, yes, self._choice()))
        self.depth -= 1
        return yes

    def _condition(self) -> Part:
        left = self._relation()
        while sign := self._take("and", "or", "&", *(() if "|" in self.bars else ("|",))):
            left = Part("both" if sign in ("and", "&") else "either", None, (left, self._relation()))
        return left

    def _relation(self) -> Part:
        if self._take("not", "~"):
            return Part("not", None, (self._relation(),))
        parts, signs = [self._sum()], []
        while sign := self._take(*RELATIONS):
            signs.append(sign)
            parts.append(self._sum())
        pairs = [Part("relation", sign, (parts[k], parts[k + 1])) for k, sign in enumerate(signs)]
        if not pairs:
            return parts[0]
        found = pairs[0]
        for pair in pairs[1:]:
            found = Part("both", None, (found, pair))
        return found

    def _sum(self) -> Part:
        left = self._term()
        while sign := self._take("+", "-"):
            left = Part("elementwise", sign, (left, self._term()))
        return left

    def _term(self) -> Part:
        if self._take("-"):
            return Part("minus", None, (self._term(),))
        if self._take("+"):
            return self._term()
        left = self._product()
        while True:
            sign = self._take("⊙", "⊗", "*", "@", "/", "·")
            if not sign and not (self._starts() and not self.tight):
                return left
            right = self._product() if self.tight and sign else self._factor()
            if sign in ("⊙", "*", "/"):
                left = Part("elementwise", "/" if sign == "/" else "*", (left, right))
            else:
                left = Part("product", sign, (left, right))

    def _product(self) -> Part:
        """What stands side by side; a fraction of two numbers is a number."""
        left = self._factor()
        fraction = [token.kind for token in self.found[self.at - 1 : self.at + 2]]
        if fraction == ["number", "sign", "number"] and self.now.text == "/" and left.kind == "number":
            self.at += 1
            left = Part("elementwise", "/", (left, self._factor()))
        while self._starts():
            left = Part("product", "", (left, self._factor()))
        return left

    def _starts(self) -> bool:
        """Whether a factor begins here that multiplies what stands before it."""
        token = self.now
        if token.kind == "name":
            return token.text not in WORDS
        if token.kind == "number":
            return token.spaced  # (1/2) 1/√x
        if token.text in ("|", "‖"):
            return token.text not in self.bars
        return token.kind == "sign" and token.text in ("(", "√", "Σ", "𝟏", "[")

    def _factor(self) -> Part:
        if self._take("-"):
            return Part("minus", None, (self._factor(),))
        if self._take("√"):
            return Part("call", "sqrt", (self._factor(),))
        if self.now.kind == "sign" and self._take("Σ"):
            return self._summed()
        node = self._atom()
        while True:
            if self.now.kind == "raised":
                node = Part("raised", self._next(), (node,))
            elif self.now.kind == "lowered":
                node = Part("lowered", self._next(), (node,))
            elif sign := self._take("^", "**"):
                node = self._power(node, sign)
            elif self.now.text == "[" and not self.now.spaced and self.now.kind == "sign":
                self._take("[")
                node = Part("index", None, (node, *self._list("]")))
            elif self.now.text == "." and self.now.kind == "sign":
                self._take(".")
                node = Part("attribute", self._next(), (node,))
            elif self.now.text == "(" and not self.now.spaced and node.kind == "attribute" and node.value != "T":
                self._take("(")
                node = Part("called", None, (node, *self._list(")")))
            else:
                return node

    def _next(self) -> str:
        self.at += 1
        return self.found[self.at - 1].text

    def _power(self, base: Part, sign: str) -> Part:
        if self._take("⊙"):
            sign = "**"
        if self._take("{"):
            exponent = self._choice()
            self._expect("}")
        elif self.now.text == "T":
            self.at += 1
            return Part("raised", "T", (base,))
        elif self.now.kind == "raised":  # A^⊤
            return Part("raised", self._next(), (base,))
        else:
            exponent = self._factor()
        return Part("power", sign, (base, exponent))

    def _summed(self) -> Part:
        """`Σₖ Aᵢₖ xₖ`, `Σ_k`: over what stands below, as far as the term goes."""
        letters = ""
        if self.now.kind == "lowered":
            letters = self._next()
        elif self.now.kind == "name" and self.now.text.startswith("_"):
            letters = self._next().strip("_")
        if not letters:
            raise InputError("Σ does not say over which index it adds; write Σₖ or Sum(…, (k, 0, 2))")
        return Part("sum", tuple(letters), (self._term(),))

    def _atom(self) -> Part:
        token = self.now
        self.at += 1
        if token.kind == "number":
            return Part("number", float(token.text) if re.search(r"[.eE]", token.text) else int(token.text))
        if token.kind == "text":
            return Part("text", token.text)
        if token.kind == "name" and token.text not in WORDS:
            return self._named(token.text)
        if token.text == "𝟏":
            return Part("ones")
        if token.text in ("(", "["):
            bars, self.bars = self.bars, []
            parts = self._list(")" if token.text == "(" else "]")
            self.bars = bars
            if token.text == "[":
                return Part("list", None, tuple(parts))
            return parts[0] if len(parts) == 1 else Part("tuple", None, tuple(parts))
        if token.text in ("|", "‖"):
            return self._between(token.text)
        raise InputError(f"{token.text} does not fit where it stands" if token.text else "it ends too early")

    def _named(self, name: str) -> Part:
        if not self.is_function(name):
            return Part("name", name)
        power = self._next() if self.now.kind == "raised" and self.found[self.at + 1].text == "(" else ""
        if self._take("("):
            node = Part("call", name, tuple(self._list(")")))
        elif self._starts() or self.now.kind == "number":
            node = Part("call", name, (self._factor(),))  # log |det A|, tr A
        else:
            return Part("name", name)
        return Part("raised", power, (node,)) if power else node

    def _list(self, closing: str) -> list[Part]:
        parts: list[Part] = []
        while not self._take(closing):
            if parts:
                self._expect(",")
                if self._take(closing):
                    break
            parts.append(self._choice())
        return parts

    def _between(self, bar: str) -> Part:
        self.bars.append(bar)
        inside = self._choice()
        self.bars.pop()
        self._expect(bar)
        if bar == "|":
            return Part("call", "abs", (inside,))
        kind = ""
        if self.now.kind == "lowered" or (self.now.kind == "name" and self.now.text in ("_F", "_1", "_2")):
            kind = self._next().strip("_")
        return Part("norm", kind, (inside,))
