"""Build dialogues from sentences, one module a step."""
