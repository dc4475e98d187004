"""A page is one file that loads nothing and runs no script but its own."""

import base64
import hashlib
import re

from oceanchat.web_page import web_page


def test_the_policy_names_the_page_s_own_script_and_nothing_else() -> None:
    page = web_page("A <title>", "<p>Hello", script="const a = 1;")
    digest = base64.b64encode(hashlib.sha256(b"const a = 1;").digest()).decode()
    assert f"script-src 'sha256-{digest}'" in page and "default-src 'none'" in page
    assert "<title>A &lt;title&gt;</title>" in page and "<script>const a = 1;</script>" in page


def test_a_page_without_a_script_allows_none() -> None:
    page = web_page("A title", "<p>Hello", style="p{color:red}")
    assert "script-src 'none'" in page and "<script" not in page and "p{color:red}" in page
    assert not re.findall(r"https?://|@import|url\(", page)
