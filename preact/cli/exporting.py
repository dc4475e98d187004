"""Commands that use a trained run.

`export` writes adapters that any server loads, `chat` talks in the terminal.
"""

import sys
from pathlib import Path

import click

from oceanchat.cli.options import LevelParam, TraitParam
from oceanchat.errors import ConfigError
from oceanchat.traits import TRAIT_LEVELS, Level, Trait, TraitLevel
from preact.persona import Persona, parse_persona

FOLDER = click.Path(path_type=Path)


def persona_of(
    trait: tuple[Trait, ...] | None, level: tuple[Level, ...] | None, persona: str | None
) -> Persona:
    """The persona that --trait and --level, or --persona, name. ConfigError for both, neither, or several."""
    if persona and (trait or level):
        raise ConfigError("--persona does not combine with --trait and --level; leave one of them out")
    if persona:
        return parse_persona(persona)
    if not trait or not level or len(trait) > 1 or len(level) > 1:
        raise ConfigError(
            'no single trait-level is named; write --trait N --level high, or --persona "O+ N-"'
        )
    return {TraitLevel(trait[0], level[0]): 1.0}


@click.command()
@click.argument("run", type=FOLDER)
@click.option("--trait", type=TraitParam(), metavar="NAME", help="Trait: O, C, E, A, N or a name.")
@click.option("--level", type=LevelParam(), metavar="NAME", help="Level: high or low.")
@click.option("--persona", metavar="TEXT", help='Mixture, such as "O+ N-" or "O+=0.7 E-=0.3".')
@click.option("--all", "everything", is_flag=True, help="Export all ten trait-levels, one folder each.")
@click.option("--output", "-o", type=FOLDER, required=True, metavar="DIR", help="Output folder; must be new.")
@click.option("--merge", is_flag=True, help="Write the whole model with the adapter merged in.")
@click.option(
    "--top-experts",
    type=click.IntRange(1),
    metavar="K",
    help="Keep only the K strongest experts and report what that costs.",
)
@click.option("--push", metavar="OWNER/NAME", help="Also publish the folder as a model on the Hub.")
@click.option("--private", is_flag=True, help="With --push: if the repository is new, make it private.")
def export(
    run: Path,
    trait: tuple[Trait, ...] | None,
    level: tuple[Level, ...] | None,
    persona: str | None,
    everything: bool,
    output: Path,
    merge: bool,
    top_experts: int | None,
    push: str | None,
    private: bool,
) -> None:
    """Export a trait-level, or a mixture, of RUN as a standard LoRA adapter that any server loads.

    \b
    Example:  preact export runs/first --trait N --level high --output adapters/N-high
    """
    if everything and (trait or level or persona):
        raise ConfigError("--all exports every trait-level; leave out --trait, --level and --persona")
    exports: list[tuple[Persona, Path]] = (
        [({t: 1.0}, output / f"{t.trait.value}-{t.level.value}") for t in TRAIT_LEVELS]
        if everything
        else [(persona_of(trait, level, persona), output)]
    )
    from preact.export.adapter import export_adapter
    from preact.export.publishing import push_model

    for portrayed, folder in exports:
        done = export_adapter(run, portrayed, folder, merge=merge, top_experts=top_experts)
        for note in done.notes:
            click.echo(f"note: {note}", err=True)
        lost = (
            ""
            if done.quantization is None
            else f", quantization {done.quantization:.2g} ({done.quantization / done.effect:.0%} of it)"
        )
        cost = f", cutting cost {done.cost:+.4f} nats per token" if done.cost is not None else ""
        click.echo(
            f"{folder}: rank {done.rank}, logits as the run's within {done.difference:.1e},"
            f" effect {done.effect:.2f}{lost}{cost}"
        )
    if push:
        click.echo(push_model(output, push, private=private).url)


@click.command()
@click.argument("run", type=FOLDER)
@click.option("--trait", type=TraitParam(), metavar="NAME", help="Trait: O, C, E, A, N or a name.")
@click.option("--level", type=LevelParam(), metavar="NAME", help="Level: high or low.")
@click.option("--persona", metavar="TEXT", help='Mixture, such as "O+ N-" or "O+=0.7 E-=0.3".')
@click.option(
    "--temperature",
    type=click.FloatRange(0, 2),
    default=0.7,
    show_default=True,
    metavar="T",
    help="Sampling temperature; 0 always takes the likeliest token.",
)
@click.option(
    "--top-p",
    type=click.FloatRange(0, 1, min_open=True),
    default=0.9,
    show_default=True,
    metavar="P",
    help="Sample from the likeliest tokens, up to a total probability of P.",
)
@click.option(
    "--max-tokens",
    type=click.IntRange(1),
    default=256,
    show_default=True,
    metavar="N",
    help="Maximum number of tokens in an answer.",
)
@click.option(
    "--seed", type=int, default=0, show_default=True, metavar="N", help="Random seed of the answers."
)
def chat(
    run: Path,
    trait: tuple[Trait, ...] | None,
    level: tuple[Level, ...] | None,
    persona: str | None,
    temperature: float,
    top_p: float,
    max_tokens: int,
    seed: int,
) -> None:
    """Talk with RUN in the terminal: each line is a question, an empty line ends it.

    \b
    Example:  preact chat runs/first --trait N --level high
    """
    portrayed = persona_of(trait, level, persona)
    from oceanchat.prompts import Message
    from preact.systems.generation import Sampling, reply
    from preact.systems.trained import open_run

    trained = open_run(run)
    labels = ", ".join(t.label for t in portrayed)
    click.echo(f"A machine that simulates {labels}. An empty line ends the conversation.", err=True)
    messages: list[Message] = []
    while True:
        click.echo("> ", nl=False, err=True)
        question = sys.stdin.readline().strip()
        if not question:
            break
        messages.append(Message("user", question))
        answer = reply(
            trained, messages, portrayed, Sampling(temperature, top_p, max_tokens, seed + len(messages))
        )
        messages.append(Message("assistant", answer))
        click.echo(answer)
