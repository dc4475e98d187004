"""Name a corpus without its folders."""

import re
from pathlib import Path


def public_name(name: str) -> str:
    """A corpus as the public may know it: a Hub id as it is, of a path its last part."""
    return name if re.fullmatch(r"[\w.-]+(/[\w.-]+)?", name) and not name.startswith(".") else Path(name).name
