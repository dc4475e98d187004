"""The app as a real process on loopback, the store it works on, and a proxy that can cut its connections."""

import contextlib
import os
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import httpx

from oceanchat.annotation import accounts
from oceanchat.annotation.launcher import Serving, command
from oceanchat.annotation.sample import SampleConfig, draw_sample
from oceanchat.records import Dialogue, Turn, dialogue_id
from oceanchat.store import imports as import_rows
from oceanchat.store import labels as label_rows
from oceanchat.store.database import Store, open_store
from oceanchat.store.labels import ItemLabel
from oceanchat.traits import TRAIT_LEVELS
from tests.forks import APP, Fork
from tests.processes import PATIENCE, free_port, wait_until

http_get = partial(httpx.get, timeout=PATIENCE)
http_post = partial(httpx.post, timeout=PATIENCE)


class RunningApp:
    """The app on a store of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / "store.db"
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.codes: dict[str, str] = {}
        self.serving: dict[str, Any] = {}
        self.process: subprocess.Popen[bytes] | None = None
        self.store: Store = open_store(self.path)

    def sample(
        self, levels: int, each: int, *, text: str = "", names: Sequence[str] = ("Ann",), **config: object
    ) -> None:
        """Fill the store, draw a sample and open accounts: annotators who may validate, and the lead Lea."""
        dialogues = []
        for level in TRAIT_LEVELS[:levels]:
            for number in range(each):
                turns = (
                    Turn(role="questioner", text=f"How was day {number}?"),
                    Turn(role="discloser", text=text or f"Day {number} was {level.label} all over, as ever."),
                    Turn(role="questioner", text="And the evening?"),
                    Turn(role="discloser", text=f"Much the same {number}."),
                )
                dialogues.append(
                    Dialogue(
                        id=dialogue_id(level, turns),
                        source="imported",
                        trait=level.trait,
                        level=level.level,
                        turns=turns,
                        state="passed",
                    )
                )
        with self.store.writing() as connection:
            import_rows.add_imported(connection, dialogues)
        draw_sample(
            self.store,
            SampleConfig.model_validate(
                {"per_trait_level": each, "min_seconds": 0, "annotators": 3} | config
            ),
            [],
        )
        for name in names:
            self.account(name)
            accounts.admit(self.store, accounts.find(self.store, name))
        self.account("Lea", "lead")

    def account(self, name: str, role: str = "annotator") -> None:
        """Open an account and remember its passcode."""
        self.codes[name] = accounts.add(self.store, name, role).passcode

    def start(self, health: str = "/_stcore/health") -> None:
        """Start the server and wait until it answers."""
        with (self.folder / "server.log").open("ab") as log:
            self.process = Fork(
                command(Serving(str(self.path), port=self.port, **self.serving)),
                loaded=APP,
                stdout=log,
                stderr=log,
                cwd=self.folder,
                start_new_session=True,
            )
        self.wait(health)

    def wait(self, health: str = "/_stcore/health", process: "subprocess.Popen[Any] | None" = None) -> None:
        """Wait until the server answers."""
        try:
            wait_until(lambda: self._answers(health), process or self.process)
        except AssertionError as error:
            raise AssertionError((self.folder / "server.log").read_text()) from error

    def _answers(self, health: str) -> bool:
        with contextlib.suppress(httpx.HTTPError):
            return http_get(f"{self.url}{health}").status_code == 200
        return False

    def kill(self) -> None:
        """End the server at once, as a crash would."""
        if self.process is not None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self.process = None

    def close(self) -> None:
        """End everything."""
        self.kill()
        self.store.close()

    def labels(self) -> list[ItemLabel]:
        """What is saved."""
        with self.store.reading() as connection:
            return label_rows.item_labels(connection, 1)

    def cookie(self, name: str) -> dict[str, str]:
        """A signed-in person's cookie, got by the form."""
        form = {"name": name, "passcode": self.codes[name]}
        answer = http_post(f"{self.url}/login", data=form)
        assert answer.status_code == 303, answer.text
        return dict(answer.cookies)


@contextlib.contextmanager
def running(folder: Path) -> Iterator[RunningApp]:
    """An app that is not started yet."""
    app = RunningApp(folder)
    try:
        yield app
    finally:
        app.close()


class Proxy:
    """A TCP proxy that can drop every connection and refuse new ones."""

    def __init__(self, port: int) -> None:
        self.target = port
        self.open = True
        self.sockets: list[socket.socket] = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """Drop everything and let nothing through."""
        self.open = False
        for connection in self.sockets:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()
        self.sockets.clear()

    def mend(self) -> None:
        """Let connections through again."""
        self.open = True

    def close(self) -> None:
        """Stop."""
        self.cut()
        self.listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            if not self.open:
                client.close()
                continue
            server = socket.create_connection(("127.0.0.1", self.target))
            self.sockets += [client, server]
            for source, sink in ((client, server), (server, client)):
                threading.Thread(target=self._pump, args=(source, sink), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
