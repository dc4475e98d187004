"""What is installed from a wheel, or built into the image, is complete."""

import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what the Dockerfile copies, and nothing else."""
    folder = tmp_path_factory.mktemp("image")
    for line in re.findall(r"^COPY (.+)$", DOCKERFILE, re.MULTILINE):
        *sources, target = line.split()
        for source in sources:
            if (ROOT / source).is_dir():
                shutil.copytree(ROOT / source, folder / target, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(ROOT / source, folder / target)
    return folder


@pytest.fixture(scope="module")
def wheel(copied: Path) -> Path:
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", ".", "."]
    subprocess.run(command, cwd=copied, check=True, timeout=240)
    (path,) = copied.glob("*.whl")
    return path


def test_a_wheel_of_what_the_image_copies_has_every_file_of_the_packages(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    for package in ("oceanchat", "annotation_app", "preact", "prompts"):
        for path in (ROOT / package).rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                name = path.relative_to(ROOT).as_posix()
                assert re.sub(r"^prompts/", "oceanchat/_prompts/", name) in names
    assert not [name for name in names if name.startswith(("tests/", "benchmarks/", "releases/"))]


def test_what_is_unpacked_from_it_builds_and_describes_runs(wheel: Path, tmp_path: Path) -> None:
    unpacked = tmp_path / "site"
    zipfile.ZipFile(wheel).extractall(unpacked)
    code = (
        "import sys; sys.path.insert(0, sys.argv.pop(1))\n"
        "import oceanchat; assert oceanchat.__file__.startswith(sys.path[0])\n"
        "import preact.evaluation.interview.inventories, annotation_app.settings\n"
        "from oceanchat.cli.main import main; main()"
    )
    build = ["build", "--trait", "O", "--level", "high", "--count", "1"]
    done = subprocess.run(
        [sys.executable, "-c", code, str(unpacked), *build],
        cwd=tmp_path, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "1 of 1" in done.stdout and (tmp_path / "ocean-chat.db").exists()


def test_the_image_gets_no_more_than_it_copies() -> None:
    sent = set(re.findall(r"^!(\S+)$", (ROOT / ".dockerignore").read_text(encoding="utf-8"), re.MULTILINE))
    sources = [line.split()[:-1] for line in re.findall(r"^COPY (.+)$", DOCKERFILE, re.MULTILINE)]
    assert sent == {source for line in sources for source in line}


def test_every_page_that_llms_txt_names_is_there() -> None:
    text = (ROOT / "llms.txt").read_text(encoding="utf-8")
    pages = re.findall(r"\]\(([^)]+)\)", text)
    assert text.startswith("# OCEAN-Chat\n\n> ") and len(pages) >= 9
    assert [page for page in pages if not (ROOT / page).is_file()] == []
    assert {path.relative_to(ROOT).as_posix() for path in (ROOT / "docs").rglob("*.md")} <= set(pages)
