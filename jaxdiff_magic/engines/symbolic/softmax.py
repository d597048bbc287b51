"""Softmax recognised in index expressions: exp(z[j]) / sum(exp(z))."""

from __future__ import annotations

from collections.abc import Iterator

import sympy as sp
from sympy import Expr, Integer

from jaxdiff_magic.engines.symbolic.expression import Index, IndexSum, canonical, free, opened, rename
from jaxdiff_magic.engines.symbolic.indices import total
from jaxdiff_magic.engines.symbolic.program import Array, Definition
from jaxdiff_magic.engines.symbolic.readable import is_of, rewritten, slot, stands_alone


class Softmaxes:
    """Recognises exp(z) / sum(exp(z)) as softmax(z).

    Attributes:
        definitions: the softmax arrays that were found, as definitions.
        arguments: of each array's label, the definition of z.
    """

    def __init__(self) -> None:
        self.definitions: dict[Expr, Definition] = {}
        self.arguments: dict[sp.Symbol, Definition] = {}

    def applied(self, e: Expr) -> Expr:
        return rewritten(e, self._rule)

    def _rule(self, node: sp.Basic) -> sp.Basic:
        match node:
            case sp.Mul():
                return self._product(node)
            case IndexSum():
                return self._sum(node)
            case _:
                return node

    def _product(self, node: Expr) -> Expr:
        """exp(z[j]) / sum(exp(z)) as s[j], and exp(-z[j]) sum(exp(z)) as 1 / s[j], as often as it occurs."""
        factors = list(sp.Mul.make_args(node))
        for place, factor in enumerate(factors):
            bottom, exponent = factor.as_base_exp() if isinstance(factor, sp.Pow) else (factor, Integer(1))
            if not isinstance(bottom, IndexSum) or not isinstance(exponent, Integer) or len(bottom.indices) != 1:
                continue
            if not isinstance(bottom.body, sp.exp):
                continue
            for other, candidate in enumerate(factors):
                if isinstance(candidate, sp.exp):
                    for times, element in self._elements(bottom, candidate.args[0]):
                        if times * exponent < 0 and abs(times) <= abs(exponent):
                            factors[other], factors[place] = element**times, bottom ** (exponent + times)
                            return self._product(sp.Mul(*factors))
        return node

    def _elements(self, bottom: IndexSum, argument: Expr) -> Iterator[tuple[int, Expr]]:
        """The element of the softmax that `argument` is a multiple of the logit of, if it is."""
        (k,), body = opened(bottom)
        logit = body.args[0]
        for j in free(argument):
            if isinstance(j, Index) and j.size == k.size:
                single = canonical(rename(logit, {k: j}))
                for times in (1, 2, 3, -1, -2, -3):
                    if canonical(argument) == canonical(times * single):
                        yield times, self._element(logit, k, j)

    def _element(self, logit: Expr, k: Index, j: Index) -> Expr:
        others = sorted((i for i in free(logit) if isinstance(i, Index) and i != k), key=lambda i: i.dummy_index)
        standing = {i: slot(i.size, n) for n, i in enumerate([*others, k])}
        key = canonical(rename(logit, standing))
        if key not in self.definitions:
            indices = tuple(standing.values())
            whole = tuple(i.size for i in indices)
            array = Array.named(f"softmax {len(self.definitions)}", whole)
            summed = Index(k.size, "k")
            bottom = IndexSum(sp.exp(rename(key, {indices[-1]: summed})), summed)
            self.definitions[key] = Definition(array, indices, sp.exp(key) / bottom)
            self.arguments[array.label] = Definition(Array.named(f"logit {len(self.definitions)}", whole), indices, key)
        return self.definitions[key].array.at([*others, j])

    def _sum(self, node: IndexSum) -> Expr:
        """The elements of a softmax add up to 1."""
        bound, body = node.indices, node.body
        for factor in sp.Mul.make_args(body):
            if is_of(factor, self.arguments) and stands_alone(factor, body, bound):
                return rewritten(total(body / factor, [i for i in bound if i != factor.indices[-1]]), self._rule)
        return node
