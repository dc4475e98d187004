"""Figures about labels and dialogues: pure functions, records in, numbers out."""
