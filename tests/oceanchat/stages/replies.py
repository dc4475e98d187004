"""A ChatModel that gives replies from a list, for stages that must meet replies no well-behaved model
gives."""

from collections.abc import Callable

from oceanchat.llm.chat import ChatAnswer, ChatRequest


class Replies:
    """Answers each request by a function of it, and remembers what was asked."""

    endpoint = "test"
    name = "test"

    def __init__(self, answer: Callable[[ChatRequest], ChatAnswer | str]) -> None:
        self._answer = answer
        self.asked: list[ChatRequest] = []
        self.marks: list[str | None] = []

    async def ask(self, request: ChatRequest) -> ChatAnswer:
        """The function's answer."""
        self.asked.append(request)
        found = self._answer(request)
        return ChatAnswer(found) if isinstance(found, str) else found

    def mark(self, request: ChatRequest, outcome: str | None) -> None:
        """Remember the mark."""
        self.marks.append(outcome)


def one_after_the_other(*replies: ChatAnswer | str) -> Replies:
    """Replies in the order given."""
    left = list(replies)
    return Replies(lambda request: left.pop(0))
