"""What README.md and docs show is run as somebody types it, line by line.

A line is left out only where the text above its block says why. Models are the scripted one behind an
endpoint of its own, the Hub, Slurm and vLLM are stand-ins, and oceanchat.toml makes trainings small.
"""

import json
import os
import shutil
import signal
from collections.abc import Iterator
from contextlib import suppress
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from oceanchat.annotation import accounts
from oceanchat.store.database import open_store
from preact.backbones.tiny import build
from tests.endpoint import Endpoint
from tests.oceanchat.annotation.talks import rate_all, talk
from tests.oceanchat.hub.hub_process import running_hub
from tests.preact.tiny_models import SHAPE, TEXTS
from tests.processes import Spawn, free_port
from tests.reader import Reader, Statement
from tests.running import clean_environment
from tests.stand_ins.programs import write_programs
from tests.test_architecture import ROOT
from tests.test_documents import DOCUMENTS
from tests.warm_commands import warm_commands

DOCS = ROOT / "docs"
OWN = {"README.md", "docs/tutorial.md", "docs/python.md", "docs/requests-as-a-file.md"}
OWN |= {f"docs/recipes/{name}.md" for name in ("lab", "thesis", "three-machines", "other-tools")}
"""Documents with a test of their own."""
SMALL = """
[oceanchat]
prices = "prices.toml"
[preact.train]
backbone = "backbones/small"
rank = 16
max-steps = 4
batch-size = 4
[preact.chat]
max-tokens = 6
[preact.interview]
runs = 1
max-tokens = 6
[preact.judge]
exam-size = 10
"""
"""A project file: what the documents show takes seconds."""
BACKBONE = SHAPE.model_copy(update={"positions": 2048})
ESSAYS = 12
"""Bundled essays in the file that the documents call essays.csv: too few for what is asked of it."""
SAMPLE = (
    "oceanchat build all --count 3 --store sample.db",
    "oceanchat release --version 0.1.0 --license cc0-1.0 --split-ratio 34/33/33 --store sample.db",
)
"""What makes a small release that is called as the sample is."""


@pytest.fixture(scope="module")
def commands(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Surroundings with both commands, which start at once, and a cluster's programs."""
    folder = tmp_path_factory.mktemp("commands")
    programs = write_programs(folder / "programs")
    with warm_commands(folder, clean_environment()) as environment:
        yield environment | {"PATH": f"{programs}:{environment['PATH']}"}


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a reader has: the sample's name, a backbone and essays, all of them small."""
    folder = tmp_path_factory.mktemp("clone")
    (folder / "oceanchat.toml").write_text(SMALL)
    _write_essays(folder / "essays.csv")
    small = build(TEXTS, TEXTS, shape=BACKBONE, seed=1, progress=lambda step, steps, loss: None)
    for part in (small.model, small.tokenizer):
        part.save_pretrained(folder / "backbones" / "small")
    return folder


def _write_essays(path: Path) -> None:
    file = resources.files("oceanchat.corpus").joinpath("essays.jsonl")
    rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()[:ESSAYS]]
    cells = [f'{row["author"]},"{row["text"].replace(chr(34), chr(34) * 2)}"\n' for row in rows]
    path.write_text("author,text\n" + "".join(cells), encoding="utf-8")


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    """The scripted model behind a socket, under any name."""
    running = Endpoint(reply=None)
    yield running
    running.close()


@pytest.fixture
def reader(
    clone: Path, commands: dict[str, str], endpoint: Endpoint, spawn: Spawn, tmp_path: Path
) -> Iterator[Reader]:
    """A reader in a folder of their own."""
    folder = tmp_path / "clone"
    shutil.copytree(clone, folder)
    prices = resources.files("oceanchat.llm").joinpath("prices.toml").read_text(encoding="utf-8")
    (folder / "prices.toml").write_text(prices.replace("https://api.openai.com/v1", endpoint.url))
    replace = {"http://localhost:11434/v1": endpoint.url, "OWNER/NAME": "me/ocean-chat"}
    for usual, program in (("8809", "preact serve"), ("8808", "oceanchat serve-scripted")):
        port = str(free_port())
        replace |= {usual: port, program: f"{program} --port {port}"}
    yield Reader(folder, commands | {"OPENAI_BASE_URL": endpoint.url}, spawn, replace)


def _release_sample(reader: Reader) -> None:
    for text in SAMPLE:
        reader.type(Statement(text, "the sample"))


TRAINING = "## Train and evaluate"


def test_the_readme_until_training(reader: Reader, tmp_path: Path) -> None:
    with running_hub() as hub:
        reader.only_for["oceanchat publish"] = hub.environment(tmp_path / "hub")
        reader.read(ROOT / "README.md", end=TRAINING)
    assert (reader.folder / "releases" / "ocean-chat-1.0.0" / "README.md").exists()


@pytest.mark.soak
def test_the_readme_from_training_on(reader: Reader) -> None:
    """In `make soak`: minutes of CPU time, and most of its commands are the tutorial's."""
    _release_sample(reader)
    reader.only_for["check-served"] = {"OPENAI_BASE_URL": ""}
    reader.patience = 1200
    reader.read(ROOT / "README.md", begin=TRAINING)
    assert (reader.folder / "report" / "report.html").exists()


def test_requests_as_a_file(reader: Reader) -> None:
    (reader.folder / "round").mkdir()
    reader.only_for["round/"] = {"OCEANCHAT_STORE": "array.db"}  # where something is missing still
    reader.read(DOCS / "requests-as-a-file.md")
    assert (reader.folder / "requests.jsonl").read_text() == ""


def test_the_recipe_for_a_lab_on_slurm(reader: Reader, endpoint: Endpoint) -> None:
    """The very files of the recipe, with another study.env."""
    for path in (DOCS / "recipes" / "lab").iterdir():
        shutil.copy(path, reader.folder)
    settings = (reader.folder / "study.env").read_text()
    settings = settings.replace("SHARDS=16", "SHARDS=2").replace("all --count 1000", "O+ --count 1")
    settings = settings.replace("releases/ocean-chat-1.0.0", "releases/ocean-chat-0.1.0-scripted")
    backbone = "BACKBONE=meta-llama/Llama-2-7b-chat-hf"
    assert backbone in settings
    (reader.folder / "study.env").write_text(settings.replace(backbone, "BACKBONE=backbones/small"))
    reader.environment["KEEP_JOBS"] = "serve.sbatch"
    _release_sample(reader)
    try:
        reader.read(DOCS / "recipes" / "lab.md")
    finally:
        with suppress(FileNotFoundError, ProcessLookupError):
            os.killpg(int((reader.folder / "serve.sbatch.pid").read_text()), signal.SIGKILL)
    assert (reader.folder / "runs" / "preact" / "run.json").exists()
    assert "sbatch train.sbatch" in reader.typed


def test_the_recipe_for_a_thesis(reader: Reader) -> None:
    reader.replace |= {'store = "thesis.db"': 'store = "thesis.db"\nprices = "prices.toml"'}
    # The endpoint lists the one model that it has.
    reader.replace |= {"--online --model gpt-4o-mini --checker gpt-4o": "--online --model scripted-http"}
    reader.read(DOCS / "recipes" / "thesis.md")
    assert (reader.folder / "page.html").stat().st_size > 10_000


def test_the_recipe_for_three_machines(reader: Reader) -> None:
    _release_sample(reader)
    reader.type(Statement("oceanchat backup study.db --store sample.db", "the store"))
    reader.read(DOCS / "recipes" / "three-machines.md")
    assert (reader.folder / "backup.db").exists()


VOTES = {"Ann": "yes yes no", "Ben": "yes yes no", "Cas": "yes no no"}
"""Made up: who said what of three dialogues."""


def _write_exports(folder: Path) -> None:
    """Exports of two annotation tools, written by us in the form of theirs."""
    cast = [(item, who, vote) for who, votes in VOTES.items() for item, vote in enumerate(votes.split(), 1)]
    head = "annotation_id,annotator,created_at,dialogue,id,lead_time,trait_level,trait_shown,turns,updated_at"
    lines = [
        f'{n},"{who}@lab.org","2025-11-01T10:00:00Z","d{item}",{item},9.5,"N+","{vote}","[]","2025-11-01"'
        for n, (item, who, vote) in enumerate(cast, 1)
    ]
    (folder / "label-studio.csv").write_text(
        "\n".join([head, *lines, '99,"Ann@lab.org",,"d4",4,,"N+","",,']) + "\n"
    )
    names = [f"trait_shown.{part}" for part in ("responses", "responses.users", "responses.status")]
    records: list[dict[str, Any]] = []
    for item in (1, 2, 3):
        votes = [vote for number, _, vote in cast if number == item]
        answers: list[list[str]] = [votes, [f"user-{who}" for who in VOTES], ["submitted"] * len(votes)]
        if item == 1:
            for answer, part in zip(answers, ("no", "user-Dee", "draft"), strict=True):
                answer.append(part)
        records.append({"id": f"d{item}", **dict(zip(names, answers, strict=True))})
    records.append({"id": "d4", **dict.fromkeys(names)})
    (folder / "argilla.json").write_text(json.dumps(records))
    turns = [("user", "How was the exam?"), ("assistant", "I shook all through it and I still do.")] * 3
    chat = [{"role": role, "content": text} for role, text in turns]
    task = {
        "id": 7,
        "data": {"trait_level": "N+", "dialogue": chat},
        "annotations": [{"id": 1, "result": []}],
    }
    (folder / "label-studio.json").write_text(json.dumps([task]))
    record = {"id": "d1", "fields": {"messages": chat}, "metadata": {"trait": "N", "level": "high"}}
    (folder / "argilla-chats.json").write_text(
        json.dumps([record | {"responses": {}, "status": "completed"}])
    )


def test_the_recipe_for_other_tools(reader: Reader) -> None:
    _write_exports(reader.folder)
    _release_sample(reader)
    reader.environment["OCEANCHAT_STORE"] = "sample.db"
    reader.read(DOCS / "recipes" / "other-tools.md")
    assert len((reader.folder / "labels.csv").read_text().splitlines()) == 1 + 9
    tasks = json.loads((reader.folder / "tasks.json").read_text())
    assert {"dialogue", "trait_level", "turns"} == tasks[0].keys()
    # Of nine pairs of votes seven agree, in both tools; the label makes a stratum of the first.
    assert reader.printed.count("77.8%") == 3


def test_every_other_page(reader: Reader) -> None:
    """As they stand, one after the other, in a folder with a build of the scripted model."""
    releases = reader.folder / "releases"
    shutil.copytree(ROOT / "releases", releases)  # not a link: a block may write there
    del reader.environment["OPENAI_BASE_URL"]
    reader.type(Statement("oceanchat build all --count 1", "the build"))
    reader.in_the_app = lambda: _rate(reader.folder / "rehearsal.db")
    for page in DOCUMENTS:
        if page.relative_to(ROOT).as_posix() not in OWN:
            reader.read(page)
    assert len(reader.typed) > 12
    assert len((reader.folder / "rehearsal.csv").read_text().splitlines()) == 1 + 8


def _rate(path: Path) -> None:
    """Talk with the models of an evaluation and score them, as two people would in the app."""
    store = open_store(path)
    both = accounts.everyone(store)
    assert sum(rate_all(store, person, talk) for person in both * 2) == 8
    store.close()
