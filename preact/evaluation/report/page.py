"""Write a page as Markdown and HTML.

Headings, paragraphs, lists, tables and plots. Everything is escaped where it is rendered, so models' answers
cannot break out of the page. It knows nothing of what a page says.
"""

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from oceanchat.web_page import web_page

_STYLE = (
    "main{max-width:76rem;margin:2rem auto;padding:0 1rem;overflow-wrap:break-word}h1{margin-top:0}"
    ":is(th,td){white-space:normal}:is(th,td).words{text-align:left}td.text{min-width:12rem}"
    "table.facts{width:100%;table-layout:fixed}.facts td{white-space:normal;text-align:left;"
    "overflow-wrap:anywhere}.facts td:first-child{width:32%}"
    "pre{background:var(--shade);padding:.5rem .75rem;white-space:pre-wrap;overflow-wrap:anywhere}"
    "ul.alarm{padding-left:2rem}"
    "figure{margin:1rem 0}figure svg{max-width:100%;height:auto;background:#fff}"
    ".cases{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(18rem,100%),1fr));gap:1rem}"
    ".cases section{border:1px solid var(--line);border-radius:.4rem;padding:.5rem 1rem}"
    "@media(max-width:40rem){td{white-space:normal}td.text{min-width:9rem}}"
)
_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|])")


_LONGEST_FIGURE = 30
"""Characters of a table's cell up to which it stands on one line."""


@dataclass
class Page:
    """A page that is being written; blocks are rendered in the order in which they are added."""

    title: str
    _markdown: list[str] = field(default_factory=list)
    _html: list[str] = field(default_factory=list)

    def heading(self, text: str, level: int = 2) -> None:
        """A section's heading."""
        self._add(f"{'#' * level} {_md(text)}", f"<h{level}>{_ht(text)}</h{level}>")

    def paragraph(self, text: str) -> None:
        """Running text."""
        self._add(_md(text), f"<p>{_ht(text)}</p>")

    def links(self, text: str, targets: Sequence[tuple[str, str]]) -> None:
        """Running text that ends in links: what each is called, and where it leads."""
        named = ", ".join(f"[{_md(name)}]({target})" for name, target in targets)
        anchors = ", ".join(f'<a href="{_ht(target)}">{_ht(name)}</a>' for name, target in targets)
        self._add(f"{_md(text)} {named}", f"<p>{_ht(text)} {anchors}</p>")

    def points(self, texts: Sequence[str], *, alarm: bool = False) -> None:
        """A list; an alarm is highlighted."""

        if not texts:
            return
        items = "".join(f"<li>{_ht(text)}</li>" for text in texts)
        self._add(
            "\n".join(f"- {'**' + _md(text) + '**' if alarm else _md(text)}" for text in texts),
            f"<ul{' class=alarm' if alarm else ''}>{items}</ul>",
        )

    def table(self, headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """A table of plain texts."""
        lines = ["| " + " | ".join(map(_md, row)) + " |" for row in (headings, *rows)]
        lines.insert(1, "|" + " --- |" * len(headings))
        left = [n == 0 or any(map(_is_words, column)) for n, column in enumerate(zip(*rows, strict=True))]
        left += [False] * (len(headings) - len(left))
        head = "".join(f"<th{_class(n)}>{_ht(cell)}</th>" for cell, n in zip(headings, left, strict=True))
        body = "".join(
            "<tr>" + "".join(_cell(cell, n) for cell, n in zip(row, left, strict=True)) + "</tr>"
            for row in rows
        )
        table = f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
        self._add("\n".join(lines), f"<div class=wide tabindex=0>{table}</div>")

    def command(self, text: str) -> None:
        """A command that can be copied; long ones wrap."""
        self._add(f"```\n{text}\n```", f"<pre><code>{_ht(text)}</code></pre>")

    def facts(self, rows: Sequence[tuple[str, str]]) -> None:
        """A table of names and texts of any length, which wrap instead of leaving the page."""
        lines = [
            "| What | Value |",
            "| --- | --- |",
            *(f"| {_md(name)} | {_md(text)} |" for name, text in rows),
        ]
        body = "".join(f"<tr><td>{_ht(name)}</td><td>{_ht(text)}</td></tr>" for name, text in rows)
        self._add("\n".join(lines), f"<table class=facts><tbody>{body}</tbody></table>")

    def plot(self, svg: Path, caption: str, folder: Path) -> None:
        """A plot with its caption; linked in Markdown, part of the HTML file."""
        drawing = svg.read_text(encoding="utf-8")
        drawing = drawing[drawing.index("<svg") :]
        self._add(
            f"![{_md(caption)}]({svg.relative_to(folder).as_posix()})",
            f"<figure>{drawing}<figcaption>{_ht(caption)}</figcaption></figure>",
        )

    def side_by_side(self, cases: Sequence[tuple[str, str]]) -> None:
        """Titled texts next to each other."""
        boxes = "".join(
            f"<section><h3>{_ht(title)}</h3><p>{_ht(text)}</p></section>" for title, text in cases
        )
        quoted = "\n\n".join(
            f"**{_md(title)}**\n\n" + "\n".join(f"> {_md(line)}" for line in text.splitlines() or [""])
            for title, text in cases
        )
        self._add(quoted, f"<div class=cases>{boxes}</div>")

    def markdown(self) -> str:
        """The page as Markdown."""
        return f"# {_md(self.title)}\n\n" + "\n\n".join(self._markdown) + "\n"

    def html(self) -> str:
        """The page as one HTML file that needs nothing else."""
        body = "\n".join([f"<main>\n<h1>{_ht(self.title)}</h1>", *self._html, "</main>"])
        return web_page(self.title, body, style=_STYLE)

    def write(self, folder: Path, name: str) -> tuple[Path, Path]:
        """Write NAME.md and NAME.html."""
        folder.mkdir(parents=True, exist_ok=True)
        files = folder / f"{name}.md", folder / f"{name}.html"
        for file, text in zip(files, (self.markdown(), self.html()), strict=True):
            file.write_text(text, encoding="utf-8")
        return files

    def _add(self, markdown: str, html_text: str) -> None:
        self._markdown.append(markdown)
        self._html.append(html_text)


def _md(text: str) -> str:
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))


def _is_words(cell: str) -> bool:
    return len(cell) > _LONGEST_FIGURE or cell[:1].isalpha()


def _class(left: bool) -> str:
    return " class=words" if left else ""


def _cell(text: str, left: bool) -> str:
    """A table's cell; running text wraps, so that it neither leaves the page nor hides behind a scrollbar."""
    return f"<td{' class=text' if len(text) > _LONGEST_FIGURE else _class(left)}>{_ht(text)}</td>"


def _ht(text: str) -> str:
    return html.escape(text)
