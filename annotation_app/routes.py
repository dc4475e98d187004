"""Receive labels and drafts as JSON.

Each is answered with what the database then holds. Who may send them is decided in sign_in.py and in
oceanchat/annotation/labels.py.
"""

from collections.abc import Callable
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from annotation_app import settings
from annotation_app.sign_in import account_of, is_cross_site, is_too_large
from oceanchat.annotation import labels
from oceanchat.annotation.labels import Receipt, TooSoon
from oceanchat.errors import OceanChatError, StoreError
from oceanchat.nesting import parse_json
from oceanchat.store.annotators import Annotator

Body = dict[str, Any]
_A_YEAR = 31_536_000
"""Seconds; no answer takes longer."""
Handler = Callable[[Annotator, Body], Body]


async def save_label(request: Request) -> Response:
    """Save a label; answers with the receipt."""
    return await _handle(request, _save_label)


async def save_draft(request: Request) -> Response:
    """Save a draft."""
    return await _handle(request, _save_draft)


def _save_label(account: Annotator, body: Body) -> Body:
    receipt = labels.save(
        settings.store(),
        account,
        str(body.get("token", "")),
        body["answers"],
        _seconds(body.get("active_seconds")),
    )
    return {"text": receipt_text(receipt), "saved": receipt.saved_at, "revision": receipt.revision}


def _seconds(value: Any) -> float:
    """A number of seconds; 0 for anything else, such as NaN or a number that no float can hold."""
    return float(value) if isinstance(value, int | float) and abs(value) < _A_YEAR else 0.0


def receipt_text(receipt: Receipt) -> str:
    """A receipt in a few words."""
    outcome = {"yes": "Valid", "no": "Not valid"}.get(receipt.value, "Answer")
    return f"{outcome} · {receipt.done} of {receipt.total}" if receipt.total else outcome


def _save_draft(account: Annotator, body: Body) -> Body:
    saved = labels.save_draft(settings.store(), account, str(body.get("token", "")), body["answers"])
    return {"saved": saved}


async def _handle(request: Request, handler: Handler) -> Response:
    is_json = request.headers.get("content-type", "").startswith("application/json")
    if is_cross_site(request) or not is_json:
        return JSONResponse({"error": "That did not come from this app."}, 403)
    try:
        body = None if is_too_large(request) else parse_json(await request.body())
    except ValueError:
        body = None
    if not isinstance(body, dict) or not isinstance(body.get("answers"), dict):
        return JSONResponse({"error": "That cannot be read as answers."}, 400)
    return await run_in_threadpool(_handle_in_thread, request, body, handler)


def _handle_in_thread(request: Request, body: Body, handler: Handler) -> Response:
    account = account_of(request)
    if account is None:
        return JSONResponse({"error": "You are no longer signed in; your answer is stored here."}, 401)
    try:
        return JSONResponse(handler(account, body))
    except TooSoon as error:
        return JSONResponse({"error": _sentence(error), "wait": error.wait}, 425)
    except StoreError as error:  # a database that is away for a moment: the page sends it again
        return JSONResponse({"error": _sentence(error)}, 503)
    except OceanChatError as error:
        return JSONResponse({"error": _sentence(error)}, 409)


def _sentence(error: OceanChatError) -> str:
    text = str(error)
    return text[:1].upper() + text[1:] + "."


ROUTES = [
    Route("/annotation/label", save_label, methods=["POST"]),
    Route("/annotation/draft", save_draft, methods=["POST"]),
]
