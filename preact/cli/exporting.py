"""Commands that use a trained run.

`export` writes adapters that any server loads, `chat` talks in the terminal.
"""

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from oceanchat.cli.display.json_output import print_json
from oceanchat.cli.display.notes import print_note, print_sentence
from oceanchat.cli.options import json_option
from oceanchat.errors import ConfigError, EvaluationError
from preact.cli.evaluation import open_local_later, read_access
from preact.cli.options import access_options, sampling_options, threads_option
from preact.cli.personas import GivenPersona, persona_arguments

if TYPE_CHECKING:
    from collections.abc import Sequence

    from preact.evaluation.calling import ModelAccess
    from preact.export.adapter import Exported
    from preact.systems.system import Sampling

FOLDER = click.Path(path_type=Path)


class RankParam(click.ParamType[int | Literal["auto"]]):
    """A rank: a whole number from 1, or auto."""

    name = "N|auto"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> int | Literal["auto"]:
        if value == "auto":
            return "auto"
        if str(value).isdecimal() and int(value) >= 1:
            return int(value)
        self.fail(f"'{value}' is no rank; write a whole number from 1, or auto", param, ctx)


@click.command()
@click.argument("run", type=FOLDER)
@persona_arguments
@click.option("--all", "everything", is_flag=True, help="Export all ten trait-levels, one folder each.")
@click.option("--output", "-o", type=FOLDER, required=True, metavar="DIR", help="Output folder; must be new.")
@click.option(
    "--strength",
    type=click.FloatRange(0.0, 1.5),
    default=1.0,
    show_default=True,
    metavar="S",
    help="Multiply what the adapter adds, 0 to 1.5.",
)
@click.option("--rank", type=RankParam(), help="Cut to rank N, or auto: the lowest that loses little.")
@click.option(
    "--max-loss",
    type=click.FloatRange(0.0),
    metavar="NATS",
    help="With --rank auto: nats per token it may cost on held-out dialogues (0.01 if left out).",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["peft", "gguf"]),
    default="peft",
    show_default=True,
    help="gguf: also a GGUF file for llama.cpp, Ollama and LM Studio.",
)
@click.option("--merge", is_flag=True, help="Write the whole model with the adapter merged in.")
@click.option(
    "--top-experts",
    type=click.IntRange(1),
    metavar="K",
    help="Keep only the K strongest experts and report what that costs.",
)
@click.option("--push", metavar="OWNER/NAME", help="Also publish the folder as a model on the Hub.")
@click.option("--private", is_flag=True, help="With --push: if the repository is new, make it private.")
@json_option
def export(
    run: Path,
    given: GivenPersona,
    everything: bool,
    output: Path,
    strength: float,
    rank: int | Literal["auto"] | None,
    max_loss: float | None,
    form: str,
    merge: bool,
    top_experts: int | None,
    push: str | None,
    private: bool,
    as_json: bool,
) -> None:
    """Export a trait-level, or a mixture, of RUN as a standard LoRA adapter that any server loads.

    \b
    Example:  preact export runs/first n-high --output adapters/n-high
              preact export runs/first O+=0.7 E-=0.3 --output adapters/mixture
              preact export runs/first all --output adapters/ten
    """
    if everything and not (given.nothing or given.all_ten):
        raise ConfigError("--all exports every trait-level; name no trait-level beside it")
    everything = everything or given.all_ten
    if max_loss is not None and rank != "auto":
        raise ConfigError("--max-loss is for --rank auto; leave it out, or write --rank auto")
    if rank is not None and merge:
        raise ConfigError("--rank does not combine with --merge: a whole model has no rank; leave one out")
    if form == "gguf" and merge:
        raise ConfigError("--format gguf is for adapters; leave --merge out")
    portrayed = None if everything else given.read()
    from oceanchat.hub.tokens import check_may_write
    from preact.export.adapter import ExportOptions, export_adapter, export_all
    from preact.export.publishing import push_model

    if push:
        check_may_write(push)
    allowed = 0.01 if max_loss is None else max_loss
    options = ExportOptions(merge, top_experts, strength, rank, allowed, form == "gguf")
    exports = (
        [export_adapter(run, portrayed, output, options, print_note)]
        if portrayed
        else export_all(run, output, options, print_note)
    )
    for done in exports:
        for note in done.notes:
            print_note(f"note: {note}")
        if not as_json:
            print_sentence(_outcome(done))
    if rank == "auto" and not as_json:
        click.echo(_rank_table(exports))
    published = push_model(output, push, private=private) if push else None
    if as_json:
        facts = {"published": published and published._asdict()}
        return print_json(facts | {"adapters": [done._asdict() for done in exports]})
    if published:
        click.echo(published.url)


def _outcome(done: "Exported") -> str:
    """One export in a line."""
    lost = (
        ""
        if done.quantization is None
        else f", quantization {done.quantization:.2g} ({done.quantization / done.effect:.0%} of it)"
    )
    cost = f", cutting cost {done.cost:+.4f} nats per token" if done.cost is not None else ""
    if done.lost is not None:
        cost += f", lower rank costs {done.lost:+.4f} nats per token"
    return (
        f"{done.folder}: rank {done.rank}, logits as the run's"
        f" within {done.difference:.1e},"
        f" effect {done.effect:.2f}{lost}{cost}"
    )


def _rank_table(exports: "Sequence[Exported]") -> str:
    """What --rank auto chose, and what it took."""
    width = max(len("adapter"), *(len(done.folder.name) for done in exports))
    rows = [f"{'adapter':<{width}}  rank       MB  seconds  nats lost"]
    rows += [
        f"{done.folder.name:<{width}}  {done.rank:>4}  {done.size / 1e6:>7.2f}  {done.seconds:>7.1f} "
        f" {done.lost or 0:>+9.4f}"
        for done in exports
    ]
    return "\n".join(rows)


@click.command()
@click.argument("system")
@persona_arguments
@sampling_options
@click.option(
    "--seed", type=int, default=0, show_default=True, metavar="N", help="Random seed of the answers."
)
@threads_option
@access_options
def chat(given: GivenPersona, **flags: Any) -> None:
    """Talk with SYSTEM in the terminal: each line is a question, an empty line ends it.

    SYSTEM is a run of `preact train`, or whatever `preact interview` takes, such as prompted:MODEL.

    \b
    Example:  preact chat runs/first n-high
              preact chat runs/first O+ N-
    """
    from preact.systems.system import Sampling

    access = read_access(flags)
    sampling = Sampling(flags["temperature"], flags["top_p"], flags["max_tokens"])
    asyncio.run(_converse(flags["system"], given, sampling, access, flags["seed"], flags["threads"]))


async def _converse(
    name: str,
    given: GivenPersona,
    sampling: "Sampling",
    access: "ModelAccess",
    seed: int,
    threads: int,
) -> None:
    from oceanchat.prompts import Message
    from preact.evaluation.calling import opened_system
    from preact.systems.system import Conversation

    # A persona that is not understood is said before anything is loaded.
    portrayed = None if name.startswith("backbone:") and given.nothing else given.read()
    async with opened_system(name, sampling, access, open_local_later, threads) as system:
        if portrayed and not system.conditioned:
            raise ConfigError(f"system '{name}' plays nobody; name no trait-level")
        who = "simulates " + ", ".join(t.label for t in portrayed) if portrayed else "plays nobody"
        print_note(f"A machine that {who}. An empty line ends the conversation.")
        messages: list[Message] = []
        while True:
            click.echo("> ", nl=False, err=True)
            question = sys.stdin.readline().strip()
            if not question:
                break
            messages.append(Message("user", question))
            turn = Conversation(portrayed, tuple(messages), seed + len(messages))
            answer = (await system.answer([turn]))[0]
            if answer.state not in ("answered", "empty"):
                raise EvaluationError(f"no answer: {answer.state} ({answer.reason}); ask otherwise, or later")
            messages.append(Message("assistant", answer.text))
            click.echo(answer.text)
