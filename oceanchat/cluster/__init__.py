"""Builds that a Ray cluster works for."""
