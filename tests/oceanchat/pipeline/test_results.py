"""What a store gives back of its builds, and one clear line where it holds none."""

from pathlib import Path

import pytest

from oceanchat.errors import InputError
from oceanchat.llm.settings import OPENAI_URL
from oceanchat.pipeline import results
from oceanchat.pipeline.build import build, prepare
from oceanchat.pipeline.config import BuildConfig
from oceanchat.pipeline.results import dialogue, dialogues, passed_statistics, sample_dialogues, status
from oceanchat.progress import Silence
from oceanchat.store.database import Store
from oceanchat.traits import Level, Trait, TraitLevel
from tests.stores import open_for_test

CONFIG = BuildConfig(trait_levels=(TraitLevel.parse("O+"), TraitLevel.parse("N+")), count=12)
CLOSED = TraitLevel(Trait.O, Level.LOW)


@pytest.fixture
async def built(tmp_path: Path) -> Store:
    store = open_for_test(tmp_path / "store.db")
    await build(prepare(CONFIG), store, Silence())
    return store


async def test_every_row_of_the_status_is_accounted_for(built: Store) -> None:
    latest = status(built)
    assert [entry.build.trait_level for entry in latest] == ["O+", "N+"]
    for entry in latest:
        rejected = entry.outcome.written - entry.outcome.passed
        assert sum(rows for step, _, _, rows in entry.reasons if step == "checking") == rejected
        assert entry.record()["passed"] == entry.outcome.passed >= 12
    assert any(entry.reasons for entry in latest)


async def test_dialogues_are_picked_by_trait_level_state_and_id(built: Store) -> None:
    passed = dialogues(built, CONFIG.trait_levels, "passed")
    assert {d.state for d in passed} == {"passed"} and len(passed) >= 24
    assert dialogue(built, passed[0].id[:10]) == passed[0]
    with pytest.raises(InputError, match=r"no dialogue of O- in state 'passed'"):
        dialogues(built, [CLOSED], "passed")
    with pytest.raises(InputError, match="'zzz' is not known"):
        dialogue(built, "zzz")
    with pytest.raises(InputError, match="fits several dialogues"):
        dialogue(built, "")


def test_a_status_names_no_server_of_a_model_that_answered_in_files() -> None:
    shown = results.with_known_endpoint(
        {"endpoint": OPENAI_URL, "writer": "owner/name", "checker": "scripted"}
    )
    assert shown["endpoint"] is None
    assert results.with_known_endpoint({"endpoint": "scripted"}) == {"endpoint": "scripted"}


async def test_the_samples_are_of_different_trait_levels(built: Store) -> None:
    assert [d.trait_level for d in sample_dialogues(built, CONFIG)] == list(CONFIG.trait_levels)


async def test_table_six_has_a_row_for_each_trait_level_that_passed(built: Store) -> None:
    assert [row.trait_level for row in passed_statistics(built).table_six] == ["O+", "N+", "Avg"]


async def test_a_store_without_a_build_is_one_clear_line(tmp_path: Path) -> None:
    empty = open_for_test(tmp_path / "store.db")
    with pytest.raises(InputError, match="holds no build yet"):
        status(empty)
    with pytest.raises(InputError, match="holds no build yet"):
        dialogues(empty, [CLOSED], None)
    with pytest.raises(InputError, match="holds no dialogue that passed"):
        passed_statistics(empty)
