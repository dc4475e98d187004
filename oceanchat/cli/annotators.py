"""`oceanchat annotators` manages accounts.

It knows click and what to print; what an account may become is decided in oceanchat/annotation/accounts.py.
"""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from oceanchat.cli.display.json_output import print_json
from oceanchat.cli.display.notes import print_note, print_sentence
from oceanchat.cli.group import CommandGroup
from oceanchat.cli.opened_store import opened_store
from oceanchat.cli.options import json_option, store_option
from oceanchat.counting import counted

if TYPE_CHECKING:
    from oceanchat.store.annotators import Annotator
    from oceanchat.store.database import Store


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

    accounts.usable_name(name, role)  # before a store is opened, which a refused account then leaves none of
    new = "://" not in store and not Path(store).exists()
    opened = opened_store(store)
    account = accounts.add(opened, name, role)
    if new:
        path = Path(store).resolve()
        print_note(
            f"oceanchat: store '{path}' is new and has nothing to label yet; for a study that exists, go to"
            " its folder or name its store with --store"
        )
    if as_json:
        return print_json({**_facts(opened, account.annotator), "passcode": account.passcode})
    print_note(f"{account.annotator.role.capitalize()} {account.annotator.name}")
    print_note("Passcode, shown only once:")
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
        records.append({**_facts(opened, annotator), "answered": done, "items": total})
    if as_json:
        return print_json(records)
    shown = ("name", "pseudonym", "state", "answered", "items")
    rows = [
        (*(record[name] for name in shown), "; ".join(f"{k}: {v}" for k, v in record["profile"].items()))
        for record in records
    ]
    print_table(("name", "in exports", "state", "answered", "items", "profile"), rows)
    _show_unassigned(opened)


def _facts(store: "Store", annotator: "Annotator") -> dict[str, Any]:
    """An account as scripts read it."""
    from oceanchat.annotation.account_state import account_state

    return {
        "name": annotator.name,
        "pseudonym": annotator.pseudonym,
        "role": annotator.role,
        "state": account_state(store, annotator),
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
        return print_json(_facts(opened, account))
    if not account.profile:
        print_note(f"Nothing is recorded of {account.name} yet; see `oceanchat annotators profile --help`.")
    for fact, value in account.profile.items():
        print_sentence(f"{fact}: {value}")


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
    account = accounts.find_open(opened, name)
    passcode = accounts.renew_passcode(opened, account)
    if as_json:
        return print_json({**_facts(opened, account), "passcode": passcode})
    print_note(f"New passcode of {account.name}, shown only once:")
    click.echo(passcode)


@annotators.command("role")
@click.argument("name")
@click.argument("role", metavar="annotator|lead")
@click.option(
    "--yes", is_flag=True, help="Make an annotator of a lead without asking first; only a terminal is asked."
)
@store_option
@json_option
def change_role(name: str, role: str, yes: bool, store: str, as_json: bool) -> None:
    """Change an account from annotator to lead or back, as long as it has labeled and decided nothing.

    \b
    oceanchat annotators role "Ada Lovelace" lead
    """
    from oceanchat.annotation import accounts

    opened = opened_store(store, must_exist=True)
    account = accounts.find(opened, name)
    if account.role == "lead" and role == "annotator":
        accounts.check_role(opened, account, role)
        if not _may_label(account, yes):
            return
    accounts.change_role(opened, account, role)
    _show_state(opened, name, as_json)
    _show_unassigned(opened)


def _may_label(lead: "Annotator", yes: bool) -> bool:
    """Say what a lead may have seen; whether they are to label all the same, which a terminal is asked."""
    print_note(
        f"oceanchat: '{lead.name}' could read everybody's answers as a lead, and nothing records who has only"
        " looked. Whoever has seen answers is no longer blind and must not label; this is for an account that"
        " was given the wrong role"
    )
    if yes or _confirmed("Make an annotator of this lead? (--yes skips this question)"):
        return True
    print_note(f"oceanchat: '{lead.name}' stays lead")
    return False


def _confirmed(question: str) -> bool:
    """The answer of who sits at a terminal; elsewhere nobody is asked."""
    return not _at_a_terminal() or click.confirm(question, err=True)


def _at_a_terminal() -> bool:
    return sys.stdin.isatty() and sys.stderr.isatty()


@annotators.command("retire")
@click.argument("name")
@click.option("--yes", is_flag=True, help="Retire without asking first; only a terminal is asked.")
@store_option
@json_option
def retire(name: str, yes: bool, store: str, as_json: bool) -> None:
    """Close an account for good; its labels stay, and its open items go to the others.

    \b
    oceanchat annotators retire "Ada Lovelace"
    """
    from oceanchat.annotation import accounts

    opened = opened_store(store, must_exist=True)
    account = accounts.find(opened, name)
    if not (yes or account.retired_at) and not _confirmed(
        f"Close the account of '{account.name}' for good? (--yes skips this question)"
    ):
        return print_note(f"oceanchat: the account of '{account.name}' stays open")
    accounts.retire(opened, account)
    _show_state(opened, name, as_json)
    _show_unassigned(opened)


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
    from oceanchat.annotation.account_state import QUALIFYING, account_state

    opened = opened_store(store, must_exist=True)
    account = accounts.find_open(opened, name)
    early = account_state(opened, account) == QUALIFYING
    accounts.admit(opened, account)
    if early:
        print_note(
            f"'{account.name}' has not finished the practice, and is let in without what is left of it:"
            " the guidelines, the descriptions of the traits, the items whose answers are known"
        )
    _show_state(opened, name, as_json)


def _show_state(store: "Store", name: str, as_json: bool) -> None:
    """Say what an account is now."""
    from oceanchat.annotation import accounts

    facts = _facts(store, accounts.find(store, name))
    if as_json:
        return print_json(facts)
    print_sentence(f"{facts['name']} ({facts['pseudonym']}): {facts['state']}")


def _show_unassigned(store: "Store") -> None:
    """Say how many labels have nobody to give them."""
    from oceanchat.annotation import assignment

    coverage = assignment.coverage(store)
    if coverage.unassigned:
        people = counted(coverage.missing, "annotator")
        print_note(f"{counted(coverage.unassigned, 'label')} without an annotator; add {people}.")
