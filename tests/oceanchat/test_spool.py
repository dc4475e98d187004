"""Spools give back what was put into them, in any order, as sequences."""

import io
import math
import tempfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oceanchat.errors import TemporaryFilesError
from oceanchat.records import Dialogue, Provenance, Turn
from oceanchat.spool import Spool, joined, mapped
from oceanchat.traits import TRAIT_LEVELS


def dialogue(text: str, **changes: object) -> Dialogue:
    level = TRAIT_LEVELS[0]
    turns = (Turn(role="questioner", text=text), Turn(role="discloser", text="\n\u2028\x00é"))
    plain = Dialogue(id=text, trait=level.trait, level=level.level, turns=turns)
    return plain.model_copy(update=changes)


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"])), max_size=6), st.integers(1, 3))
def test_records_come_back_as_they_were(texts: list[str], together: int) -> None:
    spool = Spool(Dialogue, map(dialogue, texts), together)
    assert len(spool) == len(texts) and spool.records() == [dialogue(text) for text in texts]
    backwards = spool.records(range(len(texts))[::-1])
    assert [d.id for d in backwards] == texts[::-1] and [d.id for d in backwards[1:]] == texts[::-1][1:]
    spool.add(dialogue("more"))
    assert spool.records()[-1].id == "more" and len(backwards) == len(texts)


def test_what_is_no_number_survives() -> None:
    spool = Spool(Dialogue, [dialogue("a", provenance=Provenance(sampling={"temperature": math.nan}))])
    assert math.isnan(spool.read(0).provenance.sampling["temperature"])


def test_sequences_are_joined_and_mapped_without_a_copy() -> None:
    lengths = mapped(len, ["a", "bb"])
    both = joined((), lengths, [], range(3))
    assert list(both) == [1, 2, 0, 1, 2] and both[2] == 0 and both[-1] == 2 and both[1:3] == [2, 0]
    assert joined() == () and both != [1] and both != 1
    with pytest.raises(IndexError):
        both[5]


def test_a_full_folder_for_temporary_files_is_said_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "TemporaryFile", lambda: io.FileIO("/dev/full", "r+"))
    with pytest.raises(
        TemporaryFilesError, match=r"temporary files '.*' cannot be used: No space left.*TMPDIR"
    ):
        Spool(Dialogue, [dialogue("a")])
