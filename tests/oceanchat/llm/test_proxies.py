"""The environment's proxies are followed as curl follows them."""

import pytest

from oceanchat.errors import ConfigError
from oceanchat.llm.proxies import proxy_for

HTTP, HTTPS = "http://model.lan:8000/v1", "https://api.host.com/v1"
PROXY = "http://proxy:3128"


@pytest.mark.parametrize(
    ("url", "environment", "proxy"),
    [
        (HTTP, {}, None),
        (HTTP, {"HTTP_PROXY": PROXY}, PROXY),
        (HTTP, {"http_proxy": PROXY, "HTTP_PROXY": "http://other:1"}, PROXY),
        (HTTP, {"HTTPS_PROXY": PROXY}, None),
        (HTTPS, {"HTTPS_PROXY": PROXY}, PROXY),
        (HTTPS, {"ALL_PROXY": "socks5://proxy:1080"}, "socks5://proxy:1080"),
        (HTTPS, {"HTTPS_PROXY": "proxy:3128"}, PROXY),
        (HTTPS, {"HTTPS_PROXY": " "}, None),
        (HTTPS, {"HTTPS_PROXY": PROXY, "NO_PROXY": "*"}, None),
        (HTTPS, {"HTTPS_PROXY": PROXY, "NO_PROXY": "other.com, host.com"}, None),
        (HTTPS, {"HTTPS_PROXY": PROXY, "no_proxy": ".host.com"}, None),
        (HTTPS, {"HTTPS_PROXY": PROXY, "no_proxy": "*.host.com"}, None),
        (HTTPS, {"HTTPS_PROXY": PROXY, "no_proxy": "ost.com"}, PROXY),
        (HTTPS, {"HTTPS_PROXY": PROXY, "no_proxy": "api.host.com:443"}, None),
        (HTTPS, {"HTTPS_PROXY": PROXY, "no_proxy": "api.host.com:80"}, PROXY),
        ("http://10.1.2.3:80/v1", {"HTTP_PROXY": PROXY, "NO_PROXY": "10.0.0.0/8"}, None),
        ("http://10.1.2.3/v1", {"HTTP_PROXY": PROXY, "NO_PROXY": "10.1.2.3"}, None),
        ("http://[::1]:8/v1", {"HTTP_PROXY": PROXY, "NO_PROXY": "::1"}, None),
        ("http://[::1]:8/v1", {"HTTP_PROXY": PROXY, "NO_PROXY": "[::1]:8"}, None),
    ],
)
def test_the_proxy_of_a_url(url: str, environment: dict[str, str], proxy: str | None) -> None:
    assert proxy_for(url, environment) == proxy


@pytest.mark.parametrize("value", ["ftp://me:planted-word@proxy", "http://", "http://proxy:planted-word"])
def test_a_wrong_proxy_is_named_and_not_shown(value: str) -> None:
    with pytest.raises(ConfigError, match="HTTP_PROXY") as caught:
        proxy_for(HTTP, {"HTTP_PROXY": value})
    assert "planted" not in str(caught.value)
