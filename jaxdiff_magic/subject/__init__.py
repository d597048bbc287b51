"""What is differentiated: the function, its point, its leaves and their names, its trace, its source."""
