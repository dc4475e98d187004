"""How the user calls this command line."""

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
    script = Path(sysconfig.get_path("scripts")) / (PROGRAM + sysconfig.get_config_var("EXE"))
    by_name = shutil.which(PROGRAM)
    if by_name is not None and script.exists() and Path(by_name).samefile(script):
        return PROGRAM
    if script.exists():
        return shlex.quote(_shortest(script))
    return f"{shlex.quote(_shortest(Path(sys.executable)))} -m oceanchat.cli.main"


def _shortest(path: Path) -> str:
    """A path from the current folder where it lies below that."""
    here = Path.cwd()
    return os.path.relpath(path, here) if path.is_relative_to(here) else str(path)
