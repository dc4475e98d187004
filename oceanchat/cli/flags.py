"""Turn flags into configs, naming wrong flags.

The environment is read here and nowhere below the command line: the key from OPENAI_API_KEY, the endpoint
from OPENAI_BASE_URL where no flag names it, and the proxy.
"""

import asyncio
import json
import os
from typing import TYPE_CHECKING, Any, TypeVar

import click

from oceanchat.cli.complaints import name_of
from oceanchat.errors import ConfigError

if TYPE_CHECKING:
    from pydantic import BaseModel, ValidationError

    from oceanchat.llm.settings import CallSettings
    from oceanchat.pipeline.config import BuildConfig

API_KEY, BASE_URL = "OPENAI_API_KEY", "OPENAI_BASE_URL"
"""Environment variables."""
Config = TypeVar("Config", bound="BaseModel")


def build_config(flags: dict[str, Any]) -> "BuildConfig":
    """The BuildConfig of the options of `oceanchat build`; --model fills the roles that have no model."""
    from oceanchat.pipeline.config import BuildConfig

    model = flags.pop("model")
    roles = ("labeler", "writer", "checker")
    without_model = flags["base_url"] is not None and not any((model, *map(flags.get, roles)))
    for role in roles:
        flags[role] = flags[role] or model or "scripted"
    calls = take_call_settings(flags)
    if without_model:
        from oceanchat.llm.endpoint.served_models import served_models

        served = asyncio.run(served_models(calls))
        raise ConfigError(f"--base-url '{calls.endpoint}' is of no use without --model NAME: {served}")
    return read_config(BuildConfig, calls=calls, **flags)


def take_call_settings(flags: dict[str, Any]) -> "CallSettings":
    """Remove the flags that say how models are called from `flags` and return them as CallSettings."""
    from oceanchat.llm.settings import CallSettings

    names = [name for name in flags if name in CallSettings.model_fields or name == "reasoning_effort"]
    return call_settings(**{name: flags.pop(name) for name in names})


def call_settings(**flags: Any) -> "CallSettings":
    """The CallSettings of these flags; one that is None was not given and keeps its default."""
    from oceanchat.llm.proxies import proxy_for
    from oceanchat.llm.settings import CallSettings

    given = {name: value for name, value in flags.items() if value is not None}
    if effort := given.pop("reasoning_effort", None):
        given["extra_body"] = _with_effort(given.get("extra_body", ""), effort)
    if "base_url" not in given and (url := os.environ.get(BASE_URL, "").strip()):
        given["base_url"] = url
    settings = read_config(CallSettings, api_key=os.environ.get(API_KEY) or None, **given)
    return settings.model_copy(update={"proxy": proxy_for(settings.base_url, os.environ)})


def _with_effort(extra_body: str, effort: str) -> str:
    """--extra-body with --reasoning-effort in it; what is no JSON object is left for its own complaint."""
    try:
        parameters = json.loads(extra_body or "{}")
    except (ValueError, RecursionError):
        return extra_body
    if not isinstance(parameters, dict):
        return extra_body
    return json.dumps(parameters | {"reasoning_effort": effort})


def read_config(kind: type[Config], **values: Any) -> Config:
    """A config of that kind. Raises ConfigError naming the flag that is wrong."""
    from pydantic import ValidationError

    try:
        return kind(**values)
    except ValidationError as error:
        raise ConfigError(_complaint(error)) from None


def check_json_style(style: str) -> None:
    """Raise ConfigError for --json beside another --format, "table" being what it is by default."""
    if style not in ("table", "json"):
        raise ConfigError(f"--json does not fit --format {style}; leave one of them out")


def _complaint(error: "ValidationError") -> str:
    problem = error.errors(include_url=False)[0]
    message = problem["msg"].removeprefix("Value error, ").replace("Input should be", "it should be")
    if not problem["loc"]:
        return message
    field, value = str(problem["loc"][-1]), problem["input"]
    if field == "api_key":
        return f"{API_KEY} cannot be used: {message}"
    if field == "base_url":
        from oceanchat.llm.settings import without_credentials

        return f"{_source_of_url()} '{without_credentials(str(value))}' cannot be used: {message}"
    return f"{_flag_of(field)} '{value}' cannot be used: {message}"


def _source_of_url() -> str:
    """Where the base URL of the running command comes from."""
    context = click.get_current_context(silent=True)
    given = context is not None and context.params.get("base_url") is not None
    return BASE_URL if os.environ.get(BASE_URL, "").strip() and not given else _flag_of("base_url")


def _flag_of(field: str) -> str:
    """The flag of the running command that fills this field of a config; without a command, the field."""
    context = click.get_current_context(silent=True)
    if context is None:
        return field
    flags = [name_of(option, context) for option in context.command.params if option.name == field]
    return flags[0] if flags else f"--{field.replace('_', '-')}"
