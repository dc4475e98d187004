"""A release as a folder of files.

The names of its files, and reading them back. It checks nothing but that the files can be read;
verification.py holds them against one another.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from oceanchat.errors import ReleaseError
from oceanchat.nesting import parse_json
from oceanchat.release.manifest import FORMAT, Manifest
from oceanchat.release.rows import RejectedRow, Row
from oceanchat.release.schema import read_rejected, read_rows
from oceanchat.release.splits import SPLITS

CARD, MANIFEST, QUALITY, TOPICS_PLOT = "README.md", "manifest.json", "quality.json", "topics.png"
REJECTED_FILE = "rejected/rejected.parquet"


def split_file(split: str) -> str:
    """Where a split's rows are."""
    return f"data/{split}.parquet"


class Release(NamedTuple):
    """What a release folder holds."""

    folder: Path
    manifest: Manifest
    quality: dict[str, Any]
    rows: Sequence[Row]
    """All splits, in the order of the files."""
    rejected: Sequence[RejectedRow]


def read_release(folder: Path) -> Release:
    """Read a release. Raises ReleaseError for a folder that is none or whose files cannot be read."""
    manifest = read_manifest(folder)
    files = [folder / split_file(split) for split in SPLITS]
    rows = [row for file in files if file.exists() for row in read_rows(file)]
    rejected_file = folder / REJECTED_FILE
    rejected = read_rejected(rejected_file) if rejected_file.exists() else []
    return Release(folder, manifest, _json(folder / QUALITY), rows, rejected)


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a release folder. Raises ReleaseError when there is none, or one of a newer format."""
    if not (folder / MANIFEST).is_file():
        raise ReleaseError(
            f"folder '{folder}' is no release: it has no '{MANIFEST}'; write one with `oceanchat release`"
        )
    content = _json(folder / MANIFEST)
    if isinstance(content.get("format"), int) and content["format"] > FORMAT:
        raise ReleaseError(
            f"release '{folder}' has format '{content['format']}', newer than {FORMAT}; update ocean-chat"
        )
    try:
        return Manifest.model_validate(content)
    except ValueError as error:
        reason = " ".join(str(error).splitlines()[1:3])
        raise ReleaseError(
            f"manifest of '{folder}' is not as it was written ({reason}); take it anew"
        ) from None


def _json(path: Path) -> dict[str, Any]:
    try:
        content = parse_json(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ReleaseError(f"file '{path}' cannot be read ({type(error).__name__}); take it anew") from None
    if not isinstance(content, dict):
        raise ReleaseError(f"file '{path}' is not a JSON object; take it anew")
    return content
