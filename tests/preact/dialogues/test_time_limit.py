"""Code that does not end is stopped, in any thread; other code runs on."""

import itertools
import threading
import time

import pytest

from preact.dialogues.time_limit import OutOfTime, time_limit


def count_for_ever() -> None:
    for _ in itertools.count():
        pass


def test_an_endless_loop_is_stopped() -> None:
    with pytest.raises(OutOfTime), time_limit(0.1):
        count_for_ever()


def test_it_is_stopped_in_another_thread_too() -> None:
    ends: list[str] = []

    def work() -> None:
        try:
            with time_limit(0.1):
                count_for_ever()
        except OutOfTime:
            ends.append("stopped")

    thread = threading.Thread(target=work)
    thread.start()
    thread.join(60)
    assert ends == ["stopped"]


def test_code_in_time_runs_on_after_its_scope() -> None:
    for _ in range(100):
        with time_limit(1):
            pass
    time.sleep(1.2)
