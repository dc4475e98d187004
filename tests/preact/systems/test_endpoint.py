"""Systems behind an endpoint: what they are asked, and that a kill costs nothing twice."""

import dataclasses
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from oceanchat.errors import BuildStopped, CallFailed, EvaluationError
from oceanchat.llm.chat import ChatAnswer, ChatRequest
from oceanchat.llm.settings import CallSettings
from oceanchat.prompts import Message, open_prompts
from preact.evaluation.calling import InterviewPlan, ModelAccess, run_interview
from preact.evaluation.interview.interviewing import completeness, read_interview
from preact.persona import parse_persona
from preact.systems.endpoint import ChatSystem
from preact.systems.local import open_local
from preact.systems.system import Conversation
from tests.endpoint import Endpoint
from tests.processes import PATIENCE, Spawn, wait_until

Serve = Callable[..., Endpoint]
QUESTIONS = "id,trait,reversed,question\n" + "".join(
    f"{t}{n},{t},{'yes' if n else 'no'},Question {t}{n} to you?\n" for t in "OCEAN" for n in (0, 1)
)


@pytest.fixture
def inventory(tmp_path: Path) -> str:
    (tmp_path / "ten.csv").write_text(QUESTIONS)
    return str(tmp_path / "ten.csv")


def access(endpoint: Endpoint, folder: Path) -> ModelAccess:
    return ModelAccess(CallSettings(base_url=endpoint.url, concurrency=4), str(folder / "store.db"))


async def test_each_question_is_asked_in_a_fresh_conversation_and_each_run_anew(
    tmp_path: Path, serve: Serve, inventory: str
) -> None:
    endpoint = serve(reply="answer {digest}")
    plan = InterviewPlan("prompted:served", tmp_path / "a", inventory, runs=2)
    interview = await run_interview(plan, access(endpoint, tmp_path), open_local)
    assert completeness(interview) == (40, 40) and endpoint.counters()["paid"] == 40
    assert (interview.header.backbone, interview.header.model) == ("served", "Prompt")
    assert {answer.finish_reason for answer in interview.answers} == {"stop"}


class Listener:
    """A model that hears what it is asked and fails."""

    name = "listener"
    endpoint = "nowhere"

    def __init__(self) -> None:
        self.heard: list[ChatRequest] = []

    async def ask(self, request: ChatRequest) -> ChatAnswer:
        self.heard.append(request)
        raise CallFailed("refused on purpose", "server")


async def test_under_the_short_prompt_a_model_sees_one_description_and_no_tags() -> None:
    listener = Listener()
    system = ChatSystem(listener, open_prompts(), style="short")
    await system.answer([Conversation(parse_persona("O+"), (Message("user", "Well?"),))])
    first, last = listener.heard[0].messages
    assert last.content == "Well?" and first.role == "system" and "<" not in first.content
    assert "Curious and full of ideas" in first.content and "Lively, talkative" not in first.content
    assert (system.model, system.provenance()["prompt_style"]) == ("Prompt (short prompt)", "short")


async def test_the_short_prompt_is_refused_for_a_served_backbone(
    tmp_path: Path, serve: Serve, inventory: str
) -> None:
    reached = dataclasses.replace(access(serve(reply="hello"), tmp_path), style="short")
    plan = InterviewPlan("backbone:served", tmp_path / "b", inventory, runs=1)
    with pytest.raises(EvaluationError, match="takes no --prompt short"):
        await run_interview(plan, reached, open_local)


async def test_a_backbone_is_asked_as_it_is(tmp_path: Path, serve: Serve, inventory: str) -> None:
    plan = InterviewPlan("backbone:served", tmp_path / "a", inventory, runs=1, label="GPT-4")
    interview = await run_interview(plan, access(serve(reply="hello"), tmp_path), open_local)
    assert (
        len(interview.answers) == 10
        and interview.header.model == "GPT-4"
        and not interview.header.conditioned
    )


async def test_a_refusal_and_a_filtered_prompt_are_states(
    tmp_path: Path, serve: Serve, inventory: str
) -> None:
    refused = serve(rate_refusal=1.0)
    plan = InterviewPlan("prompted:served", tmp_path / "a", inventory, runs=1)
    interview = await run_interview(plan, access(refused, tmp_path), open_local)
    assert {answer.state for answer in interview.answers} == {"refused"}
    filtered = serve(poison="Question O0")
    (
        tmp_path / "other"
    ).mkdir()  # a ledger of its own: the first one knows these answers, whatever the address
    plan = InterviewPlan("prompted:served", tmp_path / "b", inventory, runs=1)
    answers = (await run_interview(plan, access(filtered, tmp_path / "other"), open_local)).answers
    assert {a.item for a in answers if a.state == "failed"} == {"O0"}


async def test_an_answer_that_was_cut_says_so(tmp_path: Path, serve: Serve, inventory: str) -> None:
    plan = InterviewPlan("prompted:served", tmp_path / "a", inventory, runs=1)
    interview = await run_interview(plan, access(serve(rate_length=1.0), tmp_path), open_local)
    assert {answer.finish_reason for answer in interview.answers} == {"length"}


async def test_a_spent_quota_stops_and_what_was_answered_is_not_asked_again(
    tmp_path: Path, serve: Serve, inventory: str
) -> None:
    endpoint = serve(reply="yes", quota_after=7)
    plan = InterviewPlan("prompted:served", tmp_path / "a", inventory, runs=1)
    for _ in range(2):
        with pytest.raises(BuildStopped):
            await run_interview(plan, access(endpoint, tmp_path), open_local)
    assert endpoint.counters()["paid"] == 7 and len(read_interview(tmp_path / "a").answers) == 4


COMMAND = "from preact.cli.evaluation import interview, judge; import sys; globals()[sys.argv.pop(1)]()"


def run_until(spawn: Spawn, command: list[str], ripe: Callable[[], bool]) -> None:
    """Start it and kill -9 it as soon as it is ripe."""
    process = spawn(command, fork=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_until(ripe, process)
    process.kill()
    process.wait()


def test_kill_9_in_an_interview_and_in_a_judging_asks_nothing_answered_twice(
    tmp_path: Path, serve: Serve, spawn: Spawn, inventory: str
) -> None:
    endpoint = serve(reply='I like plans. {"score": 4}', latency=0.1)
    common = ["--base-url", endpoint.url, "--store", str(tmp_path / "store.db"), "--concurrency", "2"]
    ask = [sys.executable, "-c", COMMAND, "interview", "prompted:served", "--output", str(tmp_path / "a"),
           "--inventory", inventory, "--runs", "1", *common]  # fmt: skip
    rate = [sys.executable, "-c", COMMAND, "judge", str(tmp_path / "a"), "--judge", "served", *common]
    for command, moment in ((ask, 6), (rate, 27)):
        run_until(spawn, command, lambda moment=moment: endpoint.counters()["paid"] >= moment)
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)
        assert done.returncode == 0, done.stderr
    counters = endpoint.counters()
    assert completeness(read_interview(tmp_path / "a")) == (20, 20)
    assert counters["paid_twice"] <= 4  # at most what was in flight at the two kills
