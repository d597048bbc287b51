"""Derivatives that owe nothing to JAX's rules: a trace run in float64 NumPy, each step with its own local rule."""
