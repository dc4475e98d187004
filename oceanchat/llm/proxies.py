"""Find the proxy the environment names.

Follows HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY, in small letters too, as curl and Python do. Reads
the mapping it is given and nothing else.
"""

import ipaddress
from collections.abc import Mapping
from urllib.parse import SplitResult, urlsplit

from oceanchat.errors import ConfigError

_PORTS = {"http": 80, "https": 443}
_SCHEMES = ("http", "https", "socks5", "socks5h")


def proxy_for(url: str, environment: Mapping[str, str]) -> str | None:
    """The URL of the proxy that requests to `url` go through, or None. Raises ConfigError for a wrong one."""
    target = urlsplit(url)
    name, value = (
        _named(f"{target.scheme}_proxy", environment) or _named("all_proxy", environment) or ("", "")
    )
    if not value or _is_excepted(target, environment):
        return None
    proxy = value if "://" in value else f"http://{value}"
    if not _is_usable(proxy):
        raise ConfigError(
            f"the proxy in {name} cannot be used: write http://HOST:PORT, or put the host of --base-url into"
            f" NO_PROXY"
        )
    return proxy


def _named(name: str, environment: Mapping[str, str]) -> tuple[str, str] | None:
    """A variable that is set, and its value; small letters go first."""
    for spelling in (name, name.upper()):
        if value := environment.get(spelling, "").strip():
            return spelling, value
    return None


def _is_usable(proxy: str) -> bool:
    try:
        parts = urlsplit(proxy)
        return parts.scheme in _SCHEMES and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        return False


def _is_excepted(target: SplitResult, environment: Mapping[str, str]) -> bool:
    """Whether NO_PROXY lists the host: by name, by the end of its name, by address or network, or all."""
    _, listed = _named("no_proxy", environment) or ("", "")
    host, port = (target.hostname or "").lower().rstrip("."), target.port or _PORTS.get(target.scheme)
    return any(_matches(entry, host, port) for entry in listed.replace(",", " ").lower().split())


def _matches(entry: str, host: str, port: int | None) -> bool:
    if entry == "*":
        return True
    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(entry.strip("[]"), strict=False)
    except ValueError:
        pass
    name, _, wanted = entry.rpartition(":")
    if name and wanted.isdigit():
        if int(wanted) != port:
            return False
        entry = name
    entry = entry.strip("[]").removeprefix("*").strip(".")
    return bool(entry) and (host == entry or host.endswith(f".{entry}"))
