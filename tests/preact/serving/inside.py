"""The endpoint on a real socket inside the test's own process, where its model can be disturbed."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import openai
import uvicorn

from preact.serving.app import PersonaEndpoint
from preact.serving.preparing import Limits
from preact.serving.roster import Roster
from preact.serving.server import listen
from tests.processes import PATIENCE, wait_until


class Inside:
    """A running endpoint."""

    def __init__(self, endpoint: PersonaEndpoint, address: tuple[str, int]) -> None:
        self.endpoint, self.address = endpoint, address
        self.root = f"http://{address[0]}:{address[1]}"
        self._client = openai.OpenAI(
            base_url=f"{self.root}/v1", api_key="any", max_retries=0, timeout=PATIENCE
        )

    def client(self) -> openai.OpenAI:
        """The real client, which asks once."""
        return self._client


@contextmanager
def inside(roster: Roster, limits: Limits) -> Iterator[Inside]:
    """Serve a roster for as long as the block lasts."""
    endpoint = PersonaEndpoint(roster, limits)
    with listen("127.0.0.1", 0) as listener:
        config = uvicorn.Config(
            endpoint.app, ws="none", lifespan="on", log_config=None, timeout_graceful_shutdown=1
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            wait_until(lambda: server.started)
            running = Inside(endpoint, listener.getsockname()[:2])
            with running.client():
                yield running
        finally:
            server.should_exit = True
            thread.join(PATIENCE)


class Disturbance:
    """What happens at each forward pass of a model."""

    def __init__(self, model: Any) -> None:
        self.passes = 0
        self.hang_from: int | None = None
        """The pass from which on every one waits for `release`."""
        self.failure: Exception | None = None
        """Raised at the next pass."""
        self.release = threading.Event()
        self._hook = model.get_base_model().register_forward_pre_hook(self._disturb)

    def _disturb(self, module: Any, arguments: Any) -> None:
        self.passes += 1
        if self.failure is not None:
            failure, self.failure = self.failure, None
            raise failure
        if self.hang_from is not None and self.passes >= self.hang_from:
            assert self.release.wait(PATIENCE)

    def remove(self) -> None:
        """Disturb no more."""
        self.release.set()
        self._hook.remove()
