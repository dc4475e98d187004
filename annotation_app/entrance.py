"""Keep strangers away from pages and sessions.

Page visits without a sign-in go to the form. Sessions, which cost memory, open for those who are signed in;
uploads, which no page offers, are refused.
"""

from collections.abc import Callable

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection, Request
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocketClose

from annotation_app.sign_in import base_path, is_cross_site, may_enter, safe_redirect

GUESTS = 50
"""Sessions at once of visitors who are not signed in, where the pages offer another way to sign in."""
_OPEN = ("/login", "/logout")


class Entrance:
    """Middleware in front of everything that Streamlit serves."""

    def __init__(self, app: ASGIApp, has_other_sign_in: Callable[[], bool]) -> None:
        self.app = app
        self.has_other_sign_in = has_other_sign_in
        """Whether the pages themselves offer another way to sign in."""
        self.guests = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what may enter."""
        if scope["type"] == "websocket":
            return await self._session(scope, receive, send)
        if scope["type"] == "http":
            path = scope["path"].removeprefix(base_path())
            if path.startswith("/_stcore/upload_file"):
                refusal = PlainTextResponse("There is nothing to upload here.", 403)
                return await refusal(scope, receive, send)
            if self._is_page(scope, path):
                if not await self._may_see(scope):
                    return await safe_redirect(f"{base_path()}/login")(scope, receive, send)
                send = _unstored(send)
        await self.app(scope, receive, send)

    async def _may_see(self, scope: Scope) -> bool:
        return self.has_other_sign_in() or await run_in_threadpool(may_enter, Request(scope))

    def _is_page(self, scope: Scope, path: str) -> bool:
        wanted = Request(scope).headers.get("accept", "")
        is_open = path in _OPEN or path.startswith(("/_stcore", "/oauth2", "/auth"))
        return scope["method"] == "GET" and "text/html" in wanted and not is_open

    async def _session(self, scope: Scope, receive: Receive, send: Send) -> None:
        connection = HTTPConnection(scope)
        if is_cross_site(connection):
            return await WebSocketClose(4403)(scope, receive, send)
        scope = _same_origin(scope, connection.headers.get("origin"))
        if await run_in_threadpool(may_enter, connection):
            return await self.app(scope, receive, send)
        if not self.has_other_sign_in() or self.guests >= GUESTS:
            return await WebSocketClose(4401)(scope, receive, send)
        self.guests += 1
        try:
            await self.app(scope, receive, send)
        finally:
            self.guests -= 1


def _unstored(send: Send) -> Send:
    """Sends a page that browsers keep no copy of: Back after signing out then shows the form, not a blank."""

    async def send_unstored(message: Message) -> None:
        if message["type"] == "http.response.start":
            MutableHeaders(scope=message)["Cache-Control"] = "no-store"
        await send(message)

    return send_unstored


def _same_origin(scope: Scope, origin: str | None) -> Scope:
    """The scope with the host that the browser asked: behind a proxy Streamlit would refuse another."""
    if origin is None:
        return scope
    host = origin.partition("://")[2].encode("latin-1", "replace")
    headers = [(name, value) for name, value in scope["headers"] if name != b"host"]
    return {**scope, "headers": [*headers, (b"host", host)]}
