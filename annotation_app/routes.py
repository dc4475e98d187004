"""Receive labels, drafts, withdrawals and messages; send figures.

Answers come as JSON, and each is answered with what the database then holds; a message is answered with the
model's words as they come. Who may send them is decided in sign_in.py and in oceanchat/annotation.
"""

import csv
import io
import json
from collections.abc import AsyncIterator, Callable
from typing import Any, TypeVar

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from annotation_app import settings
from annotation_app.sign_in import account_of, base_path, is_cross_site, is_too_large
from oceanchat.annotation import accounts, conversations, labels, report, revisions
from oceanchat.annotation.conversations import HeldElsewhere, OtherMessage
from oceanchat.annotation.conversations import Request as ModelRequest
from oceanchat.annotation.labels import Conflict, Receipt, TooSoon
from oceanchat.annotation.live_answers import AnswerBrokeOff, AnswerPart
from oceanchat.errors import OceanChatError, StoreError
from oceanchat.nesting import parse_json
from oceanchat.store.annotators import Annotator
from oceanchat.store.conversations import StoredTurn
from oceanchat.store.ratings import rating_table
from oceanchat.store.validations import validation_table

Body = dict[str, Any]
_A_YEAR = 31_536_000
"""Seconds; no answer takes longer."""
T = TypeVar("T")


async def save_label(request: Request) -> Response:
    """Save a label; answers with the receipt."""
    return await _handle(request, _save_label)


async def save_draft(request: Request) -> Response:
    """Save a draft and the time spent."""
    return await _handle(request, _save_draft)


async def undo(request: Request) -> Response:
    """Withdraw the label that was saved under a token."""
    return await _handle(request, _undo)


async def say(request: Request) -> Response:
    """Send a message to the model; answers with pieces of its answer as events, then with what is stored."""
    body = await _body(request, "text", str)
    if isinstance(body, Response):
        return body
    outcome = await run_in_threadpool(_in_thread, request, body, _say)
    if isinstance(outcome, Response):
        return outcome
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(_events(outcome), media_type="text/event-stream", headers=headers)


def _say(account: Annotator, body: Body) -> StoredTurn | ModelRequest:
    number = body.get("number")
    return conversations.say(
        settings.store(), account, _token(body), number if isinstance(number, int) else 0, body["text"]
    )


async def _events(outcome: StoredTurn | ModelRequest) -> AsyncIterator[str]:
    if isinstance(outcome, StoredTurn):
        yield _event(AnswerPart(stored=outcome))
        return
    try:
        async for part in settings.live_answers().answer(outcome):
            yield _event(part)
    except AnswerBrokeOff as error:
        yield f"data: {json.dumps({'error': _sentence(error)})}\n\n"


def _event(part: AnswerPart) -> str:
    stored = part.stored
    content = {"piece": part.piece} if stored is None else {"answer": stored.text, "saved": stored.said_at}
    return f"data: {json.dumps(content)}\n\n"


async def later(request: Request) -> Response:
    """Put a conversation off."""
    return await _handle(request, _later)


def _later(account: Annotator, body: Body) -> Body:
    conversations.put_off(settings.store(), account, _token(body))
    return {"saved": True}


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
    rated = f"Rated {receipt.value}" if receipt.value[:1].isdigit() else "Answer"
    outcome = {"yes": "Valid", "no": "Not valid"}.get(receipt.value, rated)
    return f"{outcome} · {receipt.done} of {receipt.total}" if receipt.total else outcome


def _save_draft(account: Annotator, body: Body) -> Body:
    answered = labels.save_draft(
        settings.store(), account, _token(body), body["answers"], _seconds(body.get("active_seconds"))
    )
    return {"saved": True} if answered is None else {"saved": False, "assignment": answered}


def _undo(account: Annotator, body: Body) -> Body:
    return {"assignment": revisions.undo(settings.store(), account, _token(body)).id}


async def _handle(request: Request, handler: Callable[[Annotator, Body], Body]) -> Response:
    body = await _body(request, "answers", dict)
    if isinstance(body, Response):
        return body
    answer = await run_in_threadpool(_in_thread, request, body, handler)
    return answer if isinstance(answer, Response) else JSONResponse(answer)


async def _body(request: Request, field: str, kind: type) -> Body | Response:
    """The JSON object that a request of this app brings, with a field of that kind; else what to answer."""
    is_json = request.headers.get("content-type", "").startswith("application/json")
    if is_cross_site(request) or not is_json:
        return JSONResponse({"error": "That did not come from this app."}, 403)
    try:
        body = None if is_too_large(request) else parse_json(await request.body())
    except ValueError:
        body = None
    if not isinstance(body, dict) or not isinstance(body.get(field), kind):
        return JSONResponse({"error": "That cannot be read as answers."}, 400)
    return body


def _in_thread(request: Request, body: Body, handler: Callable[[Annotator, Body], T]) -> T | Response:
    account = account_of(request)
    if account is None:
        return JSONResponse({"error": "You are no longer signed in; your answer is stored here."}, 401)
    try:
        return handler(account, body)
    except TooSoon as error:
        return JSONResponse({"error": _sentence(error), "wait": error.wait}, 425)
    except Conflict as error:
        return JSONResponse({"error": _sentence(error), "assignment": error.assignment_id}, 409)
    except OtherMessage as error:
        turns = [[turn.number, turn.role, turn.text] for turn in error.turns]
        return JSONResponse({"error": _sentence(error), "turns": turns}, 409)
    except HeldElsewhere as error:
        return JSONResponse({"error": _sentence(error), "held": True}, 409)
    except StoreError as error:  # a database that is away for a moment: the page sends it again
        return JSONResponse({"error": _sentence(error)}, 503)
    except OceanChatError as error:
        return JSONResponse({"error": _sentence(error)}, 409)


def _sentence(error: OceanChatError) -> str:
    text = str(error)
    return text[:1].upper() + text[1:] + "."


async def download_labels(request: Request) -> Response:
    """Every label of the sample, for leads."""
    return await run_in_threadpool(_download, request, _labels_csv, "labels.csv", "text/csv")


async def download_ratings(request: Request) -> Response:
    """Every rating of the newest evaluation, for leads."""
    return await run_in_threadpool(_download, request, _ratings_csv, "ratings.csv", "text/csv")


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
        return _csv(validation_table(connection, settings.sample()))


def _ratings_csv() -> str:
    with settings.store().reading() as connection:
        return _csv(rating_table(connection))


def _csv(rows: list[dict[str, Any]]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]) if rows else ["item"], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _figures_json() -> str:
    return json.dumps(report.record(report.report(settings.store(), settings.sample())), indent=2)


_HANDLERS = {"label": save_label, "draft": save_draft, "undo": undo, "say": say, "later": later}


def routes() -> list[Route]:
    """The routes below the app's base path."""
    below = f"{base_path()}/annotation"
    return [
        *(Route(f"{below}/{name}", handler, methods=["POST"]) for name, handler in _HANDLERS.items()),
        Route(f"{below}/labels.csv", download_labels, methods=["GET"]),
        Route(f"{below}/ratings.csv", download_ratings, methods=["GET"]),
        Route(f"{below}/agreement.json", download_figures, methods=["GET"]),
    ]
