"""Store, prompts, prices and keys are looked at; nothing is written and no key is shown."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from oceanchat.doctor.findings import Finding, Named
from oceanchat.doctor.project import look_at_project
from oceanchat.llm.settings import CallSettings
from oceanchat.store.database import open_store
from oceanchat.store.schema import SCHEMA_VERSION

NOTHING = Named()


def findings(
    store: Path,
    named: Named = NOTHING,
    prompts: Path | None = None,
    prices: Path | None = None,
    key: str = "",
) -> dict[str, Finding]:
    environment = {"OPENAI_API_KEY": key}
    seen = look_at_project(named, str(store), prompts, prices, CallSettings(), environment)
    return {finding.name: finding for finding in seen}


def set_version(path: Path, version: int) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE store_info SET value = ? WHERE name = 'schema_version'", [str(version)])


def test_a_store_is_read_and_stays_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    open_store(path).close()
    set_version(path, 1)
    before = path.read_bytes()
    seen = findings(path)["store"]
    assert seen.state == "ok" and f"schema 1, which the next command brings to {SCHEMA_VERSION}" in seen.text
    assert path.read_bytes() == before and [each.name for each in tmp_path.iterdir()] == ["store.db"]
    set_version(path, 999)
    assert findings(path)["store"].state == "missing"


def test_an_empty_postgresql_database_that_was_reached_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("oceanchat.doctor.project.stored_version", lambda url: None)
    url = "postgresql://me:secret@db/study"
    settings = CallSettings()
    seen = {each.name: each for each in look_at_project(Named(store=True), url, None, None, settings, {})}
    assert seen["store"].state == "ok" and "@db/study', empty; the first build" in seen["store"].text
    assert "secret" not in seen["store"].text


def test_only_a_store_that_was_named_is_missing(tmp_path: Path) -> None:
    assert findings(tmp_path / "no.db")["store"].state == "note"
    assert findings(tmp_path / "no.db", Named(store=True))["store"].state == "missing"
    planned = Named(store=True, planned=True)
    assert findings(tmp_path / "no.db", planned)["store"].state == "ok"
    assert findings(tmp_path / "no" / "no.db", planned)["store"].state == "missing"
    other = tmp_path / "other.db"
    with closing(sqlite3.connect(other)) as connection:
        connection.execute("CREATE TABLE theirs (x)")
    assert "belongs to another program" in findings(other, Named(store=True))["store"].text


def test_prompts_and_prices_that_cannot_be_used_are_missing(tmp_path: Path) -> None:
    seen = findings(tmp_path / "no.db", prompts=tmp_path, prices=tmp_path / "no.toml")
    assert seen["prompts"].state == seen["prices"].state == "missing"
    good = findings(tmp_path / "no.db")
    assert good["prompts"].state == "ok" and " days old" in good["prices"].text


def test_a_model_without_a_price_is_said(tmp_path: Path) -> None:
    seen = findings(tmp_path / "no.db", Named(models=("no-such-model",)))
    assert "none for no-such-model: what it costs is unknown" in seen["prices"].text


def test_a_key_is_needed_where_a_model_is_named_and_never_shown(tmp_path: Path) -> None:
    named = Named(models=("gpt-4o-mini",))
    assert findings(tmp_path / "no.db")["OPENAI_API_KEY"].state == "note"
    assert findings(tmp_path / "no.db", named)["OPENAI_API_KEY"].state == "missing"
    seen = findings(tmp_path / "no.db", named, key="sk-planted")
    assert seen["OPENAI_API_KEY"] == Finding("OPENAI_API_KEY", "ok", "set") and "planted" not in str(seen)
