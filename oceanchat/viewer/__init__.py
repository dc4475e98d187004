"""The page one can mail, of dialogues."""
