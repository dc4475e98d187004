"""The scripted model.

Free, offline, deterministic and plainly labeled `scripted`. Answers from the rendered messages alone: their
task and tags choose a function, their hash and the sample number seed it. Equal requests get equal answers on
every machine; it stands as well behind HTTP.
"""

import hashlib
import random
from collections.abc import Callable, Mapping, Sequence

from oceanchat.llm.chat import ChatAnswer, ChatRequest, Message
from oceanchat.prompts import read_tags
from oceanchat.scripted.answers import disclose_reply, write_reply
from oceanchat.scripted.checking import check_reply
from oceanchat.scripted.judging import judge_reply
from oceanchat.scripted.labeling import label_many_reply, label_reply
from oceanchat.scripted.questions import question_reply
from oceanchat.scripted.topics import theme_reply, topic_reply

Reply = Callable[[Mapping[str, str], random.Random], str]
"""Tags of the rendered messages and a seeded generator in, the reply's text out."""


def _fixed(reply: Callable[[Mapping[str, str]], str]) -> Reply:
    return lambda tags, rng: reply(tags)


REPLIES: dict[str, Reply] = {
    "label": _fixed(label_reply),
    "label_many": _fixed(label_many_reply),
    "theme": _fixed(theme_reply),
    "write": write_reply,
    "question": question_reply,
    "disclose": disclose_reply,
    "check": _fixed(check_reply),
    "topic": _fixed(topic_reply),
    "judge_batch": _fixed(judge_reply),
    "judge_dimension": _fixed(judge_reply),
    "judge_item": _fixed(judge_reply),
}
"""Task -> what answers it. A new task is one more entry."""

_GENERIC = "This is the scripted stand-in model; it has no reply for this kind of request."


def reply_to(messages: Sequence[Message], sample: int = 0) -> str:
    """The scripted reply to rendered messages; a plain one that says so where the task is unknown."""
    tags = read_tags(messages)
    reply = REPLIES.get(tags.get("task", ""))
    return _GENERIC if reply is None else reply(tags, _generator(messages, sample))


def _generator(messages: Sequence[Message], sample: int) -> random.Random:
    digest = hashlib.sha256(str(sample).encode())
    for message in messages:
        for part in message:
            data = part.encode("utf-8", "surrogatepass")
            digest.update(len(data).to_bytes(8, "big") + data)
    return random.Random(digest.digest())


class ScriptedModel:
    """The scripted model as a ChatModel."""

    endpoint = "scripted"
    name = "scripted"

    async def ask(self, request: ChatRequest) -> ChatAnswer:
        """Answer at once; never fails. Token counts are words, a rough stand-in."""
        text = reply_to(request.messages, request.sample)
        asked = sum(len(message.content.split()) for message in request.messages)
        return ChatAnswer(text=text, prompt_tokens=asked, completion_tokens=len(text.split()))
