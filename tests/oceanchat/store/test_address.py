"""Files and URLs that cannot be a store are refused, without their passwords."""

from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oceanchat.errors import StoreError
from oceanchat.store.address import without_password
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
        ("postgresql://me:p@secret/secret@127.0.0.1:9/db", "as %2F, or leave the password to PGPASSWORD"),
        (
            "postgres://me:secret@127.0.0.1:9/db",
            r"store 'postgresql://\*\*\*@127.0.0.1:9/db' cannot be used",
        ),
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
    with pytest.raises(StoreError, match="write postgresql://USER@HOST/NAME") as slip:
        open_store("postgresql:/you:secret@host/study", must_exist=True)
    assert "secret" not in str(slip.value)
    with pytest.raises(StoreError, match="is a folder"):
        open_store(tmp_path)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://127.0.0.1:9/db?password=secret",
        "postgresql://127.0.0.1:9/db?user=me&password=secret&sslmode=disable",
        "postgresql://me@127.0.0.1:9/db?PASSWORD=secret",
        "postgresql://me@127.0.0.1:9/db?sslpassword=secret",
        "postgresql://me@127.0.0.1:9/db?pass%77ord=secret",
        "postgresql://me@127.0.0.1:9/db?passwort=secret",
        "postgresql://me:secret@127.0.0.1:9/db?password=secret",
        "postgresql://me:se/secret@127.0.0.1:9/db",
        "postgresql://me:other@secret@127.0.0.1:9/db",
        "postgresql://me:secret@127.0.0.1:port/db?password=secret",
        "postgresql+other://me:secret@127.0.0.1/db?password=secret",
        "mysql://host/db?password=secret&user=me",
        "oracle://host/db?user=me;passwd=secret",
        "sqlite://me:secret@host",
    ],
)
def test_a_password_is_masked_wherever_it_stands_in_a_url(url: str) -> None:
    with pytest.raises(StoreError) as caught:
        open_store(url)
    assert "secret" not in str(caught.value)


@given(st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=8))
def test_no_password_survives_in_any_form(password: str) -> None:
    for text in (
        f"postgresql://me:{password}@host/db",
        f"postgresql://host/db?password={password}&sslmode=require",
        f"connection to 'postgresql://host/db?sslmode=require&password={password}' failed",
        f"host=h user=u password={password} dbname=d",
        f"host=h password = '{password} {password}' dbname=d",
    ):
        assert password not in without_password(text).replace("password", "").replace("postgresql", "")


def test_what_is_no_secret_stays_readable() -> None:
    for text in (
        "postgresql://host:5432/db?sslmode=require&options=-csearch_path%3Dx",
        'FATAL:  password authentication failed for user "me"',
        "database disk image is malformed",
    ):
        assert without_password(text) == text


@pytest.mark.postgres
def test_a_store_with_its_password_in_the_query_is_named_without_it(postgres_url: str) -> None:
    with closing(open_store(f"{postgres_url}&password=secret")) as store:
        assert "secret" not in store.url and "options=" in store.url
        with pytest.raises(StoreError) as caught, store.reading() as connection:
            connection.exec_driver_sql("SELECT 'secret'::int")
        assert "secret" not in str(caught.value)
