"""Files and batches of the scripted endpoint.

Both live in memory. A batch takes the time it is set to, then answers its lines at once; it can expire with a
share unanswered and be cancelled. Knows the Batch API's shapes, nothing of models.
"""

import asyncio
import json
import random
import time
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from oceanchat.nesting import parse_json
from oceanchat.scripted.server.faults import Counters, Faults

LineAnswerer = Callable[[dict[str, Any]], Awaitable[tuple[int, Any]]]
_PAGE_SIZE = 20


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

    def routes(self) -> list[Route]:
        """The paths of files and batches."""
        return [
            Route("/files", self._upload, methods=["POST"]),
            Route("/files/{file}/content", self._download),
            Route("/batches", self._create, methods=["POST"]),
            Route("/batches", self._list),
            Route("/batches/{batch}", self._show),
            Route("/batches/{batch}/cancel", self._cancel, methods=["POST"]),
        ]

    async def _upload(self, request: Request) -> Response:
        async with request.form() as form:
            upload = form.get("file")
            content = b"" if upload is None or isinstance(upload, str) else await upload.read()
        shape = {"id": self._store(content), "object": "file", "bytes": len(content)}
        shape |= {"created_at": int(time.time()), "filename": "batch.jsonl"}
        return JSONResponse(shape | {"purpose": "batch", "status": "processed"})

    def _store(self, content: bytes) -> str:
        file = f"file-{len(self._files) + 1}"
        self._files[file] = content
        return file

    async def _download(self, request: Request) -> Response:
        content = self._files.get(request.path_params["file"])
        if content is None:
            raise HTTPException(404)
        return Response(content, media_type="application/octet-stream")

    async def _create(self, request: Request) -> Response:
        try:
            order = parse_json(await request.body())
            content = self._files.get(str(order.get("input_file_id")), b"")
            lines = [parse_json(line) for line in content.splitlines() if line.strip()]
        except (ValueError, AttributeError):
            raise HTTPException(400) from None
        batch = f"batch_{len(self._batches) + 1}"
        self._counters.batches += 1
        self._batches[batch] = {
            "id": batch,
            "object": "batch",
            "endpoint": order.get("endpoint"),
            "input_file_id": order.get("input_file_id"),
            "completion_window": order.get("completion_window", "24h"),
            "status": "in_progress",
            "created_at": int(time.time()),
            "metadata": order.get("metadata"),
            "output_file_id": None,
            "error_file_id": None,
            "errors": None,
            "request_counts": {"total": len(lines), "completed": 0, "failed": 0},
        }
        self._work[batch] = asyncio.create_task(self._carry_out(self._batches[batch], lines))
        return JSONResponse(self._batches[batch])

    async def _list(self, request: Request) -> Response:
        newest = list(reversed(self._batches.values()))
        ids = [batch["id"] for batch in newest]
        after = request.query_params.get("after")
        start = ids.index(after) + 1 if after in ids else 0
        limit = request.query_params.get("limit", "")
        end = start + (int(limit) if limit.isdigit() else _PAGE_SIZE)
        page = newest[start:end]
        ends = {"first_id": page[0]["id"], "last_id": page[-1]["id"]} if page else {}
        return JSONResponse({"object": "list", "data": page, "has_more": len(newest) > end, **ends})

    async def _show(self, request: Request) -> Response:
        return JSONResponse(self._batch_of(request))

    async def _cancel(self, request: Request) -> Response:
        batch = self._batch_of(request)
        if batch["status"] == "in_progress":
            self._work[batch["id"]].cancel()
            batch["status"] = "cancelled"
        return JSONResponse(batch)

    def _batch_of(self, request: Request) -> dict[str, Any]:
        batch = self._batches.get(request.path_params["batch"])
        if batch is None:
            raise HTTPException(404)
        return batch

    async def _carry_out(self, batch: dict[str, Any], lines: list[dict[str, Any]]) -> None:
        await asyncio.sleep(self._faults.batch_seconds)
        completed: list[str] = []
        failed: list[str] = []
        expired = False
        for line in lines:
            if self._random.random() < self._faults.batch_expired:
                expired = True
                error = {"code": "batch_expired", "message": "This request could not be executed in time."}
                failed.append(_result(line, None, None, error))
                continue
            status, body = await self._answer_line(line)
            (completed if status == 200 else failed).append(_result(line, status, body, None))
        if completed:
            batch["output_file_id"] = self._store("\n".join(completed).encode("utf-8", "replace"))
        if failed:
            batch["error_file_id"] = self._store("\n".join(failed).encode("utf-8", "replace"))
        batch["request_counts"].update(completed=len(completed), failed=len(failed))
        batch["status"] = "expired" if expired else "completed"


def _result(line: dict[str, Any], status: int | None, body: Any, error: Any) -> str:
    response = None if status is None else {"status_code": status, "request_id": "scripted", "body": body}
    result = {"id": "scripted", "custom_id": line.get("custom_id"), "response": response, "error": error}
    return json.dumps(result, ensure_ascii=False)
