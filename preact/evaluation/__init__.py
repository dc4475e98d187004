"""Interviews, judges, statistics, tables, figures and trait identification."""
