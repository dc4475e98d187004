"""The schema's version and its metadata.

The modules beside this one declare their tables on `metadata`. A new store is created whole; a later version
adds a function to MIGRATIONS (migrations.py) that upgrades the version before it, and older stores are
upgraded one step at a time when they are opened.
"""

from collections.abc import Callable

from sqlalchemy import Column, Connection, MetaData, String, Table

APPLICATION = "ocean-chat"
SCHEMA_VERSION = 5

metadata = MetaData()
store_info = Table(
    "store_info",
    metadata,
    Column("name", String, primary_key=True),
    Column("value", String, nullable=False),
)
"""'application', 'schema_version' and 'created': they identify a database as ours."""

Migration = Callable[[Connection], None]
