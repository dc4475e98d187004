"""Sockets to one endpoint: pools, proxy, limits.

Spreads requests over small pools, goes through the proxy it is given, and stops reading a reply that is
longer than any answer can be.
"""

import itertools
import ssl
from collections.abc import AsyncIterator

import httpx2

from oceanchat.errors import ConfigError

POOL_SIZE = 8
"""Sockets in one pool: a pool checks all of its sockets for each request, so small pools save time."""
MAX_REPLY = 32 * 1024 * 1024
"""Bytes of one JSON reply at most; the longest answer a model gives has a hundredth of that."""
MAX_PACKED = 64 * 1024
"""Bytes of a compressed reply at most: it may grow a thousandfold."""
MAX_FILE = 2 * 1024**3
"""Bytes of a batch's result file at most; it is read line by line."""


class ReplyTooLong(httpx2.ReadError):
    """The endpoint sends more than any answer can hold."""


class RoundRobinTransport(httpx2.AsyncBaseTransport):
    """Spreads requests over small pools of sockets, in turn."""

    def __init__(self, sockets: int, proxy: str | None = None) -> None:
        context = ssl.create_default_context()
        limits = httpx2.Limits(max_connections=None, max_keepalive_connections=2 * POOL_SIZE)
        try:
            pools = [
                httpx2.AsyncHTTPTransport(verify=context, limits=limits, proxy=proxy)
                for _ in range(-(-sockets // POOL_SIZE))
            ]
        except ImportError:
            raise ConfigError(
                "the proxy that the environment names speaks SOCKS, which needs one more package:"
                " pip install socksio"
            ) from None
        self._pools = pools
        self._turns = itertools.cycle(pools)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        response = await next(self._turns).handle_async_request(request)
        if isinstance(response.stream, httpx2.AsyncByteStream):
            response.stream = LimitedStream(response.stream, _limit(request, response))
        return response

    async def aclose(self) -> None:
        for pool in self._pools:
            await pool.aclose()


def _limit(request: httpx2.Request, response: httpx2.Response) -> int:
    if response.headers.get("content-encoding", "identity") != "identity":
        return MAX_PACKED
    return MAX_FILE if request.url.path.endswith("/content") and response.is_success else MAX_REPLY


class LimitedStream(httpx2.AsyncByteStream):
    """A reply's bytes, up to a limit."""

    def __init__(self, stream: httpx2.AsyncByteStream, limit: int) -> None:
        self._stream = stream
        self._limit = limit

    async def __aiter__(self) -> AsyncIterator[bytes]:
        length = 0
        async for part in self._stream:
            length += len(part)
            if length > self._limit:
                raise ReplyTooLong(f"the reply is longer than {self._limit:,} bytes")
            yield part

    async def aclose(self) -> None:
        await self._stream.aclose()
