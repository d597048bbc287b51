"""What is known of JAX's primitives, whichever engine asks: it knows no program and no derivative."""
