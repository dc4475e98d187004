"""Interviews, judges, statistics, tables, plots and trait identification."""
