"""How to serve exports, as Markdown.

The commands for vLLM, SGLang, llama.cpp and Ollama, to be run in the folder of the export. Plain text out of
names and ranks; none of these servers is asked anything.
"""

import re
import shlex
from collections.abc import Mapping

from preact.backbones.sources import is_published, published_name
from preact.backbones.tiny import is_tiny
from preact.systems.trained import TrainedModel

VLLM_RANKS = (1, 8, 16, 32, 64, 128, 256, 320, 512)
"""The ranks vLLM accepts as --max-lora-rank; others must be rounded up to one of these when serving."""


def server_guide(
    trained: TrainedModel, ranks: Mapping[str, int], alone: str = "", *, gguf: bool = False
) -> str:
    """The commands that serve adapters on the run's backbone.

    `ranks` gives the rank of each sub-folder's adapter. An adapter that lies in the export's own folder is
    the sub-folder '' and is called `alone`. With `gguf` each has a GGUF file of its name beside it.
    """
    backbone = shlex.quote(published_name(trained.backbone))
    paths = {name or alone: f'"$PWD/{name}"' if name else '"$PWD"' for name in ranks}
    template = f"{next(iter(ranks)) or '.'}/chat_template.jinja" if trained.record.plain_template else ""
    sections = [
        "# Serve these adapters",
        f"Run the commands in the folder of this file. The backbone is `{backbone}`{_where(trained)}; an"
        " adapter says nothing sensible on another one. These commands follow the servers' manuals; nothing"
        " here has run them. Some servers answer with the plain backbone where an adapter does not fit:"
        " `preact check-served URL --run RUN` says whether what is served is what was trained.",
        *_vllm(backbone, paths, max(ranks.values()), template, resolved=not alone),
        *_sglang(backbone, paths, max(ranks.values()), template),
        *_llama_cpp(list(ranks), list(paths), gguf),
        *_ollama(*next(zip(ranks, paths, strict=True)), gguf),
        *([] if trained.method.prompted else _vllm_on_demand(backbone, trained.recipe.rank, template)),
    ]
    if trained.method.prompted:
        sections.append(
            "## System prompt\n\nThis method switches trait-levels by prompt: send the system prompt of the"
            " adapter's card with every request."
        )
    return "\n\n".join(sections) + "\n"


def _where(trained: TrainedModel) -> str:
    """Where the backbone is to be had, unless its name says it."""
    if is_published(trained.backbone):
        return ""
    if is_tiny(trained.backbone):
        return ", which lies beside this file"
    used = trained.record.backbone
    known = f" (sha256 of its weights: {used.weights_sha256})" if used and used.weights_sha256 else ""
    return f", a model that was not published{known}: put it, under that name, beside this file"


def adapter_name(folder: str) -> str:
    """A folder's name as servers and shells take it: other characters than A-Z, 0-9, . _ - become '-'."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", folder)


def _vllm(backbone: str, paths: Mapping[str, str], rank: int, template: str, *, resolved: bool) -> list[str]:
    options = f"--enable-lora --max-loras {len(paths)} --max-lora-rank {vllm_rank(rank)}"
    if template:
        options += f' --chat-template "$PWD/{template}"'
    modules = " ".join(f"{name}={path}" for name, path in paths.items())
    name = next(iter(paths))
    sections = [
        "## vLLM, adapters named at the start",
        _code(f"vllm serve {backbone} {options} \\\n    --lora-modules {modules}"),
        f'Ask it with the adapter as the model: `"model": "{name}"`.',
    ]
    if resolved:
        sections += [
            "## vLLM, adapters found by name when they are asked for",
            _code(
                "VLLM_ALLOW_RUNTIME_LORA_UPDATING=true VLLM_PLUGINS=lora_filesystem_resolver \\\n"
                f'    VLLM_LORA_RESOLVER_CACHE_DIR="$PWD" vllm serve {backbone} {options}'
            ),
            "The resolver takes an adapter only where the backbone is called as in its adapter_config.json,"
            " as it is here. From a repository on the Hub (`preact export --push`), here REPO, each is called"
            f" `REPO/{name}`; vLLM calls such downloads not secure and not for production:",
            _code(
                "VLLM_ALLOW_RUNTIME_LORA_UPDATING=true VLLM_PLUGINS=lora_hf_hub_resolver \\\n"
                f"    VLLM_LORA_RESOLVER_HF_REPO_LIST=REPO vllm serve {backbone} {options}"
            ),
        ]
    return sections


def _vllm_on_demand(backbone: str, rank: int, template: str) -> list[str]:
    option = f' --chat-template "$PWD/{template}"' if template else ""
    return [
        "## vLLM, any persona and strength folded when it is asked for",
        "Needs no export but the run itself, in RUN, and this package in vLLM's environment. CACHE is a"
        " folder to write adapters to.",
        _code(
            "VLLM_ALLOW_RUNTIME_LORA_UPDATING=true VLLM_PLUGINS=preact_personas \\\n"
            "    PREACT_VLLM_RUNS=RUN PREACT_VLLM_CACHE=CACHE \\\n"
            f"    vllm serve {backbone} --enable-lora --max-lora-rank {vllm_rank(rank)}{option}"
        ),
        "Models are then called as `preact serve` calls them: `preact:o-high`,"
        " `preact:o-high*0.7,e-low*0.3@0.5`. Several runs stand in PREACT_VLLM_RUNS with `:` between them."
        " PREACT_VLLM_RANK cuts adapters to a rank, and at most PREACT_VLLM_MAX_ADAPTERS (100) are written."
        " The plug-in was tested against an imitation of vLLM's interface, not in vLLM.",
    ]


def vllm_rank(rank: int) -> int:
    """The lowest rank that vLLM takes this one under."""
    return next((allowed for allowed in VLLM_RANKS if allowed >= rank), rank)


def _sglang(backbone: str, paths: Mapping[str, str], rank: int, template: str) -> list[str]:
    adapters = " ".join(f"{name}={path}" for name, path in paths.items())
    options = f' \\\n    --chat-template "$PWD/{template}"' if template else ""
    return [
        "## SGLang",
        _code(
            f"python -m sglang.launch_server --model-path {backbone} --enable-lora \\\n"
            f"    --max-lora-rank {rank} --max-loras-per-batch {len(paths)}{options} \\\n"
            f"    --lora-paths {adapters}"
        ),
        f"Ask it for the model `{backbone}:{next(iter(paths))}`.",
    ]


def _llama_cpp(folders: list[str], names: list[str], gguf: bool) -> list[str]:
    pairs = list(zip(folders, names, strict=True))
    files = [f"{folder}/{name}.gguf" if folder and gguf else f"{name}.gguf" for folder, name in pairs]
    serve = "llama-server -m BACKBONE.gguf --lora-init-without-apply " + " ".join(
        f"--lora {f}" for f in files
    )
    convert = "".join(
        f"python convert_lora_to_gguf.py --outfile {name}.gguf --outtype f32 {folder or '.'}\n"
        for folder, name in pairs
    )
    return [
        "## llama.cpp",
        ("" if gguf else "Convert each adapter with llama.cpp's script first. ")
        + "BACKBONE.gguf is the same backbone as GGUF.",
        _code(serve if gguf else convert + serve),
        f'A request names the adapter by its number in that order: `"lora": [{{"id": 0, "scale": 1.0}}]` is'
        f" {names[0]}, and adapters it does not name are off.",
    ]


def _ollama(folder: str, name: str, gguf: bool) -> list[str]:
    adapter = "/".join(part for part in (".", folder, f"{name}.gguf" if gguf else "") if part)
    return [
        "## Ollama",
        "One model an adapter, here the first; BACKBONE.gguf is the same backbone as GGUF.",
        _code(
            f'printf "FROM ./BACKBONE.gguf\\nADAPTER {adapter}\\n" > Modelfile\n'
            f"ollama create {name} -f Modelfile\nollama run {name}"
        ),
    ]


def _code(text: str) -> str:
    return "\n".join("    " + line for line in text.splitlines())
