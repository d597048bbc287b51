"""The user's source as a syntax tree: the expression at a location, what is around it, and text with edits made."""

from __future__ import annotations

import ast
import functools
import linecache
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from jaxdiff_magic.base.parsing import parsed
from jaxdiff_magic.subject.source import Location

Function = ast.FunctionDef | ast.Lambda


@dataclass(frozen=True, eq=False)
class SourceText:
    """A file or cell.

    Attributes:
        lines: its text, each line encoded (Python counts columns in bytes) and with its end.
        tree: its syntax.
        parents: of each node, by id.
    """

    lines: tuple[bytes, ...]
    tree: ast.Module
    parents: dict[int, ast.AST]

    def text(self, node: ast.AST) -> str:
        """The text of an expression, on one line."""
        joined = b"".join(self.lines[node.lineno - 1 : node.end_lineno])  # type: ignore[attr-defined]
        last = len(self.lines[node.end_lineno - 1]) - node.end_col_offset  # type: ignore[attr-defined]
        written = joined[node.col_offset : len(joined) - last].decode()  # type: ignore[attr-defined]
        return " ".join(part.strip() for part in written.splitlines())

    def around(self, node: ast.AST) -> Iterator[ast.AST]:
        """The nodes that contain a node, the innermost first."""
        while (parent := self.parents.get(id(node))) is not None:
            yield parent
            node = parent

    def statement(self, node: ast.AST) -> ast.stmt:
        """The innermost statement that contains a node."""
        return next(outer for outer in (node, *self.around(node)) if isinstance(outer, ast.stmt))

    def functions(self, node: ast.AST) -> list[Function]:
        """The functions that contain a node, the innermost first."""
        return [outer for outer in self.around(node) if isinstance(outer, Function)]

    def assigned(self, name: ast.expr) -> ast.expr | None:
        """What a name stands for: the value of the one assignment to it in the same function."""
        if not isinstance(name, ast.Name) or not (functions := self.functions(name)):
            return None
        values = [
            node.value
            for node in ast.walk(functions[0])
            if isinstance(node, ast.Assign) and len(node.targets) == 1
            if isinstance(node.targets[0], ast.Name) and node.targets[0].id == name.id
        ]
        return values[0] if len(values) == 1 else None


@functools.lru_cache(maxsize=16)
def _source(file: str, lines: tuple[str, ...]) -> SourceText | None:
    del file  # part of the key only
    try:
        tree = parsed("".join(lines))
    except SyntaxError:
        return None
    parents = {id(child): node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
    return SourceText(tuple(line.encode() for line in lines), tree, parents)


def source_at(location: Location) -> SourceText | None:
    """The file or cell of a location; None where it cannot be read."""
    lines = tuple(linecache.getlines(location.file)) if location.file else ()
    return _source(location.file, lines) if lines else None


def expression_at(location: Location) -> tuple[SourceText, ast.expr] | None:
    """The expression that a location spans, with its file or cell; None where it cannot be found."""
    source = source_at(location)
    if source is None:
        return None
    span = (location.line, location.column, location.end_line, location.end_column)
    for node in ast.walk(source.tree):
        if isinstance(node, ast.expr) and span == (node.lineno, node.col_offset, node.end_lineno, node.end_col_offset):
            return source, node
    return None


@dataclass(frozen=True, eq=False)
class Edit:
    """An expression replaced by other text, with a statement put before its own where one is needed."""

    node: ast.expr
    text: str
    before: str = ""


@dataclass(frozen=True, eq=False)
class Rewriting:
    """A source with some expressions replaced.

    Attributes:
        source: as it was.
        edits: what is replaced; no two overlap.
    """

    source: SourceText
    edits: tuple[Edit, ...]

    def function_text(self, function: Function) -> str:
        """The new text of a function, its decorators left out, indented as it was."""
        first, last = function.lineno, function.end_lineno or function.lineno
        lines = list(self.source.lines[first - 1 : last])
        if isinstance(function, ast.Lambda):
            lines[-1] = lines[-1][: function.end_col_offset]
        _replaced(lines, self.edits, first)
        for edit in sorted(self.edits, key=lambda edit: edit.node.lineno, reverse=True):
            if edit.before:
                statement = self.source.statement(edit.node)
                at = statement.lineno - first
                indent = lines[at][: statement.col_offset]
                lines[at] = indent + edit.before.encode() + b"\n" + lines[at]
        if isinstance(function, ast.Lambda):
            lines[0] = lines[0][function.col_offset :]
        return b"".join(lines).decode()

    def shown(self) -> list[str]:
        """The changed statements as they read now, first lines only where they are long."""
        found: dict[int, list[Edit]] = {}
        for edit in self.edits:
            found.setdefault(self.source.statement(edit.node).lineno, []).append(edit)
        said = []
        for _, edits in sorted(found.items()):
            statement = self.source.statement(edits[0].node)
            said += [edit.before for edit in edits if edit.before]
            first, last = self._shown_span(statement, edits)
            lines = list(self.source.lines[first - 1 : last])
            _replaced(lines, edits, first)
            said.append(" ".join(line.decode().strip() for line in lines if line.strip()))
        return said

    def _shown_span(self, statement: ast.stmt, edits: Sequence[Edit]) -> tuple[int, int]:
        """First and last line of a statement; of one that holds others, or is long, of its changed part."""
        first, last = statement.lineno, statement.end_lineno or statement.lineno
        if last - first < 3 and not hasattr(statement, "body"):
            return first, last
        return min(e.node.lineno for e in edits), max(e.node.end_lineno or e.node.lineno for e in edits)


def _replaced(lines: list[bytes], edits: Sequence[Edit], first: int) -> None:
    """Replace expressions in lines of which the first has a number; the lines keep their count."""
    for edit in sorted(edits, key=lambda edit: (edit.node.lineno, edit.node.col_offset), reverse=True):
        node = edit.node
        begin, end = node.lineno - first, (node.end_lineno or node.lineno) - first
        before, after = lines[begin][: node.col_offset], lines[end][node.end_col_offset :]
        if before[-1:] == b"(" and after[:1] == b")" and before[-2:-1] in b" ([{,=-" and is_atom(edit.text):
            before, after = before[:-1], after[1:]
        lines[begin : end + 1] = [before + edit.text.encode() + after, *[b""] * (end - begin)]


ATOMS = (ast.Name, ast.Call, ast.Attribute, ast.Subscript, ast.Constant)


def is_atom(text: str) -> bool:
    """Whether an expression needs no parentheses as an operand."""
    return isinstance(parsed(text, mode="eval").body, ATOMS)


def operand_of(node: ast.expr, position: int) -> ast.expr | None:
    """An operand of an operation or a call; of a method without arguments, its object."""
    if isinstance(node, ast.BinOp):
        return (node.left, node.right)[position]
    if not isinstance(node, ast.Call):
        return None
    if len(node.args) > position:
        return node.args[position]
    return node.func.value if isinstance(node.func, ast.Attribute) and not node.args else None


def tail(function: ast.expr) -> str:
    """The last part of a dotted name."""
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
