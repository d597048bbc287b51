"""The Python text to paste for a strategy: a call of JAX or asdex that runs where the function is defined."""

from __future__ import annotations

from jaxdiff_magic.cost.mode_calls import argnums_text, function_text, remarked, root_of
from jaxdiff_magic.cost.passes import Mode
from jaxdiff_magic.subject.subject import Subject, arguments_of
from jaxdiff_magic.subject.templates import numbers_in


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
    if (whole := _whole(subject)) is None:
        return ""
    function, roots = whole
    chosen = ", ".join(roots)
    given = f", {chosen}" if sample else ""
    argnums = argnums_text(tuple(range(len(roots))) if len(roots) > 1 else 0)
    for transform in reversed(transforms):
        function = f"{transform}({function}{given}{argnums}{options})"
    return remarked(subject, f"{function}({chosen})")


def chunked_call(subject: Subject, mode: Mode, at_once: int, inner: str = "") -> str:
    """`jax.lax.map` over the columns (forward) or rows (reverse) of a derivative, so many at once: a matrix.

    Args:
        inner: for a Hessian the transformation inside, "jax.grad" or "jax.jacfwd"; "" for a Jacobian.

    Returns:
        Some lines, of which the last is an expression: all outputs by all inputs, vectors and pytrees raveled in
        JAX's order. "" where there is no such text, as of `transform_call` or where leaves differ in dtype.

    Example:
        `jax.lax.map(lambda j: jax.jvp(f, (x,), (jax.nn.one_hot(j, 9, dtype='float32'),))[1], jax.numpy.arange(9),
        batch_size=3).T`
    """
    whole = _whole(subject)
    dtypes = {leaf.dtype for leaf in subject.inputs}, {leaf.dtype for leaf in subject.outputs}
    if whole is None or any(len(found) > 1 for found in dtypes):
        return ""
    function, roots = whole
    point, lines = roots[0], []
    is_vector = [leaf.name for leaf in subject.inputs] == roots[:1] and len(subject.inputs[0].shape) == 1
    if not (is_vector and len(roots) == 1 and (inner or _is_one_vector(subject))):
        if not all(root.isidentifier() for root in roots):
            return ""
        result = _applied(subject) if inner else f"ravel_pytree({_applied(subject)})[0]"
        names = f"({', '.join(roots)},)"
        lines = [
            "from jax.flatten_util import ravel_pytree",
            f"flat_point, unravel = ravel_pytree({names})",
            f"def raveled(v):\n    {names} = unravel(v)\n    return {result}",
        ]
        function, point = "raveled", "flat_point"
    function = f"{inner}({function})" if inner else function
    (into,), (out,) = dtypes
    n, m = subject.size, subject.size if inner else subject.output_size
    if mode == "forward":
        along = f"jax.nn.one_hot(j, {n}, dtype='{into}')"
        mapped, count, end = f"lambda j: jax.jvp({function}, ({point},), ({along},))[1]", n, ".T"
    else:
        lines.append(f"value, pullback = jax.vjp({function}, {point})")
        mapped, count, end = f"lambda i: pullback(jax.nn.one_hot(i, {m}, dtype='{into if inner else out}'))[0]", m, ""
    call = f"jax.lax.map({mapped}, jax.numpy.arange({count}), batch_size={at_once}){end}"
    return "\n".join([*lines, remarked(subject, call)])


def _whole(subject: Subject) -> tuple[str, list[str]] | None:
    """The function of the differentiated arguments alone, as text, and their names; None where they are not whole."""
    positional, arguments = arguments_of(subject)
    names = [*positional, *subject.kwargs]
    roots = list(dict.fromkeys(root_of(leaf.name, names) for leaf in subject.inputs))
    if any(root_of(held.name, names) in roots for held in subject.held) or _has_other_results(subject):
        return None
    if arguments == roots:
        return function_text(subject), roots
    if not all(root.isidentifier() for root in roots):
        return None
    return f"lambda {', '.join(roots)}: {_applied(subject)}", roots


def _applied(subject: Subject) -> str:
    """The user's call."""
    return f"{function_text(subject)}({', '.join(arguments_of(subject)[1])})"


def _is_one_vector(subject: Subject) -> bool:
    return subject.output_template == 0 and not subject.complex_outputs and len(subject.outputs[0].shape) <= 1


def _has_other_results(subject: Subject) -> bool:
    return None in numbers_in(subject.output_template)
