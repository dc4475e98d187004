"""Tables and shares in Markdown.

Code blocks too, as a dataset card shows them. Text in, text out; it knows nothing of releases.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from oceanchat.statistics.figure import SHARE, Figure


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table; bars within cells are escaped."""
    lines = [header, ["---"] * len(header), *rows]
    return "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n" for line in lines)


def fenced(text: str, language: str = "text") -> str:
    """A code block that no run of backticks within the text can end."""
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text.rstrip()}\n{fence}\n"


def share_shown(counts: Mapping[str, Any]) -> str:
    """A count of a total, and the share with its interval."""
    if counts["value"] is None:
        return "none checked"
    figure = Figure(counts["value"], counts["low"], counts["high"])
    return f"{counts['count']:,} of {counts['total']:,}: {figure.text(SHARE)}"


def versions_listed(versions: Mapping[str, str]) -> str:
    """Packages with their versions."""
    return ", ".join(f"{package} {version}" for package, version in versions.items())
