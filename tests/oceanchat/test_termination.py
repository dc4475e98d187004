"""SIGTERM raises in the process that listens, in no other, and is itself again afterwards."""

import os
import signal
import sys
import threading
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

from oceanchat.termination import (
    HELD,
    Terminated,
    exit_code,
    held,
    held_in_imports,
    terminated_as_interrupted,
)


@pytest.fixture(autouse=True)
def signals_of_a_new_process() -> Iterator[None]:
    """What other tests have loaded may have left them ignored or blocked."""
    as_started = {signal.SIGINT: signal.default_int_handler, signal.SIGTERM: signal.SIG_DFL}
    before = {number: signal.signal(number, handler) for number, handler in as_started.items()}
    mask = signal.pthread_sigmask(signal.SIG_UNBLOCK, HELD)
    yield
    signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    for number, handler in before.items():
        signal.signal(number, handler)


def test_sigterm_is_itself_again_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(Terminated), terminated_as_interrupted():
        os.kill(os.getpid(), signal.SIGTERM)
    assert signal.getsignal(signal.SIGTERM) is before
    monkeypatch.setenv("WORLD_SIZE", "2")  # torchrun ends its processes by SIGTERM
    with terminated_as_interrupted():
        assert signal.getsignal(signal.SIGTERM) is before
    elsewhere: list[object] = []
    monkeypatch.delenv("WORLD_SIZE")

    def listen() -> None:
        with terminated_as_interrupted():
            elsewhere.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=listen)
    thread.start()
    thread.join()
    assert elsewhere == [before]


def test_sigterm_that_somebody_ignores_stays_ignored() -> None:
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        with terminated_as_interrupted():
            os.kill(os.getpid(), signal.SIGTERM)
    finally:
        signal.signal(signal.SIGTERM, before)


def test_a_process_that_is_forked_meanwhile_ends_as_it_would_have() -> None:
    with terminated_as_interrupted():
        child = os.fork()
        if not child:
            try:
                os.kill(os.getpid(), signal.SIGTERM)
            finally:
                os._exit(1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGTERM


def test_ctrl_c_waits_for_the_end_of_the_block() -> None:
    reached = False
    with pytest.raises(KeyboardInterrupt), held():
        os.kill(os.getpid(), signal.SIGINT)
        reached = True
    assert reached


@pytest.mark.parametrize("number", HELD)
def test_an_import_is_over_before_a_signal_comes_through(
    number: signal.Signals, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "heedless.py").write_text(
        "import os, sys\n"
        "try:\n"
        f"    os.kill(os.getpid(), {number:d})\n"
        "    sys.reached = True\n"
        "except KeyboardInterrupt:  # as large packages do\n"
        "    pass\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "reached", False, raising=False)
    before = list(sys.meta_path)
    with pytest.raises(KeyboardInterrupt), terminated_as_interrupted(), held_in_imports():
        import_module("heedless")
    assert vars(sys)["reached"] and sys.meta_path == before


def test_the_signal_is_read_from_what_it_became() -> None:
    wrapped = RuntimeError()
    wrapped.__cause__ = Terminated()
    assert exit_code(wrapped) == exit_code(Terminated()) == 128 + signal.SIGTERM
    assert exit_code(KeyboardInterrupt()) == 128 + signal.SIGINT
