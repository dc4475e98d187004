"""One request that waits for its batch."""

import asyncio
from dataclasses import dataclass, field

from oceanchat.llm.chat import ChatRequest
from oceanchat.llm.endpoint.batch_lines import ResultLine, request_line
from oceanchat.llm.endpoint.error_words import error_words
from oceanchat.llm.endpoint.live import OpenAIModel
from oceanchat.llm.endpoint.request_form import RequestForm
from oceanchat.llm.provider import Attempt, RawReply


@dataclass
class PendingRequest:
    """One request that waits for a batch to be submitted or to come back."""

    model: OpenAIModel
    request: ChatRequest
    attempt: Attempt
    answer: asyncio.Future[RawReply]
    batch: str = ""
    """Our id of the batch it is in."""
    batches: int = 0
    """Batches that left it unanswered."""
    form: RequestForm = field(default_factory=RequestForm)
    """How it is written: as the model's other requests, and without what was refused of this one."""

    def line(self) -> bytes:
        """Its line in the batch file."""
        self.form = self.form.merged(self.model.form)
        return request_line(self.attempt.key, self.form.body(self.model.name, self.request))

    def is_refused(self, result: ResultLine) -> bool:
        """Whether its form was refused and is now another, in which it is to be asked again."""
        words = error_words(result.body)
        better = self.form.after(result.status, words, self.request)
        self.form = better or self.form
        return better is not None

    def resolve(self, outcome: RawReply | Exception) -> None:
        """Hand over the reply or the error; the first one counts."""
        if self.answer.done():
            return
        if isinstance(outcome, Exception):
            self.answer.set_exception(outcome)
        else:
            self.answer.set_result(outcome)
