"""The house holds: imports point down, heavy libraries stay home, the README's map is true."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.running import run_json

ROOT = Path(__file__).parent.parent
PACKAGES = ("oceanchat", "annotation_app", "preact")
MODULES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))

HOMES = {
    "torch": ("preact",),
    "transformers": ("preact",),
    "peft": ("preact",),
    "accelerate": ("preact",),
    "streamlit": ("annotation_app",),
    "openai": ("oceanchat.llm",),
    "sqlalchemy": ("oceanchat.store",),
    "huggingface_hub": ("oceanchat.hub",),
    "nltk": ("oceanchat.corpus",),
}
"""Heavy library -> the places that may import it."""


def name_of(path: Path) -> str:
    """The dotted name of a module file."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports_of(path: Path) -> set[str]:
    """Every module a file imports, wherever the import stands."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


HANDLES = {"sqlalchemy", "sqlalchemy.Connection", "sqlalchemy.Engine", "sqlalchemy.exc"}
HANDLES |= {"sqlalchemy.exc.SQLAlchemyError"}
"""What may be passed around outside the store: handles and their error, never a query."""


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_heavy_libraries_stay_in_their_home(path: Path) -> None:
    module = name_of(path)
    for imported in imports_of(path) - HANDLES:
        library = imported.split(".")[0]
        homes = HOMES.get(library)
        assert homes is None or module.startswith(homes), f"{module} imports {library}; its home is {homes}"


def test_the_app_and_the_trainer_do_not_know_each_other() -> None:
    for path in MODULES:
        package = name_of(path).split(".")[0]
        foreign = {"annotation_app": "preact", "preact": "annotation_app", "oceanchat": "preact"}[package]
        assert not any(module.split(".")[0] == foreign for module in imports_of(path)), name_of(path)


def test_package_files_hold_a_docstring_only() -> None:
    for path in MODULES:
        if path.name == "__init__.py":
            body = ast.parse(path.read_text(encoding="utf-8")).body
            assert all(isinstance(node, ast.Expr) for node in body), f"{path} holds code"


def captions() -> dict[str, str]:
    """Path -> the first line of each module's docstring."""
    found = {}
    for path in MODULES:
        if path.name != "__init__.py":
            docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
            found[str(path.relative_to(ROOT))] = docstring.split("\n")[0]
    return found


def test_every_module_says_what_it_is() -> None:
    bare = [path for path, caption in captions().items() if not caption]
    assert not bare


def test_the_map_in_the_readme_is_true() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    listed = dict(re.findall(r"^\s*`([\w/.]+\.py)` (.+)$", text, re.MULTILINE))
    expected = {path: caption for path, caption in captions().items()}
    assert listed == expected, "run `python tests/test_architecture.py` and paste the map into the README"


LIGHT = ("torch", "streamlit", "datasets", "pandas", "sklearn", "scipy", "matplotlib", "pyarrow")
"""What no command of the build loads."""
FOR_HELP = (*LIGHT, "nltk", "openai", "sqlalchemy", "rich", "pydantic")
"""What `--help` does without, too."""


@pytest.mark.parametrize(
    ("arguments", "heavy"),
    [
        (["--help"], FOR_HELP),
        (["build", "--help"], FOR_HELP),
        (["status", "--help"], FOR_HELP),
        (["build", "--trait", "O", "--level", "high", "--count", "1"], (*LIGHT, "openai")),
        (["status"], (*LIGHT, "openai", "nltk")),
        (["show"], (*LIGHT, "openai", "nltk")),
        (["stats"], (*LIGHT, "openai", "nltk")),
    ],
    ids=lambda value: " ".join(value[:2]) if isinstance(value, list) else "",
)
def test_a_command_loads_only_what_it_uses(
    arguments: list[str], heavy: tuple[str, ...], store_folder: Path
) -> None:
    script = (
        "import sys\n"
        "from oceanchat.cli.main import oceanchat\n"
        f"oceanchat.main({arguments!r}, standalone_mode=False)\n"
        "print('LOADED', sorted({m.split('.')[0] for m in sys.modules}))\n"
    )
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=store_folder)
    loaded = done.stdout.rpartition("LOADED")[2]
    assert not [name for name in heavy if f"'{name}'" in loaded]


@pytest.fixture(scope="module")
def store_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder whose store holds one dialogue."""
    folder = tmp_path_factory.mktemp("store")
    run_json(folder, "build", "--trait", "O", "--level", "high", "--count", "1")
    return folder


if __name__ == "__main__":
    for listed_path, its_caption in captions().items():
        print(f"    `{listed_path}` {its_caption}")
