"""Digits that rounding takes: how many, at which step, and the form that keeps them."""
