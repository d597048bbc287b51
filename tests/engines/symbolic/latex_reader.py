"""LaTeX of component and index formulas read as numbers: it knows nothing but the text, and NumPy.

Written against what a reader of mathematics takes the signs to mean: a product ends at the next + or -, a sum over an
index reaches as far as the product that it stands in, x_{0,1} is an element, [x > 0] is 1 where that holds.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import scipy.special as special

Scope = dict[str, Any]
Node = Callable[[Scope], Any]

TOKEN = re.compile(
    r"\\(?:left|right)\s*(?:\\[A-Za-z]+|\\.|.)|\\(?:begin|end)\{\w+\}|\\(?:text|mathrm|operatorname)\{(?:\\.|[^{}\\])*\}"
    r"|\\[A-Za-z]+|\\.|\d+(?:\.\d+)?|\S"
)
IGNORED = {r"\,", r"\;", r"\ ", r"\quad", r"\displaystyle"}
FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    **{f"\\{name}": getattr(np, name) for name in "sin cos tan sinh cosh tanh exp log".split()},
    r"\operatorname{asin}": np.arcsin,
    r"\operatorname{round}": np.round,
    r"\operatorname{acos}": np.arccos,
    r"\operatorname{atan}": np.arctan,
    r"\operatorname{atan_{2}}": np.arctan2,
    r"\operatorname{asinh}": np.arcsinh,
    r"\operatorname{acosh}": np.arccosh,
    r"\operatorname{atanh}": np.arctanh,
    r"\operatorname{erf}": special.erf,
    r"\operatorname{sign}": np.sign,
    r"\operatorname{sigmoid}": special.expit,
    r"\sigma": special.expit,
    r"\operatorname{sg}": lambda x: x,
    r"\max": lambda *xs: max(xs),
    r"\min": lambda *xs: min(xs),
    r"\det": lambda x: np.linalg.det(_whole(x)),
    r"\operatorname{argsort}": lambda x: np.argsort(_whole(x), kind="stable"),
}
ACCENTS = {r"\hat", r"\bar", r"\tilde", r"\dot", r"\ddot", r"\vec", r"\widehat", r"\overline", r"\widetilde"}
RELATIONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "=": lambda a, b: a == b,
    r"\neq": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    ">": lambda a, b: a > b,
    r"\le": lambda a, b: a <= b,
    r"\leq": lambda a, b: a <= b,
    r"\geq": lambda a, b: a >= b,
}
CLOSING = {"(": ")", "{": "}", "[": "]"}


class Unread(Exception):
    """Something that is not in the subset."""


def value(latex: str, arrays: Mapping[str, Any], shape: Sequence[int]) -> np.ndarray:
    """The numbers that a formula stands for.

    Args:
        latex: an expression, a matrix of them, or an equation, with what it explains after "where".
        arrays: by how they are written, the names that it may mention.
        shape: of the result; an equation's left side has an index letter for each axis.
    """
    formula, _, where = latex.partition(r",\quad \text{where } ")
    scope: Scope = {name: np.asarray(x, float) for name, x in arrays.items()}
    for definition in filter(None, where.split(r",\; ")):
        if r" \in " in definition:
            continue
        name, letters, right = _equation(definition)
        scope[name] = right(scope) if not letters else _Defined(right, letters, scope)
    _, letters, right = _equation(formula)
    if letters:
        ranges = itertools.product(*map(range, shape))
        found = [right({**scope, **dict(zip(letters, at, strict=True))}) for at in ranges]
        return np.array(found, float).reshape(shape)
    return np.broadcast_to(np.asarray(right(scope), float).reshape(-1), (math.prod(shape),)).reshape(shape)


class _Defined:
    """An array that an equation defines, element by element."""

    def __init__(self, right: Node, letters: Sequence[str], scope: Scope) -> None:
        self.right, self.letters, self.scope = right, letters, scope
        self._known: dict[tuple[int, ...], float] = {}  # each element is that of several earlier ones

    def __getitem__(self, at: tuple[int, ...]) -> float:
        at = tuple(map(int, at))
        if at not in self._known:
            self._known[at] = self.right({**self.scope, **dict(zip(self.letters, at, strict=True))})
        return self._known[at]


def _whole(x: Any) -> np.ndarray:
    """All elements of an array, which ends where the arrays end that it is made of."""
    if not isinstance(x, _Defined):
        return np.asarray(x)
    lengths = [_length(x, axis) for axis in range(len(x.letters))]
    return np.array([x[at] for at in itertools.product(*map(range, lengths))]).reshape(lengths)


def _length(x: _Defined, axis: int) -> int:
    """Where an array ends along an axis; along the diagonal, where the others are 0 beside it, as in a triangle."""
    longest = max((length for known in x.scope.values() for length in np.shape(known)), default=0)
    for others in (lambda count: 0, lambda count: count):
        for count in range(longest + 1):
            try:
                x[tuple(count if k == axis else others(count) for k in range(len(x.letters)))]
            except IndexError:
                return count
    raise Unread("an array without an end")


def _equation(latex: str) -> tuple[str, list[str], Node]:
    """The name and the letters on the left side, "" and none where there is no left side, and the right side."""
    depth, parts = 0, latex
    for place, character in enumerate(latex):
        depth += (character in "{([") - (character in "})]")
        if character == "=" and depth == 0 and "bmatrix" not in latex[:place]:
            left, parts = latex[:place].strip(), latex[place + 1 :]
            # letters may follow an index that belongs to the name
            index = re.search(r"_\{(?:\\\w+\{[^{}]*\},)*([a-z](?:,[a-z])*)\}$", left)
            name = re.sub(r"^\((.*)\)$", r"\1", left[: index.start()] if index else left)
            return name, index[1].split(",") if index else [], _read(parts)
    return "", [], _read(latex)


def _read(latex: str) -> Node:
    tokens = [token for token in TOKEN.findall(latex) if token not in IGNORED]
    reader = _Reader(tokens)
    found = reader.sum()
    if reader.place < len(tokens):
        raise Unread(f"{' '.join(tokens[reader.place :][:8])} in {latex}")
    return found


class _Reader:
    """Recursive descent over tokens."""

    def __init__(self, tokens: list[str]) -> None:
        self.tokens, self.place = tokens, 0

    @property
    def next(self) -> str:
        return self.tokens[self.place] if self.place < len(self.tokens) else ""

    def take(self, *expected: str) -> str:
        token = self.next
        if expected and token not in expected:
            raise Unread(f"{token!r} where {expected} should be, after {' '.join(self.tokens[: self.place][-8:])}")
        self.place += 1
        return token

    def sum(self) -> Node:
        negative = self.next == "-" and bool(self.take())
        terms = [(-1 if negative else 1, self.product())]
        while self.next in ("+", "-"):
            terms.append((1 if self.take() == "+" else -1, self.product()))
        if len(terms) == 1 and not negative:
            return terms[0][1]  # which may be a whole array
        return lambda scope: sum(sign * term(scope) for sign, term in terms)

    def product(self) -> Node:
        factors: list[Node] = []
        while self.starts():
            if self.next == r"\cdot":
                self.take()
            factors.append(self.sigma() if self.next == r"\sum" else self.factor())
        if not factors:
            raise Unread(f"{self.next!r} after {' '.join(self.tokens[: self.place][-8:])}")
        if self.next == r"\bmod":
            self.take()
            divisor = self.factor()
            return lambda scope: math.prod(factor(scope) for factor in factors) % divisor(scope)
        if len(factors) == 1:
            return factors[0]
        return lambda scope: _multiplied(factors, scope)

    def starts(self) -> bool:
        token = self.next
        ends = {"", "+", "-", "}", r"\bmod", ")", "]", ",", "&", r"\\", r"\wedge", r"\vee", *RELATIONS}
        return token not in ends and not token.startswith((r"\right", r"\end", r"\text{if", r"\text{oth"))

    def sigma(self) -> Node:
        self.take(r"\sum")
        self.take("_"), self.take("{")
        letter, _, first = self.take(), self.take("="), int(self.take())
        self.take("}"), self.take("^"), self.take("{")
        last = int(self.take())
        self.take("}")
        body = self.product()
        return lambda scope: sum(body({**scope, letter: k}) for k in range(first, last + 1))

    def factor(self) -> Node:
        base = self.base()
        if self.next == "^":
            self.take()
            exponent = self.group()
            return lambda scope: _power(base(scope), exponent(scope))
        return base

    def group(self) -> Node:
        if self.next != "{":
            return self.base()
        self.take()
        found = self.sum()
        self.take("}")
        return found

    def base(self) -> Node:
        token = self.take()
        if re.fullmatch(r"\d+(\.\d+)?", token):
            return lambda scope: float(token)
        if token in (r"\frac",):
            above, below = self.group(), self.group()
            return lambda scope: _divided(above(scope), below, scope)
        if token == r"\sqrt":
            root = 2.0
            if self.next == "[":
                self.take(), (root := float(self.take())), self.take("]")
            inside = self.group()
            return lambda scope: inside(scope) ** (1 / root)
        if token == "[":
            return self.listed()
        if token in ("(", "{"):
            return self.indexed(self.inside(CLOSING[token]))
        if token == r"\left(":
            return self.indexed(self.inside(r"\right)"))
        if token == r"\left|":
            inside = self.inside(r"\right|")
            return lambda scope: abs(inside(scope))
        if token == r"\left[":
            return self.indicator(r"\right]")
        if token in (r"\left\lfloor", r"\left\lceil"):
            inside = self.inside(token.replace("left", "right", 1).replace(r"\l", r"\r"))
            # thirds of whole numbers, as in positions, add up to a whole number but for rounding
            slack, whole = (1e-9, math.floor) if "floor" in token else (-1e-9, math.ceil)
            return lambda scope: whole(inside(scope) + slack)
        if token == r"\begin{cases}":
            return self.cases()
        if token == r"\begin{bmatrix}":
            return self.matrix()
        return self.name(token)

    def inside(self, closing: str) -> Node:
        found = self.sum()
        self.take(closing)
        return found

    def listed(self) -> Node:
        parts = [self.sum()]
        while self.next == ",":
            self.take()
            parts.append(self.sum())
        self.take("]")
        return lambda scope: np.array([part(scope) for part in parts])

    def indicator(self, closing: str) -> Node:
        holds = self.condition()
        self.take(closing)
        return lambda scope: float(holds(scope))

    def condition(self) -> Node:
        parts = [self.comparison()]
        signs = []
        while self.next in (r"\wedge", r"\vee"):
            signs.append(self.take())
            parts.append(self.comparison())
        combine = any if r"\vee" in signs else all
        return lambda scope: combine(part(scope) for part in parts)

    def comparison(self) -> Node:
        if self.next == r"\neg":
            self.take()
            inner = self.comparison()
            return lambda scope: not inner(scope)
        sides, signs = [self.sum()], []
        while self.next in RELATIONS:
            signs.append(RELATIONS[self.take()])
            sides.append(self.sum())
        if not signs:
            raise Unread(f"no relation after {' '.join(self.tokens[: self.place][-8:])}")

        def holds(scope: Scope) -> bool:
            values = [side(scope) for side in sides]
            return all(sign(a, b) for sign, (a, b) in zip(signs, itertools.pairwise(values), strict=True))

        return holds

    def cases(self) -> Node:
        rows: list[tuple[Node, Node]] = []
        while True:
            expr = self.sum()
            self.take("&")
            word = self.take()
            always = "otherwise" in word
            rows.append((expr, (lambda scope: True) if always else self.condition()))
            if self.take(r"\\", r"\end{cases}") != r"\\":
                return lambda scope: next(expr(scope) for expr, holds in rows if holds(scope))

    def matrix(self) -> Node:
        rows = [[self.sum()]]
        while (sign := self.take("&", r"\\", r"\end{bmatrix}")) != r"\end{bmatrix}":
            rows[-1].append(self.sum()) if sign == "&" else rows.append([self.sum()])

        def numbers(scope: Scope) -> np.ndarray:
            found = np.array([[entry(scope) for entry in row] for row in rows], float)
            return found[:, 0] if found.shape[1] == 1 else found

        return self.indexed(numbers)

    def name(self, token: str) -> Node:
        """A variable, an index letter, a function of what follows, a delta."""
        written = token
        if token in ACCENTS:
            depth, start = 0, self.place
            while True:
                depth += {"{": 1, "}": -1}.get(self.take(), 0)
                if depth == 0:
                    break
            written += "".join(self.tokens[start : self.place])
        if token == r"\delta" and self.next == "_":
            parts = self.subscript()
            first, second = (part for _, part in (parts * 2)[:2])
            return lambda scope: (
                _looked_up(token, parts, scope)
                if np.ndim(scope.get(token)) == len(parts)
                else float(first(scope) == second(scope))  # type: ignore[arg-type]
            )
        opening = self.next
        power = None
        if token in FUNCTIONS:
            if opening == "^":
                self.take()
                power, opening = self.group(), self.next
            if opening in ("{", "(", r"\left(", r"\left|"):
                arguments = self.arguments()
                function = FUNCTIONS[token]

                def applied(scope: Scope) -> Any:
                    if token in scope:
                        return scope[token] * math.prod(argument(scope) for argument in arguments)
                    found = function(*(argument(scope) for argument in arguments))
                    return found if power is None else found ** power(scope)

                return self.indexed(applied)
        own = self.subscript() if self.next == "_" else []
        return lambda scope: _looked_up(written, own, scope)

    def arguments(self) -> list[Node]:
        if self.next == r"\left|":
            return [self.base()]
        opening = self.take("{", "(", r"\left(")
        if opening == "{":
            found = self.arguments()
            self.take("}")
            return found
        found = [self.sum()]
        while self.next == ",":
            self.take()
            found.append(self.sum())
        self.take(")", r"\right)")
        return found

    def subscript(self) -> list[tuple[str, Node | None]]:
        """The parts of an index: each as it is written, and as a number if it can be one."""
        self.take("_"), self.take("{")
        parts: list[tuple[str, Node | None]] = []
        while True:
            start = self.place
            try:
                node: Node | None = self.sum()
                if self.next not in (",", "}"):
                    raise Unread(self.next)
            except Unread:
                node, self.place, depth = None, start, 0
                while depth or self.next not in (",", "}"):
                    depth += {"{": 1, "}": -1}.get(self.take(), 0)
            parts.append(("".join(self.tokens[start : self.place]), node))
            if self.take(",", "}") == "}":
                return parts

    def indices(self) -> list[Node]:
        nodes = [node for _, node in self.subscript()]
        if None in nodes:
            raise Unread("an index that is no number")
        return nodes  # type: ignore[return-value]

    def indexed(self, node: Node) -> Node:
        """An element of what stands in brackets, where an index follows."""
        if self.next != "_":
            return node
        indices = self.indices()
        return lambda scope: _element(node(scope), [int(index(scope)) for index in indices])


def _looked_up(written: str, own: Sequence[tuple[str, Node | None]], scope: Scope) -> Any:
    """A name is as much of what is written as is known; the rest are indices."""
    for count in reversed(range(len(own) + 1)):
        name = written + (f"_{{{','.join(text for text, _ in own[:count])}}}" if count else "")
        if name in scope:
            rest = [node for _, node in own[count:]]
            if None in rest:
                raise Unread(f"an index of {name} that is no number")
            return _element(scope[name], [int(node(scope)) for node in rest])  # type: ignore[misc]
    if written == "e" and not own:
        return math.e
    if written == r"\pi":
        return math.pi
    raise Unread(f"{written} with {[text for text, _ in own]} is not defined")


def _multiplied(factors: Sequence[Node], scope: Scope) -> Any:
    """A product; where a factor is 0, another may be an element that there is none of."""
    values, beyond = [], None
    for factor in factors:
        try:
            values.append(factor(scope))
        except IndexError as error:
            beyond = error
    if beyond is None:
        return math.prod(values)
    if any(np.ndim(value) == 0 and value == 0 for value in values):
        return 0.0
    raise beyond


def _divided(above: Any, below: Node, scope: Scope) -> Any:
    """A quotient; 0 where the numerator is, though what it is divided by may be of an element that there is none of."""
    try:
        return above / below(scope)
    except IndexError:
        if np.ndim(above) or above != 0:
            raise
        return 0.0


def _element(array: Any, indices: Sequence[int]) -> Any:
    if not indices:
        return array
    if any(index < 0 for index in indices):
        raise IndexError(indices)
    return array[tuple(indices)] if isinstance(array, _Defined) else np.asarray(array)[tuple(indices)]


def _power(base: Any, exponent: float) -> Any:
    if isinstance(base, _Defined) or np.ndim(base) == 2:
        if exponent != -1:
            raise Unread("a power of a matrix")
        return np.linalg.inv(_whole(base))
    if np.ndim(base):
        raise Unread("a power of a vector")
    with np.errstate(all="ignore"):  # at another point than the formula was derived at
        return np.float64(base) ** exponent
