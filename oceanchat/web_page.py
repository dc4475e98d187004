"""Assemble a page that needs nothing else.

One HTML file with its style and script inside, in the look of all our pages. A policy in its head forbids it
to load or send anything and to run any other script, whatever its texts hold. It knows nothing of what a
page says.
"""

import base64
import hashlib
import html
from importlib.resources import files

HOUSE_STYLE = "house.css"


def web_page(title: str, body: str, *, style: str = "", script: str = "") -> str:
    """A whole HTML file; `body` is HTML, `title` text. The script, if any, runs when the body is there."""
    look = files("oceanchat").joinpath(HOUSE_STYLE).read_text(encoding="utf-8") + style
    head = (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_policy(script)}">\n'
        f"<title>{html.escape(title)}</title>\n<style>\n{look}</style>\n</head>\n"
    )
    end = f"<script>{script}</script>\n" if script else ""
    return "".join([head, "<body>\n", body, "\n", end, "</body>\n</html>\n"])


def _policy(script: str) -> str:
    """What the page may do: use its own styles and the images in it, and run this script."""
    allowed = "'none'"
    if script:
        digest = hashlib.sha256(script.encode("utf-8")).digest()
        allowed = f"'sha256-{base64.b64encode(digest).decode('ascii')}'"
    return (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data:;"
        " base-uri 'none'; form-action 'none'"
    )
