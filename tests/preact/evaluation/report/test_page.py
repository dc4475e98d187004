"""The page: nothing in an answer breaks it."""

from html.parser import HTMLParser

from preact.evaluation.report.page import Page


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.opened: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.opened.append(tag)


def test_answers_cannot_break_out_of_the_page() -> None:
    page = Page("<script>alert(1)</script>")
    page.side_by_side([("a|b", "</p><script>alert(2)</script> **bold** [x](y)")])
    page.table(["<b>", "x"], [["| <i>", "`code`"]])
    tags = Tags()
    tags.feed(page.html())
    assert "script" not in tags.opened and "i" not in tags.opened
    assert r"\*\*bold\*\*" in page.markdown() and r"\| \<i\>" in page.markdown()
