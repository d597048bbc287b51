"""Numbers that are not finite: where they are born, how that is told, and what to write instead."""
