"""Ask the questions and store the answers."""
