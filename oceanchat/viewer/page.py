"""Write the page one can mail.

One HTML file: the figures as plain tables, the dialogues packed for the script that searches and shows them.
Whatever comes from dialogues, essays or models is escaped here or set as text there.
"""

import html
from collections.abc import Iterable, Sequence
from importlib.resources import files
from pathlib import Path

from oceanchat.errors import InputError
from oceanchat.traits import TraitLevel
from oceanchat.viewer.content import CountCell, PageContent, PageSection, PageTable
from oceanchat.viewer.packing import chunks, index, packed
from oceanchat.web_page import web_page
from oceanchat.whole_files import whole_file

SCRIPTS = ("data.js", "dialogue.js", "browse.js")
NO_SCRIPT = "A script in this file shows the dialogues; allow it to run. The figures below need none."
FACTS = ' class="facts"'
LONGEST_FIGURE = 36
"""Characters of a cell up to which it stands on one line: an interval does."""


def write_page(content: PageContent, path: Path) -> int:
    """Write the page and return its size in bytes. Raises InputError where the file cannot be written."""
    data = page_html(content).encode("utf-8", "replace")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(path) as file:
            file.write(data)
    except OSError as error:
        raise InputError(f"file '{path}' cannot be written: {error.strerror}; name another") from None
    return len(data)


def page_html(content: PageContent) -> str:
    """The page as one HTML file."""
    parts = [_head(content), _asset("browser.html"), _figures(content.sections)]
    parts += _data(content)
    script = "\n".join(map(_asset, SCRIPTS))
    return web_page(
        f"{content.title} \u00b7 OCEAN-Chat",
        "\n".join(parts),
        style=_asset("view.css"),
        script=f'"use strict";\n{script}',
    )


def _asset(name: str) -> str:
    return files("oceanchat.viewer").joinpath("assets", name).read_text(encoding="utf-8")


def _head(content: PageContent) -> str:
    summary = content.summary
    facts = "".join(f"<div><dt>{_ht(what)}</dt><dd>{_ht(value)}</dd></div>" for value, what in summary)
    cautions = "".join(f"<p>{_ht(text)}</p>" for text in content.cautions)
    parts = [("dialogues", "Dialogues"), *((section.id, section.title) for section in content.sections)]
    links = "".join(f'<li><a href="#{name}">{_ht(title)}</a></li>' for name, title in parts)
    return (
        f'<header class="top"><p class="kind">OCEAN-Chat dialogues</p><h1>{_ht(content.title)}</h1>'
        f'<dl class="summary">{facts}</dl>'
        + (f'<div class="caution" role="note">{cautions}</div>' if cautions else "")
        + f"<noscript><p>{NO_SCRIPT}</p></noscript>"
        f'<nav aria-label="Parts of this page"><ul>{links}</ul></nav></header>'
    )


def _figures(sections: Iterable[PageSection]) -> str:
    return f'<main id="figures">{"".join(map(_section, sections))}</main>'


def _section(section: PageSection) -> str:
    lead = "".join(f"<p>{_ht(text)}</p>" for text in section.lead)
    tables = "".join(_table(table, section.title) for table in section.tables)
    return (
        f'<section id="{section.id}"><h2 tabindex="-1">{_ht(section.title)}</h2>{lead}'
        f"{_bars(section.bars)}{tables}</section>"
    )


def _bars(bars: Sequence[tuple[str, int]]) -> str:
    """Counts as bars, each a share of the first."""
    if not bars or not bars[0][1]:
        return ""
    whole = bars[0][1]
    items = "".join(
        f'<li><span>{_ht(name)}</span><b>{count:,}</b><i style="width:{100 * count / whole:.2f}%"></i></li>'
        for name, count in bars
    )
    return f'<ol class="bars">{items}</ol>'


def _table(table: PageTable, name: str) -> str:
    """A table that scrolls by itself where it is wider than the page, by keyboard too."""
    kinds = [_kind(column) for column in zip(*table.rows, strict=True)]
    titles = zip(table.headers, kinds, strict=True)
    head = "".join(
        f'<th scope="col"{kind}>{_ht(title)}</th>' if title else "<td></td>" for title, kind in titles
    )
    thead = f"<thead><tr>{head}</tr></thead>" if any(table.headers) else ""
    caption = f"<caption>{_ht(table.title)}</caption>" if table.title else ""
    body = "".join(f"<tr>{_row(row, kinds)}</tr>" for row in table.rows)
    return (
        f'<div class="wide" role="region" aria-label="{_ht(table.title or name)}" tabindex="0">'
        f"<table{'' if thead else FACTS}>{caption}{thead}<tbody>{body}</tbody></table></div>"
    )


def _kind(column: Sequence[str | CountCell]) -> str:
    """Columns of running text wrap and stand on the left."""
    long = any(isinstance(cell, str) and len(cell) > LONGEST_FIGURE for cell in column)
    return ' class="text"' if long else ""


def _row(row: Sequence[str | CountCell], kinds: Sequence[str]) -> str:
    cells = [f"<td{kind}>{_cell(cell)}</td>" for cell, kind in zip(row[1:], kinds[1:], strict=True)]
    return f'<th scope="row">{_cell(row[0])}</th>{"".join(cells)}'


def _cell(cell: str | CountCell) -> str:
    if isinstance(cell, str):
        return _ht(cell)
    level = f"level={TraitLevel.parse(cell.level).name}" if cell.level else ""
    state = f"state={cell.state.replace(':', '%3A')}" if cell.state else ""
    return f'<a href="#{_ht("&".join(filter(None, [level, state])))}">{_ht(cell.text)}</a>'


def _data(content: PageContent) -> list[str]:
    """The packed dialogues; base64 ends no element."""
    blocks = [("index", packed(index(content)))]
    blocks += [(f"chunk-{n}", packed(chunk)) for n, chunk in enumerate(chunks(content.dialogues))]
    return [f'<script type="text/plain" id="{name}">{text}</script>' for name, text in blocks]


def _ht(text: str) -> str:
    return html.escape(text)
