"""Keys, counts and errors around the endpoint's routes.

Middleware that checks the bearer key and counts answers, and handlers that put every error in the API's
shape. It knows nothing of models.
"""

import hmac

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from preact.serving.chat_calls import Refused
from preact.serving.counting import ServerCounts
from preact.serving.replies import error_content


async def refusal(request: Request, error: Exception) -> Response:
    """What was refused, with its status."""
    assert isinstance(error, Refused)
    headers = {"Retry-After": "1"} if error.status == 429 else {}
    return JSONResponse(error_content(error), error.status, headers)


async def http_error(request: Request, error: Exception) -> Response:
    """A path or method that is not served."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    what = f"{request.method} {request.url.path[:200]}"
    message = f"{what} is not served; see /v1/models, /v1/chat/completions and /v1/completions"
    return JSONResponse(error_content(Refused(status, "not_found", message)), status)


async def failure(request: Request, error: Exception) -> Response:
    """An error of our own, without its details."""
    refused = Refused(500, "server_error", "the server failed at this request; its log says why")
    return JSONResponse(error_content(refused), 500)


class BearerKey:
    """Middleware: 401 for any other key than this one; without one any key is accepted."""

    def __init__(self, app: ASGIApp, key: str | None) -> None:
        self._app, self._key = app, key

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; health needs no key."""
        if scope["type"] == "http" and self._key is not None and scope["path"] != "/health":
            given = Request(scope).headers.get("authorization", "").removeprefix("Bearer ")
            if not hmac.compare_digest(given.encode(), self._key.encode()):
                refused = Refused(
                    401, "invalid_api_key", "the API key is wrong; send the server's as bearer key"
                )
                await JSONResponse(error_content(refused), 401)(scope, receive, send)
                return
        await self._app(scope, receive, send)


class Counting:
    """Middleware: count answers by status."""

    def __init__(self, app: ASGIApp, counts: ServerCounts) -> None:
        self._app, self._counts = app, counts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""

        async def counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._counts.requests[message["status"]] += 1
            await send(message)

        await self._app(scope, receive, counted if scope["type"] == "http" else send)
