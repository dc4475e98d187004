"""Sentences: one line in a pipe, whole words on a terminal."""

import logging

import pytest

from oceanchat.cli.display.notes import fitted, print_log_as_notes, print_note, print_sentence

NOTE = (
    "oceanchat: model 'm' at 'https://a-long-address.example.com/v1' is asked too fast; --concurrency 2 helps"
)


def test_a_note_in_a_pipe_is_one_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    print_note(NOTE)
    print_sentence("A result.")
    assert capsys.readouterr() == ("A result.\n", NOTE + "\n")


def test_on_a_terminal_words_and_options_stay_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    lines = fitted(NOTE).splitlines()
    assert " ".join(lines) == NOTE and max(map(len, lines)) < 60
    monkeypatch.setenv("COLUMNS", "20")
    assert " ".join(fitted(NOTE).splitlines()) == NOTE


@pytest.mark.parametrize("module", ["oceanchat.annotation.live_answers", "preact.serving.counting"])
def test_what_a_package_logs_is_a_note_once(module: str, capsys: pytest.CaptureFixture[str]) -> None:
    package = logging.getLogger(module.partition(".")[0])
    before = list(package.handlers)
    print_log_as_notes()
    print_log_as_notes()
    logging.getLogger(module).warning("a batch failed")
    package.handlers[:] = before
    assert capsys.readouterr().err == f"{package.name}: a batch failed\n"
