"""License ids of the Hub, and what is message about others."""

import pytest

from oceanchat.errors import ConfigError
from oceanchat.release.licenses import LICENSE_IDS, check_license


@pytest.mark.parametrize("license_id", ["cc-by-4.0", "cc0-1.0", "apache-2.0", "mit", "other"])
def test_ids_that_the_hub_knows_pass(license_id: str) -> None:
    check_license(license_id)


@pytest.mark.parametrize(
    ("license_id", "message"),
    [
        (None, "needs a license: give --license"),
        ("", "needs a license: give --license"),
        ("CC-BY-4.0", "'CC-BY-4.0' is not a license id of the Hugging Face Hub; did you mean 'cc-by-4.0'?"),
        ("cc by 4.0", "did you mean 'cc-by-4.0'?"),
        ("cc-by", "did you mean 'cc-by-4.0'?"),
        ("ccby", "did you mean 'cc-by-4.0'?"),
        ("cc0", "did you mean 'cc0-1.0'?"),
        ("ours alone", "is not a license id of the Hugging Face Hub; write 'other'"),
    ],
)
def test_others_are_refused_with_the_nearest(license_id: str | None, message: str) -> None:
    with pytest.raises(ConfigError, match=r"\A[^\n]+\Z") as error:
        check_license(license_id)
    assert message in str(error.value)


def test_the_list_is_long_enough_to_be_the_whole() -> None:
    assert len(LICENSE_IDS) > 80 and all(one == one.lower() for one in LICENSE_IDS)
