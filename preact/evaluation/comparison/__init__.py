"""From scores to tested contrasts."""
