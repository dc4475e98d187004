"""`oceanchat serve-scripted` as a user types it."""

import socket
import subprocess
import sys

from oceanchat.cli.serve import serve_scripted
from oceanchat.invocation import install_command
from oceanchat.scripted.server.faults import Faults
from tests.oceanchat.cli.conftest import Command


def test_a_port_in_use_is_one_line(command: Command) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = command("serve-scripted", "--port", port)
    assert ended.code == 1 and ended.out == ""
    assert ended.err.startswith(f"oceanchat: --host '127.0.0.1' --port '{port}' cannot be used: ")
    assert ended.err.count("\n") == 1


def test_without_the_server_the_extra_is_named() -> None:
    code = "import sys; sys.modules['starlette'] = None; from oceanchat.cli.main import main; main()"
    ended = subprocess.run([sys.executable, "-c", code, "serve-scripted"], capture_output=True, text=True)
    assert ended.returncode == 1
    assert ended.stderr == (
        "oceanchat: this needs the package 'starlette', which is not installed;"
        f" run: {install_command('serve')}\n"
    )


def test_every_fault_has_its_switch() -> None:
    switches = {str(option.name) for option in serve_scripted.params}
    assert switches - {"host", "port", "reply"} == set(Faults.model_fields)
