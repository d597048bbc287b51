"""What the factorisations and solvers of LAPACK cost, by formula.

Sources: S. Blackford and J. Dongarra, LAPACK Working Note 41, appendix on operation counts, for LU, Cholesky, QR and
triangular solves; G. Golub and C. Van Loan, Matrix Computations (4th edition), sections 7.4, 7.5, 8.3 and 8.6, for
eigenvalues and singular values by the QR algorithm. Leading terms only: of a 4 by 4 matrix they are rough. LAPACK's
divide and conquer may take less. Complex numbers take four times as many.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

from jaxdiff_magic.cost.counting.operands import is_complex, shape, size
from jaxdiff_magic.cost.counting.work import Work, library

Formula = Callable[[int, int, Any], int | Fraction]
"""Rows and columns of one matrix, and the equation's parameters."""


def _lu(m: int, n: int, _: Any) -> Fraction:
    """m n^2 - n^3/3 with n the shorter side: 2/3 n^3 of a square matrix."""
    long, short = max(m, n), min(m, n)
    return long * short**2 - Fraction(short**3, 3)


def _cholesky(_: int, n: int, __: Any) -> Fraction:
    return Fraction(n**3, 3)


def _reflectors(m: int, n: int, _: Any = None) -> Fraction:
    """R and the Householder reflectors: 2 m n^2 - 2/3 n^3 with n the shorter side."""
    long, short = max(m, n), min(m, n)
    return 2 * long * short**2 - Fraction(2 * short**3, 3)


def _orthogonal(m: int, n: int, k: int) -> Fraction:
    """n columns of Q from k reflectors of length m."""
    return 4 * m * n * k - 2 * (m + n) * k**2 + Fraction(4 * k**3, 3)


def _qr(m: int, n: int, params: Any) -> Fraction:
    """R, and then Q: as many columns as the shorter side, or all m."""
    k = min(m, n)
    return _reflectors(m, n) + _orthogonal(m, m if params["full_matrices"] else k, k)


def _eigh(_: int, n: int, __: Any) -> int:
    """Eigenvalues and eigenvectors of a symmetric matrix."""
    return 9 * n**3


def _svd(m: int, n: int, params: Any) -> int | Fraction:
    """By Golub and Reinsch: singular values alone; or with the singular vectors, thin or all."""
    m, n = max(m, n), min(m, n)
    if not params["compute_uv"]:
        return 4 * m * n**2 - Fraction(4 * n**3, 3)
    if params["full_matrices"]:
        return 4 * m**2 * n + 8 * m * n**2 + 9 * n**3
    return 14 * m * n**2 + 8 * n**3


def _eig(_: int, n: int, params: Any) -> int:
    """Eigenvalues alone, or with the orthogonal factor from which the eigenvectors follow."""
    vectors = params["compute_left_eigenvectors"] or params["compute_right_eigenvectors"]
    return (25 if vectors else 10) * n**3


def _schur(_: int, n: int, params: Any) -> int:
    return (25 if params["compute_schur_vectors"] else 10) * n**3


MATRIX_FORMULAS: dict[str, Formula] = {
    "lu": _lu,
    "cholesky": _cholesky,
    "geqrf": _reflectors,
    "geqp3": _reflectors,
    "qr": _qr,
    "eigh": _eigh,
    "svd": _svd,
    "eig": _eig,
    "schur": _schur,
    "hessenberg": lambda _, n, __: Fraction(10 * n**3, 3),
    "tridiagonal": lambda _, n, __: Fraction(4 * n**3, 3),
    "cholesky_update": lambda _, n, __: 3 * n**2,  # n rotations of rows that grow shorter
}
"""FLOPs of one real matrix, the first operand."""


def of_matrix(equation: Any) -> Work:
    """By the formula of the first operand, a stack of matrices."""
    *batch, m, n = shape(equation.invars[0])
    formula = MATRIX_FORMULAS[equation.primitive.name]
    return _library(equation, math.prod(batch) * formula(m, n, equation.params))


def triangular_factor(equation: Any) -> Work:
    """R of a QR factorisation, without Q."""
    *batch, m, n = shape(equation.invars[0])
    return _library(equation, math.prod(batch) * _reflectors(m, n))


def triangular_solve(equation: Any) -> Work:
    """n^2 for each right-hand side: n divisions and n (n - 1) / 2 multiplications and subtractions."""
    n = shape(equation.invars[0])[-1]
    return _library(equation, n * size(equation.invars[1]))


def tridiagonal_solve(equation: Any) -> Work:
    """3 n for the elimination, and 5 n for each right-hand side."""
    diagonal, sides = equation.invars[1], equation.invars[3]
    return _library(equation, 3 * size(diagonal) + 5 * size(sides))


def householder_product(equation: Any) -> Work:
    """Q from reflectors."""
    *batch, m, n = shape(equation.invars[0])
    k = shape(equation.invars[1])[-1]
    return _library(equation, math.prod(batch) * _orthogonal(m, n, k))


def apply_reflectors(equation: Any) -> Work:
    """Q times a matrix C, from k reflectors: 4 m k - 2 k^2 for each of its columns (or rows, from the right)."""
    k = shape(equation.invars[1])[-1]
    *batch, rows, columns = shape(equation.invars[2])
    long, others = (rows, columns) if equation.params.get("left", True) else (columns, rows)
    return _library(equation, math.prod(batch) * others * (4 * long * k - 2 * k**2))


def symmetric_product(equation: Any) -> Work:
    """One triangle of alpha A A' + beta C: half of a matrix product."""
    *batch, n, k = shape(equation.invars[0])
    return _library(equation, math.prod(batch) * n * (n + 1) * k)


def _library(equation: Any, flops: int | Fraction) -> Work:
    return library(round(4 * flops if is_complex(equation.invars[0]) else flops))


LINEAR_ALGEBRA = {
    **dict.fromkeys(MATRIX_FORMULAS, of_matrix),
    "triangular_solve": triangular_solve,
    "tridiagonal_solve": tridiagonal_solve,
    "householder_product": householder_product,
    "ormqr": apply_reflectors,
    "symmetric_product": symmetric_product,
}
