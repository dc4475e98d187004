"""Commands for human validation.

They are `sample`, `annotators` and `annotate`; `agreement` is in a file of its own.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from oceanchat.cli.chosen_build import build_option, chosen_build
from oceanchat.cli.display.counting import counted
from oceanchat.cli.display.json_output import print_json
from oceanchat.cli.display.notes import print_note
from oceanchat.cli.flags import read_config
from oceanchat.cli.group import CommandGroup
from oceanchat.cli.opened_store import opened_store
from oceanchat.cli.options import (
    host_option,
    json_option,
    port_option,
    prompts_option,
    sample_option,
    store_option,
)
from oceanchat.errors import ConfigError
from oceanchat.traits import CODES

if TYPE_CHECKING:
    from oceanchat.annotation.sample import SampleConfig
    from oceanchat.store.annotators import Annotator
    from oceanchat.store.database import Store
    from oceanchat.store.samples import Sample


@click.command()
@click.option(
    "--per-trait-level",
    default=40,
    show_default=True,
    metavar="N",
    help="Number of dialogues per trait-level.",
)
@click.option(
    "--annotators",
    default=3,
    show_default=True,
    metavar="N",
    help="Number of annotators for each item.",
)
@click.option(
    "--seed",
    default=0,
    show_default=True,
    metavar="N",
    help="Random seed for the dialogues drawn and their order.",
)
@click.option(
    "--repeats",
    default=0.0,
    show_default=True,
    metavar="SHARE",
    help="Share of items shown a second time, unannounced.",
)
@click.option(
    "--gold", default=0.0, show_default=True, metavar="SHARE", help="Share of items with known answers."
)
@click.option(
    "--gold-file",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="More items with known answers, in the format of prompts/qualification.json.",
)
@click.option(
    "--include-rejected",
    default=0,
    show_default=True,
    metavar="N",
    help="Also draw N dialogues per trait-level that the checker rejected, to see what it misses.",
)
@click.option(
    "--min-seconds",
    default=3.0,
    show_default=True,
    metavar="SECONDS",
    help="Minimum time before a label or rating is accepted.",
)
@click.option(
    "--plan",
    "plan_only",
    is_flag=True,
    help="Draw nothing; show how exact a study of this size would be, and how long it would take.",
)
@click.option(
    "--expect",
    type=click.FloatRange(0, 1),
    default=0.965,
    show_default=True,
    metavar="SHARE",
    help="Share of valid dialogues to plan with.",
)
@click.option("--more", is_flag=True, help="Draw more dialogues into the newest sample, up to these numbers.")
@click.option("--another", is_flag=True, help="Start a new one; the old one stays in the store.")
@prompts_option
@build_option
@store_option
@json_option
def sample(
    store: str,
    plan_only: bool,
    expect: float,
    more: bool,
    another: bool,
    prompts: Path | None,
    build: str | None,
    as_json: bool,
    **options: Any,
) -> None:
    """Draw dialogues for annotators to validate, the same number per trait-level.

    \b
    oceanchat sample --per-trait-level 40 --annotators 3
    oceanchat sample --more --per-trait-level 60
    oceanchat sample --plan --per-trait-level 40
    """
    from oceanchat.annotation.guidelines import PRACTICE_ITEMS, known_items
    from oceanchat.annotation.sample import SampleConfig, draw_sample, extend_sample
    from oceanchat.prompts import open_prompts

    config = read_config(SampleConfig, **options)
    known = known_items(open_prompts(prompts))
    gold, practice = known[PRACTICE_ITEMS:], known[:PRACTICE_ITEMS]
    opened = opened_store(store, must_exist=True)
    name = chosen_build(opened, build)
    if plan_only:
        return _show_plan(opened, config, expect, name, as_json)
    if more:
        _check_more(another)
        drawn = extend_sample(opened, config.per_trait_level, config.include_rejected or None, build=name)
    else:
        drawn = draw_sample(opened, config, gold, practice, another=another, build=name)
    _show_sample(drawn, config.per_trait_level, as_json)


def _show_sample(drawn: "Sample", wanted: int, as_json: bool) -> None:
    from oceanchat.cli.display.tables import print_table

    if as_json:
        return print_json({"sample": drawn.id, "settings": drawn.settings})
    rows = [
        (code, pool["drawn"], pool["available"], drawn.settings["rejected"].get(code, {}).get("drawn", 0))
        for code, pool in drawn.settings["accepted"].items()
    ]
    print_table(("", "drawn", "of", "rejected ones"), rows, f"Sample {drawn.id}, seed {drawn.seed}")
    for line in _shortfalls(wanted, drawn.settings["accepted"]):
        print_note(line)
    print_note("Next: `oceanchat annotators add NAME` for each annotator, then `oceanchat annotate`.")


def _show_plan(
    store: "Store", config: "SampleConfig", expected: float, build: str | None, as_json: bool
) -> None:
    from oceanchat.annotation.sample import plan_study
    from oceanchat.cli.display.agreement import print_plan

    plans, fewest = plan_study(store, config, expected, build=build)
    if as_json:
        return print_json([{**each._asdict(), "size": each.size._asdict()} for each in plans])
    print_plan(plans, expected, fewest)


def _check_more(another: bool) -> None:
    """Raise ConfigError for options that an existing sample has settled."""
    context = click.get_current_context()
    settled = ("annotators", "seed", "repeats", "gold", "gold_file", "min_seconds")
    given = [name for name in settled if context.get_parameter_source(name) is ParameterSource.COMMANDLINE]
    if another or given:
        flag = "--another" if another else f"--{given[0].replace('_', '-')}"
        raise ConfigError(
            f"{flag} does not fit --more, which keeps what the sample was drawn with; leave it out"
        )


def _shortfalls(wanted: int, pools: dict[str, dict[str, int]]) -> list[str]:
    """What the sample lacks, in words."""
    none = [code for code in CODES if code not in pools]
    few = [f"{code} ({pool['drawn']})" for code, pool in pools.items() if pool["drawn"] < wanted]
    lines = [f"No dialogue of {', '.join(none)}: these trait-levels will not be validated."] if none else []
    return lines + (
        [f"Fewer than {wanted} of {', '.join(few)}: all available ones were drawn."] if few else []
    )


@click.group(cls=CommandGroup)
def annotators() -> None:
    """Manage the accounts of annotators and leads."""


@annotators.command("add")
@click.argument("name")
@click.option(
    "--role",
    default="annotator",
    show_default=True,
    metavar="annotator|lead",
    help="A lead also sees progress, agreement and disagreements.",
)
@store_option
@json_option
def add_annotator(name: str, role: str, store: str, as_json: bool) -> None:
    """Create an account and print its passcode, which is shown only once.

    \b
    oceanchat annotators add "Ada Lovelace"
    """
    from oceanchat.annotation import accounts

    new = "://" not in store and not Path(store).exists()
    account = accounts.add(opened_store(store), name, role)
    if new:
        path = Path(store).resolve()
        click.echo(
            f"oceanchat: store '{path}' is new and has nothing to label yet; for a study that exists, go to"
            " its folder or name its store with --store",
            err=True,
        )
    if as_json:
        return print_json({**_facts(account.annotator), "passcode": account.passcode})
    click.echo(f"{account.annotator.role.capitalize()} {account.annotator.name}", err=True)
    click.echo("Passcode, shown only once:", err=True)
    click.echo(account.passcode)


@annotators.command("list")
@store_option
@json_option
def list_annotators(store: str, as_json: bool) -> None:
    """List the accounts and their progress.

    \b
    oceanchat annotators list
    """
    from oceanchat.annotation import accounts, labels
    from oceanchat.cli.display.tables import print_table

    opened = opened_store(store, must_exist=True)
    records = []
    for annotator in accounts.everyone(opened):
        done, total = labels.progress(opened, annotator)
        records.append({**_facts(annotator), "answered": done, "items": total})
    if as_json:
        return print_json(records)
    shown = ("name", "pseudonym", "state", "answered", "items")
    rows = [
        (*(record[name] for name in shown), "; ".join(f"{k}: {v}" for k, v in record["profile"].items()))
        for record in records
    ]
    print_table(("name", "in exports", "state", "answered", "items", "profile"), rows)


def _facts(annotator: "Annotator") -> dict[str, Any]:
    """An account as scripts read it."""
    from oceanchat.annotation import accounts

    return {
        "name": annotator.name,
        "pseudonym": annotator.pseudonym,
        "role": annotator.role,
        "state": accounts.state(annotator),
        "profile": dict(annotator.profile),
    }


@annotators.command("profile")
@click.argument("name")
@click.option("--background", metavar="TEXT", help="Background, such as 'MSc psychology'.")
@click.option("--language", metavar="TEXT", help="Language level, such as 'CET-6'.")
@click.option("--pay", metavar="TEXT", help="Pay, such as '15 EUR an hour'.")
@click.option("--note", metavar="TEXT", help="Your own note; no release shows it.")
@store_option
@json_option
def profile(name: str, store: str, as_json: bool, **facts: str | None) -> None:
    """Record background, language level and pay; the release card shows them without the name.

    \b
    oceanchat annotators profile "Ada Lovelace" --pay "15 EUR an hour"
    """
    from oceanchat.annotation import accounts

    opened = opened_store(store, must_exist=True)
    given = {name: value for name, value in facts.items() if value is not None}
    accounts.record_profile(opened, accounts.find(opened, name), given)
    account = accounts.find(opened, name)
    if as_json:
        return print_json(_facts(account))
    for fact, value in account.profile.items():
        click.echo(f"{fact}: {value}")


@annotators.command("passcode")
@click.argument("name")
@store_option
@json_option
def renew_passcode(name: str, store: str, as_json: bool) -> None:
    """Replace an annotator's passcode and end their sessions.

    \b
    oceanchat annotators passcode "Ada Lovelace"
    """
    from oceanchat.annotation import accounts

    opened = opened_store(store, must_exist=True)
    account = accounts.find(opened, name)
    passcode = accounts.renew_passcode(opened, account)
    if as_json:
        return print_json({**_facts(account), "passcode": passcode})
    click.echo(f"New passcode of {account.name}, shown only once:", err=True)
    click.echo(passcode)


@annotators.command("retire")
@click.argument("name")
@store_option
@json_option
def retire(name: str, store: str, as_json: bool) -> None:
    """Close an account; its labels stay, and its open items go to the others.

    \b
    oceanchat annotators retire "Ada Lovelace"
    """
    from oceanchat.annotation import accounts, assignment

    opened = opened_store(store, must_exist=True)
    accounts.retire(opened, accounts.find(opened, name))
    account = accounts.find(opened, name)
    if as_json:
        print_json(_facts(account))
    else:
        click.echo(f"{account.name} ({account.pseudonym}) is {accounts.state(account)}")
    unassigned = assignment.coverage(opened).unassigned
    if unassigned:
        click.echo(f"{counted(unassigned, 'label')} without an annotator; add one.", err=True)


@annotators.command("admit")
@click.argument("name")
@store_option
@json_option
def admit(name: str, store: str, as_json: bool) -> None:
    """Admit an annotator who did not pass the practice items.

    \b
    oceanchat annotators admit "Ada Lovelace"
    """
    from oceanchat.annotation import accounts

    opened = opened_store(store, must_exist=True)
    accounts.admit(opened, accounts.find(opened, name))
    account = accounts.find(opened, name)
    if as_json:
        return print_json(_facts(account))
    click.echo(f"{account.name} ({account.pseudonym}) is {accounts.state(account)}")


@click.command()
@port_option(8501)
@host_option
@click.option("--base-path", default="", metavar="PATH", help="Path below which a proxy serves it.")
@click.option(
    "--allowed-origin",
    "allowed_origins",
    multiple=True,
    metavar="URL",
    help="Address of the app in browsers, where a proxy does not pass it on. Repeatable.",
)
@sample_option
@prompts_option
@store_option
def annotate(sample_number: int | None, store: str, **serving: Any) -> None:
    """Start the annotation app; by default only this machine can reach it.

    \b
    oceanchat annotate --port 8501
    """
    from oceanchat.annotation.launcher import Serving, launch
    from oceanchat.store.validations import reported_sample

    opened = opened_store(store, must_exist=True)
    with opened.reading() as connection:
        reported_sample(connection, sample_number)
    opened.close()  # The app opens it anew, for as long as this command waits.
    launch(Serving(store=store, sample=sample_number, **serving))
