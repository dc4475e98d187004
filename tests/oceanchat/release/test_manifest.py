"""What a manifest counts and how a release is tagged."""

import pytest

from oceanchat.release.manifest import FORMAT, Counts, Manifest

COUNTS = Counts(
    splits={"train": {"O+": 2, "N-": 1}, "test": {"O+": 4}},
    rejected={"off-trait": 9},
    withheld={"unchecked": 5},
)


def test_the_rows_of_all_splits_are_counted() -> None:
    assert COUNTS.rows == 7


@pytest.mark.parametrize(("scripted", "tag"), [(True, "v1.2.0-scripted"), (False, "v1.2.0")])
def test_the_tag_says_whether_a_release_is_scripted(scripted: bool, tag: str) -> None:
    manifest = Manifest(
        format=FORMAT,
        name="ocean-chat-1.2.0",
        version="1.2.0",
        scripted=scripted,
        license="mit",
        language="en",
        require="checked",
        seed_topics="text",
        split_ratio=(80, 10, 10),
        split_seed=0,
        code={},
        builds={},
        corpora=(),
        counts=COUNTS,
        files=(),
    )
    assert manifest.tag == tag
    assert Manifest.model_validate_json(manifest.model_dump_json()) == manifest
