"""How a dataset card shows tables, shares and figures with their intervals, in Markdown.

Text in, text out; it knows no release.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from oceanchat.statistics.figure import SHARE, Figure


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table; bars within cells are escaped."""
    lines = [header, ["---"] * len(header), *rows]
    return "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n" for line in lines)


def share_shown(found: Mapping[str, Any]) -> str:
    """A count of a total, and the share with its interval."""
    if found["value"] is None:
        return "none checked"
    figure = Figure(found["value"], found["low"], found["high"])
    return f"{found['count']:,} of {found['total']:,}: {figure.text(SHARE)}"


def versions_listed(versions: Mapping[str, str]) -> str:
    """Packages with their versions."""
    return ", ".join(f"{package} {version}" for package, version in versions.items())
