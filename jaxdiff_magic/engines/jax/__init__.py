"""What JAX itself gives: values, products, its rules as programs, a run step by step."""
