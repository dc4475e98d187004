"""The card says what the figures say, agreement and annotators included, and escapes what could break it."""

from typing import Any

from oceanchat.release.card.page import render_card
from oceanchat.release.folder import CARD, Release


def card(release: Release, **changes: Any) -> str:
    return render_card(release.manifest, {**release.quality, **changes})


def test_rendering_again_gives_the_file(release: Release) -> None:
    assert card(release) == (release.folder / CARD).read_text(encoding="utf-8")


def test_a_split_by_author_is_claimed_only_where_authors_are_known(release: Release) -> None:
    assert "by author with seed" in card(release) and "no author, no seed topic" in card(release)
    for without, claim in ((12, "no known author, no seed topic"), (30, "seed 0: no seed topic")):
        manifest = release.manifest.model_copy(update={"rows_without_author": without})
        text = render_card(manifest, release.quality)
        assert claim in text and f"Of {without} of the 30 rows nobody knows who wrote" in text
        assert "by author with seed" not in text


def test_prompts_are_shown_whole_or_by_fingerprint(release: Release) -> None:
    prompts = {
        "a": {"task": "write", "fingerprint": "abc", "text": "Say <x>{x}</x>."},
        "b": {"task": "check", "fingerprint": "def", "text": ""},
    }
    text = card(release, prompts=prompts)
    assert "### write (abc)\n\n```text\nSay <x>{x}</x>.\n```" in text
    assert "the template has changed since" in text
