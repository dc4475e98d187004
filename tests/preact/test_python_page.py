"""The Python in docs/ is run as it stands; the small backbone of docs/python.md is the tests' micro Llama."""

import doctest
from pathlib import Path

import pytest

from tests.preact.conftest import Run
from tests.test_architecture import ROOT


def test_the_page_on_python_is_run(
    preact_run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "backbones").mkdir()
    (tmp_path / "backbones" / "small").symlink_to(preact_run.backbone)
    (tmp_path / "releases").symlink_to(ROOT / "releases")
    monkeypatch.chdir(tmp_path)
    page = str(ROOT / "docs" / "python.md")
    failed, attempted = doctest.testfile(page, module_relative=False, optionflags=doctest.ELLIPSIS)
    assert attempted > 20 and not failed, capsys.readouterr().out


@pytest.mark.parametrize("page", ["model.md", "serving.md"])
def test_the_examples_on_a_page_are_run(page: str, capsys: pytest.CaptureFixture[str]) -> None:
    path = str(ROOT / "docs" / page)
    failed, attempted = doctest.testfile(path, module_relative=False, optionflags=doctest.ELLIPSIS)
    assert attempted > 3 and not failed, capsys.readouterr().out
