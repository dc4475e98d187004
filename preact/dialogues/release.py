"""The dialogues of a release.

Their splits, messages and trait-levels, read for training. A release is a folder written by `oceanchat
release` or the id of a dataset on the Hub. This module knows the release's columns and its manifest; it knows
nothing of tokens or models.
"""

import hashlib
import json
import logging
import sys
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet

from oceanchat.errors import TrainingError
from oceanchat.hub.reading import read_dataset
from oceanchat.llm.settings import BY_SCRIPT
from oceanchat.nesting import parse_json
from oceanchat.prompts import Message
from oceanchat.spool import Lazy
from oceanchat.suggestions import closest
from oceanchat.traits import Level, Trait, TraitLevel, trait_id
from preact.dialogues.mapped import ROWS_AT_ONCE, MappedRows

_log = logging.getLogger(__name__)
SPLITS = ("train", "validation", "test")


@dataclass(frozen=True)
class TrainingDialogue:
    """One dialogue of a release, as the trainer needs it."""

    id: str
    trait_level: TraitLevel
    messages: tuple[Message, ...]
    """Alternating: the questioner is the 'user', who begins, the self-discloser the 'assistant'."""
    split: str
    seed_topic: str
    """The seed topic's text or hash; empty when the release leaves it out."""
    author: str = ""
    """Hash of the author whose essay it comes from; empty when not known."""
    validated: bool = False
    """Whether people checked it and most of them, or their lead, found it valid."""

    @property
    def trait_id(self) -> int:
        """The router's row, 0 to 9."""
        return trait_id(self.trait_level)


@dataclass(frozen=True)
class TrainingRelease:
    """A release's dialogues and where they come from."""

    name: str
    source: str
    """The folder or Hub id it was read from."""
    fingerprint: str
    """sha256 over ids, trait-levels, texts and splits, in order: equal data, equal fingerprint."""
    scripted: bool
    """Whether the dialogues were written by the scripted model, and are good for trying things out only."""
    dialogues: Sequence[TrainingDialogue]
    """Read from disk whenever they are asked for."""
    splits: Sequence[str]
    """The split of each dialogue."""

    def split(self, name: str) -> Sequence[TrainingDialogue]:
        """The dialogues of 'train', 'validation', 'test' or 'all'.

        Raises TrainingError for an empty or unknown split.
        """
        if name != "all" and name not in SPLITS:
            raise TrainingError(f"split '{name}' is not known; write {', '.join(SPLITS)} or all")
        numbers = array("Q", (n for n, split in enumerate(self.splits) if name in ("all", split)))
        if not numbers:
            present = ", ".join(s for s in SPLITS if self.has(s)) or "none"
            raise TrainingError(
                f"release '{self.source}' has no split '{name}' (it has: {present}); choose another split"
            )
        return Lazy(self.dialogues.__getitem__, numbers)

    def has(self, name: str) -> bool:
        """Whether the split holds any dialogue."""
        return name in self.splits


def _say_not_here(source: str) -> None:
    """A folder's mistyped name looks like a Hub id, and the Hub takes its time to say no.

    Raises TrainingError where the releases beside it leave no doubt that a folder was meant.
    """
    folders = [str(path.parent) for path in Path().glob("*/*/manifest.json")]
    guess = closest(source, folders)
    if guess and Path(guess).parent == Path(source).parent:
        raise TrainingError(f"release '{source}' is not here; did you mean '{guess}'?")
    hint = f" (or did you mean '{guess}'?)" if guess else ""
    _log.warning(f"'{source}' is no folder here; looking for it on the Hub{hint}")


def read_release(source: str) -> TrainingRelease:
    """Read a release folder or a Hub dataset id.

    Raises TrainingError for a folder that is no release or not there, a shard that cannot be read, or rows
    that are not dialogues; HubError when the Hub does not answer.
    """
    folder = Path(source)
    if folder.is_dir():
        rows, manifest = _folder_rows(folder), _manifest(folder)
    elif folder.exists() or source.startswith((".", "/", "~")) or source.count("/") != 1:
        raise TrainingError(
            f"release '{source}' is not a folder; name one that `oceanchat release` wrote, or a Hub dataset"
            " OWNER/NAME"
        )
    else:
        _say_not_here(source)
        rows, manifest = read_dataset(source), {}
    reading = _Reading(source)
    mapped = MappedRows(_SCHEMA, reading.records(rows), _from_record)
    if not len(mapped):
        raise TrainingError(f"release '{source}' holds no dialogues; release some first")
    version = str(manifest.get("version") or manifest.get("name") or "")
    return TrainingRelease(
        name=(folder.resolve().name if folder.is_dir() else source) or version,
        source=source,
        fingerprint=reading.digest.hexdigest(),
        scripted=reading.scripted,
        dialogues=Lazy(mapped.read, range(len(mapped))),
        splits=reading.splits,
    )


class _Reading:
    """What is learnt of a release while its rows are read once."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.digest = hashlib.sha256()
        self.splits: list[str] = []
        self.scripted = False

    def records(self, rows: Iterable[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
        """Each row as it is kept."""
        for row in rows:
            dialogue = _dialogue(row, self.source)
            # The scripted model always names itself in a dialogue's provenance, by one of its names; the
            # folder's name is for people only.
            self.scripted = self.scripted or not BY_SCRIPT.isdisjoint(_provenance_names(row))
            self.splits.append(sys.intern(dialogue.split))
            _update(self.digest, dialogue)
            yield {
                **{name: getattr(dialogue, name) for name in _SAME},
                "trait_level": dialogue.trait_level.code,
                "messages": [{"role": m.role, "content": m.content} for m in dialogue.messages],
            }


_SAME = ("id", "split", "seed_topic", "author", "validated")
"""Fields that are kept as they are."""
_TEXT = pyarrow.string()
_SCHEMA = pyarrow.schema(
    [
        *((name, pyarrow.bool_() if name == "validated" else _TEXT) for name in _SAME),
        ("trait_level", _TEXT),
        ("messages", pyarrow.list_(pyarrow.struct([("role", _TEXT), ("content", _TEXT)]))),
    ]
)


def _from_record(record: Mapping[str, Any]) -> TrainingDialogue:
    return TrainingDialogue(
        trait_level=TraitLevel.parse(record["trait_level"]),
        messages=tuple(Message(message["role"], message["content"]) for message in record["messages"]),
        **{name: record[name] for name in _SAME},
    )


def fingerprint(dialogues: Iterable[TrainingDialogue]) -> str:
    """sha256 (hex) that stands for these dialogues in this order."""
    digest = hashlib.sha256()
    for dialogue in dialogues:
        _update(digest, dialogue)
    return digest.hexdigest()


def _update(digest: Any, dialogue: TrainingDialogue) -> None:
    content = [dialogue.id, dialogue.trait_level.code, dialogue.messages, dialogue.split]
    digest.update(json.dumps(content).encode())


def _manifest(folder: Path) -> Mapping[str, Any]:
    path = folder / "manifest.json"
    if not path.is_file():
        return {}
    _refuse_link(path, folder)
    try:
        manifest = parse_json(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise TrainingError(
            f"release file '{path}' cannot be read; restore the release or write it again"
        ) from None
    return manifest if isinstance(manifest, dict) else {}


def _refuse_link(path: Path, folder: Path) -> None:
    """Raise TrainingError for a file of a release that lies elsewhere: nothing vouches for it."""
    try:
        target = path.resolve()
        # Python 3.13 stops at a link to itself, where those before it raise.
        inside = target.is_relative_to(folder.resolve()) and not target.is_symlink()
    except (OSError, RuntimeError):
        inside = False
    if not inside:
        raise TrainingError(f"release file '{path}' is a link out of the release; put the file itself there")


def _folder_rows(folder: Path) -> Iterator[dict[str, Any]]:
    data = folder / "data"
    files = sorted(data.glob("*.parquet"), key=lambda p: (_split_order(p), p.name)) if data.is_dir() else []
    if not files:
        raise TrainingError(
            f"folder '{folder}' is not a release: it has no data/*.parquet; name a folder that `oceanchat"
            " release` wrote"
        )
    for path in files:
        _refuse_link(path, folder)
        split = path.name.split("-")[0].removesuffix(".parquet")
        try:
            with pyarrow.parquet.ParquetFile(path) as file:
                for batch in file.iter_batches(batch_size=ROWS_AT_ONCE):
                    yield from ({"split": split, **row} for row in batch.to_pylist())
        except (OSError, pyarrow.ArrowException) as error:
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise TrainingError(
                f"release file '{path}' is damaged ({reason}); restore it or write the release again"
            ) from None


def _split_order(path: Path) -> int:
    return next((i for i, split in enumerate(SPLITS) if path.name.startswith(split)), len(SPLITS))


def _provenance_names(row: Mapping[str, Any]) -> set[str]:
    provenance = row.get("provenance")
    values = provenance.values() if isinstance(provenance, Mapping) else [provenance]
    return {str(v).lower() for v in values if isinstance(v, str)}


def _dialogue(row: Mapping[str, Any], source: str) -> TrainingDialogue:
    name = str(row.get("id"))
    try:
        trait_level = TraitLevel(Trait(row["trait"]), Level(row["level"]))
        messages = _alternating(Message(str(m["role"]), str(m["content"])) for m in row["messages"])
        split = str(row["split"])
    except (KeyError, TypeError, ValueError) as error:
        raise TrainingError(
            f"row '{name}' of release '{source}' is not a dialogue ({type(error).__name__}: {error}); check"
            " the release"
        ) from None
    provenance = row.get("provenance")
    author = str(provenance.get("author") or "") if isinstance(provenance, Mapping) else ""
    labels = provenance.get("human") if isinstance(provenance, Mapping) else None
    validated = _validated(labels if isinstance(labels, list) else [])
    topic = str(row.get("seed_topic") or "")
    return TrainingDialogue(name, trait_level, messages, split, topic, author, validated)


def _validated(labels: Sequence[Any]) -> bool:
    """Whether the deciding label, or else most labels, say valid."""
    known = [label for label in labels if isinstance(label, Mapping)]
    counted = [label for label in known if label.get("decides")] or known
    return sum(bool(label.get("valid")) for label in counted) * 2 > len(counted)


def _alternating(messages: Iterable[Message]) -> tuple[Message, ...]:
    """The messages as chat templates want them: user first, neighbours by the same speaker joined."""
    joined: list[Message] = []
    for message in messages:
        if message.role not in ("user", "assistant"):
            raise ValueError(f"unknown role '{message.role}'")
        if joined and joined[-1].role == message.role:
            joined[-1] = Message(message.role, f"{joined[-1].content}\n{message.content}")
        elif joined or message.role == "user":
            joined.append(message)
    if not any(message.role == "assistant" for message in joined):
        raise ValueError("no answer by the self-discloser")
    return tuple(joined)
