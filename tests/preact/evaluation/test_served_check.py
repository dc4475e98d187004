"""What live servers serve: a right one and three broken ones, with a real run behind each."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from oceanchat.errors import ConfigError, EvaluationError
from preact.evaluation.identification import identify
from tests.forks import TRAINER, Fork
from tests.preact.cli.test_training import call
from tests.preact.conftest import Run
from tests.preact.serving.broken import FAULTS


@pytest.fixture(scope="module")
def servers(preact_run: Run) -> Iterator[dict[str, str]]:
    """The address of the server with each fault."""
    command = [sys.executable, "-m", "tests.preact.serving.broken", str(preact_run.folder)]
    options: dict[str, Any] = {"stdout": subprocess.PIPE, "text": True, "start_new_session": True}
    with Fork(command, loaded=TRAINER, **options) as process:
        try:
            assert process.stdout is not None
            ports = dict(process.stdout.readline().split() for _ in FAULTS)
            yield {fault: f"http://127.0.0.1:{port}/v1" for fault, port in ports.items()}
        finally:
            os.killpg(process.pid, signal.SIGKILL)


def checked(url: str, *options: Any) -> tuple[int, dict[str, Any]]:
    done = call("check-served", url, *options, "--json", "--threads", "1")
    assert done.exit_code in (0, 3), done.output + repr(done.exception)
    return done.exit_code, json.loads(done.stdout)


def test_a_server_of_the_run_is_right_and_identifies_as_the_run_does(
    servers: dict[str, str], preact_run: Run
) -> None:
    code, figures = checked(servers["none"], "--run", preact_run.folder)
    assert (code, figures["right"], figures["problems"]) == (0, True, [])
    assert figures["dialogues"] == 20 and figures["as_backbone"] == [] and figures["other_tokens"] == 0
    assert all(match["difference"] < 1e-5 < match["effect"] for match in figures["run"])
    # The end of turn is scored by `identify` and not here, so figures may differ a little and losses do.
    assert figures["accuracy"]["value"] == pytest.approx(
        identify(preact_run.folder, plain=True).accuracy.value, abs=0.2
    )


def test_a_server_that_ignores_the_adapter_is_named_with_and_without_the_run(
    servers: dict[str, str], preact_run: Run, release_folder: Path
) -> None:
    for options in (("--run", preact_run.folder), ("--release", release_folder, "--split", "test")):
        code, figures = checked(servers["ignored"], *options)
        assert code == 3 and len(figures["as_backbone"]) == len(figures["problems"]) == 10
        assert figures["problems"][0] == "preact:o-high answers as the backbone: its adapter has no effect"
    assert figures["ties"] == 20 and figures["run"] is None


def test_a_server_that_swapped_two_is_named(servers: dict[str, str], preact_run: Run) -> None:
    code, figures = checked(servers["swapped"], "--run", preact_run.folder)
    assert code == 3 and len(figures["problems"]) == 2
    assert "preact:o-high" in figures["problems"][0] and "it answers as N-" in figures["problems"][0]
    assert "preact:n-low" in figures["problems"][1] and "it answers as O+" in figures["problems"][1]


def test_a_server_of_half_the_strength_is_named(servers: dict[str, str], preact_run: Run) -> None:
    done = call("check-served", servers["halved"], "--run", preact_run.folder, "--threads", "1")
    assert done.exit_code == 3, done.output
    wrong = [line for line in done.stdout.splitlines() if line.startswith("WRONG: ")]
    assert len(wrong) == 10 and all("as this run at strength 0.5" in line for line in wrong)
    assert "names that score as the backbone (preact:o-high@0): none" in done.stdout


class Mute(BaseHTTPRequestHandler):
    """A server that answers, without a word about its prompts."""

    models = ("o-high",)

    def do_GET(self) -> None:
        self.reply({"object": "list", "data": [{"id": name, "object": "model"} for name in self.models]})

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        message = {"role": "assistant", "content": "Hm."}
        self.reply({"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]})

    def reply(self, content: dict[str, Any]) -> None:
        body = json.dumps(content).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: Any) -> None:
        pass


@contextmanager
def listening(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/v1"
        server.shutdown()


def test_what_cannot_be_checked_is_one_clear_line(release_folder: Path) -> None:
    plain = type("Plain", (Mute,), {"models": ("gpt-x",)})
    misspelt = call("check-served", "nonsense", "--release", release_folder)
    assert isinstance(misspelt.exception, ConfigError) and str(misspelt.exception).startswith(
        "URL 'nonsense'"
    )
    with listening(Mute) as mute, listening(plain) as nobody:
        wrong = {
            "gives no prompt log-probabilities": (mute, "--release", release_folder),
            "no model's name ends in a trait-level": (nobody, "--release", release_folder),
            "name --run": (mute,),
            "cannot be reached": ("http://127.0.0.1:9/v1", "--release", release_folder),
        }
        for words, arguments in wrong.items():
            done = call("check-served", *arguments)
            assert done.exit_code == 1 and isinstance(done.exception, EvaluationError)
            assert words in str(done.exception) and "\n" not in str(done.exception)
