"""Trait-levels and mixtures as adapters."""
