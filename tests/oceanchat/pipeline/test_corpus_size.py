"""How many sentences a corpus holds: counted, extrapolated, or as the store knows it."""

import json
from pathlib import Path

import pytest

from oceanchat.corpus.essays import open_corpus
from oceanchat.corpus.ingest import ingest_corpus
from oceanchat.errors import CorpusError
from oceanchat.pipeline import corpus_size as module
from oceanchat.pipeline.config import BuildConfig
from oceanchat.pipeline.corpus_size import corpus_size
from oceanchat.progress import Silence
from oceanchat.traits import TraitLevel
from tests.stores import open_for_test


def config(essays: str | None) -> BuildConfig:
    return BuildConfig(trait_levels=(TraitLevel.parse("O+"),), essays=essays)


def test_a_corpus_is_counted_extrapolated_or_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file, store = tmp_path / "essays.jsonl", open_for_test(tmp_path / "store.db")
    texts = [
        f"Today number {n} came home late. The cat slept on my chair. So I let her sleep." for n in range(9)
    ]
    file.write_text("\n".join(json.dumps({"text": text}) for text in texts))
    counted = corpus_size(config(str(file)), store)
    assert counted is not None and (counted.essays, counted.counted) == (9, True)
    assert [note[:28] for note in counted.notes] == ["no column names the authors "]
    assert counted.sentences == 9 * (counted.sentences // 9) > 0
    monkeypatch.setattr(module, "ESSAYS", 2)
    about = corpus_size(config(str(file)), store)
    assert about is not None and (about.sentences, about.counted) == (counted.sentences, False)
    ingest_corpus(open_corpus(str(file)), store, Silence())
    assert corpus_size(config(str(file)), store) == counted


def test_a_corpus_on_the_hub_is_not_fetched_and_a_missing_one_is_named(tmp_path: Path) -> None:
    store = open_for_test(tmp_path / "store.db")
    assert corpus_size(config("owner/essays"), store) is None
    with pytest.raises(CorpusError, match="does not exist"):
        corpus_size(config("essays.csv"), store)
