"""The small HTTP server on a real socket: keep-alive, bad requests, forms, and its ways to misbehave."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oceanchat.scripted.server.http import HttpRequest, HttpResponse, Manner, json_response, listen, read_form

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@asynccontextmanager
async def connected(
    manner: Manner = Manner.WHOLE,
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    async def handle(request: HttpRequest) -> HttpResponse:
        told = {"path": request.path, "query": dict(request.query), "body": request.body.decode("latin-1")}
        return replace(json_response(told), manner=manner)

    server = await listen(handle, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    reader, writer = await asyncio.open_connection(host, port)
    try:
        yield reader, writer
    finally:
        writer.close()
        server.close()


async def read_one(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
    return head, await reader.readexactly(length)


async def test_one_connection_serves_many_requests() -> None:
    async with connected() as (reader, writer):
        for number in range(3):
            writer.write(f"POST /p{number}?a=1 HTTP/1.1\r\ncontent-length: 2\r\n\r\nhi".encode())
            head, body = await read_one(reader)
            assert head.startswith(b"HTTP/1.1 200 OK")
            assert body == f'{{"path": "/p{number}", "query": {{"a": "1"}}, "body": "hi"}}'.encode()


@pytest.mark.parametrize(
    "nonsense",
    [
        b"nonsense\r\n\r\n",
        b"GET / HTTP/1.1\r\ncontent-length: x\r\n\r\n",
        b"GET / HTTP/1.1\r\ncontent-length: -5\r\n\r\n",
        b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"x: y\r\n" * 20_000,
    ],
)
async def test_nonsense_closes_the_connection_only(nonsense: bytes) -> None:
    async with connected() as (reader, writer):
        writer.write(nonsense)
        with contextlib.suppress(ConnectionError):  # closed with something it had not read
            assert await asyncio.wait_for(reader.read(), 5) == b""


async def test_a_body_is_cut_off_on_purpose() -> None:
    async with connected(Manner.CUT_OFF) as (reader, writer):
        writer.write(b"GET / HTTP/1.1\r\n\r\n")
        with pytest.raises(asyncio.IncompleteReadError):
            await read_one(reader)


async def test_a_connection_is_reset_on_purpose() -> None:
    async with connected(Manner.RESET) as (reader, writer):
        writer.write(b"GET / HTTP/1.1\r\n\r\n")
        with pytest.raises(ConnectionResetError):
            await reader.read()


async def test_a_request_hangs_on_purpose() -> None:
    async with connected(Manner.HANG) as (reader, writer):
        writer.write(b"GET / HTTP/1.1\r\n\r\n")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(reader.read(1), 0.2)


def form(content: bytes) -> HttpRequest:
    body = (
        b'--B\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\n'
        + content
        + b"\r\n--B--\r\n"
    )
    return HttpRequest("POST", "/", {}, {"content-type": 'multipart/form-data; boundary="B"'}, body)


@given(st.binary().filter(lambda content: b"--B" not in content))
def test_an_uploaded_file_arrives_byte_for_byte(content: bytes) -> None:
    assert read_form(form(content)) == {"file": content}


@given(st.binary(), st.text())
def test_any_body_is_a_form_or_an_empty_one(body: bytes, content_type: str) -> None:
    read_form(HttpRequest("POST", "/", {}, {"content-type": content_type}, body))
