"""A process that asks N questions through the ledger and prints the answers: what the kill tests kill.

python -m tests.oceanchat.llm.kill_target STORE URL COUNT CONCURRENCY [batch]
"""

import asyncio
import json
import sys

from oceanchat.errors import OceanChatError
from oceanchat.llm.chat import ChatAnswer
from oceanchat.llm.settings import CallSettings
from oceanchat.store.database import open_store
from tests.endpoint import ask, questions


def main() -> int:
    path, url, count, concurrency, *batch = sys.argv[1:]
    settings = CallSettings(
        base_url=url,
        concurrency=int(concurrency),
        batch=bool(batch),
        batch_poll_seconds=0.05,
        batch_gather_seconds=0.1,
        batch_max_requests=40,
    )
    store = open_store(path)
    try:
        answers, session = asyncio.run(ask(settings, store.engine, questions(int(count))))
    except OceanChatError as error:
        print(error, file=sys.stderr)
        return 1
    assert all(isinstance(answer, ChatAnswer) for answer in answers), answers
    print(json.dumps({"texts": [answer.text for answer in answers], "calls": session.usage.as_json()}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
