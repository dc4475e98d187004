"""Excel files are read as tables are, and a damaged one is one line."""

import sys
from pathlib import Path

import openpyxl
import pytest

from oceanchat.corpus.essays import open_corpus
from oceanchat.errors import ConfigError, CorpusError
from tests.oceanchat.corpus.sources import essays, words


def workbook(path: Path) -> Path:
    book = openpyxl.Workbook()
    book.active.append(["About", "these essays"])
    sheet = book.create_sheet("essays")
    sheet.append(["Exported in May"])
    sheet.append(["Participant", "Text", "Openness", None])
    for number in range(4):
        sheet.append([number % 2 + 1.0, words(number), [1, 4.5, None, 5][number]])
    sheet.append([])
    sheet.append([3, "Err:000", 3, "beyond"])
    sheet.append([3, None])
    book.save(path)
    return path


def test_a_sheet_with_a_header_is_read(tmp_path: Path) -> None:
    corpus = open_corpus(str(workbook(tmp_path / "e.xlsx")))
    assert [essay.author for essay in essays(corpus)] == ["1", "2", "1", "2"]
    assert [len(essay.labels) for essay in essays(corpus)] == [1, 1, 0, 1]
    assert corpus.junk == {"unparseable": 2}


def test_a_damaged_workbook_is_one_line(tmp_path: Path) -> None:
    data = workbook(tmp_path / "e.xlsx").read_bytes()
    for cut in (10, len(data) // 2, len(data) - 30):
        (tmp_path / "cut.xlsx").write_bytes(data[:cut])
        with pytest.raises(CorpusError, match="cannot be read as Excel"):
            open_corpus(str(tmp_path / "cut.xlsx"))


def test_without_openpyxl_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = workbook(tmp_path / "e.xlsx")
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    with pytest.raises(ConfigError, match=r"'openpyxl'.*ocean-chat\[excel\]"):
        open_corpus(str(path))
