"""A ChatModel that gives replies from a list, for stages that must meet replies no well-behaved model
gives."""

from collections.abc import Callable

from oceanchat.llm.chat import ChatAnswer, ChatRequest, Message


class Replies:
    """Answers each request by a function of it, and remembers what was asked."""

    endpoint = "test"
    name = "test"

    def __init__(self, answer: Callable[[ChatRequest], ChatAnswer | str]) -> None:
        self._answer = answer
        self.asked: list[ChatRequest] = []
        self.outcomes: list[str | None] = []
        self.shares: dict[tuple[Message, ...], str] = {}

    async def ask(self, request: ChatRequest) -> ChatAnswer:
        """The function's answer."""
        self.asked.append(request)
        answer = self._answer(request)
        return ChatAnswer(answer) if isinstance(answer, str) else answer

    async def stored_answer(self, request: ChatRequest) -> ChatAnswer | None:
        """The stored share."""
        text = self.shares.get(request.messages)
        return None if text is None else ChatAnswer(text, replayed=True)

    async def failure_to_repeat(self, request: ChatRequest) -> str | None:
        """None: nothing that failed is asked again."""
        return None

    def store_share(self, request: ChatRequest, text: str) -> None:
        """Remember the share."""
        self.shares[request.messages] = text

    def record_outcome(self, request: ChatRequest, outcome: str | None) -> None:
        """Remember the outcome."""
        self.outcomes.append(outcome)


def one_after_the_other(*replies: ChatAnswer | str) -> Replies:
    """Replies in the order given."""
    left = list(replies)
    return Replies(lambda request: left.pop(0))
