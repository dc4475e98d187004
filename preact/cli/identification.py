"""Identify trait-levels from the command line.

`preact identify`, for every system whose weights are on this machine.
"""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from oceanchat.cli.display.json_output import print_json
from oceanchat.cli.display.notes import print_sentence
from oceanchat.cli.options import json_option, prompts_option
from preact.cli.options import data_option, prompt_option, split_option, threads_option
from preact.cli.training import say

if TYPE_CHECKING:
    from preact.evaluation.identification import Identification
    from preact.methods import PromptStyle


@click.command()
@click.argument("system")
@split_option
@data_option
@click.option("--plain", is_flag=True, help="Only the plain figures, in half the time.")
@prompts_option
@prompt_option
@threads_option
@json_option
def identify(
    system: str,
    split: str | None,
    data: str | None,
    plain: bool,
    prompts: Path | None,
    style: "PromptStyle",
    threads: int,
    as_json: bool,
) -> None:
    """Identify the trait-levels of held-out dialogues by the losses of SYSTEM; no judge is needed.

    SYSTEM is a run of `preact train`, or prompted:PATH or control:DIR with --data. Prints four figures, with
    intervals that draw authors: the trait-level of ten, the same with length taken out, the trait given the
    level, and the level given the trait; beside them what words and length alone achieve.

    \b
    Example:  preact identify runs/first --split test --json
              preact identify prompted:runs/first --data releases/ocean-chat-1.0
    """
    from preact.evaluation.identification import identify as identify_system
    from preact.evaluation.identification_text import as_json as as_dictionary

    identification = identify_system(
        system, data=data, split=split, threads=threads, prompts=prompts, style=style, plain=plain, say=say
    )
    if as_json:
        print_json(as_dictionary(identification))
    else:
        _print(identification)


def _print(identification: "Identification") -> None:
    from oceanchat.cli.display.tables import print_table
    from preact.evaluation import identification_text as text

    for line in text.as_lines(identification):
        print_sentence(line)
    print_table(text.FIGURE_HEADERS, text.figure_rows(identification))
    print_table(text.CONFUSION_HEADERS, text.confusion_rows(identification.named.confusion))
