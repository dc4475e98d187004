"""The dataset card, computed from the rows."""
