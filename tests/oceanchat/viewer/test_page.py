"""The file: whole, self-contained, and blind to what its texts would like to be."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from oceanchat.errors import InputError
from oceanchat.records import Turn
from oceanchat.viewer.content import CountCell, PageSection, PageTable
from oceanchat.viewer.page import page_html, write_page
from tests.oceanchat.viewer.factories import content, shown

HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)> <!-- \ud800 \x00 & \u2028"


class Elements(HTMLParser):
    """The elements of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.opened: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.opened.append(tag)


def elements(page: str) -> list[str]:
    parser = Elements()
    parser.feed(page)
    return parser.opened


def test_no_text_adds_an_element() -> None:
    def page(text: str) -> str:
        turns = (Turn(role="questioner", text=text), Turn(role="discloser", text=text))
        table = PageTable((text, text), [(text, CountCell(text, "O+", text))], text)
        return page_html(
            content(
                [shown(1, turns=turns, sentence=text, facet=text, detail=text)],
                title=text,
                summary=[(text, text)],
                cautions=[text],
                sections=[PageSection("funnel", text, [text], [table], [(text, 1)])],
            )
        )

    assert elements(page(HOSTILE)) == elements(page("plain"))


def test_a_page_names_no_other_address() -> None:
    page = page_html(content([shown(1)]))
    assert not re.findall(r"https?://|//cdn|@import|url\(|src=", page)


def test_counts_lead_to_their_dialogues_and_bars_are_shares_of_the_first() -> None:
    table = PageTable(("", "passed"), [("O+", CountCell("2", "O+", "gate:length"))])
    section = PageSection("funnel", "Funnel", (), [table], [("sentences", 8), ("dialogues", 2)])
    page = page_html(content([shown(1)], sections=[section]))
    assert 'href="#level=o-high&amp;state=gate%3Alength">2</a>' in page
    assert page.index("width:100.00%") < page.index("width:25.00%")


def test_a_page_is_whole_or_one_line_says_why_not(tmp_path: Path) -> None:
    target = tmp_path / "new" / "page.html"
    assert write_page(content([shown(1)]), target) == target.stat().st_size
    with pytest.raises(InputError, match="cannot be written"):
        write_page(content([shown(1)]), tmp_path)
    with pytest.raises(InputError, match="cannot be written"):
        write_page(content([shown(1)]), target / "below.html")
