"""The default location of the store, in a module that imports nothing."""

DEFAULT_STORE = "ocean-chat.db"
"""An SQLite file in the current folder."""
