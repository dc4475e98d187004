"""What the documents show is so: commands and their options exist, blocks are run, or say why they are not.

Each command and each option is held against the command lines. test_blocks.py runs the blocks as they stand,
unless the line above one says `<!-- parsed only: REASON -->`, or `<!-- parsed only "TEXT": REASON -->` of the
lines that hold a text. docs/tutorial.md and docs/python.md are run by tests of their own.
"""

import doctest
import importlib
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import click
import pytest
import yaml  # type: ignore[import-untyped]

from oceanchat.cli.main import oceanchat
from oceanchat.llm.endpoint.batch_lines import read_line, request_line
from preact.cli.main import preact
from tests.documents import Block, blocks
from tests.endpoint import Endpoint
from tests.test_architecture import ROOT

WRITTEN = "commands.md"
"""The reference, which the commands write themselves."""
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
DOCUMENTS = [document for document in DOCUMENTS if document.name != WRITTEN]
WITH_EXAMPLES = ("building", "tables", "agreeing", "releases")
"""Modules of oceanchat.notebook whose docstrings hold examples, in an order in which each can run."""
GROUPS = {"oceanchat": oceanchat, "preact": preact}
OPERATORS = frozenset({"|", "||", "&&", ";", "&", "(", ")"})
WORDS_BEFORE = frozenset({"while", "until", "do", "then", "if", "exec", "for", "time"})
LAUNCHED = re.compile(r"\b(torchrun|accelerate launch) .*-m (preact|oceanchat)\.cli\.main\b")
"""What starts a command of ours in several processes."""
WITHIN = re.compile(r"\bdocker compose run (?:--\S+ )*\S+ ")
"""What runs a command of ours in a container."""


def commands(text: str, values: Mapping[str, str]) -> list[list[str]]:
    """The commands of ours in a block of shell, word by word; `values` are those of its variables."""
    listed: list[list[str]] = []
    for line in text.replace("\\\n", " ").splitlines():
        bare = re.sub(r"(^|\s)#\s.*$", "", line)
        bare = WITHIN.sub("", LAUNCHED.sub(r"\2", bare))
        for name, value in values.items():
            bare = re.sub(rf"\${name}\b", value, bare)
        listed += _of_line(bare)
    return listed


def _of_line(line: str) -> list[list[str]]:
    try:
        lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
        lexer.commenters = ""
        lexer.whitespace_split = True
        words = list(lexer)
    except ValueError:  # a quote that goes on in the next line, as in a JSON text
        return []
    listed: list[list[str]] = [[]]
    for word in words:
        if word in OPERATORS:
            listed.append([])
        elif word not in WORDS_BEFORE or listed[-1]:
            listed[-1].append(word)
    return [_without_redirections(each) for each in listed if len(each) > 1 and each[0] in GROUPS]


def _without_redirections(words: list[str]) -> list[str]:
    end = next((number for number, word in enumerate(words) if word in (">", ">>", "<")), len(words))
    return words[:end]


def complaint(words: list[str]) -> str:
    """What the command line says of these words before it does anything; '' where it takes them."""
    command: click.Command = GROUPS[words[0]]
    rest = words[1:]
    while isinstance(command, click.Group):
        name = rest.pop(0) if rest else ""
        inner = command.commands.get(name)
        if inner is None:
            return f"there is no command '{name}'"
        command = inner
    try:
        command.make_context(command.name, rest)
    except click.ClickException as error:
        message = error.format_message()
        return "" if "does not exist" in message else message  # a file of the reader's
    return ""


class Shown(NamedTuple):
    """A block of commands in a document."""

    document: str
    block: Block
    commands: list[list[str]]

    def name(self, words: list[str]) -> str:
        """A command of the block, for messages."""
        return f"{self.document}:{self.block.line} {' '.join(words)}"


def shown(document: Path) -> list[Shown]:
    """The blocks of a document that hold commands; a variable holds what an earlier block sets it to."""
    every = list(blocks(document))
    values = dict(re.findall(r'^(\w+)="(.*)"$', "".join(block.text for block in every), re.MULTILINE))
    listed = [Shown(document.name, block, commands(block.text, values)) for block in every]
    return [each for each in listed if each.commands]


SHOWN = [each for document in DOCUMENTS for each in shown(document)]


def test_every_command_and_option_in_a_block_exists() -> None:
    problems = {each.name(words): complaint(words) for each in SHOWN for words in each.commands}
    assert {name: problem for name, problem in problems.items() if problem} == {} and len(problems) > 60


def test_a_wrong_option_would_be_noticed() -> None:
    text = "oceanchat build O+ --cuont 3 && preact serv runs/first > log\n"
    assert [complaint(words)[:22] for words in commands(text, {})] == [
        "No such option '--cuon",
        "there is no command 's",
    ]


def test_every_target_of_make_in_a_block_exists() -> None:
    makefile = (ROOT / "Makefile").read_text()
    text = "".join(block.text for document in DOCUMENTS for block in blocks(document))
    named = set(re.findall(r"^make (\w+)", text, re.MULTILINE))
    assert named and all(re.search(rf"^{name}:", makefile, re.MULTILINE) for name in named)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder beside the sample release, in which nobody has a key."""
    (tmp_path / "releases").symlink_to(ROOT / "releases")
    monkeypatch.chdir(tmp_path)
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def test_the_examples_in_docstrings_are_run(folder: Path) -> None:
    for name in WITH_EXAMPLES:
        module = importlib.import_module(f"oceanchat.notebook.{name}")
        failed, attempted = doctest.testmod(module, optionflags=doctest.ELLIPSIS)
        assert attempted and not failed, name


LAB = ROOT / "docs" / "recipes" / "lab"


def test_the_labs_compose_file_has_what_it_speaks_of() -> None:
    content = yaml.safe_load((LAB / "compose.yaml").read_text(encoding="utf-8"))
    services = content["services"]
    assert {"vllm", "postgres", "oceanchat", "app", "train"} == services.keys()
    for service in services.values():
        assert service.keys() & {"image", "build"} and service.get("depends_on", {}).keys() <= services.keys()
        named = [volume.split(":")[0] for volume in service.get("volumes", ())]
        assert {name for name in named if not name.startswith(".")} <= content["volumes"].keys()
    assert complaint(services["app"]["command"]) == ""
    source = re.fullmatch(r"\$\{SOURCE:-(.+)\}", services["oceanchat"]["build"])
    assert source, "where the folder was copied to, the clone is elsewhere"
    head = (LAB / "compose.yaml").read_text(encoding="utf-8").partition("\nservices:")[0].replace("\n#", "\n")
    recipe = commands((LAB.parent / "lab.md").read_text(encoding="utf-8"), {})
    named = commands(head, {})
    assert len(named) == 1 and named[0] in recipe
    image = (LAB / source[1]).resolve()
    assert (image / "Dockerfile").is_file() and "postgres" in (image / "Dockerfile").read_text(
        encoding="utf-8"
    )


@pytest.mark.parametrize("name", ["answer.sbatch", "serve.sbatch", "train.sbatch", "rounds.sh"])
def test_the_labs_scripts_are_linked_and_their_commands_exist(name: str) -> None:
    text = (LAB / name).read_text(encoding="utf-8")
    assert f"(lab/{name})" in (LAB.parent / "lab.md").read_text(encoding="utf-8")
    settings = dict(re.findall(r'^(\w+)="?(.*?)"?$', (LAB / "study.env").read_text(), re.MULTILINE))
    assert [complaint(words) for words in commands(text, settings) if complaint(words)] == []


def test_the_stand_in_of_vllm_answers_for_no_model_of_a_study(tmp_path: Path) -> None:
    program = Path(__file__).parent / "stand_ins" / "vllm.py"
    for words in (["serve", "llama-8b"], ["run-batch", "-i", "a", "-o", "b", "--model", "llama-8b"]):
        done = subprocess.run(
            [sys.executable, "-S", program, *words], cwd=tmp_path, capture_output=True, text=True, timeout=30
        )
        assert done.returncode == 1 and "not for 'llama-8b'" in done.stderr
    assert not list(tmp_path.iterdir())


def test_the_stand_in_of_vllm_writes_what_is_refused_and_names_an_endpoint_that_is_away(
    serve: Callable[..., Endpoint], tmp_path: Path
) -> None:
    program = Path(__file__).parent / "stand_ins" / "vllm.py"
    body = {"messages": [{"role": "user", "content": "Hi."}]}
    asked = [request_line("refused", {**body, "temperature": 0.5}), request_line("answered", body)]
    (tmp_path / "asked").write_bytes(b"".join(asked))
    words = ["run-batch", "-i", "asked", "-o", "results", "--model", "scripted-http"]

    def answered(url: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-S", program, *words],
            cwd=tmp_path,
            env={"OPENAI_BASE_URL": url},
            capture_output=True,
            text=True,
            timeout=30,
        )

    assert answered(serve(refuse="temperature").url).returncode == 0
    lines = [read_line(line) for line in (tmp_path / "results").read_text().splitlines()]
    assert [(line.key, line.status, line.code) for line in lines if line] == [
        ("refused", 400, "unsupported_parameter"),
        ("answered", 200, ""),
    ]
    away = answered("http://127.0.0.1:9/v1")
    assert away.returncode == 1 and away.stderr.count("\n") == 1 and "gives no answer" in away.stderr
    assert answered("").stderr.count("\n") == 1


PENDING = """#!/bin/bash
echo "$1" >>log
[ "$1" != pending ] || [ ! -e left ] || echo "{}" >round/requests-1-of-16.jsonl
[ "$1" != answers ] || [ ! -e answers ] || rm left
[ "$1" != answers ] || exit 3
"""
"""A build that needs one request, until its results are of use."""


@pytest.mark.parametrize(
    ("of_use", "code", "log"),
    [
        (False, 1, ["answers", "pending", "sbatch", "answers", "pending"]),
        (True, 0, ["answers", "pending", "build"]),
    ],
)
def test_the_labs_rounds_commit_what_is_there_and_end_where_nothing_is_answered(
    of_use: bool, code: int, log: list[str], tmp_path: Path
) -> None:
    for path in LAB.iterdir():
        shutil.copy(path, tmp_path)
    programs = {"oceanchat": PENDING, "squeue": "#!/bin/bash\n"}
    programs["sbatch"] = "#!/bin/bash\necho sbatch >>log; touch round/results-1-of-16.jsonl\n"
    for name, text in programs.items():
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o700)
    (tmp_path / "left").touch()
    (tmp_path / "round").mkdir()
    (tmp_path / "round" / "results-1-of-16.jsonl").write_text("answers to another store")
    if of_use:
        (tmp_path / "answers").touch()
    path = f"{tmp_path}:{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "rounds.sh"], cwd=tmp_path, env={"PATH": path}, capture_output=True, text=True, timeout=30
    )
    assert (done.returncode, (tmp_path / "log").read_text().split()) == (code, log)
    assert ("answered nothing" in done.stderr) == (not of_use)
    texts = {path.read_text() for path in (tmp_path / "round" / "unused").iterdir()}
    assert "answers to another store" in texts


def test_the_labs_training_submitted_again_resumes_with_all_options_for_preact_to_compare(
    tmp_path: Path,
) -> None:
    for path in LAB.iterdir():
        shutil.copy(path, tmp_path)
    (tmp_path / "srun").write_text('#!/bin/bash\nmkdir -p runs/preact\necho "$@"\n')
    (tmp_path / "srun").chmod(0o700)

    def submitted(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["bash", "train.sbatch", *words],
            cwd=tmp_path,
            env={"PATH": f"{tmp_path}:{os.environ['PATH']}"},
            capture_output=True,
            text=True,
            timeout=30,
        )

    begun = "train releases/ocean-chat-1.0.0 --output runs/preact --backbone meta-llama/Llama-2-7b-chat-hf"
    assert submitted().stdout.endswith(f"{begun} --gradient-checkpointing\n")
    again = submitted("--micro-batch", "1").stdout
    assert again.endswith(f"{begun} --gradient-checkpointing --micro-batch 1 --resume\n")
    with (tmp_path / "study.env").open("a") as settings:
        settings.write("TRAIN='--quantise 4bit'\n")
    assert submitted().stdout.endswith(f"{begun} --quantise 4bit --resume\n")
    (tmp_path / "runs" / "preact" / "run.json").write_text(json.dumps({"state": "finished"}, indent=2))
    done = submitted()
    assert (done.returncode, done.stdout) == (1, "") and "is finished" in done.stderr


def test_the_labs_training_ends_on_the_reason_below_torchruns_traceback(tmp_path: Path) -> None:
    for path in LAB.iterdir():
        shutil.copy(path, tmp_path)
    (tmp_path / "srun").write_text(
        '#!/bin/bash\necho "preact: there is no release"\necho Traceback\nexit 9\n'
    )
    (tmp_path / "srun").chmod(0o700)
    environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "SLURM_JOB_ID": "7"}
    with (tmp_path / "train-7.txt").open("w") as output:
        done = subprocess.run(
            ["bash", "train.sbatch"], cwd=tmp_path, env=environment, stdout=output, stderr=output, timeout=30
        )
    lines = (tmp_path / "train-7.txt").read_text().splitlines()
    assert done.returncode == 9 and lines == ["preact: there is no release", "Traceback", lines[0]]


SLURM = {
    "squeue": "[ -e asked ] || { touch asked; exit 1; }",
    "sleep": "echo wait >>log",
    "sbatch": "echo sbatch >>log; rm asked; touch round/results-1-of-16.jsonl; exit 1",
    "oceanchat": """echo "$@" | grep -o -e '^[a-z]*' -e --failed >>log
[ "$1" != pending ] || [ -e round/done ] || { touch round/done; echo "{}" >round/requests-1-of-16.jsonl; }""",
}
"""A Slurm that is away once before the rounds, and once more while the array runs."""


def test_the_labs_rounds_wait_for_a_slurm_that_is_away_and_ask_once_what_has_failed(tmp_path: Path) -> None:
    for path in LAB.iterdir():
        shutil.copy(path, tmp_path)
    for name, text in SLURM.items():
        (tmp_path / name).write_text(f"#!/bin/bash\n{text}\n")
        (tmp_path / name).chmod(0o700)
    path = f"{tmp_path}:{os.environ['PATH']}"
    subprocess.run(
        ["bash", "rounds.sh", "--failed"], cwd=tmp_path, env={"PATH": path}, check=True, timeout=30
    )
    rounds = ["wait", "pending", "--failed", "sbatch", "wait", "answers", "pending", "build"]
    assert (tmp_path / "log").read_text().split() == rounds
