"""Derivatives, each way on its own: by SymPy, by local rules in NumPy, by JAX, and for the browser."""
