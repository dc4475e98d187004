"""`import oceanchat` and `import preact` cost nothing, and offer what docs/python.md describes."""

import subprocess
import sys
from types import ModuleType

import pytest

import oceanchat
import preact
from oceanchat.errors import ConfigError, OceanChatError

FACES = [
    (oceanchat, {"OceanChatError", "agreement", "build", "load_release", "open"}),
    (preact, {"LoadedRun", "OceanChatError", "load", "train"}),
]
LIGHT = {"click", "pandas", "pydantic", "sqlalchemy", "torch", "tqdm", "transformers", "asyncio"}


@pytest.mark.parametrize(("package", "names"), FACES, ids=lambda value: getattr(value, "__name__", ""))
def test_a_package_offers_its_names(package: ModuleType, names: set[str]) -> None:
    assert set(package.__all__) == names <= set(dir(package))
    assert all(getattr(package, name).__doc__ for name in names)
    assert package.OceanChatError is OceanChatError
    with pytest.raises(AttributeError, match=f"module '{package.__name__}' has no attribute 'nothing'"):
        _ = package.nothing


def test_importing_both_loads_nothing_heavy() -> None:
    script = "import sys, oceanchat, preact; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert "oceanchat.errors" in loaded.split() and not LIGHT & set(loaded.split())
    assert not [name for name in loaded.split() if ".notebook" in name]


def test_a_missing_package_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tqdm", None)
    monkeypatch.delitem(sys.modules, "tqdm.auto", raising=False)
    monkeypatch.delitem(sys.modules, "oceanchat.notebook.bars", raising=False)
    monkeypatch.delitem(sys.modules, "oceanchat.notebook.building", raising=False)
    with pytest.raises(
        ConfigError, match=r"'tqdm', which is not installed; run: \S*pip install 'ocean-chat\[n"
    ):
        _ = oceanchat.build
