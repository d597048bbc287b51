"""What is being differentiated: a function, a point, and the floating-point leaves of its arguments."""

from __future__ import annotations

import functools
import inspect
import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import jax
import jax.extend.core
import numpy as np
from jax import tree_util

from jaxdiff_magic.base.copies import Data, Missing, Unsaved
from jaxdiff_magic.base.errors import InputError
from jaxdiff_magic.subject.callee import callee_of, modules_known
from jaxdiff_magic.subject.derivative_programs import DerivativePrograms
from jaxdiff_magic.subject.entangled import is_entangled
from jaxdiff_magic.subject.leaves import (
    LARGE,
    Held,
    Leaf,
    OpenCall,
    flattened,
    floating_parts,
    is_spread,
    jax_dtype,
    kind,
    outputs_of,
    refuse_unusable,
)
from jaxdiff_magic.subject.source import where_defined
from jaxdiff_magic.subject.surroundings import refuse_traced
from jaxdiff_magic.subject.templates import (
    Filling,
    Template,
    filled,
    template_of,
)
from jaxdiff_magic.subject.untraced import hindrance_of
from jaxdiff_magic.subject.wanted import arguments_at, held_of, wanted_of
from jaxdiff_magic.subject.wrappers import name_of, own_name, symbol_of


@dataclass(frozen=True, eq=False)
class Subject(Data):
    """A function at a point.

    Attributes:
        function: as the user gave it.
        name: how to call it in a sentence.
        callee: how to write it in a call: `f`, `model.loss`; "" where the reader's name for it is not known.
        args, kwargs: the point, as the user gave it.
        inputs: the differentiated leaves.
        point: their values, one per input, as the user gave them.
        held: the other leaves of the arguments.
        outputs: the floating-point leaves of the result.
        input_template: the arguments' structure with the position of each input for its leaf, None elsewhere;
            that of a tuple when several arguments are differentiated, as with `argnums`.
        output_template: likewise for the result.
        argnums: what to pass to `jax.grad` as argnums; None when `wrt` names parts of arguments or keywords.
        untraceable: why JAX cannot trace the function with abstract values; "" when it can.
        hindrance: the same in words: what its code does, where, and what to write.
        where: "file.py, line 3" of the definition, or "".
        closed: the jaxpr of `flat` at the point; None where there is none.
        whole: the jaxpr of all numbers that it returns, integers and booleans as well, and how they make its result.
        call: the user's call, with the differentiated leaves left open.
        complex_outputs: the positions of real parts among the outputs; each imaginary part comes next.
        modules: what the reader's code calls the modules that calls are made of, by their own names.
    """

    function: Callable[..., Any] = field(compare=False)
    name: str
    callee: str
    args: tuple[Any, ...] = field(compare=False)
    kwargs: dict[str, Any] = field(compare=False)
    inputs: tuple[Leaf, ...]
    point: tuple[Any, ...]
    held: tuple[Held, ...]
    outputs: tuple[Leaf, ...]
    input_template: Template = field(compare=False)
    output_template: Template = field(compare=False)
    argnums: int | tuple[int, ...] | None
    untraceable: str
    where: str
    closed: Any = field(compare=False, repr=False)
    whole: tuple[Any, Any] | None = field(compare=False, repr=False)
    call: OpenCall = field(compare=False, repr=False)
    complex_outputs: frozenset[int] = frozenset()
    hindrance: str = ""
    modules: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)

    UNSAVED: ClassVar[Unsaved] = {
        "function": lambda subject, _: Missing(subject.name),
        "call": lambda subject, call: Missing(subject.name, call.count),
        "args": lambda *_: (),
        "kwargs": lambda *_: {},
        **dict.fromkeys(("closed", "whole"), lambda *_: None),
        **dict.fromkeys(("input_template", "output_template"), lambda _, kept: kept if kept == 0 else None),
    }

    @property
    def calls(self) -> int:
        """How many times the user's function was entered (traced or run) so far."""
        return self.call.count

    @property
    def size(self) -> int:
        """Number of scalar inputs."""
        return sum(leaf.size for leaf in self.inputs)

    @property
    def output_size(self) -> int:
        """Number of scalar outputs."""
        return sum(leaf.size for leaf in self.outputs)

    @property
    def is_scalar(self) -> bool:
        """Whether `jax.grad` applies: the result is one array of shape ()."""
        return self.output_template == 0 and self.outputs[0].shape == () and not self.complex_outputs

    @property
    def is_large(self) -> bool:
        """Whether the inputs are too many for anything but JAX's own programs: no copy of them leaves its device.

        Step by step in float64 they would be copied by the dozen.
        """
        return self.size > LARGE

    @property
    def is_spread(self) -> bool:
        """Whether an input lives on several devices, where it stays."""
        return any(map(is_spread, self.point))

    @property
    def native_point(self) -> list[np.ndarray]:
        """The numbers at which JAX evaluates: those of the point, rounded to each leaf's dtype."""
        return [np.asarray(value).astype(leaf.dtype) for value, leaf in zip(self.point, self.inputs, strict=True)]

    @property
    def exact_point(self) -> list[np.ndarray]:
        """The same numbers in float64."""
        return [value.astype(np.float64) for value in self.native_point]

    def tree(self, *leaves: Any) -> Any:
        """The function of its differentiated leaves alone, with the result as the user's function returns it."""
        return self.call(leaves)

    def flat(self, *leaves: Any) -> tuple[Any, ...]:
        """Like `tree`, but `len(inputs)` arrays to `len(outputs)` arrays."""
        return tuple(part for leaf in tree_util.tree_leaves(self.tree(*leaves)) for part in floating_parts(leaf))

    def traced(self, *leaves: Any) -> tuple[Any, ...]:
        """`flat` for leaves of the point's shapes and dtypes, by its jaxpr: the user's code is not entered again."""
        if self.closed is None or self.is_entangled:
            return self.flat(*leaves)
        return tuple(jax.extend.core.jaxpr_as_fun(self.closed)(*leaves))

    @functools.cached_property
    def is_entangled(self) -> bool:
        """Whether only the code itself can be differentiated, and not its jaxpr."""
        return self.closed is not None and is_entangled(self.closed, self.flat, self.point)

    def result(self, *leaves: Any) -> Any:
        """`tree` for leaves of the point's shapes and dtypes; like `traced`, and of the same call.

        It has None for what is no number, such as the functions in a model that is returned.
        """
        if self.whole is None:
            return self.tree(*leaves)
        closed, template = self.whole
        numbers = jax.extend.core.jaxpr_as_fun(closed)(*leaves)
        return filled(lambda fill: fill(template, numbers.__getitem__))

    @functools.cached_property
    def programs(self) -> DerivativePrograms:
        """JAX's programs of its derivatives."""
        return DerivativePrograms(self.traced, self.point, self.is_scalar, not self.untraceable, self.is_entangled)

    def beside(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Another function of the same arguments, as a function of the differentiated leaves alone."""
        call = OpenCall(function, self.call.arguments, self.call.positions)
        return lambda *leaves: call(leaves)

    def with_function(self, function: Callable[..., Any]) -> Subject:
        """The same call of another function, whose arguments and result have the same structure."""
        return replace(self, function=function, closed=None, whole=None, call=replace(self.call, function=function))

    def assemble(self, per_output: Sequence[Any], order: int) -> Any:
        """Arrays indexed `[output][input]...[input]` (`order` inputs deep), in JAX's pytree structure.

        A class of the reader's that refuses what it is to hold there, where JAX raises, is a dict of its parts.
        """

        def made(fill: Filling) -> Any:
            def nest(parts: Sequence[Any], depth: int) -> Any:
                if depth:
                    return fill(self.input_template, lambda i: nest([part[i] for part in parts], depth - 1))
                return parts[0] if len(parts) == 1 else jax.lax.complex(*parts)

            def of(o: int) -> Any:
                return nest(per_output[o : o + 2] if o in self.complex_outputs else per_output[o : o + 1], order)

            return fill(self.output_template, of)

        return filled(made)

    def to_dict(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "inputs": [leaf.to_dict() for leaf in self.inputs],
            "outputs": [leaf.to_dict() for leaf in self.outputs],
            "held": [{"name": h.name, "kind": h.kind, "description": h.description} for h in self.held],
            "where": self.where,
        }


def subject_of(
    function: Callable[..., Any],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    wrt: int | str | Sequence[int | str] | None = None,
) -> Subject:
    """The subject of `derive(function, wrt=wrt)(*args, **kwargs)`.

    Args:
        function: any callable of pytrees that returns a pytree of numbers.
        args: positional arguments; every floating leaf is differentiated when `wrt` is None.
        kwargs: keyword arguments; held fixed unless named in `wrt`, as under `jax.grad`.
        wrt: an argument's name or position, a path such as "params['W']", or a sequence of those. Settings of a model
            (see `Place` in `modules.py`) are held fixed unless a path names them.

    Raises:
        InputError: nothing to differentiate, an unknown or non-floating `wrt`, complex input, or a result
            that is not made of floating-point arrays.
    """
    if not callable(function):
        raise InputError(f"{function!r} is not callable. Give derive() the function itself: derive(f)(x).")
    written = callee_of(function, own_name(function))
    name = name_of(function, args, written)
    keywords = sorted(kwargs)  # the order in which JAX flattens a dict
    roots = [*positional_names(function, args), *keywords]
    arguments = arguments_at(name, roots, [*args, *(kwargs[key] for key in keywords)], len(args))
    names, leaves = arguments.names, arguments.leaves
    refuse_traced(leaves)
    refuse_unusable(name, names, leaves)
    wanted = wanted_of(arguments, wrt)
    call = OpenCall(function, (args, kwargs), wanted.leaves)
    result, (untraceable, hindrance), closed, whole = _result(call, [leaves[i] for i in wanted.leaves])
    outputs, output_template, complex_outputs = outputs_of(symbol_of(function, args, result), name, result)
    return Subject(
        function=function,
        name=name_of(function, args, written, result),
        callee=written,
        args=args,
        kwargs=kwargs,
        inputs=tuple(Leaf(names[i], np.shape(leaves[i]), str(jax_dtype(leaves[i]))) for i in wanted.leaves),
        point=tuple(np.array(leaves[i]) if isinstance(leaves[i], np.ndarray) else leaves[i] for i in wanted.leaves),
        held=held_of(arguments, wanted),
        outputs=outputs,
        input_template=wanted.template,
        output_template=output_template,
        argnums=wanted.argnums,
        untraceable=untraceable,
        where=where_defined(function),
        closed=closed,
        whole=whole,
        call=call,
        complex_outputs=complex_outputs,
        hindrance=hindrance,
        modules=modules_known(),
    )


def display_name(function: Callable[..., Any]) -> str:
    """The name by which a reader knows the function; "f" for a lambda."""
    return symbol_of(function, ())


def arguments_of(subject: Subject) -> tuple[list[str], list[str]]:
    """Names of the positional arguments, and the text of all arguments in a call: `x`, `y`, `k=k`."""
    positional = positional_names(subject.function, subject.args)
    return positional, [*positional, *(f"{key}={key}" for key in sorted(subject.kwargs))]


def positional_names(function: Callable[..., Any], args: tuple[Any, ...]) -> list[str]:
    """The parameters' names, `rest[0]` for those of `*rest`, `argument 1` where there is no signature."""
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        parameters = []
    names: list[str] = []
    for parameter in parameters:
        if parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD):
            names.append(parameter.name)
        elif parameter.kind is parameter.VAR_POSITIONAL:
            names += [f"{parameter.name}[{i}]" for i in range(len(args) - len(names))]
    names += [f"argument_{i + 1}" for i in range(len(names), len(args))]
    return names[: len(args)]


def _result(call: OpenCall, point: list[Any]) -> tuple[Any, tuple[str, str], Any, tuple[Any, Any] | None]:
    """The call's result (abstract when it can be traced), `untraceable` and `hindrance`, `closed` and `whole`."""
    kept: list[Any] = []
    numeric = ("floating", "integer", "boolean", "complex")

    def traced(*leaves: Any) -> list[Any]:
        kept.append(call(leaves))
        return [leaf for leaf in tree_util.tree_leaves(kept[0]) if kind(leaf) in numeric]

    closed, why = None, ("", "")
    try:
        closed = jax.make_jaxpr(traced)(*point)
    except Exception as error:
        why = type(error).__name__, hindrance_of(error)
    if closed is None:  # the call may raise the reader's own error: not while another is handled, which would be shown
        result = call([np.array(x) if isinstance(x, np.ndarray) else x for x in point])
        # it may use a value of a transformation around this call
        refuse_traced([leaf for _, leaf in flattened(f"The result of {display_name(call.function)}", result)])
        return result, why, None, None
    refuse_traced(closed.consts)
    kinds, count = list(map(kind, tree_util.tree_leaves(kept[0]))), itertools.count()
    whole = closed, template_of(kept[0], lambda leaf: next(count) if kind(leaf) in numeric else None)
    if any(what != "floating" for what in kinds if what in numeric):
        everything = jax.extend.core.jaxpr_as_fun(closed)
        closed = jax.make_jaxpr(lambda *xs: [part for x in everything(*xs) for part in floating_parts(x)])(*point)
    return kept[0], ("", ""), closed, whole
