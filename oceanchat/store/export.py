"""Write rows as JSONL, CSV or Parquet.

They go to a file or stdout. One function gives the rows of each kind, one writer each format. A file is put
in place only when it is complete.
"""

import csv
import io
import itertools
import json
import sys
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from oceanchat.errors import ConfigError, InputError
from oceanchat.parquet import write_parquet
from oceanchat.records import Dialogue
from oceanchat.store import builds as build_rows
from oceanchat.store import corpora as corpus_rows
from oceanchat.store import imports as import_rows
from oceanchat.store.database import Store
from oceanchat.store.export_columns import kinds_of
from oceanchat.store.ratings import rating_table
from oceanchat.store.validations import validation_table
from oceanchat.traits import TRAIT_LEVELS, TraitLevel
from oceanchat.whole_files import whole_file

Row = dict[str, Any]
Writer = Callable[[Iterable[Row], BinaryIO, str], None]
FORMATS = ("jsonl", "csv", "parquet")
_EXCEL = ("xlsx", "xlsm", "xls")
IMPORTED = ("unchecked", "gate:near-duplicate")
"""States of imported dialogues that nothing speaks against; one of two that are alike is no worse for it."""
ALL_STATES = "all"


class ExportFilter(NamedTuple):
    """Which rows are exported."""

    trait_levels: Sequence[TraitLevel] = TRAIT_LEVELS
    state: str | None = None
    """None: dialogues that are accepted, and all rows of other kinds."""
    build: str | None = None
    """The build they belong to; None: the only one, or the newest real one."""
    sample: int | None = None
    """The sample that validations are of, or the evaluation that ratings are of; None: the newest that has
    labels."""


EVERYTHING = ExportFilter()


class ExportCounts(NamedTuple):
    """What was written and what was left out, by state; '' where rows have none."""

    written: Mapping[str, int]
    left_out: Mapping[str, int]


class _Selected:
    """The rows of one kind that a filter lets through, counted as they go by."""

    def __init__(
        self, store: Store, what: str, wide: bool, chosen: ExportFilter, given: Iterable[Row] | None
    ) -> None:
        read = _wide_rows if wide else KINDS.get(what)
        if what in OF_ONE_SAMPLE:
            self._rows: Iterable[Row] = OF_ONE_SAMPLE[what](store, chosen.sample)
        else:
            self._rows = given or [] if read is None else read(store, chosen.build)
        self._codes = {trait_level.code for trait_level in chosen.trait_levels}
        self._every_level = len(self._codes) == len(TRAIT_LEVELS)
        self._accepted_only = chosen.state is None and what == "dialogues"
        self._state = None if chosen.state == ALL_STATES else chosen.state
        self.written: Counter[str] = Counter()
        self.left_out: Counter[str] = Counter()

    def __iter__(self) -> Generator[Row, None, None]:
        try:
            for row in self._rows:
                if not self._every_level and row["trait_level"] not in self._codes:
                    continue
                state = str(row.get("state", ""))
                if self._wants(state, row):
                    self.written[state] += 1
                    yield row
                else:
                    self.left_out[state] += 1
        finally:
            if isinstance(self._rows, Generator):
                self._rows.close()

    def _wants(self, state: str, row: Row) -> bool:
        if self._accepted_only:
            return state == "passed" or (row["source"] == "imported" and state in IMPORTED)
        return self._state in (None, state)


def selected_rows(
    store: Store, what: str, chosen: ExportFilter = EVERYTHING, wide: bool = False
) -> Iterator[Row]:
    """The rows of one kind that a filter lets through, as `export` writes them.

    Raises ConfigError for a filter that does not fit the rows.
    """
    _check(what, chosen, wide)
    return iter(_Selected(store, what, wide, chosen, None))


def export(
    store: Store,
    what: str,
    as_format: str | None,
    output: Path | None,
    chosen: ExportFilter = EVERYTHING,
    wide: bool = False,
    given: Iterable[Row] | None = None,
) -> ExportCounts:
    """Write the rows of one kind, one at a time but for Parquet, and say how many.

    `given` are the rows where the store cannot read them itself, as with what models replied.

    Raises ConfigError for a format the file's name contradicts or a filter that does not fit the rows, and
    InputError when there is nothing to write or the file cannot be written.
    """
    _check(what, chosen, wide)
    fallback = "csv" if wide and output is None else "jsonl"
    writer = WRITERS[_format(as_format, output, fallback)]
    selected = _Selected(store, what, wide, chosen, given)
    # Closed also after an error: a reader of the store that waits for its turn holds a connection.
    with closing(iter(selected)) as rows:
        first = next(rows, None)
        if first is None:
            raise InputError(_why_nothing(store, what, selected.left_out))
        everything, kind = itertools.chain([first], rows), "wide" if wide else what
        if output is None:
            writer(everything, sys.stdout.buffer, kind)
            sys.stdout.buffer.flush()
        else:
            _write_file(writer, everything, output, kind)
    return ExportCounts(selected.written, selected.left_out)


def _write_file(writer: Writer, rows: Iterable[Row], output: Path, kind: str) -> None:
    try:
        with whole_file(output) as file:
            writer(rows, file, kind)
    except OSError as error:
        raise InputError(f"file '{output}' cannot be written: {error.strerror}; name another") from None


def report(what: str, exported: ExportCounts, output: Path | None) -> str:
    """One line that says what was written, and what was not."""
    count, target = sum(exported.written.values()), output or "stdout"
    line = f"{count:,} {what[:-1] if count == 1 else what}{_listed(exported.written)} written to {target}"
    if exported.left_out:
        line += f"; left out{_listed(exported.left_out)}: --state all exports them too"
    return line


def _listed(states: Mapping[str, int]) -> str:
    """Counts by state in brackets; nothing where rows have no state."""
    listed = ", ".join(f"{count:,} {state}" for state, count in sorted(states.items()) if state)
    return f" ({listed})" if listed else ""


def _check(what: str, chosen: ExportFilter, wide: bool) -> None:
    if wide and what != "dialogues":
        raise ConfigError(f"--wide is for dialogues, not for '{what}'; leave it out")
    if chosen.state is not None and what not in WITH_STATE:
        raise ConfigError(f"--state '{chosen.state}' does not fit {what}, which have none; leave it out")
    if chosen.sample is not None and what not in OF_ONE_SAMPLE:
        raise ConfigError(f"--sample does not fit {what}; leave it out")
    if len(chosen.trait_levels) != len(TRAIT_LEVELS) and what not in WITH_TRAIT_LEVEL:
        raise ConfigError(f"trait-levels do not fit {what}; leave them out")


def _why_nothing(store: Store, what: str, left_out: Mapping[str, int]) -> str:
    if not left_out and what == "validations":
        return f"store '{store.url}' holds no label yet; `oceanchat annotators list` says how far each is"
    if not left_out:
        with store.reading() as connection:
            has_any = bool(build_rows.build_names(connection) or import_rows.imported_counts(connection))
        next_step = "`oceanchat status` shows what there is" if has_any else "run `oceanchat build O+` first"
        return f"store '{store.url}' holds no such {what} yet; {next_step}"
    states = ", ".join(f"{count:,} {state}" for state, count in sorted(left_out.items()))
    return f"store '{store.url}' holds no such {what}, only {states}; pass --state STATE or --state all"


def _format(as_format: str | None, output: Path | None, fallback: str) -> str:
    by_name = output.suffix.lstrip(".").lower() if output is not None else ""
    if output is not None and not output.name:
        raise ConfigError(f"file '{output}' has no name; write --output FILE")
    if output is not None and by_name in _EXCEL:
        raise ConfigError(
            f"file '{output}' would be an Excel file, which is read here and not written; write"
            f" '{output.with_suffix('.csv')}', and open that in Excel by Data, From Text/CSV, as UTF-8"
        )
    if as_format is not None:
        if by_name in FORMATS and by_name != as_format:
            raise ConfigError(f"file '{output}' says {by_name}, --format '{as_format}'; make them agree")
        return as_format
    if by_name and by_name not in FORMATS:
        raise ConfigError(
            f"file '{output}' has no known ending; name the format with --format jsonl|csv|parquet"
        )
    return by_name or fallback


def _sentences(store: Store, build: str | None) -> Iterator[Row]:
    with store.reading() as connection:
        for sentence in corpus_rows.all_sentences(connection):
            row = sentence.model_dump(mode="json", exclude={"position"})
            yield {**row, "place": sentence.position}


def _candidates(store: Store, build: str | None) -> Iterator[Row]:
    with store.reading() as connection:
        for candidate in build_rows.stored_candidates(connection, build=build):
            row = candidate.model_dump(mode="json", exclude={"sentence"})
            yield {**row, "sentence_id": candidate.sentence.id, "text": candidate.sentence.text}


def _seeds(store: Store, build: str | None) -> Iterator[Row]:
    with store.reading() as connection:
        for seed in build_rows.stored_seeds(connection, build):
            yield {"trait_level": seed.trait_level.code, **seed.model_dump(mode="json")}


def _all_dialogues(store: Store, build: str | None) -> Iterator[Dialogue]:
    with store.reading() as connection:
        yield from build_rows.stored_dialogues(connection, build=build)
        yield from import_rows.stream_imported(connection)


def _dialogues(store: Store, build: str | None) -> Iterator[Row]:
    for dialogue in _all_dialogues(store, build):
        yield {"trait_level": dialogue.trait_level.code, **dialogue.model_dump(mode="json")}


def _wide_rows(store: Store, build: str | None) -> Iterator[Row]:
    """Dialogues as flat rows: every turn has columns of its own, every text is one line."""
    widest = max((len(dialogue.turns) for dialogue in _all_dialogues(store, build)), default=0)
    digits = len(str(widest))
    for dialogue in _all_dialogues(store, build):
        row = _wide_row(dialogue)
        for number in range(1, widest + 1):
            turn = dialogue.turns[number - 1] if number <= len(dialogue.turns) else None
            row[f"turn_{number:0{digits}}_role"] = turn.role if turn else ""
            row[f"turn_{number:0{digits}}_text"] = _one_line(turn.text) if turn else ""
        yield row


def _wide_row(dialogue: Dialogue) -> Row:
    origin, verdict = dialogue.provenance, dialogue.verdict
    return {
        "id": dialogue.id,
        "trait_level": dialogue.trait_level.code,
        "trait": dialogue.trait.value,
        "level": dialogue.level.value,
        "facet": dialogue.facet or "",
        "state": dialogue.state,
        "detail": _one_line(dialogue.detail),
        "source": dialogue.source,
        "author": dialogue.author,
        "seed_topic": _one_line(dialogue.seed_topic or ""),
        "turns": len(dialogue.turns),
        "words": sum(len(turn.text.split()) for turn in dialogue.turns),
        "words_a_turn": round(dialogue.words_a_turn, 4),
        "passed": None if verdict is None else int(verdict.passed),
        "shown": "" if verdict is None else " ".join(seen.code for seen in verdict.shown),
        "checker": verdict.checker if verdict else origin.checker,
        "labeler": origin.labeler,
        "writer": origin.writer,
        "mode": origin.mode,
        "corpus": origin.corpus,
    }


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _verdicts(store: Store, build: str | None) -> Iterator[Row]:
    for dialogue in _all_dialogues(store, build):
        if dialogue.verdict is not None:
            row = dialogue.verdict.model_dump(mode="json", exclude={"shown"})
            shown = [seen.code for seen in dialogue.verdict.shown]
            yield {"trait_level": dialogue.trait_level.code, "state": dialogue.state, "shown": shown, **row}


def _validations(store: Store, sample: int | None) -> Iterable[Row]:
    with store.reading() as connection:
        return validation_table(connection, sample)


def _ratings(store: Store, evaluation: int | None) -> Iterable[Row]:
    with store.reading() as connection:
        return rating_table(connection, evaluation)


OF_ONE_SAMPLE: Mapping[str, Callable[[Store, int | None], Iterable[Row]]] = {
    "validations": _validations,
    "ratings": _ratings,
}
WITH_STATE = ("candidates", "seeds", "dialogues", "verdicts", "answers")
WITH_TRAIT_LEVEL = ("seeds", "dialogues", "verdicts", "answers")
KINDS: Mapping[str, Callable[[Store, str | None], Iterable[Row]]] = {
    "sentences": _sentences,
    "candidates": _candidates,
    "seeds": _seeds,
    "dialogues": _dialogues,
    "verdicts": _verdicts,
}


def _write_jsonl(rows: Iterable[Row], file: BinaryIO, kind: str) -> None:
    for row in rows:
        file.write(json.dumps(row, ensure_ascii=False).encode("utf-8", "replace") + b"\n")


def _write_csv(rows: Iterable[Row], file: BinaryIO, kind: str) -> None:
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


def _write_parquet(rows: Iterable[Row], file: BinaryIO, kind: str) -> None:
    left = iter(rows)
    first = next(left)
    write_parquet(itertools.chain([first], left), file, kinds_of(kind, list(first)))


WRITERS: Mapping[str, Writer] = {
    "jsonl": _write_jsonl,
    "csv": _write_csv,
    "parquet": _write_parquet,
}
