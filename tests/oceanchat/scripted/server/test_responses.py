"""The endpoint on a real socket: keep-alive, bad requests, uploads, and responses that break on purpose."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from typing import NamedTuple
from urllib.parse import urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from oceanchat.scripted.server.app import ScriptedEndpoint, fixed
from oceanchat.scripted.server.faults import Faults
from tests.endpoint import Endpoint
from tests.processes import PATIENCE

Serve = Callable[..., Endpoint]
BODY = json.dumps({"model": "m", "messages": [{"role": "user", "content": "hello"}]}).encode()
ASK = b"POST /v1/chat/completions HTTP/1.1\r\nhost: h\r\ncontent-length: %d\r\n\r\n%s" % (len(BODY), BODY)


class Connection(NamedTuple):
    """One open connection to an endpoint."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def response(self) -> tuple[bytes, bytes]:
        head = await self.reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        return head, await self.reader.readexactly(length)


@contextlib.asynccontextmanager
async def connected(endpoint: Endpoint) -> AsyncIterator[Connection]:
    address = urlsplit(endpoint.url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    try:
        yield Connection(reader, writer)
    finally:
        writer.close()


async def test_one_connection_serves_many_requests(serve: Serve) -> None:
    async with connected(serve(reply="hi")) as connection:
        for _ in range(3):
            connection.writer.write(ASK)
            head, body = await connection.response()
            assert head.startswith(b"HTTP/1.1 200 OK")
            assert json.loads(body)["choices"][0]["message"]["content"] == "hi"


async def test_a_body_may_come_in_chunks(serve: Serve) -> None:
    async with connected(serve(reply="hi")) as connection:
        connection.writer.write(b"POST /v1/chat/completions HTTP/1.1\r\nhost: h\r\n")
        connection.writer.write(b"transfer-encoding: chunked\r\n\r\n")
        connection.writer.write(b"%x\r\n%s\r\n0\r\n\r\n" % (len(BODY), BODY))
        head, _ = await connection.response()
        assert head.startswith(b"HTTP/1.1 200 OK")


@pytest.mark.parametrize(
    "nonsense",
    [
        b"nonsense\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: h\r\ncontent-length: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: h\r\ncontent-length: -5\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: h\r\n" + b"x: y\r\n" * 20_000,
    ],
)
async def test_nonsense_closes_its_connection_only(serve: Serve, nonsense: bytes) -> None:
    endpoint = serve(reply="hi")
    async with connected(endpoint) as connection, connected(endpoint) as other:
        connection.writer.write(nonsense)
        with contextlib.suppress(ConnectionError):  # closed with something it had not read
            answer = await asyncio.wait_for(connection.reader.read(), PATIENCE)
            assert answer == b"" or answer.startswith(b"HTTP/1.1 400")
        other.writer.write(ASK)
        head, _ = await other.response()
        assert head.startswith(b"HTTP/1.1 200 OK")


async def test_a_body_is_cut_off_on_purpose(serve: Serve) -> None:
    async with connected(serve(rate_cut_off=1)) as connection:
        connection.writer.write(ASK)
        with pytest.raises(asyncio.IncompleteReadError) as error:
            await asyncio.wait_for(connection.response(), PATIENCE)
    assert error.value.partial != b""


async def test_a_connection_is_reset_on_purpose(serve: Serve) -> None:
    async with connected(serve(rate_reset=1)) as connection:
        connection.writer.write(ASK)
        with pytest.raises(ConnectionResetError):
            await asyncio.wait_for(connection.reader.read(), PATIENCE)


async def test_a_request_hangs_on_purpose(serve: Serve) -> None:
    async with connected(serve(rate_hang=1)) as connection:
        connection.writer.write(ASK)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(connection.reader.read(1), 0.3)


def client() -> TestClient:
    return TestClient(ScriptedEndpoint(fixed("hi"), Faults()).app)


@given(st.binary())
def test_an_uploaded_file_arrives_byte_for_byte(content: bytes) -> None:
    asker = client()
    file = asker.post("/v1/files", files={"file": ("f", content)}, data={"purpose": "batch"}).json()
    assert file["bytes"] == len(content)
    assert asker.get(f"/v1/files/{file['id']}/content").content == content


@settings(max_examples=20)
@given(st.binary(), st.sampled_from(["", "multipart/form-data", "multipart/form-data; boundary=B", "a/b; c"]))
def test_any_body_is_an_upload_or_refused(body: bytes, content_type: str) -> None:
    answer = client().post("/v1/files", content=body, headers={"content-type": content_type})
    assert answer.status_code in (200, 400)


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'"text"', b"\xff"])
def test_a_batch_that_is_no_batch_is_400(body: bytes) -> None:
    answer = client().post("/v1/batches", content=body)
    assert answer.status_code == 400 and answer.json()["error"]["code"] == "invalid_request_error"


def test_an_unknown_file_or_batch_is_404() -> None:
    for path in ("/v1/files/file-9/content", "/v1/batches/batch_9", "/v1/nothing", "/"):
        assert client().get(path).status_code == 404


def test_another_key_is_401_but_the_counters_are_open() -> None:
    asker = TestClient(ScriptedEndpoint(fixed("hi"), Faults(key="right")).app)
    assert asker.get("/v1/models").status_code == 401
    assert asker.get("/v1/models", headers={"authorization": "Bearer right"}).status_code == 200
    assert asker.get("/counters").status_code == 200
