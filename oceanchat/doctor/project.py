"""Look at store, prompts, prices and keys.

Nothing is written, the store not even migrated, and no key is shown.
"""

from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path

from oceanchat.doctor.findings import Finding, Named, lacking
from oceanchat.errors import OceanChatError
from oceanchat.llm.prices import load_prices
from oceanchat.llm.settings import CallSettings
from oceanchat.prompts import BLANKS, open_prompts
from oceanchat.store.address import check_file, parse_address, without_password
from oceanchat.store.database import stored_version
from oceanchat.store.schema import SCHEMA_VERSION

OLD = 180
"""Days after which prices are said to be old."""
KEYS = {
    "OPENAI_API_KEY": "for models behind an endpoint",
    "HF_TOKEN": "for the Hub, where `hf auth login` was not used",
    "PREACT_API_KEY": "for clients of `preact serve`",
}
"""Environment variable -> what its key is for."""
NEEDS_KEY = "api.openai.com"


def look_at_project(
    named: Named,
    store: str,
    prompts: Path | None,
    prices: Path | None,
    settings: CallSettings,
    environment: Mapping[str, str],
) -> Iterator[Finding]:
    """The store, the prompts, the prices and every key."""
    yield _store(store, named)
    yield _prompts(prompts)
    yield _prices(prices, named.models, settings.endpoint)
    for key, purpose in KEYS.items():
        needed = key == "OPENAI_API_KEY" and bool(named.models) and NEEDS_KEY in settings.endpoint
        present = bool(environment.get(key, "").strip())
        yield Finding(key, "ok", "set") if present else lacking(needed, key, f"not set; {purpose}")


def _store(url: str, named: Named) -> Finding:
    if named.planned and (planned := _planned(url)) is not None:
        return planned
    try:
        version = stored_version(url)
    except OceanChatError as error:
        return lacking(named.store, "store", str(error))
    if version is None and parse_address(url).get_backend_name() == "postgresql":
        # A database is made by who may, before anything can fill it: this is how a study begins.
        return Finding("store", "ok", f"'{without_password(url)}', empty; the first build fills it")
    if version is None:
        return lacking(named.store, "store", f"'{url}' is empty; `oceanchat build O+` fills it")
    if version > SCHEMA_VERSION:
        text = f"'{url}' has schema {version}, newer than {SCHEMA_VERSION}; update ocean-chat"
        return Finding("store", "missing", text)
    outdated = f", which the next command brings to {SCHEMA_VERSION}" if version < SCHEMA_VERSION else ""
    return Finding("store", "ok", f"'{url}', schema {version}{outdated}")


def _planned(url: str) -> Finding | None:
    """Of the file of a project that nothing was built in yet; None where there is something, or no file."""
    try:
        address = parse_address(url)
        file = Path(address.database or "")
        if address.get_backend_name() != "sqlite" or file.exists():
            return None
        check_file(file, must_exist=False)
    except (OceanChatError, OSError) as error:
        return Finding("store", "missing", str(error))
    return Finding("store", "ok", f"'{url}' is not there yet; the first `oceanchat build` makes it")


def _prompts(folder: Path | None) -> Finding:
    try:
        open_prompts(folder).check(BLANKS)
    except OceanChatError as error:
        return Finding("prompts", "missing", str(error))
    return Finding("prompts", "ok", f"{len(BLANKS)} templates, {folder or 'those that ship'}")


def _prices(file: Path | None, models: tuple[str, ...], endpoint: str) -> Finding:
    try:
        table = load_prices(file)
        age = (date.today() - date.fromisoformat(table.date)).days
    except OceanChatError as error:
        return Finding("prices", "missing", str(error))
    except ValueError:
        return Finding("prices", "note", f"of '{table.date}', which is no day such as 2026-11-30")
    unpriced = [model for model in models if table.price(endpoint, model) is None]
    remarks = [f"of {table.date}, {age:,} days old"]
    if age > OLD:
        remarks.append("check them, and replace them with --prices FILE")
    if unpriced:
        remarks.append(f"none for {', '.join(unpriced)}: what it costs is unknown")
    return Finding("prices", "note" if len(remarks) > 1 else "ok", "; ".join(remarks))
