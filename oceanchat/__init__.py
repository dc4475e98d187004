"""The dataset half: essays to sentences, seed topics, dialogues, gates, back-validation and releases."""
