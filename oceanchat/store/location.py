"""The default file of the store.

Imports nothing, so that commands can name it in their help without loading a database.
"""

DEFAULT_STORE = "ocean-chat.db"
"""An SQLite file in the current folder."""
