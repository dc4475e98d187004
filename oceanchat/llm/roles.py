"""One model in one role of a build.

It passes requests on to the ledger and counts which replies were of use. A free model is not counted: it
costs nothing to let it finish.
"""

from oceanchat.errors import CallFailed
from oceanchat.llm.chat import ChatAnswer, ChatRequest
from oceanchat.llm.ledger import Ledger
from oceanchat.llm.usefulness import RoleName, RowStep, Usefulness, Uselessness, why_useless


class RoleModel:
    """The labeler, the writer or the checker."""

    def __init__(self, role: RoleName, ledger: Ledger, usefulness: Usefulness) -> None:
        self.role = role
        self.ledger = ledger
        self._usefulness = usefulness
        self._last = ChatAnswer("")

    @property
    def endpoint(self) -> str:
        return self.ledger.endpoint

    @property
    def name(self) -> str:
        return self.ledger.name

    @property
    def free(self) -> bool:
        """Whether its answers cost nothing."""
        return self.ledger.provider.free

    async def ask(self, request: ChatRequest) -> ChatAnswer:
        """The ledger's answer; it counts as of use until `record_outcome` says otherwise."""
        try:
            answer = await self.ledger.ask(request)
        except CallFailed as failure:
            self._count(request.task, Uselessness(failure.reason, str(failure)))
            raise
        self._last = answer
        self._count(request.task, None)
        return answer

    async def stored_answer(self, request: ChatRequest) -> ChatAnswer | None:
        """The answer on record for `request`, if there is one; nothing is asked."""
        return await self.ledger.stored_answer(request)

    async def failure_to_repeat(self, request: ChatRequest) -> str | None:
        """Why `request` failed for good, where what failed is asked again; else None."""
        return await self.ledger.failure_to_repeat(request)

    def store_share(self, request: ChatRequest, text: str) -> None:
        """Store `request`'s share of one answer to several requests."""
        self.ledger.store_share(request, text)

    def record_outcome(self, request: ChatRequest, outcome: str | None) -> None:
        """Record that the reply just read was of no use ('retried', 'rejected')."""
        self.ledger.record_outcome(request, outcome)
        if outcome is None:
            return
        self.ledger.usage.unusable += 1
        if not self.free:
            # A reply is read in the same breath in which it comes, so the last one is the one meant.
            self._usefulness.take_back(self.role, request.task)
            self._count(request.task, why_useless(self._last))

    def count_row(self, step: RowStep, useless: Uselessness | None) -> None:
        """Count a row of this role's making that got through a step, or did not."""
        if not self.free:
            self._usefulness.count_row(self.role, step, useless)

    def _count(self, task: str, useless: Uselessness | None) -> None:
        if not self.free:
            self._usefulness.count_call(self.role, self.name, task, useless)
