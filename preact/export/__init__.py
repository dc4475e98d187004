"""A trait-level or mixture as adapters that other programs load."""
