"""Files and folders of dialogues, our own and others', are read as they are."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from oceanchat.errors import InputError
from oceanchat.pipeline.import_format import read_dialogues
from oceanchat.records import Dialogue
from oceanchat.release.writer import ReleaseConfig, write_release
from oceanchat.store.database import Store
from oceanchat.store.export import ExportFilter, export
from tests.oceanchat.release.factories import make_dialogue, make_dialogues, make_store

BUILT = [
    *make_dialogues(1),
    make_dialogue(5, "N-", state="off-trait"),
    make_dialogue(6, "O+", seed_topic='A line,\nand a "quoted" one.'),
]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    opened = make_store(tmp_path_factory.mktemp("sources") / "store.db", BUILT)
    yield opened
    opened.close()


def judged(dialogues: tuple[Dialogue, ...]) -> dict[str, Any]:
    return {d.id: (d.state, d.verdict and d.verdict.passed, d.provenance.writer, d.facet) for d in dialogues}


@pytest.mark.parametrize("ending", ["jsonl", "csv", "parquet"])
def test_our_own_exports_come_back_with_their_verdicts(store: Store, tmp_path: Path, ending: str) -> None:
    file = tmp_path / f"d.{ending}"
    export(store, "dialogues", None, file, ExportFilter(state="all"))
    content = read_dialogues(file)
    assert content.problems == () and judged(content.dialogues) == judged(tuple(BUILT))
    own = {d.id: d for d in BUILT}
    for dialogue in content.dialogues:
        before = own[dialogue.id]
        assert (dialogue.turns, dialogue.author, dialogue.seed_topic) == (
            before.turns,
            before.author,
            before.seed_topic,
        )
        assert dialogue.verdict == before.verdict and dialogue.provenance == before.provenance


def test_a_wide_table_and_a_release_come_back_too(store: Store, tmp_path: Path) -> None:
    export(store, "dialogues", None, tmp_path / "w.csv", wide=True)
    wide = read_dialogues(tmp_path / "w.csv")
    accepted = {d.id for d in BUILT if d.state == "passed"}
    assert wide.problems == () and {d.id for d in wide.dialogues} == accepted
    release = write_release(
        ReleaseConfig(version="1.0.0", license="mit", output=tmp_path, seed_topics="hash"), store
    )
    content = read_dialogues(release.folder)
    assert content.problems == () and {d.id for d in content.dialogues} == accepted
    assert {(d.state, d.seed_topic) for d in content.dialogues} == {("passed", None)}
    assert all(d.verdict is not None and d.author for d in content.dialogues)


def test_a_convokit_corpus_is_put_together(tmp_path: Path) -> None:
    spoken = [
        ("a", "Ada", "How was it?", 1),
        ("b", "Ben", "Awful.", 5),
        ("c", "Ada", "Why?", 3),
        ("d", "X", "Hi.", 1),
    ]
    lines = [
        {
            "id": n,
            "conversation_id": "d" if n == "d" else "a",
            "speaker": who,
            "text": text,
            "timestamp": when,
        }
        | {"reply-to": None, "meta": {"n": 1}}
        for n, who, text, when in spoken
    ]
    (tmp_path / "utterances.jsonl").write_text("\n".join(map(json.dumps, lines)) + "\nbroken\n")
    (tmp_path / "speakers.json").write_text(
        json.dumps({"Ben": {"meta": {"trait": "N", "level": "high"}}, "Ada": {}})
    )
    (tmp_path / "conversations.json").write_text(json.dumps({"a": {"meta": {"facet": "anxiety"}}}))
    content = read_dialogues(tmp_path)
    (dialogue,) = content.dialogues
    assert [turn.text for turn in dialogue.turns] == ["How was it?", "Why?", "Awful."]
    assert [turn.role for turn in dialogue.turns] == ["questioner", "questioner", "discloser"]
    assert (dialogue.trait_level.code, dialogue.facet) == ("N+", "anxiety")
    assert str(content.problems[0]).startswith("line 5: not valid JSON")
    assert len(content.problems) == 2


def test_a_folder_of_files_is_read_in_order(tmp_path: Path) -> None:
    for name in ("b", "a"):
        turns = [{"speaker": "X", "text": f"And {name}?"}, {"speaker": "Y", "text": "Fine."}]
        record = {"turns": turns, "scenario": {"trait": "O", "level": "low"}}
        (tmp_path / f"{name}.json").write_text(json.dumps(record, indent=2))
    (tmp_path / "c.jsonl").write_text("{}")
    content = read_dialogues(tmp_path)
    assert [d.turns[0].text for d in content.dialogues] == ["And a?", "And b?"]
    assert len(content.problems) == 1


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("a.csv", b"name,words\na,b\n", "has no column 'turns'"),
        (
            "a.csv",
            b"annotation_id,lead_time,text\n1,9.5,How?\n",
            "CSV of Label Studio.*'trait' is.*as JSON or",
        ),
        (
            "a.csv",
            b'annotation_id,lead_time,chat,trait_level\n1,9,"[""a""]",N+\n',
            "CSV of Label.*turn 1 is not",
        ),
        ("a.parquet", b"PAR1", "file '.*a.parquet'"),
        ("a.xlsx", b"PK", "cannot be read as Excel"),
        ("a.json", b"", "is empty"),
        ("a.jsonl", b"\x00\x01\x02\x03" * 20, "is a binary file"),
    ],
)
def test_files_that_are_none_are_one_line(tmp_path: Path, name: str, data: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(InputError, match=message) as caught:
        read_dialogues(tmp_path / name)
    assert len(str(caught.value).splitlines()) == 1


PIECES = st.sampled_from(
    (b"turns,trait,level\n", b"turn_1_text,turn_1_role\n", b'"[{""role"": ""user""', b'{"turns": [', b"PAR1")
) | st.sampled_from((b"{", b"}", b"[", b"]", b"\n", b",", b'"', b"\xff", b"null", b'"trait": "N"', b"\x00"))


@pytest.mark.parametrize("ending", [".jsonl", ".json", ".csv", ".parquet", ".xlsx", ".txt"])
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50, deadline=None)
@given(data=st.binary(max_size=80) | st.lists(PIECES, max_size=12).map(b"".join))
def test_any_file_gives_dialogues_problems_or_one_line(tmp_path: Path, ending: str, data: bytes) -> None:
    path = tmp_path / f"fuzz{ending}"
    path.write_bytes(data)
    try:
        content = read_dialogues(path)
    except InputError as error:
        assert len(str(error).splitlines()) == 1
    else:
        assert content.dialogues or content.problems
