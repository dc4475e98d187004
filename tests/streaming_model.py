"""An endpoint on a real socket whose streamed answers a test writes piece by piece."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

Script = Callable[[dict[str, Any]], AsyncIterator[str | None]]
"""The pieces of the answer to a request's body; None: the stream says that it is over."""


class StreamingModel:
    """What was asked, and where."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.bodies: list[dict[str, Any]] = []
        self.url = ""
        self.answering: set[asyncio.Task[None]] = set()

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request; a script that ends without None breaks off."""
        if task := asyncio.current_task():
            self.answering.add(task)
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = int(head.split("content-length:")[1].split("\r\n")[0])
        body = json.loads(await reader.readexactly(length))
        self.bodies.append(body)
        try:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n")
            async for piece in self.script(body):
                delta = {} if piece is None else {"content": piece}
                choice = {"index": 0, "delta": delta, "finish_reason": "stop" if piece is None else None}
                chunk = {"id": "1", "object": "chat.completion.chunk", "created": 0, "model": body["model"]}
                writer.write(f"data: {json.dumps(chunk | {'choices': [choice]})}\n\n".encode())
                await writer.drain()
        finally:
            writer.close()


@asynccontextmanager
async def streaming_model(script: Script) -> AsyncIterator[StreamingModel]:
    """The endpoint, until the block ends."""
    model = StreamingModel(script)
    server = await asyncio.start_server(model.answer, "127.0.0.1", 0)
    model.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    async with server:
        try:
            yield model
        finally:
            for task in model.answering:  # The server waits for all from Python 3.12 on.
                task.cancel()
