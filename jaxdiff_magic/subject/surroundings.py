"""Where derive is called: inside a transformation of the reader's it cannot work; settings for debugging are set aside.

The settings are those with which JAX and NumPy raise an exception at what is right as well: a NaN that is looked for, a
transfer that is meant, a tracer that is kept to read its shape.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from typing import Any

import jax
import jax.core
import jax.numpy as jnp
import numpy as np

from jaxdiff_magic.base.errors import InputError
from jaxdiff_magic.subject.source import Location, is_users

TRANSFORMATIONS = {
    "cache_miss": "jax.jit",
    "vmap_f": "jax.vmap",
    "grad_f": "jax.grad",
    "value_and_grad_f": "jax.value_and_grad",
    "jacfun": "jax.jacfwd or jax.jacrev",
    "jvp": "jax.jvp",
    "vjp": "jax.vjp",
    "linearize": "jax.linearize",
    "make_jaxpr_f": "jax.make_jaxpr",
    "eval_shape": "jax.eval_shape",
    "fun_remat": "jax.checkpoint",
    "scan": "jax.lax.scan",
    "fori_loop": "jax.lax.fori_loop",
    "while_loop": "jax.lax.while_loop",
    "cond": "jax.lax.cond",
    "switch": "jax.lax.switch",
    "map": "jax.lax.map",
}
"""JAX's functions that trace, by the name that their code has on the stack."""
_FILES_OF_JAX = os.path.dirname(os.path.abspath(str(jax.__file__))) + os.sep


SETTINGS = {
    "debug_nans": False,
    "debug_infs": False,
    "disable_jit": False,
    "check_tracer_leaks": False,
    "no_tracing": False,
    "numpy_dtype_promotion": "standard",
    "numpy_rank_promotion": "allow",
    "transfer_guard_host_to_device": "allow",
    "transfer_guard_device_to_device": "allow",
    "transfer_guard_device_to_host": "allow",
}
"""Settings with which JAX raises an exception, or runs step by step, and how they are while we work."""


@contextlib.contextmanager
def settings_set_aside() -> Iterator[None]:
    """JAX's and NumPy's own settings while we work, whatever the reader debugs with; precision and devices stay."""
    with contextlib.ExitStack() as stack:
        for name, ours in SETTINGS.items():
            if getattr(jax.config, f"jax_{name}", None) not in (ours, None):  # else all would be compiled anew
                stack.enter_context(getattr(jax, name)(ours))
        stack.enter_context(np.errstate(all="ignore"))
        yield


def refuse_traced(values: Any) -> None:
    """Raise InputError where some values of the reader's are traced, or where whatever is computed here is.

    Args:
        values: a pytree.
    """
    traced = any(isinstance(leaf, jax.core.Tracer) for leaf in jax.tree_util.tree_leaves(values))
    if not traced and not isinstance(jnp.zeros(()), jax.core.Tracer):
        return
    place, name = Location(), ""
    frame = sys._getframe()
    while frame is not None:
        code = frame.f_code
        if is_users(code.co_filename):
            if name:
                break
            place = place if place.line else Location(code.co_filename, frame.f_lineno)
        elif place.line and code.co_filename.startswith(_FILES_OF_JAX):
            name = TRANSFORMATIONS.get(code.co_name, name)  # the outermost is the one that the reader wrote
        frame = frame.f_back
    where = f" ({place})" if place.line else ""
    raise InputError(
        f"derive needs concrete values, but it was called inside {name or 'a transformation of JAX'}{where}, where "
        "values are traced: they have a shape and no number. Call it outside, with the numbers themselves."
    )
