"""Provenance: complete, and readable on a common screen."""

import os
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

from preact.evaluation.report.page import Page
from preact.evaluation.report.provenance import _flat
from tests.chromium import CHROMIUM, QUIET

LONG = {"recipe": {"rank": 256, "target_modules": []}, "hashes": ["0123456789abcdef" * 4] * 8}


def test_every_fact_has_a_line_however_deep_it_lies() -> None:
    lines = dict(_flat("system", LONG))
    assert lines["system: recipe.rank"] == "256" and lines["system: recipe.target_modules"] == "[]"
    assert lines["system: hashes"].count("0123456789abcdef" * 4) == 8


@pytest.mark.browser
@pytest.mark.skipif(not Path(CHROMIUM).exists() and not os.environ.get("CI"), reason="no chromium")
def test_long_values_lie_inside_a_page_of_1280_pixels(tmp_path: Path) -> None:
    page = Page("Provenance")
    page.facts(list(_flat("system", LONG)))
    _, html = page.write(tmp_path, "page")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(QUIET))
        seen = browser.new_page(viewport={"width": 1280, "height": 800})
        seen.goto(html.as_uri())
        right = seen.evaluate(
            "[...document.querySelectorAll('.facts td:last-child')].map(cell => {"
            " const range = document.createRange(); range.selectNodeContents(cell);"
            " return Math.max(...[...range.getClientRects()].map(box => box.right)) })"
        )
        browser.close()
    assert len(right) == 3 and min(right) > 300 and max(right) <= 1280
