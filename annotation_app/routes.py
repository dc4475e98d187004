"""The HTTP side of the app: signing in and out, labels and drafts.

A form sets an HttpOnly, SameSite=Strict cookie that holds a random string; labels and drafts arrive as JSON
and are answered with what the database then holds. Pages are not served here, but whoever is not signed in
is sent to the form before any page is.
"""

import html
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from annotation_app import settings
from oceanchat.annotation import accounts
from oceanchat.annotation import labels as labelling
from oceanchat.annotation.labels import Receipt, TooSoon
from oceanchat.errors import AnnotationError, OceanChatError, StoreError
from oceanchat.store.annotators import Annotator

COOKIE = "oceanchat-sign-in"
HEADER = "x-sign-in"
"""Carries the same string for those who signed in elsewhere and have no cookie of ours."""
LARGEST = 64_000
"""Bytes a request may have."""
_SAFE = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self';"
    " frame-ancestors 'none'; base-uri 'none'",
    "Cache-Control": "no-store",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}


def _who(request: Request) -> Annotator | None:
    token = request.headers.get(HEADER) or request.cookies.get(COOKIE, "")
    return accounts.who(settings.store(), token)


def _from_elsewhere(request: Request) -> bool:
    """Whether another site made the browser send this."""
    origin = request.headers.get("origin")
    return origin is not None and urlsplit(origin).netloc != request.headers.get("host")


async def show_form(request: Request) -> Response:
    """The sign-in form."""
    return _page(_form(""))


async def sign_in(request: Request) -> Response:
    """Check name and passcode; set the cookie and go to the first page."""
    if _too_large(request) or _from_elsewhere(request):
        return _page(_form("That did not come from this form. Please try again."), 403)
    form = await request.form()
    name, passcode = (str(form.get(field, "")) for field in ("name", "passcode"))
    address = request.client.host if request.client else ""
    try:
        token = await run_in_threadpool(accounts.sign_in, settings.store(), name, passcode, address)
    except AnnotationError as error:
        return _page(_form(str(error), name), 403)
    response = RedirectResponse("./", status_code=303, headers=_SAFE)
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
    """End the sign-in. The cookie is Strict, so no other site can have anybody signed out."""
    token = request.cookies.get(COOKIE, "")
    if token:
        await run_in_threadpool(accounts.sign_out, settings.store(), token)
    response = _page(
        "<h1>Signed out</h1><p>Everything you saved is kept.</p><p><a href='login'>Sign in</a></p>"
    )
    response.delete_cookie(COOKIE, path="/")
    return response


async def save_label(request: Request) -> Response:
    """Save a label; answers the receipt."""
    return await _answer(request, _save)


async def save_draft(request: Request) -> Response:
    """Keep a draft."""
    return await _answer(request, _keep)


def _save(account: Annotator, told: dict[str, Any]) -> dict[str, Any]:
    seconds = told.get("active_seconds", 0)
    receipt = labelling.save(
        settings.store(),
        account,
        str(told.get("token", "")),
        told["answers"],
        float(seconds) if isinstance(seconds, int | float) else 0.0,
    )
    return {"text": receipt_text(receipt), "saved": receipt.saved, "revision": receipt.revision}


def receipt_text(receipt: Receipt) -> str:
    """What a receipt says in a few words."""
    said = {"yes": "Valid", "no": "Not valid"}.get(receipt.value, "Answer")
    return f"{said} · {receipt.done} of {receipt.total}" if receipt.total else said


def _keep(account: Annotator, told: dict[str, Any]) -> dict[str, Any]:
    kept = labelling.keep_draft(settings.store(), account, str(told.get("token", "")), told["answers"])
    return {"kept": kept}


async def _answer(request: Request, do: Callable[[Annotator, dict[str, Any]], dict[str, Any]]) -> Response:
    if _from_elsewhere(request) or not request.headers.get("content-type", "").startswith("application/json"):
        return JSONResponse({"error": "That did not come from this app."}, 403)
    try:
        told = None if _too_large(request) else await request.json()
    except ValueError:
        told = None
    if not isinstance(told, dict) or not isinstance(told.get("answers"), dict):
        return JSONResponse({"error": "That cannot be read as answers."}, 400)
    return await run_in_threadpool(_in_thread, request, told, do)


def _in_thread(
    request: Request, told: dict[str, Any], do: Callable[[Annotator, dict[str, Any]], dict[str, Any]]
) -> Response:
    account = _who(request)
    if account is None:
        return JSONResponse({"error": "You are no longer signed in; your answer is kept here."}, 401)
    try:
        return JSONResponse(do(account, told))
    except TooSoon as error:
        return JSONResponse({"error": _sentence(error), "wait": error.wait}, 425)
    except StoreError as error:  # a database that is away for a moment: the page sends it again
        return JSONResponse({"error": _sentence(error)}, 503)
    except OceanChatError as error:
        return JSONResponse({"error": _sentence(error)}, 409)


def _sentence(error: OceanChatError) -> str:
    text = str(error)
    return text[:1].upper() + text[1:] + "."


def _too_large(request: Request) -> bool:
    """Whether a body is too large, or does not say how large it is; the server holds it to what it says."""
    length = request.headers.get("content-length", "")
    return not length.isdigit() or int(length) > LARGEST


def _page(body: str, status: int = 200) -> HTMLResponse:
    return HTMLResponse(_FRAME.replace("BODY", body), status, headers=_SAFE)


def _form(problem: str, name: str = "") -> str:
    said = (
        f"<p class=problem role=alert>{html.escape(problem[:1].upper() + problem[1:])}</p>" if problem else ""
    )
    return f"""<h1>OCEAN-Chat annotation</h1>{said}
<form method=post action=login>
<label for=name>Name</label>
<input id=name name=name autocomplete=username required autofocus maxlength=200 value="{html.escape(name)}">
<label for=passcode>Passcode</label>
<input id=passcode name=passcode type=password autocomplete=current-password required maxlength=200>
<button>Sign in</button></form>
<p class=hint>The lead of the study gave you both. Everything you answer is saved as you go, so you can
stop at any time and continue on another machine.</p>"""


_FRAME = """<!doctype html><html lang=en><head><meta charset=utf-8>
<meta name=viewport content="width=device-width,initial-scale=1"><title>OCEAN-Chat annotation</title><style>
:root{color-scheme:light dark;--ink:#20262e;--paper:#fcfbf8;--line:#c9c8c2;--soft:#5b636d;--main:#1f6f78}
@media(prefers-color-scheme:dark){
:root{--ink:#e4e6e8;--paper:#16191d;--line:#444b53;--soft:#a3abb4;--main:#267a85}}
body{margin:0;min-height:100vh;display:grid;place-items:center;background:var(--paper);color:var(--ink);
font:1rem/1.55 "Source Sans",system-ui,sans-serif}
main{width:min(21rem,calc(100vw - 3rem));padding:2rem 0}
h1{font-size:1.5rem;font-weight:600;margin:0 0 1.5rem}
label{display:block;font-weight:600;margin:1rem 0 .3rem}
input{width:100%;box-sizing:border-box;font:inherit;color:inherit;background:transparent;padding:.6rem .75rem;
border:1px solid var(--line);border-radius:.6rem}
button{margin-top:1.5rem;width:100%;font:inherit;font-weight:600;color:#fff;background:var(--main);border:0;
border-radius:.6rem;padding:.7rem;cursor:pointer}
input:focus-visible,button:focus-visible,a:focus-visible{outline:3px solid var(--main);outline-offset:2px}
.hint{color:var(--soft);font-size:.9rem;margin-top:1.5rem}
.problem{border-left:3px solid var(--main);padding-left:.75rem}
a{color:inherit}</style></head><body><main>BODY</main></body></html>"""

ROUTES = [
    Route("/login", show_form, methods=["GET"]),
    Route("/login", sign_in, methods=["POST"]),
    Route("/logout", sign_out, methods=["GET"]),
    Route("/annotation/label", save_label, methods=["POST"]),
    Route("/annotation/draft", save_draft, methods=["POST"]),
]


class SignInFirst:
    """Sends page visits of those who are not signed in to the form."""

    def __init__(self, app: ASGIApp, other_ways: Callable[[], bool]) -> None:
        self.app = app
        self.other_ways = other_ways

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let everything pass but pages asked for by strangers."""
        if scope["type"] == "http" and scope["method"] == "GET":
            request = Request(scope)
            page = "text/html" in request.headers.get("accept", "")
            ours = scope["path"] in ("/login", "/logout") or scope["path"].startswith(("/_stcore", "/oauth2"))
            if page and not ours and not self.other_ways():
                account = await run_in_threadpool(_who, request)
                if account is None:
                    await RedirectResponse("/login", status_code=303, headers=_SAFE)(scope, receive, send)
                    return
        await self.app(scope, receive, send)
