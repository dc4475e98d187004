"""Train a run and keep it."""
