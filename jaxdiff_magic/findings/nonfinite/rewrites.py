"""What to write instead of an expression that makes a NaN: candidates, of which only those are shown that run well."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from jaxdiff_magic.findings.nonfinite.origins import Origin
from jaxdiff_magic.findings.nonfinite.stable_forms import FORMS, Reader, numpy_name
from jaxdiff_magic.findings.nonfinite.syntax import (
    Edit,
    Rewriting,
    SourceText,
    expression_at,
    is_atom,
    operand_of,
    tail,
)

SHORT = 12
"""A longer expression gets a name before it is written twice. A choice: about half a line of text would be written
twice."""
MAX_FORMS = 6
"""Of so many forms of one expression the first that passes is shown: a choice of time."""
MAX_TOGETHER = 12
"""How many combinations are tried where several expressions are to blame. A choice of time: each is traced and run."""

Candidate = tuple[Edit, ...]

SAFE = {"asin": "0.0", "acos": "0.0", "atanh": "0.0", "erf_inv": "0.0", "log1p": "0.0", "acosh": "2.0"}
"""A harmless operand; 1.0 for all others."""
FILLS = {"log": "-{numpy}.inf", "sqrt": "0.0", "pow": "0.0", "cbrt": "0.0", "div": "0.0"}
"""The value at the boundary."""


@dataclass(frozen=True)
class CandidateWriter:
    """Writes candidates for one origin.

    Attributes:
        read: of its source.
        node: the expression to blame.
        origin: why.
    """

    read: Reader
    node: ast.expr
    origin: Origin

    def candidates(self) -> Iterator[Candidate]:
        """What may be written instead, the plainest first."""
        yield from itertools.islice(self._forms(), MAX_FORMS)
        if self.origin.singular is not None:
            yield from self._double_where()
            if self.origin.singular.kind == "boundary":
                yield from self._product()
                yield from self._boundary()

    # Functions that are made for it

    def _forms(self) -> Iterator[Candidate]:
        outer = [node for node in self.read.source.around(self.node) if isinstance(node, ast.expr)]
        functions = self.read.source.functions(self.node)
        others = [node for node in ast.walk(functions[0]) if isinstance(node, ast.expr)] if functions else []
        for node in dict.fromkeys([self.node, *outer, *others]):
            for form in FORMS:
                for text in form(self.read, node):
                    parent = self.read.source.parents.get(id(node))
                    bare = is_atom(text) or not isinstance(
                        parent, (ast.BinOp, ast.UnaryOp, ast.Attribute, ast.Subscript)
                    )
                    yield (Edit(node, text if bare else f"({text})"),)

    # The double where

    def _double_where(self) -> Iterator[Candidate]:
        operand, primitive = self._operand(), self._primitive
        if operand is None:
            return
        for condition, is_first in self._conditions():
            here = self.read.source.statement(condition) is self.read.source.statement(self.node)
            text, edits = self.read.text(condition), []
            before = ""
            if len(text) > 2 * SHORT and here and (name := self._name("ok")):
                before, text = f"{name} = {text}", name
                edits = [Edit(condition, name)]
            safe = SAFE.get(primitive, "1.0")
            parts = (self.read.text(operand), safe) if is_first else (safe, self.read.text(operand))
            yield (*edits, Edit(operand, f"{self.read.numpy}.where({text}, {', '.join(parts)})", before))

    def _conditions(self) -> Iterator[tuple[ast.expr, bool]]:
        """Conditions of selections that the expression is a branch of, and whether it is the branch of true."""
        source = self.read.source
        inside = {id(self.node), *map(id, source.around(self.node))}
        statement = source.statement(self.node)
        names = {
            target.id
            for target in getattr(statement, "targets", [getattr(statement, "target", None)])
            if isinstance(target, ast.Name)
        }
        for function in source.functions(self.node)[:1]:
            for call in ast.walk(function):
                if isinstance(call, ast.Call) and tail(call.func) in ("where", "select") and len(call.args) == 3:
                    for position in (1, 2):
                        branch = call.args[position]
                        used = {n.id for n in ast.walk(branch) if isinstance(n, ast.Name)}
                        if id(branch) in inside or used & names:
                            yield call.args[0], position == 1

    # The value at the boundary, with slope 0

    def _product(self) -> Iterator[Candidate]:
        """y * log(p) with p = 0."""
        outer = self.read.source.parents.get(id(self.node))
        operand = self._operand()
        if self._primitive != "log" or operand is None:
            return
        if isinstance(outer, ast.BinOp) and isinstance(outer.op, ast.Mult):
            factor = outer.left if outer.right is self.node else outer.right
            bare = factor.operand if isinstance(factor, ast.UnaryOp) else factor
            same = self.read.same(bare, operand)
            ok = f"{self.read.factor(bare)} {'>' if same else '!='} 0"
            log = self._with_operand(f"{self.read.numpy}.where({ok}, {self.read.text(operand)}, 1.0)")
            yield (Edit(outer, f"{self.read.numpy}.where({ok}, {self.read.factor(factor)} * {log}, 0.0)"),)

    def _boundary(self) -> Iterator[Candidate]:
        numpy, node, primitive = self.read.numpy, self.node, self._primitive
        operand = self._operand()
        if operand is None:
            return
        if primitive == "sqrt" and (total := self._under_root(operand)):
            name = self._name("s")
            value, before = (name, f"{name} = {total}") if name else (total, "")
            yield (Edit(node, self._guarded(f"{value} > 0", value, f"{numpy}.sqrt({{}})", "0.0"), before),)
        elif primitive == "atan2" and isinstance(node, ast.Call) and len(node.args) == 2:
            y, x = map(self.read.text, node.args)
            ok, name = f"({y} != 0) | ({x} != 0)", self._name("ok")
            test, before = (name, f"{name} = {ok}") if name else (ok, "")
            safe = f"{numpy}.where({test}, {y}, 0.0), {numpy}.where({test}, {x}, 1.0)"
            yield (Edit(node, f"{numpy}.where({test}, {self.read.text(node.func)}({safe}), 0.0)", before),)
        elif primitive in FILLS:
            value, before = self.read.text(operand), ""
            if len(value) > SHORT and (name := self._name("s")):
                before, value = f"{name} = {value}", name
            if before or isinstance(operand, (ast.Name, ast.Subscript, ast.Attribute, ast.Call)):
                test = value
            else:
                test = f"({value})"
            sign = "!=" if primitive in ("div", "cbrt") else ">"
            inner = self._with_operand("{}")
            fill = FILLS[primitive].format(numpy=numpy)
            yield (Edit(node, self._guarded(f"{test} {sign} 0", value, inner, fill), before),)

    def _under_root(self, operand: ast.expr) -> str:
        """What a norm or a standard deviation is the root of, or ""."""
        read, node = self.read, self.node
        name = tail(node.func) if isinstance(node, ast.Call) else ""
        match name:
            case "norm":
                return f"{read.numpy}.sum({read.factor(operand)}**2{read.keywords(node)})"
            case "std":
                return f"{read.numpy}.var({read.text(operand)}{read.keywords(node)})"
            case "hypot" if isinstance(node, ast.Call) and len(node.args) == 2:
                return " + ".join(f"{read.factor(arg)}**2" for arg in node.args)
        return ""

    def _guarded(self, ok: str, value: str, inner: str, fill: str) -> str:
        where = f"{self.read.numpy}.where"
        return f"{where}({ok}, {inner.replace('{}', f'{where}({ok}, {value}, 1.0)')}, {fill})"

    # Parts of the expression

    @property
    def _primitive(self) -> str:
        assert self.origin.culprit is not None
        return self.origin.culprit.equation.primitive

    def _operand(self) -> ast.expr | None:
        """The operand that the origin speaks of."""
        assert self.origin.singular is not None
        return operand_of(self.node, self.origin.singular.operand)

    def _with_operand(self, text: str) -> str:
        """The expression with its operand replaced by text."""
        operand, node = self._operand(), self.node
        assert operand is not None and self.origin.singular is not None
        if isinstance(node, ast.BinOp):
            sides = [text if side is operand else self.read.text(side) for side in (node.left, node.right)]
            sign = "**" if isinstance(node.op, ast.Pow) else " / "
            return sign.join(sides)
        assert isinstance(node, ast.Call)
        if not node.args:
            return f"({text}).{tail(node.func)}()"
        args = [text if arg is operand else self.read.text(arg) for arg in node.args]
        args += [f"{k.arg}={self.read.text(k.value)}" for k in node.keywords if k.arg]
        return f"{self.read.text(node.func)}({', '.join(args)})"

    def _name(self, wanted: str) -> str:
        """A name that the function does not use; "" where no statement can be put before the expression."""
        functions = self.read.source.functions(self.node)
        statement = self.read.source.statement(self.node)
        before = self.read.source.lines[statement.lineno - 1][: statement.col_offset]
        if not functions or isinstance(functions[0], ast.Lambda) or before.strip():
            return ""
        used = {n.id for n in ast.walk(functions[-1]) if isinstance(n, ast.Name)}
        used |= {n.arg for n in ast.walk(functions[-1]) if isinstance(n, ast.arg)}
        free = (name for name in itertools.chain([wanted], (f"{wanted}{k}" for k in itertools.count(2))))
        return next(name for name in free if name not in used)


def writer(origin: Origin) -> CandidateWriter | None:
    """Who writes candidates for an origin; None where its expression cannot be found."""
    found = expression_at(origin.location)
    if found is None:
        return None
    source, node = found
    return CandidateWriter(Reader(source, numpy_name(source)), node, origin)


def rewritings(writers: Sequence[CandidateWriter]) -> Iterator[Rewriting]:
    """Candidates for all that is to blame at once; one that cures all by itself comes first."""
    if len({id(w.read.source) for w in writers}) != 1:
        return
    source = writers[0].read.source
    lists = [list(w.candidates()) for w in writers]
    alone = [(candidate,) for candidates in lists for candidate in candidates] if len(lists) > 1 else []
    together = itertools.islice(itertools.product(*lists), MAX_TOGETHER)
    for combination in (*together, *alone[:MAX_TOGETHER]):
        edits = tuple({id(edit.node): edit for candidate in combination for edit in candidate}.values())
        if not any(_is_inside(a, b, source) for a, b in itertools.permutations(edits, 2)):
            yield Rewriting(source, edits)


def _is_inside(a: Edit, b: Edit, source: SourceText) -> bool:
    return any(outer is b.node for outer in source.around(a.node))
