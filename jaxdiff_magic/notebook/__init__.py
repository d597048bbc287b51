"""What is typed: the magics, the cells and calls that they take apart, their options."""
