"""Publish an export on the Hub.

It becomes a model repository. The files go through oceanchat.hub.publishing; this module only says what goes
where.
"""

import hashlib
from pathlib import Path

from oceanchat.errors import TrainingError
from oceanchat.hub.publishing import Published, Publisher, local_files


def push_model(
    folder: Path,
    repo_id: str,
    *,
    private: bool = False,
    endpoint: str | None = None,
    token: str | None = None,
) -> Published:
    """Put an export's files into a model repository, tagged by their content.

    Pushing again changes nothing, and another export gets a tag of its own. `endpoint` and `token` default to
    the client's own. Raises TrainingError for a folder that is not an export, HubError when the Hub refuses.
    """
    if not (folder / "README.md").is_file() and not any(folder.glob("*/README.md")):
        raise TrainingError(f"folder '{folder}' is not an export; name one that `preact export` wrote")
    marks = "".join(f"{name} {file.sha256}\n" for name, file in local_files(folder).items())
    tag = f"export-{hashlib.sha256(marks.encode()).hexdigest()[:12]}"
    publisher = Publisher(repo_id, private=private, endpoint=endpoint, token=token, repo_type="model")
    return publisher.publish(folder, tag, "Export of a run")
