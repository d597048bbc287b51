"""Facts about primitives, each said once: the engines, the findings and the cost ask here for those with a fact.

A primitive that is not listed has none of them: it is then followed by its rule or its body, and nothing is taken for
granted. A new one that only passes its operand on takes one line here, as `name` has.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Literal, get_args

Fact = Literal[
    "passes",  # the one operand itself, element by element, whatever its dtype
    "reshapes",  # the operand's elements in their order, under another shape
    "moves",  # each element of the one result is an element of an operand, or a constant
    "reindexes",  # each element of the results is the operand's at places that the parameters say
    "reads_at",  # the first operand's elements, at places that the other operands say
    "writes",  # the first operand with some elements replaced, or changed, at places that others say
    "parts",  # some elements of the operand alone, at places that the parameters say
    "linear",  # in all its operands together, or constant, between jumps
    "bilinear",  # in two operands, one at a time
    "sums",  # of terms that may cancel
    "smooth",  # everywhere, without kinks or poles, as far as its operands are finite
    "saturates",  # flat within rounding far from 0, on one side at least
    "jumps",  # piecewise constant
    "level",  # of slope 0 wherever it has one
    "compares",  # two numbers; the result is a truth
    "bends",  # puts linear pieces together
    "orders",  # elements by their size, or finds their places
    "reduces",  # an operand's elements along some axes to one
    "across",  # of an operand's shape, but not made element by element
    "loops",  # runs a body again and again
    "triangle",  # reads one triangle of a symmetric matrix
    "draws",  # random numbers by rejection
]
"""What may be true of a primitive."""

_TABLE = """
copy                    passes moves reindexes smooth linear
copy_p                  passes moves reindexes smooth linear
device_put              passes moves reindexes smooth linear
name                    passes moves reindexes smooth linear
convert_element_type    passes moves linear
optimization_barrier    reindexes smooth linear
reduce_precision        moves linear
stop_gradient           level linear
reshape                 reshapes moves reindexes smooth linear
squeeze                 reshapes moves reindexes parts smooth linear
expand_dims             reshapes moves reindexes smooth linear
broadcast_in_dim        moves reindexes smooth linear
transpose               moves reindexes smooth linear
rev                     moves reindexes smooth linear
tile                    moves reindexes smooth linear
slice                   moves reindexes parts smooth linear
concatenate             moves smooth linear
stack                   moves smooth linear
pad                     linear smooth
split                   reindexes parts smooth linear
unstack                 reindexes parts smooth linear
gather                  moves reads_at linear
dynamic_slice           moves reads_at linear
dynamic_update_slice    writes linear
scatter                 writes linear
scatter-add             writes linear sums
scatter_add             writes linear sums
scatter-sub             writes linear sums
scatter-mul             writes
scatter_mul             writes
scatter-min             writes bends
scatter_min             writes bends
scatter-max             writes bends
scatter_max             writes bends
neg                     linear smooth
add                     linear smooth sums
sub                     linear smooth sums
add_any                 linear smooth sums
mul                     bilinear smooth
dot_general             bilinear smooth sums across
conv_general_dilated    bilinear smooth
reduce_sum              linear smooth sums reduces
reduce_prod             reduces
reduce_max              bends reduces
reduce_min              bends reduces
reduce_and              reduces
reduce_or               reduces
argmax                  level reduces orders linear
argmin                  level reduces orders linear
cumsum                  linear smooth sums across
cumprod                 across
cummax                  linear across
cummin                  linear across
cumlogsumexp            across
sort                    bends orders across
top_k                   orders linear
max                     bends
min                     bends
abs                     bends
clamp                   bends
select_n                bends
sign                    jumps level linear
floor                   jumps level linear
ceil                    jumps level linear
round                   jumps level linear
eq                      compares level
ne                      compares level
lt                      compares level
le                      compares level
gt                      compares level
ge                      compares level
eq_to                   compares level
lt_to                   compares level
le_to                   compares level
exp                     smooth saturates
exp2                    smooth saturates
expm1                   smooth saturates
log1p                   saturates
sin                     smooth
cos                     smooth
sinh                    smooth
cosh                    smooth
tanh                    smooth saturates
asinh                   smooth
atan                    smooth saturates
logistic                smooth saturates
erf                     smooth saturates
erfc                    smooth saturates
square                  smooth
cond                    linear
scan                    loops linear
while                   loops linear
cholesky                triangle
eigh                    triangle
random_gamma            draws
"""
"""Primitive, and what is true of it. A loop or a branch is as linear as its bodies, which are looked into."""


def _parsed(table: str) -> dict[str, frozenset[Fact]]:
    facts: dict[str, frozenset[Fact]] = {}
    for name, *said in map(str.split, table.strip().splitlines()):
        unknown = set(said) - set(get_args(Fact))
        assert not unknown and name not in facts, f"{name}: {unknown or 'listed twice'}"
        facts[name] = frozenset(said)  # type: ignore[arg-type]
    return facts


FACTS: Mapping[str, frozenset[Fact]] = _parsed(_TABLE)
"""Primitive to what is true of it."""


@functools.cache
def having(*facts: Fact) -> frozenset[str]:
    """The primitives of which one of some facts, at least, is true.

    Example:
        >>> sorted(having("loops"))
        ['scan', 'while']
    """
    return frozenset(name for name, known in FACTS.items() if not known.isdisjoint(facts))
