"""Why an entry has its outcome: reasons as values, and what each says to a reader, in one table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum


class Why(Enum):
    """The kinds of reasons; the value is the name of the kind in a report's data."""

    NONE = ""
    DOUBTFUL = "in doubt"
    UNDEFINED = "no value"
    NOTHING_KNOWN = "nothing to compare"
    RULE_WRONG = "wrong rule"
    RULE_NOT_LINEAR = "rule not linear"
    RULE_NEAR = "rule nearly the formula"
    RULE_FOGGY = "rule within rounding"
    RULE_DISPUTED = "rule undecided nearby"
    RULE_AHEAD = "ahead of the code"
    BLAMED = "behind a wrong rule"
    HIDDEN = "hidden by rounding"
    AT_TIE = "at a tie"
    KINK = "kink"
    NOT_FINITE = "not finite"
    PERHAPS_NOT_FINITE = "perhaps not finite"
    CHAIN_NOT_FINITE = "chain rule not finite"
    NEITHER_FINITE = "neither finite"
    UNKNOWN_FINITE = "unknown whether finite"
    OWN_ROUNDING = "own rounding"
    ALL_ROUNDING = "all rounding"
    WIDE_BOUND = "wide bound"
    OFF_FORMULA = "differs from the formula"
    NEAR_FORMULA = "not decidedly different"
    OFF_VALUES = "differs from function values"
    COARSE_VALUES = "coarse values"
    ONLY_COARSE_VALUES = "only coarse values"
    PROBES_UNDECIDED = "directions undecided"
    PROBES_OTHER_WRONG = "another entry wrong"
    PROBES_SMALL = "smaller than directions show"
    FROZEN = "may be frozen"
    REMAINDER = "remainder"
    ALONE = "at the point alone"
    BELOW_ALONE = "of a derivative at the point alone"


WORDS: Mapping[Why, str] = {
    Why.NONE: "",
    Why.DOUBTFUL: "{said}",
    Why.UNDEFINED: "the function's value is not finite here",
    Why.NOTHING_KNOWN: "there is neither a formula nor, within the budget, a numeric column to compare with",
    Why.RULE_WRONG: "JAX's {mode} gives {given} where the function's own derivative is {expected}{place}",
    Why.RULE_NOT_LINEAR: "JAX's {mode} is not linear in its direction: its rows are no Jacobian",
    Why.RULE_NEAR: "JAX's {mode} and the formula differ by less than a part in 1e9",
    Why.RULE_FOGGY: "JAX's {mode} and the formula are not the same number here, and rounding may be as large as what "
    "they differ by",
    Why.RULE_DISPUTED: "JAX's {mode} and the formula differ at sampled points, and function values do not say which is "
    "right",
    Why.RULE_AHEAD: "JAX's {mode} is nearer to what the loops of the code converge to than they come: stop them later "
    "to have it checked",
    Why.BLAMED: "JAX's numbers differ from the formula, and the rule of {said} is wrong",
    Why.HIDDEN: "{said}; here it makes no difference that could be told from rounding",
    Why.AT_TIE: "a choice (where, max, abs …) is at a tie here",
    Why.KINK: "the slopes from the left and from the right differ here",
    Why.NOT_FINITE: "JAX's {mode} is not finite, the derivative is",
    Why.PERHAPS_NOT_FINITE: "JAX's {mode} is not finite, and it is not certain that the derivative is",
    Why.CHAIN_NOT_FINITE: "the chain rule, step by step, is not finite {place}",
    Why.NEITHER_FINITE: "neither JAX nor the chain rule, step by step, is finite {place}",
    Why.UNKNOWN_FINITE: "JAX's {mode} is not finite {place}; without a formula it is not known whether the derivative "
    "is",
    Why.OWN_ROUNDING: "rounding in the function's own dtype hides the digits",
    Why.ALL_ROUNDING: "rounding takes all digits of JAX's {mode} here: it is {given} by JAX and {expected} without it",
    Why.WIDE_BOUND: "the bound on rounding is wider than the derivative, and neither more digits nor function values "
    "confirm it",
    Why.OFF_FORMULA: "JAX's {mode} differs from the formula",
    Why.NEAR_FORMULA: "JAX's {mode} and the formula differ, but not decidedly",
    Why.OFF_VALUES: "JAX's {mode} differs from function values",
    Why.COARSE_VALUES: "function values are too coarse to decide",
    Why.ONLY_COARSE_VALUES: "without a formula, function values are too coarse to decide",
    Why.PROBES_UNDECIDED: "function values along random directions do not decide",
    Why.PROBES_OTHER_WRONG: "another entry is wrong: nothing is known of those that were not tried singly",
    Why.PROBES_SMALL: "it is smaller than what random directions show",
    Why.FROZEN: "function values show another slope, but the function may call stop_gradient, which they do not show",
    Why.REMAINDER: "the Taylor remainder does not fall as it should: function values do not confirm this derivative",
    Why.ALONE: "a choice in the code holds at this point alone: beside it, and by function values, the derivative is "
    "another",
    Why.BELOW_ALONE: "the derivative of one order less holds at this point alone, so that its own derivative says "
    "nothing",
}
"""What each kind says, of a mode, with numbers, a place, and what is said elsewhere put in."""

HIGHER = {"hessian": "second derivative", "d3": "third derivative", "hessian product": "product with the Hessian"}


@dataclass(frozen=True)
class Told:
    """What is true of this function in particular.

    Attributes:
        text: a sentence, or what a mode of JAX does where one is named.
        mode: "forward", "reverse" or "second", or "".
    """

    text: str
    mode: str = ""

    def words(self, what: str) -> str:
        """The sentence about a derivative, which is named as in `report.CheckEntry.what`."""
        return f"JAX's {mode_words(self.mode, what)} {self.text}" if self.mode else self.text


@dataclass(frozen=True)
class Reason:
    """Why entries of a block have their outcome.

    Attributes:
        why: the kind.
        mode: of JAX, or "second": which of its derivatives it is about; "" for none.
        given, expected: JAX's number and the right one, as a reader sees them.
        place: "here", "nearby", or what follows the numbers.
        said: what is put in that was said elsewhere.
        instead: said in place of all that.
        more: said after it.
    """

    why: Why
    mode: str = ""
    given: str = ""
    expected: str = ""
    place: str = ""
    said: str = ""
    instead: Told | None = None
    more: Told | None = None

    def words(self, what: str) -> str:
        """The sentence about a derivative, which is named as in `report.CheckEntry.what`.

        Example:
            >>> Reason(Why.OFF_FORMULA, "forward").words("hessian")
            "JAX's second derivative differs from the formula"
        """
        words = WORDS[self.why].format_map(vars(self) | {"mode": mode_words(self.mode, what)})
        words = words if self.instead is None else self.instead.words(what)
        return words if self.more is None else f"{words}; {self.more.words(what)}"

    def told(self, particular: Mapping[Why, Told]) -> Reason:
        """The reason with what is true of this function in particular in its place, or, of a wrong rule, after it."""
        if self.why is Why.RULE_WRONG:
            return replace(self, more=particular.get(Why.OWN_ROUNDING))
        told = particular.get(self.why) if self.place != "nearby" else None
        return self if told is None else replace(self, instead=replace(told, mode=self.mode) if told.mode else told)


def mode_words(mode: str, what: str = "gradient") -> str:
    """What a reader calls a mode of JAX: the two columns of higher derivatives are no modes of the first."""
    if mode == "second":
        return "second derivative"
    if what in ("gradient", "jacobian"):
        return f"{mode} mode"
    name = HIGHER.get(what, f"derivative of order {what[1:]}")
    return name if mode == "forward" else f"{name} by reverse over reverse mode"
