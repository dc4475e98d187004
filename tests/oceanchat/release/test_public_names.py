"""Names of corpora as the public may know them."""

from oceanchat.release.public_names import public_name


def test_public_names_hold_no_folders() -> None:
    assert public_name("/home/me/essays.csv") == "essays.csv"
    assert public_name("owner/dataset") == "owner/dataset"
    assert public_name("../private/essays.csv") == "essays.csv"
    assert public_name("bundled essays") == "bundled essays"
