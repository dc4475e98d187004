"""What the server says when it begins to answer."""

import pytest

from annotation_app.greeting import greeting


@pytest.mark.parametrize(
    ("host", "path", "shown"),
    [
        ("127.0.0.1", "", "at http://127.0.0.1:8501. People"),
        ("127.0.0.1", "/study/", "at http://127.0.0.1:8501/study. People"),
        ("0.0.0.0", "", "at http://127.0.0.1:8501, and at every address of this machine. People"),
        ("::1", "", "at http://[::1]:8501. People"),
    ],
)
def test_the_greeting_names_an_address_that_opens(host: str, path: str, shown: str) -> None:
    assert shown in greeting(host, 8501, path)
