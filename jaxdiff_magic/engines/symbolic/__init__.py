"""Formulas from programs: index expressions, their calculus, their evaluation, and how they are written."""
