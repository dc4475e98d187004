"""From sentences to checked dialogues, one module a step."""
