"""What the dialogues talk about."""
