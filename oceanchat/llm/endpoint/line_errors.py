"""Say what a batch's result line lacks.

It is judged as the reply to a single request would be. Knows nothing of what becomes of it.
"""

from oceanchat.llm.endpoint.batch_lines import ResultLine
from oceanchat.llm.endpoint.request_errors import ErrorAction, RequestError, classify_reply, classify_status


def problem_in(line: ResultLine, body: bytes) -> RequestError | None:
    """The error of a line whose response has this body; None where it holds an answer.

    `maybe_billed` where the provider has worked on it; a line that it never worked on is to be tried again.
    """
    if line.odd_status:
        why = f"status_code {line.odd_status} is no HTTP status"
        return RequestError(ErrorAction.RETRY, "odd-status", why)
    if line.status is None:
        return RequestError(ErrorAction.RETRY, "not-worked-on", line.message or line.code or "not worked on")
    if 200 <= line.status < 300:
        return classify_reply(body)
    if line.status < 400:
        # Neither an answer nor an error: something on the way replied in the place of the model.
        why = f"{line.status} {line.message}".rstrip()
        return RequestError(ErrorAction.RETRY, f"http-{line.status}", why)
    return classify_status(line.status, line.code, f"{line.status} {line.message}")
