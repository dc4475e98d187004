"""When too few calls of a role are of use, the run is stopped, once and in words."""

import pytest

from oceanchat.errors import BuildStopped
from oceanchat.llm.chat import ChatAnswer
from oceanchat.llm.usefulness import RowStep, Usefulness, Uselessness, why_useless

PROSE = Uselessness("unparseable", '"Once upon a time"')


class Stops(list[BuildStopped]):
    """Remembers every stop."""

    def counter(self) -> Usefulness:
        return Usefulness(self.append)


@pytest.mark.parametrize(
    ("reason", "calls"),
    [("not-found", 1), ("bad-request", 3), ("too-long", 3), ("unparseable", 20), ("timeout", 20)],
)
def test_a_role_that_was_never_of_use_stops_the_run(reason: str, calls: int) -> None:
    stops = Stops()
    usefulness = stops.counter()
    for number in range(calls):
        assert not stops, number
        usefulness.count_call("checker", "m", "check", Uselessness(reason, "as the endpoint said"))
    assert "the checker 'm' none had a reply of use" in str(stops[0]) and "as the endpoint said" in str(
        stops[0]
    )


def test_one_use_in_fifty_is_enough_and_fewer_are_not() -> None:
    stops = Stops()
    usefulness = stops.counter()
    for number in range(250):
        usefulness.count_call("writer", "m", "write", None if number % 50 == 0 else PROSE)
    assert not stops
    usefulness.count_call("labeler", "m", "label", None)
    for _ in range(98):
        usefulness.count_call("labeler", "m", "label", PROSE)
    assert not stops
    usefulness.count_call("labeler", "m", "label", PROSE)
    assert "of 100 'label' calls of the labeler 'm' 1 had a reply of use" in str(stops[0])


def test_roles_and_tasks_are_counted_apart() -> None:
    stops = Stops()
    usefulness = stops.counter()
    for _ in range(19):
        for task in ("theme", "question", "disclose"):
            usefulness.count_call("writer", "m", task, PROSE)
        usefulness.count_call("checker", "m", "check", PROSE)
    assert not stops


def test_refusals_do_not_stop_a_role_that_was_of_use() -> None:
    stops = Stops()
    usefulness = stops.counter()
    usefulness.count_call("writer", "m", "write", None)
    for _ in range(30):
        usefulness.count_call("writer", "m", "write", Uselessness("bad-request", "too long"))
    assert not stops


def test_rows_have_limits_of_their_own() -> None:
    stops = Stops()
    usefulness = stops.counter()
    step = RowStep("sentences", "show a level", "name another", first=5, many=None)
    usefulness.count_row("labeler", step, None)
    for _ in range(500):
        usefulness.count_row("labeler", step, Uselessness("neutral", "nothing"))
    assert not stops
    for _ in range(5):
        usefulness.count_row("writer", step, Uselessness("gate:short", "2 turns"))
    assert str(stops[0]).startswith("of 5 sentences none show a level, mostly 'gate:short' (2 turns)")


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (ChatAnswer("Once upon a time"), "unparseable"),
        (ChatAnswer(" \n"), "empty"),
        (ChatAnswer("", finish_reason="length"), "length"),
        (ChatAnswer("I'm sorry, but I can't help with that."), "refused"),
    ],
)
def test_why_a_reply_is_of_no_use(answer: ChatAnswer, reason: str) -> None:
    assert why_useless(answer).reason == reason
