"""The sign-in form, its cookie and its check.

The form sets an HttpOnly, SameSite=Strict cookie with a random string. Pages are not served here, but
visitors who are not signed in are sent to the form before any page is.
"""

import functools
import html
from collections.abc import Callable
from importlib import resources
from string import Template
from urllib.parse import urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from annotation_app import settings
from oceanchat.annotation import accounts
from oceanchat.errors import AnnotationError
from oceanchat.store.annotators import Annotator

COOKIE = "oceanchat-sign-in"
HEADER = "x-sign-in"
"""Carries the same string for those who signed in elsewhere and have no cookie of ours."""
MAX_BYTES = 64_000
"""Size limit of a request's body."""
_SAFE_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self';"
    " frame-ancestors 'none'; base-uri 'none'",
    "Cache-Control": "no-store",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}


def account_of(request: Request) -> Annotator | None:
    """The account whose sign-in a request carries."""
    token = request.headers.get(HEADER) or request.cookies.get(COOKIE, "")
    return accounts.signed_in(settings.store(), token)


def is_cross_site(request: Request) -> bool:
    """Whether another site made the browser send a request."""
    origin = request.headers.get("origin")
    return origin is not None and urlsplit(origin).netloc != request.headers.get("host")


def is_too_large(request: Request) -> bool:
    """Whether a body exceeds the limit or does not declare its length, which the server then enforces."""
    length = request.headers.get("content-length", "")
    return not length.isdigit() or int(length) > MAX_BYTES


async def show_form(request: Request) -> Response:
    """Answer with the sign-in form."""
    return _page(_form())


async def sign_in(request: Request) -> Response:
    """Check name and passcode; set the cookie and go to the first page."""
    if is_too_large(request) or is_cross_site(request):
        return _page(_form("That did not come from this form. Please try again."), 403)
    form = await request.form()
    name, passcode = (str(form.get(field, "")) for field in ("name", "passcode"))
    address = request.client.host if request.client else ""
    try:
        token = await run_in_threadpool(accounts.sign_in, settings.store(), name, passcode, address)
    except AnnotationError as error:
        return _page(_form(str(error), name), 403)
    response = RedirectResponse("./", status_code=303, headers=_SAFE_HEADERS)
    response.set_cookie(
        COOKIE,
        token,
        max_age=int(accounts.SIGNED_IN_FOR),
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
        path="/",
    )
    return response


async def sign_out(request: Request) -> Response:
    """End the sign-in. The cookie is Strict, so no other site can sign anybody out."""
    token = request.cookies.get(COOKIE, "")
    if token:
        await run_in_threadpool(accounts.sign_out, settings.store(), token)
    response = _page(_template("signed_out").substitute())
    response.delete_cookie(COOKIE, path="/")
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


ROUTES = [
    Route("/login", show_form, methods=["GET"]),
    Route("/login", sign_in, methods=["POST"]),
    Route("/logout", sign_out, methods=["GET"]),
]


class RequireSignIn:
    """Middleware that redirects page visits without a sign-in to the form."""

    def __init__(self, app: ASGIApp, has_other_sign_in: Callable[[], bool]) -> None:
        self.app = app
        self.has_other_sign_in = has_other_sign_in
        """Whether the pages themselves offer another way to sign in."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass everything on except page visits without a sign-in."""
        if scope["type"] == "http" and scope["method"] == "GET":
            request = Request(scope)
            is_page = "text/html" in request.headers.get("accept", "")
            is_open = scope["path"] in ("/login", "/logout") or scope["path"].startswith(
                ("/_stcore", "/oauth2")
            )
            if is_page and not is_open and not self.has_other_sign_in():
                account = await run_in_threadpool(account_of, request)
                if account is None:
                    redirect = RedirectResponse("/login", status_code=303, headers=_SAFE_HEADERS)
                    await redirect(scope, receive, send)
                    return
        await self.app(scope, receive, send)
