"""How the user calls this installation's commands."""

import os
import shlex
import shutil
import sys
import sysconfig
from pathlib import Path

PROGRAM = "oceanchat"


def command_name() -> str:
    """What to type for `oceanchat` in this shell and folder.

    Its name where the shell finds this very installation by it, else the path of its script, relative where
    that is below the current folder, else the interpreter with the module.
    """
    return _script(PROGRAM) or f"{shlex.quote(_shortest(Path(sys.executable)))} -m oceanchat.cli.main"


def install_command(extra: str) -> str:
    """What to type to install an extra into the environment that runs.

    The shell's own pip would put it elsewhere where that environment is not activated.
    """
    return f"{_script('pip') or 'pip'} install 'ocean-chat[{extra}]'"


def _script(name: str) -> str | None:
    """A script of this environment as the shell finds it here; None where the environment has none."""
    script = Path(sysconfig.get_path("scripts")) / (name + sysconfig.get_config_var("EXE"))
    if not script.exists():
        return None
    by_name = shutil.which(name)
    if by_name is not None and Path(by_name).samefile(script):
        return name
    return shlex.quote(_shortest(script))


def _shortest(path: Path) -> str:
    """A path from the current folder where it lies below that."""
    here = Path.cwd()
    return os.path.relpath(path, here) if path.is_relative_to(here) else str(path)
