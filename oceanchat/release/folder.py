"""A release as a folder of files.

The names of its files, and reading them back. It checks nothing but that the files can be read;
verification.py holds them against one another.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from oceanchat.errors import ReleaseError
from oceanchat.nesting import OutOfBounds, parse_json
from oceanchat.release.manifest import FORMAT, Manifest
from oceanchat.release.rows import RejectedRow, Row
from oceanchat.release.schema import read_rejected, read_rows
from oceanchat.release.splits import SPLITS
from oceanchat.spool import joined
from oceanchat.suggestions import closest

CARD, MANIFEST, QUALITY, TOPICS_PLOT = "README.md", "manifest.json", "quality.json", "topics.png"
REJECTED_FILE = "rejected/rejected.parquet"


def split_file(split: str) -> str:
    """Where a split's rows are."""
    return f"data/{split}.parquet"


def unmatched_file(split: str) -> str:
    """Where a split's rows are that have no pair of equal length."""
    return f"unmatched/{split}.parquet"


@dataclass(frozen=True)
class ReleaseTables:
    """The rows of a release."""

    rows: Sequence[Row]
    """All splits, in the order of the files."""
    rejected: Sequence[RejectedRow]
    unmatched: Sequence[Row]
    """Released rows that balance leaves out of `rows`: the `unmatched` config, all splits."""

    @property
    def released(self) -> Sequence[Row]:
        """Rows of both configs."""
        return joined(self.rows, self.unmatched)

    @property
    def all_rows(self) -> Sequence[Row]:
        """The rejected ones too."""
        return joined(self.rows, self.unmatched, self.rejected)


@dataclass(frozen=True)
class Release(ReleaseTables):
    """What a release folder holds."""

    folder: Path
    manifest: Manifest
    quality: dict[str, Any]


def read_release(folder: Path) -> Release:
    """Read a release. Raises ReleaseError for a folder that is none or whose files cannot be read."""
    manifest = read_manifest(folder)
    rows, unmatched = (_rows(folder, list(map(name, SPLITS))) for name in (split_file, unmatched_file))
    rejected_file = own_file(folder, REJECTED_FILE)
    rejected = read_rejected(rejected_file) if rejected_file is not None else ()
    return Release(rows, rejected, unmatched, folder, manifest, _json(folder, QUALITY))


def _rows(folder: Path, names: Sequence[str]) -> Sequence[Row]:
    files = [own_file(folder, name) for name in names]
    return joined(*(read_rows(file) for file in files if file is not None))


def own_file(folder: Path, name: str) -> Path | None:
    """A file of a release folder by its name there; None where there is none.

    Raises ReleaseError for a name that leads out of the folder, and for a link, device or pipe: whoever wrote
    the release must not decide which other files of this machine are read.
    """
    parts = name.split("/")
    if not set(parts).isdisjoint(("", ".", "..")) or "\\" in name or ":" in name:
        raise ReleaseError(f"'{name}' is not the name of a file in '{folder}'; download the release again")
    path = folder
    try:
        for part in parts:
            path = path / part
            if path.is_symlink():
                link = path.relative_to(folder).as_posix()
                raise ReleaseError(f"'{link}' in '{folder}' is a link; put the file itself there")
        if not path.exists():
            return None
    except (OSError, ValueError):
        return None
    if not path.is_file():
        raise ReleaseError(f"'{name}' in '{folder}' is a folder, device or pipe; put the file there")
    return path


def _beside(folder: Path) -> str:
    """A question with the release beside `folder` that is named most like it, such as a rehearsal's."""
    names = [path.parent.name for path in folder.parent.glob(f"*/{MANIFEST}")]
    guess = closest(folder.name, names)
    return f"did you mean '{folder.with_name(guess)}'?" if guess else ""


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a release folder. Raises ReleaseError when there is none, or one of a newer format."""
    if own_file(folder, MANIFEST) is None:
        raise ReleaseError(
            f"folder '{folder}' is not a release: it has no '{MANIFEST}';"
            f" {_beside(folder) or 'write one with `oceanchat release`'}"
        )
    content = _json(folder, MANIFEST)
    if isinstance(content.get("format"), int) and content["format"] > FORMAT:
        raise ReleaseError(
            f"release '{folder}' has format '{content['format']}', newer than {FORMAT}; update ocean-chat"
        )
    try:
        manifest = Manifest.model_validate(content)
    except ValueError as error:
        reason = " ".join(str(error).splitlines()[1:3])
        raise ReleaseError(
            f"manifest of '{folder}' is not as it was written ({reason}); restore it"
        ) from None
    if manifest.format < 1:
        raise ReleaseError(f"release '{folder}' has format '{manifest.format}', which never was; restore it")
    return manifest


def _json(folder: Path, name: str) -> dict[str, Any]:
    path = own_file(folder, name)
    if path is None:
        raise ReleaseError(f"release '{folder}' has no '{name}'; write or download it again")
    try:
        content = parse_json(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        reason = str(error) if isinstance(error, OutOfBounds) else type(error).__name__
        raise ReleaseError(f"file '{path}' cannot be read ({reason}); restore it") from None
    if not isinstance(content, dict):
        raise ReleaseError(f"file '{path}' is not a JSON object; restore it")
    return content
