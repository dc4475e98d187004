"""Build dialogues from sentences, one module per step."""
