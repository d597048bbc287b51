"""Where a function is not smooth, which choices it makes, and where its derivative ends."""
