"""ScriptedBatches: the files and batches of the scripted endpoint, held in memory.

A batch takes the time it is told to, then answers its lines at once; it can expire with a share unanswered
and be cancelled. Knows the Batch API's shapes, nothing of sockets.
"""

import asyncio
import json
import random
import time
from collections.abc import Awaitable, Callable
from typing import Any

from oceanchat.scripted.server.faults import Counters, Faults
from oceanchat.scripted.server.http import HttpRequest, HttpResponse, json_response, read_form

LineAnswerer = Callable[[dict[str, Any]], Awaitable[tuple[int, Any]]]


class ScriptedBatches:
    """Files and batches by id."""

    def __init__(self, answer_line: LineAnswerer, faults: Faults, counters: Counters) -> None:
        self._answer_line = answer_line
        self._faults = faults
        self._counters = counters
        self._files: dict[str, bytes] = {}
        self._batches: dict[str, dict[str, Any]] = {}
        self._work: dict[str, asyncio.Task[None]] = {}
        self._random = random.Random(faults.seed)

    async def handle(self, request: HttpRequest, path: str) -> HttpResponse | None:
        """Answer a request for files or batches; None where the path is neither."""
        parts = path.strip("/").split("/")
        match (request.method, *parts):
            case ("POST", "files"):
                return self._add_file(read_form(request).get("file", b""))
            case ("GET", "files", file, "content") if file in self._files:
                return HttpResponse(200, self._files[file], content_type="application/octet-stream")
            case ("POST", "batches"):
                return self._create(json.loads(request.body))
            case ("GET", "batches"):
                return self._list(request)
            case ("GET", "batches", batch) if batch in self._batches:
                return json_response(self._batches[batch])
            case ("POST", "batches", batch, "cancel") if batch in self._batches:
                return self._cancel(batch)
        return None

    def _add_file(self, content: bytes, name: str = "batch.jsonl") -> HttpResponse:
        file = self._store(content)
        shape = {"id": file, "object": "file", "bytes": len(content), "created_at": int(time.time())}
        return json_response({**shape, "filename": name, "purpose": "batch", "status": "processed"})

    def _store(self, content: bytes) -> str:
        file = f"file-{len(self._files) + 1}"
        self._files[file] = content
        return file

    def _create(self, asked: dict[str, Any]) -> HttpResponse:
        batch = f"batch_{len(self._batches) + 1}"
        content = self._files.get(str(asked.get("input_file_id")), b"")
        lines = [json.loads(line) for line in content.splitlines() if line.strip()]
        self._counters.batches += 1
        self._batches[batch] = {
            "id": batch,
            "object": "batch",
            "endpoint": asked.get("endpoint"),
            "input_file_id": asked.get("input_file_id"),
            "completion_window": asked.get("completion_window", "24h"),
            "status": "in_progress",
            "created_at": int(time.time()),
            "metadata": asked.get("metadata"),
            "output_file_id": None,
            "error_file_id": None,
            "errors": None,
            "request_counts": {"total": len(lines), "completed": 0, "failed": 0},
        }
        self._work[batch] = asyncio.create_task(self._carry_out(batch, lines))
        return json_response(self._batches[batch])

    def _list(self, request: HttpRequest) -> HttpResponse:
        newest = list(reversed(self._batches.values()))
        after = request.query.get("after")
        ids = [batch["id"] for batch in newest]
        start = ids.index(after) + 1 if after in ids else 0
        size = int(request.query.get("limit", "20"))
        page = newest[start : start + size]
        shape = {"object": "list", "data": page, "has_more": len(newest) > start + size}
        ends = {"first_id": page[0]["id"], "last_id": page[-1]["id"]} if page else {}
        return json_response({**shape, **ends})

    def _cancel(self, batch: str) -> HttpResponse:
        found = self._batches[batch]
        if found["status"] == "in_progress":
            self._work[batch].cancel()
            found["status"] = "cancelled"
        return json_response(found)

    async def _carry_out(self, batch: str, lines: list[dict[str, Any]]) -> None:
        await asyncio.sleep(self._faults.batch_seconds)
        found = self._batches[batch]
        done: list[str] = []
        failed: list[str] = []
        for line in lines:
            if self._random.random() < self._faults.batch_expired:
                error = {"code": "batch_expired", "message": "This request could not be executed in time."}
                failed.append(_line(line, None, None, error))
                continue
            status, body = await self._answer_line(line)
            (done if status == 200 else failed).append(_line(line, status, body, None))
        if done:
            found["output_file_id"] = self._store("\n".join(done).encode("utf-8", "replace"))
        if failed:
            found["error_file_id"] = self._store("\n".join(failed).encode("utf-8", "replace"))
        found["request_counts"].update(completed=len(done), failed=len(failed))
        expired = any('"batch_expired"' in line for line in failed)
        found["status"] = "expired" if expired else "completed"


def _line(line: dict[str, Any], status: int | None, body: Any, error: Any) -> str:
    response = None if status is None else {"status_code": status, "request_id": "scripted", "body": body}
    result = {"id": "scripted", "custom_id": line.get("custom_id"), "response": response, "error": error}
    return json.dumps(result, ensure_ascii=False)
