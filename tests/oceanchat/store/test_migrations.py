"""A store that an older version wrote is upgraded when it is opened."""

from pathlib import Path

import pytest
from sqlalchemy import text

from oceanchat.annotation import labels
from oceanchat.annotation.tasks import TALK
from oceanchat.store.database import open_store
from tests.oceanchat.annotation.scenes import GOOD, sampled
from tests.oceanchat.annotation.talks import evaluated, next_cell


@pytest.mark.parametrize("kind", ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def test_a_store_of_version_1_keeps_its_drafts_and_gains_reading_time_and_conversations(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    url = tmp_path / "store.db" if kind == "sqlite" else request.getfixturevalue("postgres_url")
    store = open_store(url)
    ann = sampled(store)[0]
    presented = labels.next_item(store, ann)
    assert presented is not None
    labels.save_draft(store, ann, presented.token, GOOD)
    with store.writing() as connection:
        later = "shared_limits ledger_requests turns conversations evaluation_cells second_looks"
        for table in later.split():
            connection.execute(text(f"DROP TABLE {table}"))
        connection.execute(text("ALTER TABLE drafts DROP COLUMN active_seconds"))
        connection.execute(text("UPDATE store_info SET value = '1' WHERE name = 'schema_version'"))
    store.close()
    upgraded = open_store(url)
    again = labels.next_item(upgraded, ann)
    assert again is not None and dict(again.answers) == GOOD and again.active_seconds == 0.0
    labels.save_draft(upgraded, ann, again.token, GOOD, 0.0)
    assert labels.save(upgraded, ann, again.token, GOOD).revision == 1
    evaluated(upgraded, ("Dan",))
    assert next_cell(upgraded, ann).task is TALK
    upgraded.close()
