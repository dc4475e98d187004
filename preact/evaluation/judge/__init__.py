"""Score answers, and judge the judges."""
