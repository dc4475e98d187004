"""The card says what the figures say, agreement and annotators included, and escapes what could break it."""

from typing import Any

from oceanchat.release.card.page import render_card
from oceanchat.release.folder import CARD, Release


def card(release: Release, **changes: Any) -> str:
    return render_card(release.manifest, {**release.quality, **changes})


def test_rendering_again_gives_the_file(release: Release) -> None:
    assert card(release) == (release.folder / CARD).read_text(encoding="utf-8")


def test_prompts_are_shown_whole_or_by_fingerprint(release: Release) -> None:
    prompts = {
        "a": {"task": "write", "fingerprint": "abc", "text": "Say <x>{x}</x>."},
        "b": {"task": "check", "fingerprint": "def", "text": ""},
    }
    text = card(release, prompts=prompts)
    assert "### write (abc)\n\n````text\nSay <x>{x}</x>.\n````" in text
    assert "the template has changed since" in text
