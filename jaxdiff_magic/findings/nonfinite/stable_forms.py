"""Library functions that take the place of expressions that overflow, underflow or divide by zero.

Each form is a pattern over the syntax of an expression: a softmax whose logarithm is taken, a root of a square.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from jaxdiff_magic.findings.nonfinite.syntax import ATOMS, SourceText, tail


@dataclass(frozen=True)
class Reader:
    """Reads expressions of one source.

    Attributes:
        source: the file or cell.
        numpy: the name of `jax.numpy` there.
    """

    source: SourceText
    numpy: str

    def text(self, node: ast.expr) -> str:
        return self.source.text(node)

    def factor(self, node: ast.expr) -> str:
        """The text of an expression as an operand: in parentheses where it needs them."""
        return self.text(node) if isinstance(node, ATOMS) else f"({self.text(node)})"

    def seen(self, node: ast.expr) -> ast.expr:
        """An expression, or what the name that it is stands for."""
        return self.source.assigned(node) or node

    def same(self, a: ast.expr, b: ast.expr) -> bool:
        return ast.dump(a) == ast.dump(b)

    def call(self, node: ast.expr, *names: str) -> ast.expr | None:
        """The operand of a call of a function, or of a method, by the last part of its name."""
        node = self.seen(node)
        if not isinstance(node, ast.Call) or tail(node.func) not in names:
            return None
        if node.args and not isinstance(node.args[0], (ast.Constant, ast.Starred)):
            return node.args[0]
        return node.func.value if isinstance(node.func, ast.Attribute) and not node.args else None

    def keywords(self, node: ast.expr, *left_out: str) -> str:
        """The further arguments of a call, as they are written after the first: ", axis=-1"."""
        node = self.seen(node)
        assert isinstance(node, ast.Call)
        rest = [self.text(arg) for arg in node.args[1:]]
        rest += [f"{k.arg}={self.text(k.value)}" for k in node.keywords if k.arg and k.arg not in left_out]
        return "".join(f", {part}" for part in rest)

    def operands(self, node: ast.expr, operation: type[ast.operator]) -> tuple[ast.expr, ast.expr] | None:
        node = self.seen(node)
        return (node.left, node.right) if isinstance(node, ast.BinOp) and isinstance(node.op, operation) else None

    def one_plus(self, node: ast.expr) -> ast.expr | None:
        """z of 1 + z."""
        pair = self.operands(node, ast.Add)
        return pair and next((b for a, b in (pair, pair[::-1]) if is_number(a, 1)), None)

    def squared(self, node: ast.expr) -> ast.expr | None:
        """z of z**2, z * z or square(z)."""
        if pair := self.operands(node, ast.Pow):
            return pair[0] if is_number(pair[1], 2) else None
        if pair := self.operands(node, ast.Mult):
            return pair[0] if self.same(*pair) else None
        return self.call(node, "square")

    def root(self, node: ast.expr) -> ast.expr | None:
        """z of sqrt(z) or z**0.5."""
        if pair := self.operands(node, ast.Pow):
            return pair[0] if is_number(pair[1], 0.5) else None
        return self.call(node, "sqrt")

    def minus(self, node: ast.expr) -> str:
        """The text of -z; of z where it is -z already."""
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            return self.text(node.operand)
        return f"-{self.factor(node)}"


def is_number(node: ast.expr, value: float) -> bool:
    """Whether an expression is a number that is written out."""
    return isinstance(node, ast.Constant) and type(node.value) in (int, float) and node.value == value


def numpy_name(source: SourceText) -> str:
    """The name under which a file imports `jax.numpy`."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name == "jax.numpy" and alias.asname:
                    return alias.asname
    return "jnp"


def _logarithm(read: Reader, node: ast.expr) -> Iterator[str]:
    """log of a softmax, a sigmoid, a sum of exponentials."""
    if not isinstance(node, ast.Call) or (inside := read.call(node, "log")) is None:
        return
    if (z := read.call(inside, "softmax")) is not None:
        yield f"jax.nn.log_softmax({read.text(z)}{read.keywords(inside)})"
    yield from (f"jax.nn.log_softmax({text})" for text in _softmax_arguments(read, inside))
    yield from (f"jax.nn.log_sigmoid({text})" for text in _sigmoid_arguments(read, inside))
    pair = read.operands(inside, ast.Sub)
    if pair and is_number(pair[0], 1):
        for text in _sigmoid_arguments(read, pair[1]):
            simple = text.isidentifier() or text.endswith((")", "]"))
            yield f"jax.nn.log_sigmoid(-{text if simple else f'({text})'})"
    if (total := read.call(inside, "sum")) is not None and (z := read.call(total, "exp")) is not None:
        yield f"jax.nn.logsumexp({read.text(z)}{read.keywords(inside)})"
    if (e := read.one_plus(inside)) is not None and (z := read.call(e, "exp")) is not None:
        yield f"jax.nn.softplus({read.text(z)})"
    if pair := read.operands(inside, ast.Add):
        a, b = (read.call(part, "exp") for part in pair)
        if a is not None and b is not None:
            yield f"{read.numpy}.logaddexp({read.text(a)}, {read.text(b)})"
    if (z := read.call(inside, "cosh")) is not None:
        yield f"{read.numpy}.logaddexp({read.text(z)}, {read.minus(z)}) - {read.numpy}.log(2.0)"


def _softplus(read: Reader, node: ast.expr) -> Iterator[str]:
    inside = read.call(node, "log1p") if isinstance(node, ast.Call) else None
    if inside is not None and (z := read.call(inside, "exp")) is not None:
        yield f"jax.nn.softplus({read.text(z)})"


def _quotient(read: Reader, node: ast.expr) -> Iterator[str]:
    """A softmax or a sigmoid written by hand; sin(z) / z."""
    if not isinstance(node, ast.BinOp):
        return
    yield from (f"jax.nn.softmax({text})" for text in _softmax_arguments(read, node))
    yield from (f"jax.nn.sigmoid({text})" for text in _sigmoid_arguments(read, node))
    pair = read.operands(node, ast.Div)
    if pair and (z := read.call(pair[0], "sin")) is not None and read.same(z, pair[1]):
        yield f"{read.numpy}.sinc({read.factor(z)} / {read.numpy}.pi)"


def _softmax_arguments(read: Reader, node: ast.expr) -> Iterator[str]:
    """z of exp(z) / sum(exp(z)), with the axis."""
    pair = read.operands(node, ast.Div)
    z = read.call(pair[0], "exp") if pair else None
    total = read.call(pair[1], "sum") if pair else None
    again = read.call(total, "exp") if total is not None else None
    if pair and z is not None and again is not None and read.same(z, again):
        yield f"{read.text(z)}{read.keywords(pair[1], 'keepdims')}"


def _sigmoid_arguments(read: Reader, node: ast.expr) -> Iterator[str]:
    """z of sigmoid(z), 1 / (1 + exp(-z)), exp(z) / (1 + exp(z))."""
    if (z := read.call(node, "sigmoid", "expit")) is not None:
        yield read.text(z)
    pair = read.operands(node, ast.Div)
    if not pair or (e := read.one_plus(pair[1])) is None or (z := read.call(e, "exp")) is None:
        return
    if is_number(pair[0], 1):
        yield read.minus(z)
    elif (again := read.call(pair[0], "exp")) is not None and read.same(z, again):
        yield read.text(z)


def _root(read: Reader, node: ast.expr) -> Iterator[str]:
    """The root of a square."""
    inside = read.root(node) if isinstance(node, (ast.Call, ast.BinOp)) else None
    if inside is not None and (z := read.squared(inside)) is not None:
        yield f"{read.numpy}.abs({read.text(z)})"


def _square(read: Reader, node: ast.expr) -> Iterator[str]:
    """The square of a norm, of a standard deviation, of a root."""
    if not isinstance(node, (ast.Call, ast.BinOp)) or (inside := read.squared(node)) is None:
        return
    if (z := read.call(inside, "norm")) is not None:
        yield f"{read.numpy}.sum({read.factor(z)}**2{read.keywords(inside)})"
    if (z := read.call(inside, "std")) is not None:
        yield f"{read.numpy}.var({read.text(z)}{read.keywords(inside)})"
    if (z := read.root(inside)) is not None:
        yield read.factor(z)


def _power_zero(read: Reader, node: ast.expr) -> Iterator[str]:
    if isinstance(node, ast.BinOp) and (pair := read.operands(node, ast.Pow)) and is_number(pair[1], 0):
        yield f"{read.numpy}.ones_like({read.text(pair[0])})"


def _times_logarithm(read: Reader, node: ast.expr) -> Iterator[str]:
    """y * log(p), which is 0 where y is."""
    pair = read.operands(node, ast.Mult) if isinstance(node, ast.BinOp) else None
    if pair:
        for y, log in (pair, pair[::-1]):
            if (p := read.call(log, "log")) is not None:
                yield f"jax.scipy.special.xlogy({read.text(y)}, {read.text(p)})"


def _in_range(read: Reader, node: ast.expr) -> Iterator[str]:
    """x.at[i].max(y, mode="clip"): with the index clipped by hand."""
    match node:
        case ast.Call(ast.Attribute(ast.Subscript(ast.Attribute(base, "at"), index), operation), [value], keywords):
            rest = [k for k in keywords if k.arg != "mode"]
            modes = [k.value for k in keywords if k.arg == "mode" and isinstance(k.value, ast.Constant)]
            if modes and modes[0].value == "clip" and not isinstance(index, (ast.Tuple, ast.Slice)):
                array, texts = read.factor(base), [read.text(value), *(f"{k.arg}={read.text(k.value)}" for k in rest)]
                kept = f"{read.numpy}.clip({read.text(index)}, 0, {array}.shape[0] - 1)"
                yield f"{array}.at[{kept}].{operation}({', '.join(texts)})"


FORMS: Sequence[Callable[[Reader, ast.expr], Iterator[str]]] = (
    _logarithm,
    _softplus,
    _quotient,
    _root,
    _square,
    _power_zero,
    _times_logarithm,
    _in_range,
)
"""Each gives the texts that may take an expression's place."""
