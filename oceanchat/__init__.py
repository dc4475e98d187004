"""The dataset half, from essays to releases."""
