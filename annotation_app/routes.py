"""Receive labels, drafts and withdrawals; send figures.

Answers come as JSON, and each is answered with what the database then holds. Who may send them is decided in
sign_in.py and in oceanchat/annotation.
"""

import csv
import io
import json
from collections.abc import Callable
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from annotation_app import settings
from annotation_app.sign_in import account_of, base_path, is_cross_site, is_too_large
from oceanchat.annotation import accounts, labels, report, revisions
from oceanchat.annotation.labels import Conflict, Receipt, TooSoon
from oceanchat.errors import OceanChatError, StoreError
from oceanchat.nesting import parse_json
from oceanchat.store.annotators import Annotator
from oceanchat.store.validations import validation_table

Body = dict[str, Any]
_A_YEAR = 31_536_000
"""Seconds; no answer takes longer."""
Handler = Callable[[Annotator, Body], Body]


async def save_label(request: Request) -> Response:
    """Save a label; answers with the receipt."""
    return await _handle(request, _save_label)


async def save_draft(request: Request) -> Response:
    """Save a draft and the time spent."""
    return await _handle(request, _save_draft)


async def undo(request: Request) -> Response:
    """Withdraw the label that was saved under a token."""
    return await _handle(request, _undo)


def _save_label(account: Annotator, body: Body) -> Body:
    receipt = labels.save(
        settings.store(), account, _token(body), body["answers"], _seconds(body.get("active_seconds"))
    )
    return {"text": receipt_text(receipt), "saved": receipt.saved_at, "revision": receipt.revision}


def _token(body: Body) -> str:
    return str(body.get("token", ""))


def _seconds(value: Any) -> float:
    """A number of seconds; 0 for anything else, such as NaN or a number that no float can hold."""
    return float(value) if isinstance(value, int | float) and abs(value) < _A_YEAR else 0.0


def receipt_text(receipt: Receipt) -> str:
    """A receipt in a few words."""
    outcome = {"yes": "Valid", "no": "Not valid"}.get(receipt.value, "Answer")
    return f"{outcome} · {receipt.done} of {receipt.total}" if receipt.total else outcome


def _save_draft(account: Annotator, body: Body) -> Body:
    answered = labels.save_draft(
        settings.store(), account, _token(body), body["answers"], _seconds(body.get("active_seconds"))
    )
    return {"saved": True} if answered is None else {"saved": False, "assignment": answered}


def _undo(account: Annotator, body: Body) -> Body:
    return {"assignment": revisions.undo(settings.store(), account, _token(body)).id}


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
    except Conflict as error:
        return JSONResponse({"error": _sentence(error), "assignment": error.assignment_id}, 409)
    except StoreError as error:  # a database that is away for a moment: the page sends it again
        return JSONResponse({"error": _sentence(error)}, 503)
    except OceanChatError as error:
        return JSONResponse({"error": _sentence(error)}, 409)


def _sentence(error: OceanChatError) -> str:
    text = str(error)
    return text[:1].upper() + text[1:] + "."


async def download_labels(request: Request) -> Response:
    """Every label of the sample, for leads."""
    return await run_in_threadpool(_download, request, _labels_csv, "validations.csv", "text/csv")


async def download_figures(request: Request) -> Response:
    """Every figure of the sample, for leads."""
    return await run_in_threadpool(_download, request, _figures_json, "agreement.json", "application/json")


def _download(request: Request, content: Callable[[], str], file: str, kind: str) -> Response:
    account = account_of(request)
    if account is None:
        return PlainTextResponse("You are no longer signed in; sign in again and repeat the download.", 401)
    try:
        accounts.require_lead(account)
        headers = {"Content-Disposition": f'attachment; filename="{file}"', "Cache-Control": "no-store"}
        return Response(content(), media_type=kind, headers=headers)
    except OceanChatError as error:
        return PlainTextResponse(_sentence(error), 403)


def _labels_csv() -> str:
    with settings.store().reading() as connection:
        rows = validation_table(connection, settings.sample())
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]) if rows else ["item"])
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _figures_json() -> str:
    return json.dumps(report.record(report.report(settings.store(), settings.sample())), indent=2)


def routes() -> list[Route]:
    """The routes below the app's base path."""
    below = f"{base_path()}/annotation"
    return [
        *(
            Route(f"{below}/{name}", handler, methods=["POST"])
            for name, handler in (("label", save_label), ("draft", save_draft), ("undo", undo))
        ),
        Route(f"{below}/validations.csv", download_labels, methods=["GET"]),
        Route(f"{below}/agreement.json", download_figures, methods=["GET"]),
    ]
