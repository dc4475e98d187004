"""Readers of what models reply to requests."""
