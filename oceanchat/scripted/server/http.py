"""A small HTTP/1.1 server on asyncio streams: read a request, hand it to one function, write what it returns.

Just enough for a local endpoint on a loopback port; it can also misbehave on purpose (reset, cut a body off,
hang). Knows nothing of models.
"""

import asyncio
import contextlib
import json
import socket
import struct
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, urlsplit

_MOST_HEAD, _MOST_BODY = 64 * 1024, 256 * 1024 * 1024


class Manner(Enum):
    """How a response leaves."""

    WHOLE = "whole"
    CUT_OFF = "half of the body, then the connection closes"
    RESET = "the connection is reset without a byte"
    HANG = "nothing, until the client goes"


@dataclass(frozen=True)
class HttpRequest:
    """One request, header names in lower case."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class HttpResponse:
    """One response."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = "application/json"
    manner: Manner = Manner.WHOLE


Handler = Callable[[HttpRequest], Awaitable[HttpResponse]]


def json_response(content: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> HttpResponse:
    """`content` as a JSON response."""
    body = json.dumps(content, ensure_ascii=False).encode("utf-8", "replace")
    return HttpResponse(status, body, headers or {})


async def listen(handler: Handler, host: str, port: int) -> asyncio.Server:
    """Start serving `handler`; port 0 takes a free one."""

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while (request := await _read_request(reader)) is not None:
                if not await _write(await handler(request), reader, writer):
                    break
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError):
            pass
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    return await asyncio.start_server(connected, host, port, limit=_MOST_HEAD, backlog=1024)


async def _read_request(reader: asyncio.StreamReader) -> HttpRequest | None:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    first, *lines = head.decode("latin-1").split("\r\n")
    method, target, _ = first.split(" ", 2)
    pairs = (line.partition(":") for line in lines if line)
    headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
    length = int(headers.get("content-length", "0"))
    if not 0 <= length <= _MOST_BODY or "transfer-encoding" in headers:
        raise ValueError("a request body needs a content length of at most 256 MB")
    body = await reader.readexactly(length)
    url = urlsplit(target)
    return HttpRequest(method, url.path, dict(parse_qsl(url.query)), headers, body)


async def _write(response: HttpResponse, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    """Write `response` in its manner; whether the connection can go on."""
    if response.manner is Manner.HANG:
        await reader.read()
        return False
    if response.manner is Manner.RESET:
        sock = writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()
        return False
    head = [f"HTTP/1.1 {response.status} {_phrase(response.status)}"]
    head += [f"content-type: {response.content_type}", f"content-length: {len(response.body)}"]
    head += [f"{name}: {value}" for name, value in response.headers.items()]
    cut = response.manner is Manner.CUT_OFF
    body = response.body[: len(response.body) // 2] if cut else response.body
    writer.write("\r\n".join(head).encode("latin-1") + b"\r\n\r\n" + body)
    await writer.drain()
    return not cut


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"


def read_form(request: HttpRequest) -> dict[str, bytes]:
    """The fields of a multipart/form-data body."""
    _, _, boundary = request.headers.get("content-type", "").partition("boundary=")
    fields: dict[str, bytes] = {}
    if not boundary:
        return fields
    for part in request.body.split(b"--" + boundary.strip('"').encode("latin-1")):
        head, found, content = part.partition(b"\r\n\r\n")
        _, named, rest = head.decode("latin-1").partition('name="')
        if found and named:
            fields[rest.partition('"')[0]] = content.removesuffix(b"\r\n")
    return fields
