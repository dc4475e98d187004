"""Where the store is unless a command is told otherwise; free of any library."""

DEFAULT_STORE = "ocean-chat.db"
"""An SQLite file in the current folder."""
