"""Files and URLs that cannot be a store are refused, without their passwords."""

from pathlib import Path

import pytest

from oceanchat.errors import StoreError
from oceanchat.store.database import open_store


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("text.db", b"hello there, this is no database", "not an SQLite database"),
        ("cut.db", b"SQLite format 3\x00" + b"\x01" * 200, "cannot be used"),
    ],
)
def test_a_file_that_is_no_database_is_refused(tmp_path: Path, name: str, content: bytes, words: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(StoreError, match=words):
        open_store(tmp_path / name)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("mysql://user:secret@host/db", "neither an SQLite file nor PostgreSQL"),
        ("postgresql://user:secret@127.0.0.1:9/db", "cannot be used"),
        ("://", "not a database URL"),
    ],
)
def test_a_wrong_url_is_named_without_its_password(url: str, words: str) -> None:
    with pytest.raises(StoreError, match=words) as caught:
        open_store(url)
    assert "secret" not in str(caught.value)


def test_a_missing_store_is_not_made_by_readers(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="does not exist"):
        open_store(tmp_path / "none.db", must_exist=True)
    assert not list(tmp_path.iterdir())
    with pytest.raises(StoreError, match="folder does not exist"):
        open_store(tmp_path / "no" / "where.db")
    with pytest.raises(StoreError, match="is a folder"):
        open_store(tmp_path)
