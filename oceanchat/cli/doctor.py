"""`oceanchat doctor` looks whether everything needed is there."""

import asyncio
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from oceanchat.cli.build_options import ROLES
from oceanchat.cli.display.json_output import print_json
from oceanchat.cli.flags import call_settings
from oceanchat.cli.options import base_url_option, json_option, prices_option, prompts_option, store_option
from oceanchat.errors import ConfigError
from oceanchat.extras import EXTRAS, load_optional

if TYPE_CHECKING:
    from oceanchat.doctor.findings import Finding, Named
    from oceanchat.hub.tokens import TokenOwner
    from oceanchat.llm.settings import CallSettings


def _role_options(command: Any) -> Any:
    for option in reversed(ROLES):
        command = option(command)
    return command


@click.command()
@click.option("--online", is_flag=True, help="Also ask the endpoint and the Hub; this costs nothing.")
@click.option(
    "--extra",
    "extras",
    multiple=True,
    type=click.Choice(tuple(EXTRAS)),
    metavar="NAME",
    help=f"Extra that must be installed ({', '.join(EXTRAS)}); may be repeated.",
)
@_role_options
@base_url_option
@prompts_option
@prices_option
@store_option
@json_option
def doctor(online: bool, extras: tuple[str, ...], store: str, as_json: bool, **flags: Any) -> None:
    """Look whether everything that a study needs is there.

    What is named, by an option, the environment or oceanchat.toml, must be there: otherwise the exit code is
    1. Of the rest it is only said. No key is shown, nothing is written and nothing is paid for.

    \b
    oceanchat doctor
    oceanchat doctor --online --model gpt-4o-mini --extra release
    """
    from oceanchat.cli.display.tables import print_table
    from oceanchat.doctor.findings import Named
    from oceanchat.llm.settings import SCRIPTED

    context = click.get_current_context()
    models = {flags[role] for role in ("model", "labeler", "writer", "checker")} - {None, SCRIPTED}
    source = context.get_parameter_source("store")
    named = Named(
        extras,
        tuple(sorted(models)),
        store=source is not ParameterSource.DEFAULT,
        planned=source is ParameterSource.DEFAULT_MAP,
    )
    settings = call_settings(base_url=flags["base_url"])
    findings = _look(named, store, flags["prompts"], flags["prices"], settings, online)
    if as_json:
        print_json([finding._asdict() for finding in findings])
    else:
        print_table(("", "state", "seen"), [(f.name, f.state, f.text) for f in findings])
    missing = [finding.name for finding in findings if finding.state == "missing"]
    if missing:
        raise ConfigError(f"what was named is not there: {', '.join(missing)}; the list says what to do")


def _look(
    named: "Named",
    store: str,
    prompts: Path | None,
    prices: Path | None,
    settings: "CallSettings",
    online: bool,
) -> "list[Finding]":
    from oceanchat.doctor.machine import look_at_machine
    from oceanchat.doctor.project import look_at_project

    findings = list(look_at_machine(named, Path.cwd()))
    findings += look_at_project(named, store, prompts, prices, settings, os.environ)
    if online:
        findings += asyncio.run(_look_online(named, settings))
    return findings


async def _look_online(named: "Named", settings: "CallSettings") -> "list[Finding]":
    from oceanchat.doctor.online import look_online

    seen = look_online(named, settings, settings.base_url is not None, _token_owner)
    return [finding async for finding in seen]


def _token_owner() -> "TokenOwner | None":
    load_optional("huggingface_hub", "release")
    from oceanchat.hub.tokens import token_owner

    return token_owner()
