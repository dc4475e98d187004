"""A small release whose card is rendered again."""

import pytest

from oceanchat.release.folder import Release
from oceanchat.release.writer import ReleaseConfig, write_release
from tests.oceanchat.release.factories import make_dialogue, make_dialogues, make_store


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Release:
    tmp_path = tmp_path_factory.mktemp("card")
    store = make_store(
        tmp_path / "store.db", [*make_dialogues(3), make_dialogue(90, "C-", state="off-trait")]
    )
    return write_release(ReleaseConfig(version="0.3.0", license="cc0-1.0", output=tmp_path), store)
