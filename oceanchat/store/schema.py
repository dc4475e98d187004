"""The schema version and its migrations.

The modules beside this one declare their tables on `metadata`. Version 1 is created whole; a later version
adds a function to MIGRATIONS that upgrades the version before it, and older stores are upgraded one step at a
time when they are opened.
"""

from collections.abc import Callable, Mapping

from sqlalchemy import Column, Connection, MetaData, String, Table

APPLICATION = "ocean-chat"
SCHEMA_VERSION = 1

metadata = MetaData()
store_info = Table(
    "store_info",
    metadata,
    Column("name", String, primary_key=True),
    Column("value", String, nullable=False),
)
"""'application', 'schema_version' and 'created': they identify a database as ours."""

Migration = Callable[[Connection], None]
MIGRATIONS: Mapping[int, Migration] = {}
"""Version -> the function that upgrades a store of the version before, in one transaction."""
