"""Read essays and split them into sentences."""
