"""Adapters folded when they are asked for.

A name such as `preact:o-high*0.7,e-low*0.3@0.5` becomes a folder with a plain LoRA adapter, made once and
found again. No backbone is opened for it: the run's own files are enough. It knows no server.
"""

import hashlib
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from oceanchat.errors import ConfigError, TrainingError
from preact.backbones.sources import published_name
from preact.export.folding import fold_saved, write_adapter
from preact.export.truncation import truncate
from preact.methods import METHODS
from preact.serving.names import ServedName, parse_name
from preact.serving.roster import run_prefixes
from preact.training.runs import RunRecord, adapter_folder, backbone_name, finished_record

ABANDONED = 3600
"""Seconds after which a draft that nobody finished is removed."""


class _Run(NamedTuple):
    folder: Path
    record: RunRecord


class AdapterCache:
    """Folders of adapters by model name; any number of processes and threads may share one.

    An adapter is never removed or replaced, as servers read it again when they need it: once `limit` of them
    are there, others are refused.
    """

    def __init__(self, runs: Sequence[Path], folder: Path, rank: int | None = None, limit: int = 100) -> None:
        """`rank` cuts every adapter to that rank at most.

        Raises TrainingError for what is no finished run, ConfigError for runs that cannot be told apart, for
        one that portrays by a prompt, which no adapter can say, and for a folder that cannot be written.
        """
        if not runs:
            raise ConfigError("no run is named; name at least one folder that `preact train` wrote")
        records = [finished_record(run) for run in runs]
        for run, record in zip(runs, records, strict=True):
            if METHODS[record.config.method].prompted:
                raise ConfigError(
                    f"run '{run}' portrays by a prompt, which no adapter can say; name runs of other methods"
                )
        self._runs = {
            prefix: _Run(run, record)
            for prefix, run, record in zip(run_prefixes(runs, records), runs, records, strict=True)
        }
        self._folder, self._rank, self._limit = folder, rank, limit
        self._lock = threading.Lock()
        try:
            folder.mkdir(parents=True, exist_ok=True)
            _remove_abandoned(folder)
        except OSError as error:
            raise ConfigError(f"folder '{folder}' cannot be written: {error.strerror or error}") from None

    def adapter(self, name: str, backbone: str) -> Path:
        """The folder of the named persona's adapter, for a server of this backbone.

        Where there is one run, its prefix may be left out. Raises ConfigError for other names and backbones,
        and where no more adapters may be made; TrainingError for a damaged run.
        """
        if ":" not in name and len(self._runs) == 1:
            name = f"{next(iter(self._runs))}:{name}"
        asked = parse_name(name)
        run = self._runs.get(asked.prefix)
        if run is None:
            raise ConfigError(
                f"model '{name[:100]}' names no run here; the prefixes are {', '.join(self._runs)}"
            )
        own = backbone_name(run.folder, run.record)
        if not _is_same(backbone, own):
            raise ConfigError(f"run '{run.folder}' is on backbone '{own}', not on '{backbone}'")
        return self._fold_once(asked, run)

    def _fold_once(self, asked: ServedName, run: _Run) -> Path:
        target = self._folder / self._folder_name(asked, run)
        with self._lock:  # Two at once would hold two adapters in memory.
            if target.is_dir():
                return target
            if sum(1 for path in self._folder.iterdir() if not path.name.startswith(".")) >= self._limit:
                raise ConfigError(
                    f"folder '{self._folder}' holds {self._limit} adapters, as many as may be; stop the"
                    " server and remove some, or allow more"
                )
            folded = fold_saved(run.folder, run.record, asked.persona, asked.strength)
            if self._rank is not None and self._rank < int(folded.config.r):
                folded = truncate(folded, self._rank)
            draft = Path(tempfile.mkdtemp(prefix=".draft-", dir=self._folder))
            try:
                write_adapter(draft, folded)
                draft.chmod(0o755)
                os.replace(draft, target)
            except OSError as error:
                if not target.is_dir():  # Otherwise another process was quicker, with the same adapter.
                    raise TrainingError(
                        f"adapter '{target}' cannot be written: {error.strerror or error}; make room"
                    ) from None
            finally:
                shutil.rmtree(draft, ignore_errors=True)
        return target

    def _folder_name(self, asked: ServedName, run: _Run) -> str:
        """The same for the same adapter, whatever it is called, and another one once the run is."""
        shares = sorted((t.name, f"{share:.6f}") for t, share in asked.persona.items() if share > 0)
        text = repr((run.record.model_dump_json(), _marks(run), shares, asked.strength, self._rank))
        levels = "-".join(name for name, _ in shares)
        return f"{levels}-{hashlib.sha256(text.encode()).hexdigest()[:16]}"


def _marks(run: _Run) -> list[tuple[str, int, int]]:
    """What tells the run's adapters from those of another training in the same folder."""
    files = [adapter_folder(run.folder, name) / "adapter_model.safetensors" for name in run.record.adapters]
    states = [(str(file.resolve()), file.stat()) for file in files if file.is_file()]
    return [(file, state.st_size, state.st_mtime_ns) for file, state in states]


def _is_same(served: str, own: str) -> bool:
    """Whether a server's backbone is the run's: the same folder, or the name that others know it by."""
    if served in (own, published_name(own)):
        return True
    return Path(served).exists() and Path(own).exists() and os.path.samefile(served, own)


def _remove_abandoned(folder: Path) -> None:
    """Remove the drafts of processes that were killed."""
    for draft in folder.glob(".draft-*"):
        if time.time() - draft.stat().st_mtime > ABANDONED:
            shutil.rmtree(draft, ignore_errors=True)
