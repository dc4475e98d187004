"""Settings of how models are called.

One frozen config that a build's config embeds. Knows the defaults and which settings contradict each other.
Reads no environment variable: the command line passes the key and the proxy in.
"""

import json
import re
from collections.abc import Collection
from pathlib import Path
from urllib.parse import SplitResult, urlsplit, urlunsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_serializer, field_validator

from oceanchat.errors import ConfigError

OPENAI_URL = "https://api.openai.com/v1"
SCRIPTED = "scripted"
SCRIPTED_HTTP = "scripted-http"
"""The same model behind `oceanchat serve-scripted`."""
BY_SCRIPT = frozenset({SCRIPTED, SCRIPTED_HTTP})
"""Names of models whose words come from a grammar, and which every reader is told of."""
OWN_PARAMETERS = (
    "model",
    "messages",
    "max_tokens",
    "max_completion_tokens",
    "stream",
    "n",
)
"""Parameters that --extra-body cannot set: answers are read, and their cost is bounded, by them."""
_CHAT_PATH = "/chat/completions"
_INVISIBLE = "\ufeff\u200b\u200c\u200d\u2060"
"""Characters that pasted keys bring along and that str.strip leaves."""

_TOKEN = re.compile(r"(?<![A-Za-z0-9])(?:sk|pk|hf|gsk|xai|ghp)[-_][-_A-Za-z0-9]{8,}")
"""What keys look like wherever they stand."""


def known_endpoint(endpoint: str, *models: str, in_files: Collection[str] = ()) -> str | None:
    """Where models answered, as far as it is known: None under OpenAI's address for those of `in_files`, and
    for those of the Hub, OWNER/NAME, which it has not: an engine answered in files, and no --base-url named
    it."""
    elsewhere = endpoint == OPENAI_URL and any("/" in model or model in in_files for model in models)
    return None if elsewhere else endpoint


class CallSettings(BaseModel):
    """Everything about calling a model that is not what is asked."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    base_url: str = Field(default=OPENAI_URL, repr=False)
    """The OpenAI-compatible endpoint, with its /v1; may hold credentials, which are never shown or stored."""
    api_key: SecretStr | None = Field(default=None, exclude=True)
    """The key; never shown, stored or written into any output."""
    proxy: str | None = Field(default=None, exclude=True, repr=False)
    """URL of the proxy that requests go through; may hold credentials."""
    extra_body: str = ""
    """Further parameters of every request, as a JSON object in one spelling; '' where there are none."""
    concurrency: int = Field(default=32, ge=1, le=4096)
    """Requests in flight at most; fewer only while the endpoint answers 429 or not in time."""
    rpm: float | None = Field(default=None, gt=0)
    """Requests a minute at most; None: no such limit."""
    tpm: float | None = Field(default=None, gt=0)
    """Tokens a minute at most (a quarter of the prompt's bytes plus the completion limit); None: no limit."""
    timeout_seconds: float = Field(default=120.0, gt=0)
    """Seconds one request may take, to the last byte of its reply, before it is tried again."""
    max_tries: int = Field(default=6, ge=1)
    """Tries of one request against server errors, timeouts and broken connections."""
    max_attempts: int = Field(default=3, ge=1)
    """Replies asked for, the first included, while none can be read."""
    endpoint_name: str = Field(default="", max_length=100)
    """A name that tells this server's answers from those of others with models of the same name."""
    max_usd: float | None = Field(default=None, gt=0)
    """Hard cap in USD on what this run may spend, the worst case of what is in flight included."""
    prices: Path | None = None
    """A price file in place of the bundled one."""
    offline: bool = False
    """Answer from the ledger alone; what is missing is said at the end, or stops an interview or judging."""
    batch: bool = False
    """Ask through the Batch API: half the price, an answer within a day."""
    batch_poll_seconds: float = Field(default=30.0, gt=0)
    """Seconds between two polls of a batch."""
    batch_gather_seconds: float = Field(default=0.5, gt=0)
    """A batch is sent when no new request has come for this long."""
    batch_max_requests: int = Field(default=50_000, ge=1, le=50_000)
    """Requests in one batch file at most (the API's own limit is 50,000)."""
    batch_max_bytes: int = Field(default=190_000_000, ge=1_000)
    """Bytes in one batch file at most (the API's own limit is 200 MB)."""

    @field_validator("base_url")
    @classmethod
    def _must_be_http(cls, url: str) -> str:
        url = url.strip()
        if re.search(r"[\x00-\x20\x7f]", url):
            raise ValueError("it holds a blank or a control character; write http://HOST:PORT/v1")
        try:
            parts = urlsplit(url)
            known = parts.scheme in ("http", "https") and bool(parts.hostname)
            _ = parts.port
        except ValueError:
            known = False
        if not known:
            raise ValueError("write http://HOST:PORT/v1 or https://HOST/v1")
        if (
            "@" in parts.path + parts.query + parts.fragment
            and "@" not in parts.netloc
            and ":" in parts.netloc
        ):
            raise ValueError("write / and ? in a password as %2F and %3F")
        return url

    @field_validator("api_key")
    @classmethod
    def _must_fit_a_header(cls, key: SecretStr | None) -> SecretStr | None:
        if key is None:
            return None
        text = key.get_secret_value().strip().strip(_INVISIBLE).strip()
        for number, character in enumerate(text, 1):
            if not " " <= character <= "~":
                what = (
                    "a line break or another control character" if character < " " else "no ASCII character"
                )
                raise ValueError(f"its character {number} of {len(text)} is {what}; copy the key again")
        return SecretStr(text) if text else None

    @field_validator("extra_body")
    @classmethod
    def _must_be_an_object(cls, text: str) -> str:
        if not text.strip():
            return ""
        try:
            extra = json.loads(text)
            canonical = json.dumps(extra, sort_keys=True, separators=(",", ":"), allow_nan=False)
        except (ValueError, RecursionError):
            extra = canonical = None
        if not isinstance(extra, dict) or canonical is None:
            raise ValueError('write a JSON object such as {"reasoning_effort": "low"}')
        for name in extra:
            if name in OWN_PARAMETERS:
                raise ValueError(f"'{name}' is not for you to set there: it follows from what is asked")
        return canonical if extra else ""

    @field_serializer("base_url")
    def _without_credentials(self, url: str) -> str:
        return shown_url(url)

    @property
    def endpoint(self) -> str:
        """The base URL as it is shown and stored: without credentials, query or trailing slash."""
        return shown_url(self.base_url)

    @property
    def root_url(self) -> str:
        """The base URL that paths are put behind: with its credentials, without its query."""
        parts = urlsplit(self.base_url)
        return urlunsplit((parts.scheme, parts.netloc, _root_path(parts), "", ""))

    @property
    def url_query(self) -> str:
        """The query of the base URL, which goes behind every path."""
        return urlsplit(self.base_url).query

    @property
    def names_version(self) -> bool:
        """Whether the base URL's path ends in a version, such as /v1."""
        return re.search(r"/v\d+\w*$", _root_path(urlsplit(self.base_url))) is not None

    @property
    def shown_proxy(self) -> str | None:
        """The proxy without its credentials."""
        return shown_url(self.proxy) if self.proxy else None

    def require_key(self) -> None:
        """Raise ConfigError where the endpoint needs a key and there is none."""
        if self.api_key is None and self.endpoint == OPENAI_URL:
            raise ConfigError(
                f"endpoint '{OPENAI_URL}' needs a key: set OPENAI_API_KEY, or name another endpoint with"
                f" --base-url"
            )

    def secrets(self) -> tuple[str, ...]:
        """What must never leave this process other than in the request's own header."""
        secrets: list[str | None] = []
        for url in filter(None, (self.base_url, self.proxy)):
            parts = urlsplit(url)
            user = f"{parts.username}:{parts.password or ''}" if parts.username else None
            values = [pair.partition("=")[2] for pair in parts.query.split("&")]
            secrets += [parts.password or parts.username, user, *values]
        if self.api_key is not None:
            secrets.append(self.api_key.get_secret_value())
        return tuple(secret for secret in secrets if secret)


def shown_url(url: str) -> str:
    """`url` without user, password, query and trailing slash."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, host, _root_path(parts), "", ""))


def without_credentials(text: str) -> str:
    """What a user gave for a URL, whatever it is, without what may be a secret in it."""
    text = _TOKEN.sub("***", text)
    scheme, separator, rest = text.rpartition("://") if text.count("://") == 1 else ("", "", text)
    if "@" in rest:
        rest = f"***@{rest.rpartition('@')[2]}"
    rest = re.sub(r"^([^/?#@]*:)(?!\d+(?:[/?#]|$))[^/?#\[\]]{6,}", r"\1***", rest)
    return scheme + separator + re.sub(r"([?#]).+", r"\1***", rest, count=1, flags=re.DOTALL)


def _root_path(parts: SplitResult) -> str:
    """The path without a slash at its end, and without the path of a single call, which people paste too."""
    return parts.path.rstrip("/").removesuffix(_CHAT_PATH).rstrip("/")
