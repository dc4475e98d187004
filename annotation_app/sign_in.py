"""The sign-in form, its cookie and its check.

The form sets an HttpOnly, SameSite=Strict cookie with a random string. Pages are not served here, but what
may reach them is decided here: visitors who are not signed in are sent to the form, and no session, upload or
request of another site gets through.
"""

import asyncio
import functools
import html
from collections import Counter
from importlib import resources
from string import Template
from urllib.parse import urlsplit

import anyio
import streamlit as st
from anyio import CapacityLimiter
from starlette.concurrency import run_in_threadpool
from starlette.requests import HTTPConnection, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from annotation_app import settings
from oceanchat.annotation import accounts
from oceanchat.errors import AnnotationError, OceanChatError
from oceanchat.store.annotators import Annotator

COOKIE = "oceanchat-sign-in"
HEADER = "x-sign-in"
"""Carries the same string for those who signed in elsewhere and have no cookie of ours."""
MAX_BYTES = 64_000
"""Size limit of a request's body."""
HASHED_AT_ONCE = 2
"""Passcodes checked at once: each takes 16 MB and a core for a moment."""
WAITING = 200
"""Sign-ins under way; more are asked to try again."""
WAITING_PER_NAME = 4
"""The same for one name from one address."""
_SAFE_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self';"
    " frame-ancestors 'none'; base-uri 'none'",
    "Cache-Control": "no-store",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}
_under_way: Counter[tuple[str, str]] = Counter()


def base_path() -> str:
    """The path under which the app is served, such as '/study'; empty at the root."""
    path = str(st.get_option("server.baseUrlPath") or "").strip("/")
    return f"/{path}" if path else ""


def account_of(request: HTTPConnection) -> Annotator | None:
    """The account whose sign-in a request carries."""
    token = request.headers.get(HEADER) or request.cookies.get(COOKIE, "")
    return accounts.signed_in(settings.store(), token)


def is_cross_site(request: HTTPConnection) -> bool:
    """Whether another site made the browser send a request.

    Browsers say so themselves over HTTPS and on this machine (Sec-Fetch-Site); elsewhere the page's origin is
    held against the host that the browser asked, as a proxy passes it on or as the lead named it.
    """
    headers = request.headers
    fetched_from = headers.get("sec-fetch-site")
    if fetched_from is not None:
        return fetched_from not in ("same-origin", "none")
    origin = headers.get("origin")
    if origin is None:
        return False
    forwarded = headers.get("x-forwarded-host", "").split(",")[0].strip()
    if urlsplit(origin).netloc in (headers.get("host"), forwarded):
        return False
    return origin.lower() not in settings.settings().allowed_origins


def is_too_large(request: Request) -> bool:
    """Whether a body exceeds the limit or does not declare its length, which the server then enforces."""
    length = request.headers.get("content-length", "")
    return not length.isdigit() or int(length) > MAX_BYTES


async def show_form(request: Request) -> Response:
    """Answer with the sign-in form, or go to the first page where somebody is signed in already."""
    if await run_in_threadpool(account_of, request) is not None:
        return RedirectResponse(f"{base_path()}/", status_code=303, headers=_SAFE_HEADERS)
    return _page(_form())


async def sign_in(request: Request) -> Response:
    """Check name and passcode; set the cookie and go to the first page."""
    if is_too_large(request):
        return _page(_form("That is too long. Please try again."), 413)
    if is_cross_site(request):
        return _page(_form(_other_host(request)), 403)
    form = await request.form()
    name, passcode = (str(form.get(field, "")) for field in ("name", "passcode"))
    address = request.client.host if request.client else ""
    try:
        token = await _check(name, passcode, address)
    except accounts.WrongPasscode as error:
        await asyncio.sleep(error.delay)
        return _page(_form(str(error), name), 403)
    except AnnotationError as error:
        return _page(_form(str(error), name), 429)
    response = RedirectResponse(f"{base_path()}/", status_code=303, headers=_SAFE_HEADERS)
    response.set_cookie(
        COOKIE,
        token,
        max_age=int(accounts.SIGNED_IN_FOR),
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
        path=f"{base_path()}/",
    )
    return response


async def _check(name: str, passcode: str, address: str) -> str:
    """The string for the cookie; AnnotationError where too many sign-ins are under way."""
    key = (address, name.lower())
    if _under_way[key] >= WAITING_PER_NAME or _under_way.total() >= WAITING:
        raise AnnotationError("too many people are signing in at the moment; please try again in a minute")
    _under_way[key] += 1
    try:
        check = functools.partial(accounts.sign_in, settings.store(), name, passcode, address)
        return await anyio.to_thread.run_sync(check, limiter=_hashing())
    finally:
        _under_way[key] -= 1
        if not _under_way[key]:
            del _under_way[key]


@functools.cache
def _hashing() -> CapacityLimiter:
    return CapacityLimiter(HASHED_AT_ONCE)


def _other_host(request: Request) -> str:
    origin = request.headers.get("origin", "another site")
    return (
        f"This form was sent from {origin}, and the server knows itself as {request.headers.get('host')}."
        " If a proxy stands between, it has to pass on the host, or the app needs"
        f" --allowed-origin {origin}."
    )


async def sign_out(request: Request) -> Response:
    """End the sign-in. The cookie is Strict, so no other site can sign anybody out."""
    token = request.cookies.get(COOKIE, "")
    if token:
        await run_in_threadpool(accounts.sign_out, settings.store(), token)
    response = _page(_template("signed_out").substitute())
    response.delete_cookie(COOKIE, path=f"{base_path()}/")
    return response


@functools.cache
def _template(name: str) -> Template:
    file = resources.files("annotation_app") / "templates" / f"{name}.html"
    return Template(file.read_text(encoding="utf-8"))


def _page(body: str, status: int = 200) -> HTMLResponse:
    return HTMLResponse(_template("frame").substitute(body=body), status, headers=_SAFE_HEADERS)


def _form(problem: str = "", name: str = "") -> str:
    alert = ""
    if problem:
        alert = f"<p class=problem role=alert>{html.escape(problem[:1].upper() + problem[1:])}</p>"
    return _template("sign_in").substitute(problem=alert, name=html.escape(name))


def routes() -> list[Route]:
    """The routes below the app's base path."""
    return [
        Route(f"{base_path()}/login", show_form, methods=["GET"]),
        Route(f"{base_path()}/login", sign_in, methods=["POST"]),
        Route(f"{base_path()}/logout", sign_out, methods=["GET"]),
    ]


def safe_redirect(path: str) -> Response:
    """A redirect that no cache keeps."""
    return RedirectResponse(path, status_code=303, headers=_SAFE_HEADERS)


def may_enter(connection: HTTPConnection) -> bool:
    """Whether a request carries a sign-in; also where the store cannot be read: the page says so itself."""
    try:
        return account_of(connection) is not None
    except OceanChatError:
        return True
