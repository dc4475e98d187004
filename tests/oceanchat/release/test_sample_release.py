"""The committed sample release: sound, small, and what a build of the bundled essays gives today.

After a change to the essays, the prompts or the scripted model, rebuild it with

    rm -r releases/ocean-chat-0.1.0-scripted
    oceanchat build all --store sample.db
    oceanchat release --version 0.1.0 --license cc0-1.0 --store sample.db
"""

import hashlib
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from oceanchat.release.folder import Release, read_release
from oceanchat.release.rows import Row
from oceanchat.release.verification import verify_release
from oceanchat.traits import CODES

SAMPLE = Path(__file__).parents[3] / "releases" / "ocean-chat-0.1.0-scripted"
OCEANCHAT = str(Path(sys.executable).with_name("oceanchat"))


def row_hash(row: Row) -> str:
    """A hash of all a row says, but for its floats, which another environment may round differently."""
    record = row.model_dump_json(exclude={"words": True, "provenance": {"sampling"}})
    return hashlib.sha256(record.encode()).hexdigest()


@pytest.fixture(scope="module")
def sample() -> Release:
    return read_release(SAMPLE)


@pytest.fixture(scope="module")
def rebuilt(tmp_path_factory: pytest.TempPathFactory) -> Release:
    tmp_path = tmp_path_factory.mktemp("sample")
    build = [OCEANCHAT, "build", "all", "--store", "sample.db"]
    release = [OCEANCHAT, "release", "--version", "0.1.0", "--license", "cc0-1.0", "--store", "sample.db"]
    for command in (build, release):
        subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    return read_release(tmp_path / "releases" / SAMPLE.name)


def test_the_sample_is_sound_and_small(sample: Release) -> None:
    assert verify_release(SAMPLE).problems == ()
    assert sum(path.stat().st_size for path in SAMPLE.rglob("*") if path.is_file()) < 1_000_000


def test_length_tells_high_from_low_for_no_trait(sample: Release) -> None:
    measured = {trait: figure["value"] for trait, figure in sample.quality["length_auc"].items()}
    assert set(measured) == set("OCEAN") and all(0.4 <= value <= 0.6 for value in measured.values())
    assert {build["answer_words"] for build in sample.manifest.builds.values()} == {"8-40"}


def test_the_sample_has_all_trait_levels_in_all_splits_and_rejected_rows(sample: Release) -> None:
    assert Counter(row.trait_level for row in sample.rows) == dict.fromkeys(CODES, 20)
    for split in ("train", "validation", "test"):
        assert set(sample.manifest.counts.splits[split]) == set(CODES)
    assert sample.rejected
    assert sample.manifest.scripted and all(row.scripted for row in sample.rows)


def test_a_build_of_the_bundled_essays_gives_the_same_rows(sample: Release, rebuilt: Release) -> None:
    assert list(map(row_hash, rebuilt.rows)) == list(map(row_hash, sample.rows))
    assert list(map(row_hash, rebuilt.rejected)) == list(map(row_hash, sample.rejected))


def test_a_build_of_the_bundled_essays_gives_the_same_counts(sample: Release, rebuilt: Release) -> None:
    assert rebuilt.manifest.counts == sample.manifest.counts
    assert rebuilt.quality["funnel"] == sample.quality["funnel"]
    assert rebuilt.quality["prompts"] == sample.quality["prompts"]
    for name in ("near_duplicates", "personal_data", "rejected"):
        assert rebuilt.quality["rows"][name] == sample.quality["rows"][name]
