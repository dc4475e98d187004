"""The store's metadata, its schema version and the migrations between versions.

Each `*_rows` module declares its tables on `metadata`. Version 1 is created whole; a later version adds a
function to MIGRATIONS that turns the version before into it, and old stores are brought up one step at a
time on opening.
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
"""'application', 'schema_version' and 'created': what makes a database ours."""

Migration = Callable[[Connection], None]
MIGRATIONS: Mapping[int, Migration] = {}
"""Version -> what turns a store of the version before into it, in one transaction."""
