"""Opening a run's models: what is shared, what is refused, and what is not even imported."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from oceanchat.errors import BuildStopped, ConfigError
from oceanchat.llm.endpoint.openai_endpoint import OpenAIEndpoint
from oceanchat.llm.settings import CallSettings
from oceanchat.models import open_build_models, open_session
from oceanchat.store.database import Store
from tests.endpoint import Endpoint, ask, question, questions
from tests.processes import PATIENCE

Serve = Callable[..., Endpoint]


async def test_equal_names_are_one_model_and_share_the_run(store: Store, serve: Serve) -> None:
    endpoint = serve()
    async with open_build_models(
        endpoint.settings(), store.engine, OpenAIEndpoint, labeler="a", writer="a", checker="b"
    ) as models:
        assert models.labeler.ledger is models.writer.ledger is not models.checker.ledger
        await models.labeler.ask(question("one"))
        await models.checker.ask(question("one"))
        assert models.usage.answered == 2
        assert models.labeler.ledger.throttle is models.checker.ledger.throttle


async def test_scripted_and_paid_models_work_side_by_side(store: Store, serve: Serve) -> None:
    endpoint = serve()
    async with open_build_models(
        endpoint.settings(), store.engine, OpenAIEndpoint, labeler="scripted", writer="paid", checker="paid"
    ) as models:
        assert (models.labeler.endpoint, models.writer.endpoint) == ("scripted", endpoint.url)


async def test_leaving_a_run_lets_nothing_new_out(store: Store, serve: Serve) -> None:
    endpoint = serve()
    async with open_session(endpoint.settings(), store.engine, OpenAIEndpoint) as session:
        model = session.model("served")
    with pytest.raises(BuildStopped, match="the run is over"):
        session.throttle.check()
    assert model.usage.answered == 0


async def test_a_missing_price_file_is_told_before_anything_is_asked(store: Store, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.toml"):
        await ask(CallSettings(prices=tmp_path / "none.toml"), store.engine, questions(1))


def test_neither_a_scripted_nor_an_offline_build_loads_the_client(tmp_path: Path) -> None:
    code = (
        "import asyncio, sys\n"
        "from oceanchat.models import open_session\n"
        "from oceanchat.llm.settings import CallSettings\n"
        "from oceanchat.store.database import open_store\n"
        "async def main():\n"
        "    store = open_store(sys.argv[1])\n"
        "    async with open_session(CallSettings(offline=True), store.engine) as session:\n"
        "        session.model('scripted'), session.model('gpt-4')\n"
        "asyncio.run(main())\n"
        "print(sorted({'openai', 'torch', 'streamlit', 'datasets', 'nltk', 'ray'} & set(sys.modules)))"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "x.db")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)
    assert (done.stdout, done.stderr) == ("[]\n", "")


async def test_a_session_without_an_endpoint_opens_no_paid_model(store: Store) -> None:
    settings = CallSettings(base_url="http://127.0.0.1:9/v1")
    async with open_session(settings, store.engine) as session:
        assert session.model("scripted").endpoint == "scripted"
        with pytest.raises(
            ConfigError, match="'gpt-4' is behind an endpoint, and this session can open none"
        ):
            session.model("gpt-4")
