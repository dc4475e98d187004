"""What `preact` shows on a terminal of 80 columns, command by command."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.forks import TRAINER
from tests.oceanchat.cli.test_screens import COMMANDS as OTHERS
from tests.preact.conftest import Run
from tests.processes import Spawn, free_port, wait_until
from tests.running import clean_environment
from tests.terminals import screen_of
from tests.test_commands import COMMANDS as ALL

LOADED = (*TRAINER, "preact.evaluation.calling")
INVENTORY = "id,trait,reversed,question\n" + "".join(
    f"{trait}{number},{trait},{word},What do you do on day {number}?\n"
    for trait in "OCEAN"
    for number, word in enumerate(("no", "yes"))
)
ASKED = "--inventory questions.csv --runs 1 --max-tokens 6"
COMMANDS = f"""
preact
preact train RELEASE --output runs/tiny --pretrain-steps 1 --dry-run
preact train RELEASE --output runs/preact --backbone RUN/backbone --max-steps 2 --batch-size 4 --rank 16
preact train --like runs/preact --method lora --output runs/lora
preact train --like runs/preact --lr auto --max-steps 1 --output runs/auto
preact info runs/preact
preact info runs/lora
preact identify RUN
preact dial RUN --strengths 0,1
preact sweep RELEASE --rank 16,32 --backbone RUN/backbone --max-steps 1 --output sweep
preact control-vectors RUN --output control --inventory questions.csv --block 0 --strength 1
preact exam RUN --quick --only identification --output exam
preact interview RUN --output interviews/preact {ASKED}
preact interview runs/lora --output interviews/lora {ASKED}
preact interview RUN --output leaky --items all {ASKED}
preact judge interviews/preact interviews/lora
preact judge leaky --exam TALKS --exam-size 10
preact judge interviews/preact --judge classifier:TALKS
preact compare interviews/preact interviews/lora --baseline interviews/lora --judge scripted
preact report interviews --baseline interviews/lora --judge scripted --output report
preact report interviews --baseline interviews/lora --judge scripted --paper --output paper
preact plot sweep sweep --output figures
preact plot experts RUN --output figures
preact plot confusion RUN --output figures
preact plot leakage leaky --output figures
preact plot cases interviews/preact interviews/lora --output figures
preact export RUN n-high --output adapters/n-high
preact export RUN o-high --rank auto --output adapters/o-high
preact chat RUN N+ --max-tokens 6
preact serve RUN --port PORT; -9
preact check-served SERVED --run RUN
"""
"""What is typed, with the exit code where it is not 0."""


@pytest.fixture
def served(preact_run: Run, spawn: Spawn, tmp_path: Path) -> Iterator[str]:
    """The address of an endpoint that serves the run."""
    port = free_port()
    announced = tmp_path / "served.txt"
    with announced.open("w") as stderr:
        command = ["preact", "serve", str(preact_run.folder), "--port", str(port)]
        process = spawn(command, fork=True, loaded=LOADED, stderr=stderr)
        wait_until(lambda: "/v1" in announced.read_text(), process)
        yield f"http://127.0.0.1:{port}/v1"


@pytest.mark.timeout(900)
def test_no_screen_is_too_wide_or_says_a_thing_twice(
    preact_run: Run, release_folder: Path, release: Path, served: str, tmp_path: Path
) -> None:
    names = {"RELEASE": release_folder, "TALKS": release, "RUN": preact_run.folder, "SERVED": served}
    (tmp_path / "questions.csv").write_text(INVENTORY)
    faults = ""
    for line in COMMANDS.strip().splitlines():
        command, _, code = line.partition(";")
        for name, value in (names | {"PORT": free_port()}).items():
            command = command.replace(name, str(value))
        until = "person" if "preact serve" in command else None
        typed = "How was your day?\n\n" if command.startswith("preact chat") else ""
        screen = screen_of(command, tmp_path, clean_environment(), loaded=LOADED, typed=typed, until=until)
        seen = [] if screen.code == int(code or 0) else [f"code {screen.code}: {screen.text}"]
        faults += "".join(f"{line}\n    {fault}\n" for fault in [*seen, *screen.faults()])
    assert not faults, faults


def test_every_command_s_screen_is_looked_at() -> None:
    typed = OTHERS + COMMANDS
    groups = {path.rpartition(" ")[0] for path in ALL}
    assert [
        path for path in ALL if f"\n{path} " not in typed.replace("\n", " \n") and path not in groups
    ] == []
