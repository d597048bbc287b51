"""The words of mathematical notation: functions by name, and names of the reader's as they may be written."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
import jax.scipy.special as jsp
import numpy as np

from jaxdiff_magic.checking.grading.shapes import ShapedValue
from jaxdiff_magic.checking.grading.typed_notation import Part

ELEMENTWISE: dict[str, Callable[..., Any]] = {
    **{name: getattr(jnp, name) for name in "exp log sqrt sin cos tan sinh cosh tanh abs sign floor round".split()},
    **{name: getattr(jnp, name) for name in "arcsin arccos arctan arcsinh arccosh arctanh log1p expm1 ceil".split()},
    **{name: getattr(jnp, f"arc{name[1:]}") for name in "asin acos atan asinh acosh atanh".split()},
    **{name: getattr(jax.nn, name) for name in "sigmoid relu softplus silu gelu log_sigmoid elu".split()},
    **{name: getattr(jsp, name) for name in "erf erfc gammaln digamma polygamma".split()},
    "Abs": jnp.abs,
    "ln": jnp.log,
    "ceiling": jnp.ceil,
    "loggamma": jsp.gammaln,
    "atan2": jnp.arctan2,
    "Mod": jnp.mod,
    "square": jnp.square,
    "Heaviside": lambda x, *_: jnp.where(x > 0, 1.0, 0.0),
    "stop_gradient": lambda x: x,
    "δ": lambda i, j: jnp.where(i == j, 1.0, 0.0),
    "σ": jax.nn.sigmoid,
}
MATRICES: dict[str, Callable[..., Any]] = {
    "tr": jnp.trace,
    "trace": jnp.trace,
    "det": jnp.linalg.det,
    "logdet": lambda a: jnp.linalg.slogdet(a)[1],
    "sign_det": lambda a: jnp.linalg.slogdet(a)[0],
    "inv": jnp.linalg.inv,
    "norm": jnp.linalg.norm,
    "softmax": jax.nn.softmax,
    "log_softmax": jax.nn.log_softmax,
    "logsumexp": jax.nn.logsumexp,
    "outer": jnp.outer,
    "sum": jnp.sum,
    "mean": jnp.mean,
    "prod": jnp.prod,
    "cholesky": jnp.linalg.cholesky,
    "vec": jnp.ravel,
}
OTHERS = ("diag", "max", "min", "Max", "Min", "Sum", "kron", "transpose")
ELEMENT = re.compile(r"([^\W\d]\w*?)_?(\d+)")


@dataclass(frozen=True)
class NamedPart:
    """What `h[i] = …` or `s = softmax(z)` defines: by letters, if any."""

    letters: tuple[str, ...]
    node: Part


@dataclass(frozen=True)
class Scope:
    """The names that an expression may use.

    Attributes:
        names: of the reader's: numbers, arrays, functions, modules, dicts.
        definitions: of the text's own.
        letters: indices that are open here, each a grid of its values along an axis of its own.
        made: values of definitions.
        stacked: the shape of the matrix whose rows are stacked in the rows of a derivative.
        own: whether a function of the reader's comes before one of the notation that has the same name.
    """

    names: Mapping[str, Any]
    definitions: Mapping[str, NamedPart] = field(default_factory=dict)
    letters: Mapping[str, ShapedValue] = field(default_factory=dict)
    made: dict[str, ShapedValue] = field(default_factory=dict)
    stacked: tuple[int, ...] = ()
    own: bool = True

    def name(self, written: str) -> str | None:
        """The reader's name for one as it is written: `lambda_` for λ; None where there is none."""
        return next(
            (name for name in _spellings(written) if name in self.definitions or _usable(self.names, name)), None
        )

    def is_function(self, word: str) -> bool:
        """Whether a word is applied to what follows it."""
        if word in self.definitions or _usable(self.names, word) or (word == "σ" and self.name(word) is not None):
            return False
        return word in ELEMENTWISE or word in MATRICES or word in OTHERS or is_function(self.names.get(word))

    def is_known(self, word: str) -> bool:
        """Whether a word means something as it stands."""
        if word in ("T", "I", "K", "e") or word.startswith("_") or self.is_function(word):
            return True
        return self.name(word) is not None or self._is_element(word) or word == "π"

    def _is_element(self, word: str) -> bool:
        match = ELEMENT.fullmatch(word)
        found = self.name(match[1]) if match else None
        return found is not None and found in self.names and np.ndim(self.names[found]) == 1

    def split(self, word: str) -> list[str]:
        """The names that a word is made of; itself where it is one, or none."""
        if self.is_known(word) or "_" in word or word in ("if", "else", "and", "or", "not"):
            return [word]
        for k in range(len(word) - 1, 0, -1):
            head, tail = word[:k], word[k:]
            if self.name(head) is not None or self._is_element(head):
                rest = self.split(tail)
                if all(self.name(part) is not None or self._is_element(part) for part in rest):
                    return [head, *rest]
        return [word]


GREEK = {
    name: unicodedata.lookup(f"GREEK SMALL LETTER {'LAMDA' if name == 'lambda' else name.upper()}")
    for name in "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi".split()
    + "pi rho sigma tau upsilon phi chi psi omega".split()
}
SHORT = {"lambda": ("lam", "lmbda", "lambd"), "epsilon": ("eps",)}
_LETTERS = {letter: name for name, letter in GREEK.items()} | {"ϵ": "epsilon", "ϕ": "phi", "ϑ": "theta"}


def _spellings(word: str) -> Iterator[str]:
    """How a program may spell a name."""
    yield word
    yield unicodedata.normalize("NFC", word)
    match = re.fullmatch(r"(\D+?)_?((?:_[a-z]+|\d)*)", word)
    head, tail = (match[1], match[2]) if match else (word, "")
    name = _LETTERS.get(head, head.removesuffix("_"))
    if name in GREEK:
        for spelling in (name, f"{name}_", GREEK[name], name.capitalize(), *SHORT.get(name, ())):
            yield from (f"{spelling}{tail}", f"{spelling}_{tail}") if tail else (spelling,)
    elif any(name in shorts for shorts in SHORT.values()):
        yield from _spellings(next(long for long, shorts in SHORT.items() if name in shorts))
    yield f"{word}_"


def _usable(names: Mapping[str, Any], name: str) -> bool:
    return name in names and not (callable(names[name]) and not hasattr(names[name], "ndim"))


def is_function(value: Any) -> bool:
    """Whether the reader has a function of their own there; a library's is known by its name."""
    return callable(value) and not isinstance(value, type) and not hasattr(value, "ndim")
