"""Building matrix expressions in normal form: products, sums, transposes, with scalars out front.

The identities are those of any textbook on matrices (G. H. Golub, C. F. Van Loan, "Matrix Computations", ch. 1).
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence

import sympy as sp

from jaxdiff_magic.engines.symbolic.matrix import (
    ONE,
    SCALAR,
    Apply,
    Diag,
    Diagonal,
    Hadamard,
    Identity,
    Kronecker,
    Matrix,
    Ones,
    Power,
    Product,
    Scaled,
    Shape,
    Sum,
    TraceOf,
    Transpose,
    Vec,
    WholeArrayFunction,
    Zero,
    complexity,
    number,
    order,
    shape,
    transposes,
    tuple_of,
)


def ones(whole: Shape) -> Matrix:
    """Ones of some shape: 1, a vector of ones, its transpose, or the product of the two."""
    rows, columns = whole
    column = None if rows is None else Ones((rows, None))
    row = None if columns is None else Transpose(Ones((columns, None)))
    if column is not None and row is not None:
        return Product((column, row))
    return column or row or number(ONE)


def is_ones(m: Matrix) -> bool:
    """Whether a value is a vector or matrix of ones."""
    return shape(m) != SCALAR and m == ones(shape(m))


@functools.lru_cache(maxsize=1 << 14)
def transpose(m: Matrix) -> Matrix:
    """The transpose, moved inwards through products."""
    match m:
        case Transpose():
            return m.of
        case Diag() | Identity():
            return m
        case Zero():
            return Zero((m.shape[1], m.shape[0]))
        case Scaled() if m.of is not None:
            return scaled(m.coefficient, m.scalars, transpose(m.of))
        case Product():
            return product(*map(transpose, reversed(m.factors)))
        case Kronecker() if not m.commuted:
            return Kronecker(transpose(m.left), transpose(m.right))
        case Sum() | Hadamard() | Power() | Apply() if None not in shape(m):
            return min(Transpose(m), _transposed_inside(m), key=transposes)
        case _:
            return m if shape(m) == SCALAR else Transpose(m)


def _transposed_inside(m: Sum | Hadamard | Power | Apply) -> Matrix:
    """The transpose of something elementwise, as that of its operands."""
    match m:
        case Sum():
            return add([transpose(term) for term in m.terms])
        case Hadamard():
            return hadamard([transpose(factor) for factor in m.factors])
        case Power():
            return power(transpose(m.base), m.exponent)
        case Apply():
            return Apply(m.function, tuple(map(transpose, m.arguments)))


def scaled(coefficient: sp.Expr, scalars: Sequence[Matrix], of: Matrix | None = None) -> Matrix:
    """A number times scalars times an array, as one `Scaled` at most."""
    powers: dict[Matrix, sp.Expr] = {}
    pending, body = [*scalars], of
    if body is not None and shape(body) == SCALAR:
        pending, body = [*pending, body], None
    if isinstance(body, Scaled):
        coefficient, pending, body = coefficient * body.coefficient, [*pending, *body.scalars], body.of
    while pending:
        match pending.pop():
            case Scaled(inner, more, None):
                coefficient, pending = coefficient * inner, [*pending, *more]
            case Zero():
                coefficient = sp.Integer(0)
            case Power(base, exponent):
                powers[base] = powers.get(base, sp.Integer(0)) + exponent
            case single:
                powers[single] = powers.get(single, sp.Integer(0)) + 1
    if coefficient == 0 or isinstance(body, Zero):
        return Zero(SCALAR if body is None else shape(body))
    kept = tuple_of(b if e == 1 else Power(b, e) for b, e in powers.items() if e != 0)
    if coefficient == 1 and not kept and body is not None:
        return body
    if coefficient == 1 and len(kept) == 1 and body is None:
        return kept[0]
    return Scaled(coefficient, kept, body)


def unscaled(m: Matrix) -> tuple[sp.Expr, tuple[Matrix, ...], Matrix | None]:
    """The number, the scalars and the array of a product of them."""
    if isinstance(m, Scaled):
        return m.coefficient, m.scalars, m.of
    return (ONE, (m,), None) if shape(m) == SCALAR else (ONE, (), m)


def product(*factors: Matrix) -> Matrix:
    """A product of matrices and vectors; what is scalar in it goes to the front."""
    coefficient, scalars, chain = ONE, [], []
    ends = shape(factors[0])[0], shape(factors[-1])[1]
    for factor in factors:
        by, more, body = unscaled(factor)
        coefficient, scalars = coefficient * by, [*scalars, *more]
        for part in body.factors if isinstance(body, Product) else () if body is None else (body,):
            if isinstance(part, Zero):
                return Zero(ends)
            if isinstance(part, Identity):
                continue
            if chain and isinstance(part, Diag) and isinstance(chain[-1], Diag):
                part = Diag(hadamard([chain.pop().of, part.of]))
            if chain and isinstance(part, Ones) and isinstance(chain[-1], Diag):  # diag(v) 1 is v
                part = chain.pop().of
            if chain and isinstance(part, Diag) and chain[-1] == ones((None, shape(part)[0])):  # 1'diag(v) is v'
                chain.pop()
                part = transpose(part.of)
            chain.append(part)
    if not chain:
        return scaled(coefficient, scalars, Identity(ends[0]) if ends != SCALAR and ends[0] else None)
    body = chain[0] if len(chain) == 1 else _inner(tuple(chain))
    return scaled(coefficient, scalars, body)


def _inner(chain: tuple[Matrix, ...]) -> Matrix:
    """A product; of the two ways to write a scalar one, a'Xb and b'X'a, the plainer."""
    forward = Product(chain)
    if shape(forward) != SCALAR:
        return forward
    backward = Product(tuple(transpose(m) for m in reversed(chain)))
    return min(forward, backward, key=_plainness)


def _plainness(m: Product) -> tuple[int, bool, tuple[int, str], str]:
    first = m.factors[0]
    return transposes(m), not is_ones(first), order(first), repr(m)


def hadamard(factors: Sequence[Matrix]) -> Matrix:
    """An elementwise product of arrays of one shape."""
    coefficient, scalars = ONE, []
    powers: dict[Matrix, sp.Expr] = {}
    pending = [*factors]
    while pending:
        by, more, body = unscaled(pending.pop())
        coefficient, scalars = coefficient * by, [*scalars, *more]
        match body:
            case None:
                pass
            case _ if is_ones(body):
                pass
            case Zero():
                return body
            case Hadamard():
                pending += body.factors
            case Power(base, exponent):
                powers[base] = powers.get(base, sp.Integer(0)) + exponent
            case _:
                powers[body] = powers.get(body, sp.Integer(0)) + 1
    kept = tuple_of(power(base, exponent) for base, exponent in powers.items() if exponent != 0)
    if not kept:
        return scaled(coefficient, scalars, ones(shape(factors[0])))
    return scaled(coefficient, scalars, kept[0] if len(kept) == 1 else Hadamard(kept))


def power(base: Matrix, exponent: sp.Expr) -> Matrix:
    """An elementwise power."""
    if exponent == 1 or is_ones(base):
        return base
    if isinstance(base, Scaled) and exponent.is_Integer:
        inner = None if base.of is None else power(base.of, exponent)
        return scaled(base.coefficient**exponent, [power(s, exponent) for s in base.scalars], inner)
    if isinstance(base, Power) and exponent.is_Integer:
        return power(base.base, base.exponent * exponent)
    return Power(base, exponent)


def diag(vector: Matrix) -> Matrix:
    """The diagonal matrix of a vector; that of ones is the identity."""
    coefficient, scalars, body = unscaled(vector)
    assert body is not None
    size = shape(body)[0]
    if isinstance(body, Zero):
        return Zero((size, size))
    return scaled(coefficient, scalars, Identity(size) if isinstance(body, Ones) else Diag(body))  # type: ignore[arg-type]


def trace(m: Matrix) -> Matrix:
    """The trace; of the cyclic ways to write a product, the plainest."""
    coefficient, scalars, body = unscaled(m)
    assert body is not None
    if isinstance(body, Product):
        turned = [body.factors[k:] + body.factors[:k] for k in range(len(body.factors))]
        turned += [tuple(transpose(f) for f in reversed(chain)) for chain in turned]
        whole = [Product(chain) for chain in turned if shape(chain[0])[0] is not None]
        body = min(whole, key=lambda p: (transposes(p), not isinstance(p.factors[0], Transpose), repr(p)))
    elif isinstance(body, Transpose):
        body = body.of
    return scaled(coefficient, scalars, TraceOf(body))


def kronecker(left: Matrix, right: Matrix, commuted: bool = False) -> Matrix:
    """The Kronecker product, scalars in front; that of identities is one, unless commuted."""
    (by, scalars, a), (times, more, b) = unscaled(left), unscaled(right)
    assert a is not None and b is not None
    if isinstance(a, Identity) and isinstance(b, Identity) and not commuted:
        return scaled(by * times, [*scalars, *more], Identity(a.size * b.size))
    return scaled(by * times, [*scalars, *more], Kronecker(a, b, commuted))


def add(terms: Sequence[Matrix]) -> Matrix:
    """A sum; common numbers, scalars and outer factors are put in front of it."""
    collected: dict[tuple[tuple[Matrix, ...], Matrix | None], sp.Expr] = {}
    common_shape = shape(terms[0])
    pending = list(reversed(terms))
    while pending:
        term = pending.pop()
        if isinstance(term, Sum):
            pending += reversed(term.terms)
        elif not isinstance(term, Zero):
            by, scalars, body = unscaled(term)
            collected[scalars, body] = collected.get((scalars, body), sp.Integer(0)) + by
    parts = [(by, scalars, body) for (scalars, body), by in collected.items() if by != 0]
    if not parts:
        return Zero(common_shape)
    if len(parts) == 1:
        return scaled(*parts[0])
    magnitude = abs(parts[0][0])
    if any(abs(by) != magnitude for by, _, _ in parts):
        magnitude = ONE
    shared = functools.reduce(lambda a, b: [s for s in a if s in b], (list(part[1]) for part in parts))
    inner = [scaled(n / magnitude, [s for s in scalars if s not in shared], body) for n, scalars, body in parts]
    return scaled(magnitude, shared, _factored(inner, common_shape))


def _factored(terms: list[Matrix], whole: Shape) -> Matrix:
    """A sum of products that all begin, or all end, with one factor, with that factor outside."""
    for side in (-1, 0):
        chains = [unscaled(term)[2] for term in terms]
        outer = {chain.factors[side] if isinstance(chain, Product) else None for chain in chains}
        if len(outer) == 1 and None not in outer and whole != SCALAR:
            (factor,) = outer
            rest = slice(0, -1) if side else slice(1, None)
            if None in shape(factor) and side == 0:
                continue
            inner = [scaled(*unscaled(t)[:2], product(*c.factors[rest])) for t, c in zip(terms, chains, strict=True)]  # type: ignore[union-attr]
            together = add(inner)
            return product(together, factor) if side else product(factor, together)
    parts = [unscaled(term) for term in terms]
    if whole != SCALAR and all(isinstance(body, Transpose) for _, _, body in parts):
        together = add([scaled(by, scalars, body.of) for by, scalars, body in parts])  # type: ignore[union-attr]
        by, scalars, body = unscaled(together)
        return scaled(by, scalars, Transpose(body)) if isinstance(body, Sum) else transpose(together)
    return Sum(tuple(sorted(terms, key=_reading_order)))


def _reading_order(term: Matrix) -> tuple[bool, bool, bool, int, int, str]:
    """Terms as people write them: y - Xw, diag(s) - ss', A + A', W x + b, -X'(y - Xw) + w."""
    by, _, body = unscaled(term)
    sums = [part for part in (body.factors if isinstance(body, Product) else ()) if isinstance(part, Sum)]
    holds_sum = len(sums) == 1
    is_constant = body is not None and is_ones(body)
    return (not holds_sum, bool(by < 0), not is_constant, -complexity(term), transposes(term), repr(term))


def replaced(m: Matrix, new: Callable[[Matrix], Matrix | None]) -> Matrix:
    """`m` with parts exchanged, from the outside in; `new` returns None for what stays."""
    if (found := new(m)) is not None:
        return found
    again = functools.partial(replaced, new=new)
    match m:
        case Transpose():
            return transpose(again(m.of))
        case Product():
            return product(*map(again, m.factors))
        case Hadamard():
            return hadamard([*map(again, m.factors)])
        case Scaled():
            return scaled(m.coefficient, [*map(again, m.scalars)], None if m.of is None else again(m.of))
        case Sum():
            return add([*map(again, m.terms)])
        case Apply():
            return Apply(m.function, tuple(map(again, m.arguments)))
        case Power():
            return power(again(m.base), m.exponent)
        case Diag():
            return diag(again(m.of))
        case TraceOf():
            return trace(again(m.of))
        case Diagonal() | Vec():
            return type(m)(again(m.of))
        case Kronecker():
            return Kronecker(again(m.left), again(m.right), m.commuted)
        case WholeArrayFunction():
            return WholeArrayFunction(m.name, tuple(map(again, m.arguments)), m.shape)
        case _:
            return m
