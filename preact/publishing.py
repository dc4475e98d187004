"""Publish an exported adapter on the Hub, as a model repository.

The door to the Hub is oceanchat.hub; this only says what goes where.
"""

from pathlib import Path

from oceanchat.errors import TrainingError
from oceanchat.hub import Publisher


def push_model(folder: Path, repo_id: str, *, private: bool = False) -> str:
    """Put the folder's files into a model repository; the address. Raises HubError or TrainingError."""
    if not (folder / "README.md").is_file() and not any(folder.glob("*/README.md")):
        raise TrainingError(f"folder '{folder}' is no export; name one that `preact export` wrote")
    published = Publisher(repo_id, private=private, repo_type="model").publish(
        folder, "latest", "Export of a run"
    )
    return published.url
