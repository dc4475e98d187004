"""The head of the card says what the Hub has to know."""

import yaml  # type: ignore[import-untyped]

from oceanchat.release.folder import Release


def test_the_card_names_license_tags_configs_and_that_it_is_scripted(release: Release) -> None:
    card = (release.folder / "README.md").read_text()
    head = yaml.safe_load(card.split("---\n")[1])
    assert head["license"] == "cc0-1.0"
    assert {"synthetic", "scripted"} <= set(head["tags"])
    assert [c["config_name"] for c in head["configs"]] == ["default", "rejected"]
    assert head["size_categories"] == ["n<1K"]
    for part in (
        "Scripted data",
        "97.2%",
        "Near-duplicates",
        "Personal data",
        "Out of scope",
        "How to reproduce",
    ):
        assert part in card
