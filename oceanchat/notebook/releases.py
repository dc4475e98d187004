"""Read releases as pandas DataFrames."""

from pathlib import Path

import pandas as pd

from oceanchat.release.folder import read_release
from oceanchat.release.rows import Row


def load_release(folder: str | Path) -> pd.DataFrame:
    """The rows of a release folder, all splits together, with the columns of the release.

    `messages` holds a list of dictionaries with role and content, `provenance` a dictionary, `split` the name
    of the row's split. Only the config 'default' is read. Raises OceanChatError for a folder that is no
    release; `oceanchat verify` holds it against its own checksums.

    >>> load_release("releases/ocean-chat-0.1.0-scripted").groupby("split").size()["test"] > 0
    np.True_
    """
    rows = [row.model_dump(mode="json") for row in read_release(Path(folder)).rows]
    return pd.DataFrame(rows) if rows else pd.DataFrame(columns=list(Row.model_fields))
