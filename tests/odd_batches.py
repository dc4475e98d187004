"""A Batch API with a mind of its own, as a process on a real socket.

`python -m tests.odd_batches MODE` prints its address: the rehearsal endpoint, whose replies about files and
batches are bent in one way.
"""

import asyncio
import json
import socket
import subprocess
import sys
import urllib.request
from collections import Counter
from collections.abc import Callable
from typing import Any

import uvicorn
from starlette.middleware.base import BaseHTTPMiddleware, RequestResponseEndpoint
from starlette.requests import Request
from starlette.responses import Response

from oceanchat.llm.settings import CallSettings
from oceanchat.scripted.server.app import ScriptedEndpoint, fixed
from oceanchat.scripted.server.faults import Faults
from tests.forks import Fork

Json = dict[str, Any]
Bent = tuple[int, Any]
MISSING: Bent = 404, {"error": {"message": "No batch found with that id", "type": "invalid_request_error"}}


def late(look: int, batch: Json) -> Json:
    return batch | {"output_file_id": None} if look < 3 else batch


def uncounted(look: int, batch: Json) -> Json:
    counts = {"total": batch["request_counts"]["total"], "completed": 0, "failed": 0}
    return late(look, batch) | ({"request_counts": counts} if look < 3 else {})


def queued(look: int, batch: Json) -> Json:
    return late(look, batch) | ({"status": "queued"} if look < 3 else {})


def upper(look: int, batch: Json) -> Json:
    return late(look, batch) | {"status": "IN_PROGRESS" if look < 3 else "COMPLETED"}


def own_words(look: int, batch: Json) -> Json:
    """Statuses and shapes of its own: no counts, errors as a text."""
    status = "RUNNING" if look < 3 else "SUCCESS"
    return late(look, batch) | {"status": status, "request_counts": None, "errors": "none"}


def unnamed_end(look: int, batch: Json) -> Json:
    return late(look, batch) | {"status": None if look < 3 else "archived"}


SHOWN: dict[str, Callable[[int, Json], Json]] = {
    "late-file": late,
    "uncounted": uncounted,
    "queued": queued,
    "upper-case": upper,
    "own-words": own_words,
    "unnamed-end": unnamed_end,
    "never-a-file": lambda look, batch: batch | {"output_file_id": None},
}


def replaced_two(status: int, body: Any) -> Callable[[list[bytes]], list[bytes]]:
    """The first two were worked on and came to this."""

    def bend(lines: list[bytes]) -> list[bytes]:
        results = [json.loads(line) for line in lines[:2]]
        response = {"status_code": status, "body": body}
        return [json.dumps(result | {"response": response}).encode() for result in results] + lines[2:]

    return bend


FILES: dict[str, Callable[[list[bytes]], list[bytes]]] = {
    "two-missing": lambda lines: lines[:-2],
    "shuffled-and-twice": lambda lines: [*lines[::-1], *lines[:3], b"not json", b"[]"],
    "two-broke": replaced_two(500, {"error": {"message": "broke", "code": None}}),
    "two-broke-off": replaced_two(
        200, {"choices": [{"message": {"content": "half"}, "finish_reason": "error"}], "usage": {}}
    ),
    "two-errors-as-answers": replaced_two(200, {"error": {"code": 502, "message": "upstream gone"}}),
    "two-without-choices": replaced_two(200, {"choices": None}),
    "two-without-credit": replaced_two(200, {"error": {"code": 402, "message": "more credits needed"}}),
    "two-too-long": replaced_two(400, {"error": {"message": "maximum context length is 9 tokens"}}),
}


class Bend(BaseHTTPMiddleware):
    """Bends what passes."""

    def __init__(self, app: Any, mode: str) -> None:
        super().__init__(app)
        self._mode = mode
        self._looks: Counter[str] = Counter()

    async def dispatch(self, request: Request, call_next: RequestResponseEndpoint) -> Response:
        """Let the request through and change what comes back."""
        response = await call_next(request)
        body = b"".join([part async for part in response.body_iterator])  # type: ignore[attr-defined]
        path = f"{request.method} {request.url.path.removeprefix('/v1')}"
        self._looks[path] += 1
        status, body = self._bend(path, self._looks[path], response.status_code, body)
        return Response(body, status, media_type="application/json")

    def _bend(self, path: str, look: int, status: int, body: bytes) -> tuple[int, bytes]:
        mode = self._mode
        showing, downloading = path.startswith("GET /batches/"), path.endswith("/content")
        gone = (
            (showing and (mode == "gone" or (mode == "gone-at-first" and look < 3)))
            or (downloading and (mode == "file-gone" or (mode == "file-late" and look < 3)))
            or (mode == "no-list" and path == "GET /batches")
        )
        if gone or (mode == "gone" and path.endswith("/cancel")):
            return MISSING[0], json.dumps(MISSING[1]).encode()
        if path == "POST /batches" and mode in ("unheard", "no-list") and look <= 2:
            return 500, b'{"error": {"message": "lost the reply", "code": null}}'
        if downloading and mode == "file-500" and look < 3:
            return 500, b"{}"
        if showing and mode in SHOWN and json.loads(body)["status"] == "completed":
            return status, json.dumps(SHOWN[mode](look, json.loads(body))).encode()
        if downloading and mode in FILES and path == "GET /files/file-2/content":
            return status, b"\n".join(FILES[mode](body.splitlines()))
        return status, body


class OddBatches:
    """A running endpoint in one mode."""

    def __init__(self, mode: str) -> None:
        command = [sys.executable, "-m", "tests.odd_batches", mode]
        self.process = Fork(command, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.url = self.process.stdout.readline().strip()
        assert self.url.startswith("http://"), self.url

    def counters(self) -> dict[str, Any]:
        with urllib.request.urlopen(f"{self.url}/counters") as response:
            counters: dict[str, Any] = json.load(response)
        return counters

    def settings(self, **given: Any) -> CallSettings:
        return CallSettings(base_url=self.url, **given)

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        if self.process.stdout:
            self.process.stdout.close()


def main() -> None:
    listener = socket.create_server(("127.0.0.1", 0), backlog=256)
    print(f"http://127.0.0.1:{listener.getsockname()[1]}/v1", flush=True)
    app = Bend(ScriptedEndpoint(fixed("answer {digest}"), Faults()).app, sys.argv[1])
    config = uvicorn.Config(app, lifespan="off", log_level="critical", access_log=False, ws="none")
    asyncio.run(uvicorn.Server(config).serve(sockets=[listener]))


if __name__ == "__main__":
    main()
