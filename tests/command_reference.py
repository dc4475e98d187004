"""Write docs/commands.md from the commands themselves: `python -m tests.command_reference`."""

import inspect
from collections.abc import Iterator
from pathlib import Path

import click

from oceanchat.cli.main import oceanchat
from preact.cli.main import preact

PAGE = Path(__file__).parents[1] / "docs" / "commands.md"

HEAD = """# Commands

Every command and option of `oceanchat` and `preact`, written from the programs themselves (`python -m
tests.command_reference`). `COMMAND --help` shows the same.

## What all commands share

**Trait-levels** are written the same way everywhere: `O+`, `o-high`, `"high Openness"`, and `all` for the
ten of them. `oceanchat build O+ N-` builds two, `preact chat RUN O+ N-` plays a mixture of two, `O+=0.7
E-=0.3` with shares. `--trait` and `--level` name them too and must agree. Folders and models are named
`o-high` to `n-low`.

**Output.** Results go to stdout, progress and notes to stderr. With `--json` the result is one JSON value
on stdout: what was looked up or measured or, where files are written, which, and what they come to. Figures
are not rounded, and null stands for what is no number. All commands have it but `oceanchat export`, whose
output is the data itself, those that run until they are stopped (`annotate`,
`serve-scripted`, `preact serve`, `preact chat`) and `demo`, which is to be looked at. `-o` is `--output`.

Exit codes: 0 done; 1 a mistake or a refusal, in one line; 3 less than was asked for, or not what was trained
(`build`, `check-served`); 130 stopped by Ctrl-C, 143 by SIGTERM.

**The project file.** `oceanchat.toml` in the current folder holds what one always types. `[oceanchat]` and
`[preact]` give options to all commands of a program, a table below them to one command. Keys are the
options without their dashes. What is typed wins over the environment, and the environment over the file. A
key that fits no option is an error. The store and prices of `[oceanchat]` are those of `preact` too, unless
`[preact]` names others, so that `oceanchat costs` shows all that was paid; the prices of `[oceanchat.build]`
hold for every command that prices and has none of its own.

    [oceanchat]
    store = "study.db"
    model = "gpt-4o-mini"

    [oceanchat.build]
    count = 100
    max-usd = 20

    [preact.train]
    backbone = "smollm2"

**Environment.** `OCEANCHAT_STORE` names the store, `OPENAI_API_KEY` and `OPENAI_BASE_URL` the endpoint,
`HF_TOKEN` the Hub's token, `PREACT_API_KEY` the key that clients of `preact serve` must send; `HTTPS_PROXY`
and its kind are heeded.

**Completion** in the shell, for either program (`zsh_source` and `fish_source` for other shells):

    eval "$(_OCEANCHAT_COMPLETE=bash_source oceanchat)"
    eval "$(_PREACT_COMPLETE=bash_source preact)"

`python -m oceanchat` and `python -m preact` are the same programs.
"""


def page() -> str:
    """The whole page."""
    parts = [HEAD]
    for program in (oceanchat, preact):
        parts.append(f"## {program.name}\n")
        parts += _group(program, str(program.name))
    return "\n".join(parts)


def _group(group: click.Group, path: str) -> Iterator[str]:
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from _group(command, f"{path} {name}")
        else:
            yield _command(command, f"{path} {name}")


def _command(command: click.Command, path: str) -> str:
    context = click.Context(command, info_name=path)
    usage = " ".join(command.collect_usage_pieces(context))
    options = [param for param in command.params if isinstance(param, click.Option)]
    blocks = [_block(text) for text in inspect.cleandoc(command.help or "").split("\n\n")]
    blocks += [_block(text.lstrip("\n")) for text in (command.epilog or "").split("\n\n") if text.strip()]
    blocks.append("\n".join(_option(option, context) for option in options))
    return f"### {path}\n\n    {path} {usage}\n\n" + "\n\n".join(blocks) + "\n"


def _block(text: str) -> str:
    """A paragraph, or lines that stay as they are."""
    if not text.startswith("\b"):
        return " ".join(text.split())
    lines = [line.removeprefix("Example:").strip() for line in text.removeprefix("\b\n").splitlines()]
    return "\n".join(f"    {line}" for line in lines if line and line != "Examples:")


def _option(option: click.Option, context: click.Context) -> str:
    flags = ", ".join(f"`{flag}`" for flag in (*option.opts, *option.secondary_opts))
    value = "" if option.is_flag else f" {option.make_metavar(context)}"
    extra = option.get_help_extra(context)
    facts = [f"Default: {extra['default']}."] if extra.get("default") else []
    facts += ["Required."] if option.required else []
    return f"- {flags}{value}: {' '.join([option.help or '', *facts])}"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
