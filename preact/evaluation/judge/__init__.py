"""Score answers and check the judges."""
