"""Evaluation files that survive a kill.

A folder holds a header, written once, and lines. Every line is on disk before the next question is asked, a
torn last line is cut off, and a lock keeps a second process out. It knows records and files, nothing of
interviews.
"""

import contextlib
import fcntl
import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar

from pydantic import BaseModel, ValidationError

from oceanchat.errors import EvaluationError

SKETCH = "sketch"
"""Field of a header with the sketch of some dialogues, which is no setting and is not shown."""
RecordT = TypeVar("RecordT", bound=BaseModel)


class JsonLines(Generic[RecordT]):
    """An append-only JSONL file of one kind of record."""

    def __init__(self, path: Path, kind: type[RecordT]) -> None:
        self.path = path
        self._kind = kind

    def read(self) -> list[RecordT]:
        """All whole lines. Raises EvaluationError for a line in the middle that cannot be read."""
        if not self.path.exists():
            return []
        whole = self.path.read_bytes().rpartition(b"\n")[0]
        return [self._parse(n, line) for n, line in enumerate(whole.split(b"\n"), start=1) if line.strip()]

    def append(self, records: Iterable[RecordT]) -> None:
        """Add records; they are on disk when this returns."""
        text = "".join(record.model_dump_json() + "\n" for record in records).encode()
        with self.path.open("ab") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())

    def mend(self) -> None:
        """Cut off what a killed process left of its last line."""
        if not self.path.exists():
            return
        with self.path.open("rb+") as file:
            content = file.read()
            file.truncate(content.rfind(b"\n") + 1)

    def _parse(self, number: int, line: bytes) -> RecordT:
        try:
            return self._kind.model_validate_json(line)
        except ValidationError as error:
            raise EvaluationError(
                f"line {number} of '{self.path}' cannot be read ({error.errors()[0]['msg']}); "
                "restore the file or start in a new folder"
            ) from error


@contextlib.contextmanager
def folder_lock(folder: Path) -> Iterator[None]:
    """Hold the folder's lock. Raises EvaluationError while another process holds it."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise EvaluationError(
                f"'{folder}' is in use by another process; wait for it or choose another folder"
            ) from error
        yield


def write_header(path: Path, header: BaseModel) -> None:
    """Write a record as indented JSON in one step, so that a file is complete or absent."""
    partial = path.with_suffix(".partial")
    partial.write_text(header.model_dump_json(indent=2) + "\n", encoding="utf-8")
    partial.replace(path)


def read_header(path: Path, kind: type[RecordT], command: str) -> RecordT:
    """Read it back; `command` is the one that writes it. Raises EvaluationError."""
    try:
        return kind.model_validate_json(path.read_bytes())
    except FileNotFoundError as error:
        raise EvaluationError(f"'{path.parent}' holds no {path.name}; write one with `{command}`") from error
    except ValidationError as error:
        raise EvaluationError(
            f"'{path}' cannot be read ({error.errors()[0]['msg']}); was it edited?"
        ) from error


class ChangedSetting(NamedTuple):
    """A setting in which two headers differ."""

    name: str
    """As in 'system.max_tokens', where it lies in another."""
    before: Any
    """None where it was not there."""
    now: Any


def first_difference(before: BaseModel, now: BaseModel, ignore: Iterable[str] = ()) -> ChangedSetting | None:
    """The first setting in which two headers differ, so that a resume can name what was changed.

    The innermost: a system's record has some sixty settings, and a message that shows them all shows none.
    Sketches of dialogues are left out: older files have none, and the fingerprints say the same.
    """
    left, right = (
        _without_sketches(json.loads(header.model_dump_json(exclude=set(ignore)))) for header in (before, now)
    )
    path: list[str] = []
    while isinstance(left, dict) and isinstance(right, dict):
        differing = [key for key in left.keys() | right.keys() if left.get(key) != right.get(key)]
        if not differing:
            break
        path.append(min(differing))
        left, right = left.get(path[-1]), right.get(path[-1])
    return ChangedSetting(".".join(path), left, right) if path else None


def _without_sketches(facts: Any) -> Any:
    if not isinstance(facts, dict):
        return facts
    return {name: _without_sketches(value) for name, value in facts.items() if name != SKETCH}
