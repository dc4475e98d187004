"""Experts, gate, router and losses (section 4)."""
