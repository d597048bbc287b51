"""Derivatives that owe nothing to JAX's rules: a trace run in float64 NumPy, each step with its own local rule."""

from jaxdiff_magic.engines.reference import partials, rules, scalars

__all__ = ["rules"]  # which fill the table of `run` as they are imported

scalars.PARTIALS.update(partials.PARTIALS)
