"""Read the records of dialogue files and folders.

JSON, JSON Lines, CSV, Excel, Parquet, a release of ours, a ConvoKit corpus, or a folder of any of these. What
a record means is not known here.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from oceanchat.corpus.delimited import delimited_records
from oceanchat.corpus.json_rows import json_objects, numbered_objects
from oceanchat.corpus.rows import BadRow, column_name
from oceanchat.corpus.tables import table_rows
from oceanchat.corpus.workbooks import workbook_records
from oceanchat.errors import CorpusError, InputError, RecordError
from oceanchat.parquet import read_parquet
from oceanchat.pipeline.import_layouts import TURNS, WIDE_TURN

_JSON = (".jsonl", ".ndjson", ".json")
_FILES = (*_JSON, ".csv", ".tsv", ".xlsx", ".parquet")
ANNOTATION = frozenset({"annotation_id", "lead_time"})
"""Columns that every CSV of Label Studio has."""
_RELEASE, _CONVOKIT = "manifest.json", ("utterances.jsonl", "utterances.json")
_MISSING = "'turns' (its columns: {named}); a table of dialogues has turns or messages, as our exports have"


class SourceRecord(NamedTuple):
    """One record as it stands in its source, or why there is none."""

    line: int
    """Line, row or dialogue, counted from 1."""
    content: Mapping[str, Any] | str
    """The record, or what is wrong."""


def source_records(path: Path) -> Iterator[SourceRecord]:
    """The records of a file or folder in their order. Raises InputError for what cannot be read at all."""
    try:
        if path.is_dir():
            yield from _folder(path)
        else:
            yield from _file(path)
    except (CorpusError, RecordError) as error:
        reason = str(error).removeprefix(f"corpus '{path}' ")
        raise InputError(f"file '{path}' {reason}") from None
    except OSError as error:
        raise InputError(
            f"file '{path}' cannot be read: {error.strerror}; name a file or folder of dialogues"
        ) from None


def _file(path: Path) -> Iterator[SourceRecord]:
    if not path.is_file():
        path.read_bytes()  # raises the error that says why
    read = _READERS.get(path.suffix.lower())
    for line, row in numbered_objects(path) if read is None else enumerate(read(path), 1):
        if isinstance(row, BadRow):
            yield SourceRecord(row.line, row.why)
        else:
            yield SourceRecord(line, row)


def _is_header(cells: Sequence[object]) -> bool:
    names = [column_name(cell) for cell in cells]
    return any(name in TURNS or WIDE_TURN.fullmatch(name) or name in ANNOTATION for name in names)


def is_annotations(path: Path, content: Mapping[str, Any] | str) -> bool:
    """Whether a record of a file is a row of Label Studio's CSV: one annotation of a task."""
    return (
        path.suffix.lower() in (".csv", ".tsv") and not isinstance(content, str) and {*content} >= ANNOTATION
    )


def _csv(path: Path) -> Iterator[dict[str, Any] | BadRow]:
    return table_rows(delimited_records(path, _is_header), path, _is_header, _MISSING)


def _excel(path: Path) -> Iterator[dict[str, Any] | BadRow]:
    return table_rows(workbook_records(path, _is_header), path, _is_header, _MISSING)


_READERS: Mapping[str, Callable[[Path], Iterable[dict[str, Any] | BadRow]]] = {
    ".csv": _csv,
    ".tsv": _csv,
    ".xlsx": _excel,
    ".parquet": read_parquet,
}


def _folder(folder: Path) -> Iterator[SourceRecord]:
    convokit = next((folder / name for name in _CONVOKIT if (folder / name).is_file()), None)
    if convokit is not None:
        yield from _convokit(folder, convokit)
        return
    inside = folder / "data" if (folder / _RELEASE).is_file() else folder
    files = sorted(path for path in inside.glob("*") if path.suffix.lower() in _FILES)
    if not files:
        raise InputError(
            f"folder '{folder}' holds no dialogues; name a release, a ConvoKit corpus, or a folder of .json,"
            " .jsonl, .csv or .parquet files"
        )
    for path in files:
        for record in _file(path):
            problem = f"{path.name}: {record.content}" if isinstance(record.content, str) else record.content
            yield SourceRecord(record.line, problem)


def _convokit(folder: Path, utterances: Path) -> Iterator[SourceRecord]:
    """Utterances put together to conversations, with what is known of these and of their speakers."""
    spoken: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for line, row in enumerate(json_objects(utterances), 1):
        if isinstance(row, BadRow):
            yield SourceRecord(row.line, row.why)
            continue
        conversation = row.get("conversation_id", row.get("root"))
        if conversation is None:
            yield SourceRecord(line, "the utterance names no conversation (conversation_id)")
        else:
            spoken[str(conversation)].append(row)
    about, speakers = _index(folder, "conversations.json"), _index(folder, "speakers.json", "users.json")
    for number, (name, turns) in enumerate(spoken.items(), 1):
        names = {str(turn.get("speaker", turn.get("user", ""))) for turn in turns}
        known = {speaker: speakers[speaker] for speaker in sorted(names) if speaker in speakers}
        conversation = about.get(name, {})
        inner = conversation.get("meta")
        facts = {**conversation, **(inner if isinstance(inner, Mapping) else {})}
        yield SourceRecord(number, {**facts, "turns": _in_order(turns), "speakers": known})


def _in_order(turns: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """By time where every utterance has one, otherwise as they stand."""
    times = [turn.get("timestamp") for turn in turns]
    if all(isinstance(time, int | float) and time == time for time in times):
        return sorted(turns, key=lambda turn: turn["timestamp"])
    return turns


def _index(folder: Path, *names: str) -> Mapping[str, Mapping[str, Any]]:
    """A file of ConvoKit that keeps facts by id; empty where there is none."""
    path = next((folder / name for name in names if (folder / name).is_file()), None)
    content = next(iter(json_objects(path)), {}) if path else {}
    if not isinstance(content, Mapping):
        return {}
    return {str(key): value for key, value in content.items() if isinstance(value, Mapping)}
