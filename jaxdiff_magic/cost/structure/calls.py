"""The Python text to paste for a strategy: a call of JAX or asdex that runs where the function is defined."""

from __future__ import annotations

from jax import tree_util

from jaxdiff_magic.cost.calls import argnums_text, root_of
from jaxdiff_magic.subject import Subject, arguments_of


def transform_call(subject: Subject, *transforms: str, options: str = "", sample: bool = False) -> str:
    """`transform(f, argnums=…)(x, y)`, over the arguments that are differentiated.

    Args:
        transforms: such as "jax.hessian"; of several, the first is applied last.
        options: more keyword arguments, such as ", mode='rev'".
        sample: whether the transformation is also given the arguments, as asdex needs them to read the function.

    Returns:
        "" where there is no such call: a part of an argument is differentiated, or one of those that a function takes
        as `*rest`, or the result has parts that are not floating.

    Example:
        `asdex.jacobian(f, x, mode='fwd')(x)`; `asdex.hessian(lambda x: f(x, n), x)(x)` where n is an integer.
    """
    positional, arguments = arguments_of(subject)
    names = [*positional, *subject.kwargs]
    roots = list(dict.fromkeys(root_of(leaf.name, names) for leaf in subject.inputs))
    if any(root_of(held.name, names) in roots for held in subject.held) or _has_other_results(subject):
        return ""
    chosen = ", ".join(roots)
    function = subject.name
    if arguments != roots:
        if not all(root.isidentifier() for root in roots):
            return ""
        function = f"lambda {chosen}: {subject.name}({', '.join(arguments)})"
    given = f", {chosen}" if sample else ""
    argnums = argnums_text(tuple(range(len(roots))) if len(roots) > 1 else 0)
    for transform in reversed(transforms):
        function = f"{transform}({function}{given}{argnums}{options})"
    return f"{function}({chosen})"


def _has_other_results(subject: Subject) -> bool:
    return None in tree_util.tree_leaves(subject.output_template, is_leaf=lambda leaf: leaf is None)
