"""A running `preact serve` on a real socket, and how tests ask it."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import openai

from tests.forks import TRAINER, Fork

SERVE = "from preact.cli.main import main; import sys; sys.argv[0] = 'preact'; main()"


class Served:
    """A process that serves runs."""

    def __init__(self, *arguments: str, **environment: str) -> None:
        command = [sys.executable, "-c", SERVE, "serve", *arguments, "--port", "0", "--threads", "1"]
        self.process = Fork(
            command, loaded=TRAINER, stderr=subprocess.PIPE, text=True, env={**os.environ, **environment}
        )
        assert self.process.stderr is not None
        self.line = ""
        lines = []
        for line in self.process.stderr:
            lines.append(line)
            if address := re.search(r"http://\S+?(?=/v1)", line):
                self.line, self.root = line, address.group()
                break
        assert self.line, "".join(lines)

    def client(self, key: str = "any", **options: Any) -> openai.OpenAI:
        """The real client, which asks once."""
        return openai.OpenAI(base_url=f"{self.root}/v1", api_key=key, max_retries=0, **options)

    def close(self) -> None:
        self.process.kill()
        self.process.communicate()


@contextmanager
def served(*arguments: str, **environment: str) -> Iterator[Served]:
    """A server that ends with the block."""
    server = Served(*arguments, **environment)
    try:
        yield server
    finally:
        server.close()


def run_paths(runs: dict[str, Path], *methods: str) -> list[str]:
    return [str(runs[method]) for method in methods]
