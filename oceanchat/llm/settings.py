"""Settings of how models are called.

One frozen config that a build's config embeds. Knows the defaults and which settings contradict each other.
Reads no environment variable: the command line passes the key in.
"""

from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_serializer, field_validator

OPENAI_URL = "https://api.openai.com/v1"
SCRIPTED = "scripted"


class CallSettings(BaseModel):
    """Everything about calling a model that is not what is asked."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    base_url: str = Field(default=OPENAI_URL, repr=False)
    """The OpenAI-compatible endpoint, with its /v1; may hold credentials, which are never shown or stored."""
    api_key: SecretStr | None = Field(default=None, exclude=True)
    """The key; never shown, stored or written into any output."""
    concurrency: int = Field(default=32, ge=1, le=4096)
    """Requests in flight at most; fewer only while the endpoint itself answers 429."""
    rpm: float | None = Field(default=None, gt=0)
    """Requests a minute at most; None: no such limit."""
    tpm: float | None = Field(default=None, gt=0)
    """Tokens a minute at most (a quarter of the prompt's bytes plus the completion limit); None: no limit."""
    timeout_seconds: float = Field(default=120.0, gt=0)
    """Seconds one request may take before it is given up and tried again."""
    max_tries: int = Field(default=6, ge=1)
    """Tries of one request against server errors, timeouts and broken connections."""
    max_attempts: int = Field(default=3, ge=1)
    """Replies asked for, the first included, while none can be read."""
    max_usd: float | None = Field(default=None, gt=0)
    """Hard cap in USD on what this run may spend, the worst case of what is in flight included."""
    prices: Path | None = None
    """A price file in place of the bundled one."""
    offline: bool = False
    """Answer from the ledger alone; the first request that is missing stops the build."""
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
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("write http://HOST:PORT/v1 or https://HOST/v1")
        return url

    @field_serializer("base_url")
    def _without_credentials(self, url: str) -> str:
        return shown_url(url)

    @property
    def endpoint(self) -> str:
        """The base URL as it is shown and stored: without credentials, query or trailing slash."""
        return shown_url(self.base_url)

    def secrets(self) -> tuple[str, ...]:
        """What must never leave this process other than in the request's own header."""
        parts = urlsplit(self.base_url)
        secrets = [parts.password, parts.query]
        if self.api_key is not None:
            secrets.append(self.api_key.get_secret_value())
        return tuple(secret for secret in secrets if secret)


def shown_url(url: str) -> str:
    """`url` without user, password, query and trailing slash."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, host, parts.path.rstrip("/"), "", ""))
