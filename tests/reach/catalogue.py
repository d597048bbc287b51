"""What the check reaches: every loss, activation, log-density and matrix function of Optax and JAX, each at a point.

The names come from the modules themselves, so that a function that a newer version adds is missed loudly. Points lie
away from kinks and ties, where a derivative would be a matter of convention.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import jax
import jax.numpy as jnp
import jax.scipy as jsp
import numpy as np
import optax.losses

Function = Callable[..., Any]


@dataclass(frozen=True)
class Row:
    """One function at one point.

    Attributes:
        covers: the public function that it stands for, as `module.name`.
        function: of `args`; floating arrays among them are in the dtype that is tried, and are what is differentiated.
        args, held: its positional and keyword arguments; only the former are differentiated.
        case: what sets it apart from other rows of the same function, or "".
        order: up to which it is differentiated; 1 where JAX's second derivative takes a minute to compile.
        reason: why it is out of reach, a part of what the check says; "" where it is in reach.
    """

    covers: str
    function: Function
    args: tuple[Any, ...]
    held: Mapping[str, Any] = field(default_factory=dict)
    case: str = ""
    order: int = 2
    reason: str = ""

    @property
    def name(self) -> str:
        return f"{self.covers} {self.case}".strip()

    @property
    def group(self) -> str:
        return next(group for group in GROUPS if self.covers.startswith(group))


GROUPS = ("optax.losses", "jax.nn", "jax.scipy.stats", "jax.numpy.linalg", "jax.scipy.linalg")


def public(module: types.ModuleType) -> Iterator[str]:
    """Names of a module's public functions."""
    for name in dir(module):
        value = getattr(module, name)
        if not name.startswith("_") and callable(value) and not isinstance(value, (type, types.ModuleType)):
            yield name


def discovered() -> Iterator[str]:
    """Every function that must have a row or a reason to have none."""
    for group, module in (
        ("optax.losses", optax.losses),
        ("jax.nn", jax.nn),
        ("jax.numpy.linalg", jnp.linalg),
        ("jax.scipy.linalg", jsp.linalg),
    ):
        yield from (f"{group}.{name}" for name in public(module))
    for family in dir(jsp.stats):
        module = getattr(jsp.stats, family)
        if isinstance(module, types.ModuleType):
            yield from (f"jax.scipy.stats.{family}.{name}" for name in public(module) if name in ("logpdf", "logpmf"))


VECTOR = np.array([0.5, 1.2, -0.7])
OTHER = np.array([-0.3, 0.4, 0.9])
POSITIVE = np.array([0.5, 1.2, 0.7])
LOGITS = np.array([[0.3, -1.1, 0.8], [1.4, 0.2, -0.5]])
TARGETS = np.array([[0.2, 0.5, 0.3], [0.6, 0.1, 0.3]])
LOG_PREDICTIONS = np.log([[0.3, 0.3, 0.4], [0.5, 0.3, 0.2]])
ONE_HOT = np.array([[0, 1, 0], [1, 0, 0]])
CLASSES = np.array([1, 0])
SIGNS = np.array([1, -1, 1])
TALL = np.array([[1.3, 0.4], [-0.6, 0.9], [0.2, 1.7]])
WIDE = np.array([[1.3, 0.4, -0.6], [0.9, 0.2, 1.7]])
SQUARE = np.array([[2.1, 0.3, -0.5], [0.7, 1.6, 0.2], [-0.4, 0.9, 2.8]])
LARGE = np.array([[2.1, 0.3, -0.5, 0.6], [0.7, 1.6, 0.2, -0.3], [-0.4, 0.9, 2.8, 0.1], [0.5, -0.2, 0.4, 3.1]])
ROOT = np.array([[1.5, 0.0, 0.0], [0.4, 1.1, 0.0], [-0.3, 0.6, 0.8]])
DEFINITE = ROOT @ ROOT.T
RIGHT = np.array([0.9, -1.3, 0.4])
COLUMNS = np.array([[0.9, 0.2], [-1.3, 0.5], [0.4, 1.1]])


TIE = "is at a tie"
"""A choice in it is undecided at the point."""


RAISES = "multiply with a float0 array"
"""JAX itself raises: the derivative of its `xlogy`, and one of Optax's, multiplies the tangent of an integer."""


def losses() -> Iterator[Row]:
    """Optax: of predictions, and of targets where they are continuous too."""
    o = optax.losses

    def row(name: str, *args: Any, case: str = "", reason: str = "", **held: Any) -> Row:
        return Row(f"optax.losses.{name}", getattr(o, name), args, held, case, reason=reason)

    yield row("squared_error", VECTOR, OTHER)
    yield row("l2_loss", VECTOR, OTHER)
    yield row("huber_loss", np.array([0.5, 2.2, -1.7]), OTHER)
    yield row("log_cosh", VECTOR, OTHER)
    yield row("cosine_similarity", VECTOR, OTHER)
    yield row("cosine_similarity", LOGITS, TARGETS, case="of rows")
    yield row("cosine_distance", VECTOR, OTHER)
    yield row("hinge_loss", VECTOR, targets=SIGNS)
    yield row("perceptron_loss", VECTOR, targets=SIGNS)
    yield row("sparsemax_loss", VECTOR, labels=np.array([1, 0, 1]))
    yield row("sigmoid_binary_cross_entropy", VECTOR, np.array([0.2, 0.9, 0.5]))
    yield row("sigmoid_focal_loss", VECTOR, labels=np.array([1, 0, 1]))
    yield row("sigmoid_focal_loss", VECTOR, case="weighted", labels=np.array([1, 0, 1]), alpha=0.25, gamma=3.0)
    yield row("softmax_cross_entropy", LOGITS, TARGETS)
    yield row("safe_softmax_cross_entropy", LOGITS, TARGETS)
    yield row("safe_softmax_cross_entropy", LOGITS, case="of integer labels", labels=ONE_HOT, reason=RAISES)
    yield row("softmax_cross_entropy_with_integer_labels", LOGITS, labels=CLASSES)
    yield row("poly_loss_cross_entropy", LOGITS, TARGETS)
    yield row("smooth_labels", TARGETS, alpha=0.1)
    yield row("kl_divergence", LOG_PREDICTIONS, TARGETS)
    yield row("convex_kl_divergence", LOG_PREDICTIONS, TARGETS)
    yield row("generalized_kl_divergence", LOG_PREDICTIONS, TARGETS)
    yield row("kl_divergence_with_log_targets", LOG_PREDICTIONS, np.log(TARGETS))
    yield row("multiclass_hinge_loss", LOGITS, labels=CLASSES)
    yield row("multiclass_perceptron_loss", LOGITS, labels=CLASSES)
    yield row("multiclass_sparsemax_loss", LOGITS, labels=CLASSES)
    yield row("ranking_softmax_loss", LOGITS, labels=TARGETS)
    yield row(
        "ranking_softmax_loss", LOGITS, case="of a part", labels=TARGETS, where=np.array([[1, 1, 0], [1, 1, 1]]) > 0
    )
    yield row("dice_loss", LOGITS, targets=ONE_HOT)
    yield row("binary_dice_loss", VECTOR[:, None], targets=np.array([[1], [0], [1]]))
    yield row("multiclass_generalized_dice_loss", LOGITS, targets=ONE_HOT)
    yield row("triplet_margin_loss", LOGITS, TARGETS, LOGITS[::-1] + 0.1)
    yield row("ntxent", np.array([[0.3, 1.1], [0.5, 0.9], [-0.7, 0.4], [-0.2, 0.8]]), labels=np.array([0, 0, 1, 1]))
    frames = np.array([[[0.3, -1.1, 0.8], [1.4, 0.2, -0.5], [-0.6, 0.7, 0.1], [0.9, -0.4, 0.5]]])
    spoken = {"logit_paddings": np.zeros((1, 4)), "labels": np.array([[1, 2]]), "label_paddings": np.zeros((1, 2))}
    yield row("ctc_loss", frames, **spoken)
    # the states that cannot be are -1e5, where the programs of JAX's rules have eleven digits left (in float32, two)
    brief = {"logit_paddings": np.zeros((1, 2)), "labels": np.array([[1]]), "label_paddings": np.zeros((1, 1))}
    yield row("ctc_loss_with_forward_probs", frames[:, :2], **brief)
    fenchel = o.make_fenchel_young_loss(max_fun=jax.nn.logsumexp)
    yield Row("optax.losses.make_fenchel_young_loss", fenchel, (VECTOR, TARGETS[0]))


def activations() -> Iterator[Row]:
    """jax.nn, on both sides of every kink and not on it."""

    def row(name: str, *args: Any, case: str = "", reason: str = "", **held: Any) -> Row:
        return Row(f"jax.nn.{name}", getattr(jax.nn, name), args or (VECTOR,), held, case, reason=reason)

    for name in (
        "celu elu glu hard_sigmoid hard_silu hard_swish hard_tanh identity leaky_relu log_sigmoid log_softmax "
        "logsumexp logmeanexp mish relu selu sigmoid silu soft_sign softmax softplus sparse_plus sparse_sigmoid "
        "squareplus standardize swish tanh"
    ).split():
        yield row(name) if name != "glu" else row(name, np.array([0.5, 1.2, -0.7, 0.3]))
    far = np.array([-4.2, -1.7, 0.4, 3.6, 7.5])
    for name in ("hard_sigmoid", "hard_silu", "hard_tanh", "relu6", "sparse_plus", "sparse_sigmoid", "softplus"):
        yield row(name, far, case="on its outer pieces" if name != "relu6" else "")
    yield row("gelu")
    yield row("gelu", case="exact", approximate=False)
    yield row("log1mexp", POSITIVE)
    yield row("logsumexp", LOGITS, case="weighted", axis=1, b=TARGETS)
    yield row("softmax", LOGITS, case="of a part", where=ONE_HOT == 0, axis=-1)
    query, key, value = (
        np.array([[[[0.3, -0.8]], [[0.5, 0.2]]]]),
        np.array([[[[0.7, 0.1]], [[-0.4, 0.6]]]]),
        np.array([[[[1.2, 0.3]], [[-0.5, 0.9]]]]),
    )
    yield row("dot_product_attention", query, key, value)
    yield row("dot_product_attention", query, key, value, case="causal", is_causal=True)


def densities() -> Iterator[Row]:
    """jax.scipy.stats: log-densities by their argument and all parameters; of integers by the parameters.

    Scalar parameters come as one vector: the program of the second derivatives grows with the square of the number of
    arguments, and so does the time to compile it.
    """

    def of(name: str) -> Function:
        family, kind = name.split(".")
        return getattr(getattr(jsp.stats, family), kind)

    def row(name: str, x: np.ndarray, *parameters: float, reason: str = "") -> Row:
        return Row(f"jax.scipy.stats.{name}", lambda x, p: of(name)(x, *p), (x, np.array(parameters)), reason=reason)

    def of_arrays(name: str, *args: np.ndarray, case: str = "", reason: str = "") -> Row:
        return Row(f"jax.scipy.stats.{name}", of(name), args, case=case, reason=reason)

    def discrete(name: str, k: np.ndarray, *parameters: float, order: int = 2) -> Row:
        return Row(f"jax.scipy.stats.{name}", lambda p: of(name)(k, *p), (np.array(parameters),), order=order)

    yield row("norm.logpdf", VECTOR, 0.3, 1.4)
    yield row("t.logpdf", VECTOR, 3.5, 0.3, 1.4)
    yield row("gamma.logpdf", POSITIVE, 2.3, 0.1, 1.4)
    yield row("beta.logpdf", np.array([0.2, 0.6]), 2.3, 1.7, 0.05, 1.2)
    yield row("cauchy.logpdf", VECTOR, 0.3, 1.4)
    yield row("chi2.logpdf", POSITIVE, 3.2, 0.1, 1.4)
    alpha = np.array([1.3, 2.4, 0.8])
    yield of_arrays(
        "dirichlet.logpdf", np.array([0.25, 0.5, 0.25]), alpha, case="off the simplex it is -inf", reason=TIE
    )
    yield Row(
        "jax.scipy.stats.dirichlet.logpdf",
        lambda p: jsp.stats.dirichlet.logpdf(np.array([0.2, 0.5, 0.3]), p),
        (alpha,),
        case="by its parameters",
    )
    yield row("expon.logpdf", POSITIVE, 0.1, 1.4)
    yield row("gennorm.logpdf", VECTOR, 1.6)
    yield row("gumbel_l.logpdf", VECTOR, 0.3, 1.4, reason=RAISES)
    yield row("gumbel_r.logpdf", VECTOR, 0.3, 1.4, reason=RAISES)
    yield row("laplace.logpdf", VECTOR, 0.3, 1.4)
    yield row("logistic.logpdf", VECTOR, 0.3, 1.4)
    yield of_arrays("multivariate_normal.logpdf", VECTOR, OTHER, DEFINITE)
    yield of_arrays("multivariate_normal.logpdf", LOGITS, OTHER, DEFINITE, case="of several")
    yield of_arrays("multivariate_normal.logpdf", VECTOR, OTHER, np.array(1.3), case="spherical")
    yield row("pareto.logpdf", np.array([2.5, 3.2]), 1.7, 0.3, 1.4)
    yield row("truncnorm.logpdf", VECTOR, -1.5, 2.0, 0.3, 1.4)
    yield row("uniform.logpdf", POSITIVE, 0.1, 1.9)
    yield row("vonmises.logpdf", VECTOR, 1.7)
    yield row("wrapcauchy.logpdf", POSITIVE, 0.4)
    yield discrete("bernoulli.logpmf", np.array([0, 1, 1]), 0.3)
    yield discrete("betabinom.logpmf", np.array([2, 5]), 9.0, 1.3, 2.4, order=1)
    yield discrete("binom.logpmf", np.array([2, 5]), 9.0, 0.3)
    yield discrete("geom.logpmf", np.array([2, 5]), 0.3)
    yield Row(
        "jax.scipy.stats.multinomial.logpmf",
        lambda p: jsp.stats.multinomial.logpmf(np.array([2, 1, 3]), 6, p),
        (np.array([0.2, 0.5, 0.3]),),
    )
    yield discrete("nbinom.logpmf", np.array([2, 5]), 4.5, 0.3)
    yield discrete("poisson.logpmf", np.array([2, 5]), 3.7)


def symmetric(a: jax.Array) -> jax.Array:
    return (a + a.T) / 2


BISECTION = "JAX's forward mode"
"""Bisection has no derivative of its own: JAX's number is not the derivative, which float64 shows and float32 may."""
TRIANGLE = "reads one triangle of its matrix"
"""LAPACK reads one triangle only, JAX's rule takes both to vary together: by single elements they differ."""


NO_RULE = "not implemented"
"""JAX itself has no derivative of the decomposition behind it."""


def matrices() -> Iterator[Row]:
    """jax.numpy.linalg and jax.scipy.linalg."""

    def row(name: str, *args: Any, case: str = "", reason: str = "", part: Function | None = None, **held: Any) -> Row:
        function = getattr(jnp.linalg, name)
        whole = function if part is None else lambda *xs: part(function(*xs, **held))
        return Row(f"jax.numpy.linalg.{name}", whole, args, held if part is None else {}, case, reason=reason)

    def of_scipy(
        name: str, *args: Any, case: str = "", reason: str = "", part: Function | None = None, **held: Any
    ) -> Row:
        function = getattr(jsp.linalg, name)
        whole = function if part is None else lambda *xs: part(function(*xs, **held))
        return Row(f"jax.scipy.linalg.{name}", whole, args, held if part is None else {}, case, reason=reason)

    for order in (None, 1, 2, 3, 2.5, np.inf, -np.inf):
        yield row("norm", VECTOR, case=f"of a vector, ord {order}", ord=order)
    for order in (None, "fro", "nuc", 1, 2, -1, -2, np.inf, -np.inf):
        yield row("norm", TALL, case=f"of a matrix, ord {order}", ord=order)
    yield row("vector_norm", VECTOR)
    yield row("matrix_norm", TALL)
    yield row("matrix_norm", TALL, case="nuclear", ord="nuc")
    yield row("solve", SQUARE, RIGHT)
    yield row("solve", SQUARE, COLUMNS, case="of several right sides")
    yield row("solve", np.stack([SQUARE, DEFINITE]), np.stack([COLUMNS, COLUMNS[::-1]]), case="of a stack")
    yield row("lstsq", TALL, RIGHT, case="overdetermined", part=lambda found: found[0])
    yield row("lstsq", WIDE, RIGHT[:2], case="underdetermined", part=lambda found: found[0])
    yield row("tensorsolve", SQUARE.reshape(3, 1, 3), RIGHT.reshape(3, 1))
    yield row("tensorinv", SQUARE.reshape(3, 3, 1), ind=1)
    yield row("inv", SQUARE)
    yield row("inv", np.stack([SQUARE, DEFINITE]), case="of a stack")
    yield row("pinv", TALL)
    yield row("pinv", WIDE, case="of a wide matrix")
    yield row("cholesky", DEFINITE)
    yield row("det", SQUARE)
    yield row("det", SQUARE[:2, :2], case="2 x 2")
    yield row("det", LARGE, case="4 x 4")
    yield row("slogdet", SQUARE, part=lambda found: found[1])
    yield row("slogdet", LARGE, case="4 x 4", part=lambda found: found[1])
    yield row("slogdet", np.stack([SQUARE, DEFINITE]), case="of a stack", part=lambda found: found[1])
    yield row("qr", SQUARE, part=tuple)
    yield row("qr", TALL, case="of a tall matrix", part=tuple)
    yield row("qr", WIDE, case="of a wide matrix", part=tuple)
    yield row("eigh", DEFINITE, part=tuple)
    yield row("eigvalsh", DEFINITE)
    yield row("eig", SQUARE, part=lambda found: jnp.sum(jnp.abs(found[0])), reason="non-symmetric eigenvectors")
    # of a second derivative JAX says that it is valid under assumptions only
    yield replace(row("eigvals", SQUARE, part=lambda found: jnp.sum(jnp.abs(found))), order=1)
    yield row("svd", TALL, case="of a tall matrix", part=tuple, full_matrices=False)
    yield row("svd", WIDE, case="of a wide matrix", part=tuple, full_matrices=False)
    yield row("svdvals", TALL)
    yield row("svdvals", WIDE, case="of a wide matrix")
    yield row("cond", SQUARE)
    yield row("cond", SQUARE, case="in the 1-norm", p=1)
    for n in (0, 1, 3, -2):
        yield row("matrix_power", SQUARE, case=f"{n}", n=n)
    yield Row("jax.numpy.linalg.multi_dot", lambda *ms: jnp.linalg.multi_dot(ms), (WIDE, SQUARE, TALL))
    yield row("trace", SQUARE)
    yield row("cross", VECTOR, OTHER)
    yield row("diagonal", SQUARE)
    yield row("matmul", WIDE, TALL)
    yield row("matrix_transpose", WIDE)
    yield row("outer", VECTOR, OTHER)
    yield row("tensordot", SQUARE, TALL, axes=1)
    yield row("vecdot", VECTOR, OTHER)

    yield Row("jax.scipy.linalg.cholesky", lambda a: jsp.linalg.cholesky(symmetric(a)), (DEFINITE,))
    yield Row(
        "jax.scipy.linalg.cholesky", lambda a: jsp.linalg.cholesky(symmetric(a), lower=True), (DEFINITE,), case="lower"
    )
    yield of_scipy("cholesky", DEFINITE, case="of any matrix", reason=TRIANGLE)
    yield Row("jax.scipy.linalg.cho_factor", lambda a: jsp.linalg.cho_factor(symmetric(a))[0], (DEFINITE,))
    yield of_scipy("cho_factor", DEFINITE, case="of any matrix", part=lambda found: found[0], reason=TRIANGLE)
    yield Row(
        "jax.scipy.linalg.cho_solve",
        lambda a, b: jsp.linalg.cho_solve(jsp.linalg.cho_factor(symmetric(a)), b),
        (DEFINITE, RIGHT),
    )
    yield of_scipy("det", LARGE)
    yield of_scipy("inv", SQUARE)
    yield of_scipy("solve", SQUARE, RIGHT)
    yield Row(
        "jax.scipy.linalg.solve",
        lambda a, b: jsp.linalg.solve(symmetric(a), b, assume_a="pos"),
        (DEFINITE, RIGHT),
        case="of a definite matrix",
    )
    for trans, low, unit in ((0, False, False), (1, True, False), (0, True, True)):
        case = f"trans {trans}, {'lower' if low else 'upper'}{', unit diagonal' if unit else ''}"
        yield of_scipy("solve_triangular", SQUARE, RIGHT, case=case, trans=trans, lower=low, unit_diagonal=unit)
    yield of_scipy("lu", SQUARE, part=lambda found: found[1:])
    yield of_scipy("lu", TALL, case="of a tall matrix", part=lambda found: found[1:])
    yield of_scipy("lu", WIDE, case="of a wide matrix", part=lambda found: found[1:])
    yield of_scipy("lu_factor", SQUARE, part=lambda found: found[0])
    yield Row(
        "jax.scipy.linalg.lu_solve", lambda a, b: jsp.linalg.lu_solve(jsp.linalg.lu_factor(a), b), (SQUARE, RIGHT)
    )
    yield of_scipy("qr", TALL, part=tuple, mode="economic")
    yield of_scipy("qr", TALL, case="complete", part=tuple, reason="the columns that complete Q")
    yield of_scipy("qr_multiply", TALL, RIGHT, part=tuple, reason=NO_RULE)
    yield of_scipy("eigh", DEFINITE, part=tuple)
    # by bisection: what JAX differentiates is where an interval was cut, which is not the eigenvalue's derivative
    yield of_scipy("eigh_tridiagonal", RIGHT, VECTOR[:2], eigvals_only=True, reason=BISECTION)
    yield of_scipy("svd", TALL, part=tuple, full_matrices=False)
    yield of_scipy("expm", 0.3 * SQUARE)
    yield Row(
        "jax.scipy.linalg.expm_frechet",
        lambda a, e: tuple(jsp.linalg.expm_frechet(a, e)),
        (0.3 * SQUARE, DEFINITE),
        order=1,
    )
    yield of_scipy("funm", SQUARE, part=lambda found: jnp.real(found[0]), func=jnp.sin, disp=False, reason=NO_RULE)
    yield of_scipy("sqrtm", DEFINITE, part=jnp.real, reason=NO_RULE)
    yield of_scipy("schur", SQUARE, part=tuple, reason=NO_RULE)
    yield of_scipy("hessenberg", SQUARE, reason=NO_RULE)
    yield of_scipy("polar", TALL, part=tuple)
    yield of_scipy("solve_sylvester", SQUARE, DEFINITE, COLUMNS @ COLUMNS.T, reason=NO_RULE)
    yield of_scipy("block_diag", WIDE, TALL)
    for name in ("circulant", "companion", "fiedler", "fiedler_companion", "toeplitz", "hankel"):
        yield of_scipy(name, np.array([1.3, 0.4, -0.6, 0.9]))
    yield of_scipy("convolution_matrix", VECTOR, n=4)
    yield of_scipy("leslie", VECTOR, OTHER[:2])


EXCLUDED: Mapping[str, str] = {
    "jax.nn.one_hot": "of integers: it has no derivative",
    "jax.nn.get_scaled_dot_general_config": "a configuration for hardware with 8-bit numbers",
    "jax.nn.scaled_dot_general": "rounds to 8-bit numbers",
    "jax.nn.scaled_matmul": "rounds to 8-bit numbers",
    "jax.numpy.linalg.matrix_rank": "an integer: it has no derivative",
    "jax.scipy.linalg.dft": "of an integer: it has no derivative",
    "jax.scipy.linalg.hadamard": "of an integer: it has no derivative",
    "jax.scipy.linalg.helmert": "of an integer: it has no derivative",
    "jax.scipy.linalg.hilbert": "of an integer: it has no derivative",
    "jax.scipy.linalg.invhilbert": "of an integer: it has no derivative",
    "jax.scipy.linalg.invpascal": "of an integer: it has no derivative",
    "jax.scipy.linalg.pascal": "of an integer: it has no derivative",
    "jax.scipy.linalg.rsf2csf": "of a Schur form, with complex results",
}
"""Public functions without a row, and why."""

ROWS = {row.name: row for group in (losses, activations, densities, matrices) for row in group()}
