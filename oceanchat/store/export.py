"""Write rows as JSONL, CSV or Parquet.

They go to a file or stdout. One function gives the rows of each kind, one writer each format. A file is put
in place only when it is complete.
"""

import csv
import io
import itertools
import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

from oceanchat.errors import ConfigError, InputError
from oceanchat.parquet import write_parquet
from oceanchat.records import Dialogue
from oceanchat.store import builds as build_rows
from oceanchat.store import corpora as corpus_rows
from oceanchat.store import imports as import_rows
from oceanchat.store import labels as label_rows
from oceanchat.store.database import Store

Row = dict[str, Any]
Writer = Callable[[Iterable[Row], BinaryIO], None]
FORMATS = ("jsonl", "csv", "parquet")


def export(store: Store, what: str, as_format: str | None, output: Path | None) -> None:
    """Write all rows of one kind, one at a time but for Parquet.

    Raises ConfigError for a format the file's name contradicts and InputError when there is nothing to
    write or the file cannot be written.
    """
    chosen = _format(as_format, output)
    rows = iter(KINDS[what](store))
    first = next(rows, None)
    if first is None:
        raise InputError(f"store '{store.url}' holds no {what} yet; `oceanchat status` shows what there is")
    everything = itertools.chain([first], rows)
    if output is None:
        WRITERS[chosen](everything, sys.stdout.buffer)
        sys.stdout.buffer.flush()
        return
    try:
        _write_file(WRITERS[chosen], everything, output)
    except OSError as error:
        raise InputError(f"file '{output}' cannot be written: {error.strerror}; name another") from None


def _write_file(write: Writer, rows: Iterable[Row], output: Path) -> None:
    """Write to a file that is put in place when it is complete; to a device or pipe directly."""
    target = output.resolve()
    if target.exists() and not target.is_file():
        with target.open("wb") as file:
            return write(rows, file)
    part = target.with_name(f"{target.name}.part")
    try:
        with part.open("wb") as file:
            write(rows, file)
        os.replace(part, target)
    finally:
        with suppress(OSError):
            part.unlink()


def _format(as_format: str | None, output: Path | None) -> str:
    by_name = output.suffix.lstrip(".").lower() if output is not None else ""
    if output is not None and not output.name:
        raise ConfigError(f"file '{output}' has no name; write --output FILE")
    if as_format is not None:
        if by_name in FORMATS and by_name != as_format:
            raise ConfigError(f"file '{output}' says {by_name}, --format '{as_format}'; make them agree")
        return as_format
    if by_name and by_name not in FORMATS:
        raise ConfigError(
            f"file '{output}' has no known ending; name the format with --format jsonl|csv|parquet"
        )
    return by_name or "jsonl"


def _sentences(store: Store) -> Iterator[Row]:
    with store.reading() as connection:
        for sentence in corpus_rows.all_sentences(connection):
            row = sentence.model_dump(mode="json", exclude={"position"})
            yield {**row, "place": sentence.position}


def _candidates(store: Store) -> Iterator[Row]:
    with store.reading() as connection:
        for candidate in build_rows.stored_candidates(connection):
            row = candidate.model_dump(mode="json", exclude={"sentence"})
            yield {**row, "sentence_id": candidate.sentence.id, "text": candidate.sentence.text}


def _seeds(store: Store) -> Iterator[Row]:
    with store.reading() as connection:
        for seed in build_rows.stored_seeds(connection):
            yield {"trait_level": seed.trait_level.code, **seed.model_dump(mode="json")}


def _all_dialogues(store: Store) -> Iterator[Dialogue]:
    with store.reading() as connection:
        yield from build_rows.stored_dialogues(connection)
        yield from import_rows.read_imported(connection)


def _dialogues(store: Store) -> Iterator[Row]:
    for dialogue in _all_dialogues(store):
        yield {"trait_level": dialogue.trait_level.code, **dialogue.model_dump(mode="json")}


def _verdicts(store: Store) -> Iterator[Row]:
    for dialogue in _all_dialogues(store):
        if dialogue.verdict is not None:
            row = dialogue.verdict.model_dump(mode="json", exclude={"shown"})
            shown = [seen.code for seen in dialogue.verdict.shown]
            yield {"trait_level": dialogue.trait_level.code, "state": dialogue.state, "shown": shown, **row}


def _validations(store: Store) -> Iterable[Row]:
    return label_rows.validation_table(store.engine)


KINDS: Mapping[str, Callable[[Store], Iterable[Row]]] = {
    "sentences": _sentences,
    "candidates": _candidates,
    "seeds": _seeds,
    "dialogues": _dialogues,
    "verdicts": _verdicts,
    "validations": _validations,
}


def _write_jsonl(rows: Iterable[Row], file: BinaryIO) -> None:
    for row in rows:
        file.write(json.dumps(row, ensure_ascii=False).encode("utf-8", "replace") + b"\n")


def _write_csv(rows: Iterable[Row], file: BinaryIO) -> None:
    text = io.TextIOWrapper(file, "utf-8", "replace", newline="", write_through=True)
    writer: csv.DictWriter[str] | None = None
    for row in rows:
        if writer is None:
            writer = csv.DictWriter(text, list(row), lineterminator="\n")
            writer.writeheader()
        writer.writerow({name: _flat(value) for name, value in row.items()})
    text.detach()


def _flat(value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list | dict) else value


def _write_parquet(rows: Iterable[Row], file: BinaryIO) -> None:
    write_parquet([{name: _nested(value) for name, value in row.items()} for row in rows], file)


def _nested(value: Any) -> Any:
    # Objects with free keys, such as prompt fingerprints, have no Parquet type of their own.
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else value


WRITERS: Mapping[str, Writer] = {
    "jsonl": _write_jsonl,
    "csv": _write_csv,
    "parquet": _write_parquet,
}
