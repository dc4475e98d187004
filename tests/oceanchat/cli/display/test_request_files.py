"""The notes below request files."""

import pytest

from oceanchat.cli.display.request_files import print_pending
from oceanchat.llm.chat import ChatRequest, Message
from oceanchat.llm.offline import AbsentRequest
from oceanchat.pipeline.pending import Pending


def test_what_is_stored_is_told_from_what_the_answers_give(capsys: pytest.CaptureFixture[str]) -> None:
    request = ChatRequest((Message("user", "This."),), "label", 9, 0.0)
    absent = AbsentRequest("key", "http://server.example/v1", "m", request)
    pending = Pending([absent], dialogues_passed=20, dialogues_passed_anew=2, dialogues_wanted=40)
    print_pending(pending)
    shown = capsys.readouterr().err
    assert (
        "so far 20 of 40 dialogues passed in the stored build; the answers gone through now give 2\n" in shown
    )
    print_pending(pending._replace(dialogues_passed_anew=20))
    assert "so far 20 of 40 dialogues passed\n" in capsys.readouterr().err
