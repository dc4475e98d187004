"""A process that asks N questions through the ledger and prints the answers: what the kill tests kill.

python -m tests.oceanchat.llm.kill_target STORE URL COUNT CONCURRENCY [batch]
"""

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from oceanchat.errors import OceanChatError
from oceanchat.llm.chat import ChatAnswer
from oceanchat.llm.settings import CallSettings
from oceanchat.store.database import open_store
from tests.endpoint import Endpoint, ask, questions
from tests.processes import PATIENCE, Spawn


def start_asking(
    spawn: Spawn, store: str | Path, endpoint: Endpoint, count: int, concurrency: int, *more: str
) -> "subprocess.Popen[str]":
    """Start such a process."""
    command = [sys.executable, "-m", __name__, str(store), endpoint.url, str(count), str(concurrency)]
    return spawn([*command, *more], fork=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def finish(process: "subprocess.Popen[str]") -> dict[str, Any]:
    """What it prints, once it has ended well."""
    out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, err
    report: dict[str, Any] = json.loads(out)
    return report


def main() -> int:
    path, url, count, concurrency, *batch = sys.argv[1:]
    settings = CallSettings(
        base_url=url,
        concurrency=int(concurrency),
        batch=bool(batch),
        batch_poll_seconds=0.05,
        batch_max_requests=40,
    )
    store = open_store(path)
    try:
        answers, session = asyncio.run(ask(settings, store.engine, questions(int(count))))
    except OceanChatError as error:
        print(error, file=sys.stderr)
        return 1
    assert all(isinstance(answer, ChatAnswer) for answer in answers), answers
    print(json.dumps({"texts": [answer.text for answer in answers], "calls": session.usage.as_json()}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
