"""Interviews, judges, comparisons and reports of systems."""
