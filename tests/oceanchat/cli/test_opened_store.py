"""No command leaves a connection to the store open, whether it succeeds or fails."""

from pathlib import Path

from tests.oceanchat.cli.conftest import Command


def test_the_last_connection_ends_with_the_command(command: Command) -> None:
    assert command("build", "--trait", "O", "--level", "high", "--count", "1").code == 0
    for arguments, code in (
        (("status",), 0),
        (("stats",), 0),
        (("costs",), 0),
        (("estimate", "O+"), 0),
        (("annotators", "add", "Ann"), 0),
        (("show", "--build", "other"), 1),
        (("agreement",), 1),
    ):
        assert command(*arguments).code == code, arguments
        # SQLite removes its journal when the last connection is closed.
        assert not Path("ocean-chat.db-wal").exists(), arguments
