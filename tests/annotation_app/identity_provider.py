"""An OpenID Connect provider on loopback: signs in whoever comes under one e-mail address, without asking."""

import json
import secrets
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey


class IdentityProvider:
    """A provider that vouches for `email`."""

    def __init__(self, email: str, *, verified: bool = True) -> None:
        self.email = email
        self.verified = verified
        self.key = RSAKey.generate_key(2048, {"kid": "k1", "use": "sig"})
        self.nonces: dict[str, str] = {}
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                provider.get(self)

            def do_POST(self) -> None:
                provider.token(self)

            def log_message(self, format: str, *args: Any) -> None:
                """Quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self) -> None:
        """Stop."""
        self.server.shutdown()
        self.server.server_close()

    def get(self, handler: BaseHTTPRequestHandler) -> None:
        """Discovery, keys, and the redirect that says yes."""
        address = urlsplit(handler.path)
        if address.path == "/.well-known/openid-configuration":
            return self.answer(
                handler,
                {
                    "issuer": self.url,
                    "authorization_endpoint": f"{self.url}/authorize",
                    "token_endpoint": f"{self.url}/token",
                    "jwks_uri": f"{self.url}/keys",
                    "id_token_signing_alg_values_supported": ["RS256"],
                },
            )
        if address.path == "/keys":
            return self.answer(handler, {"keys": [self.key.as_dict(private=False)]})
        asked = {name: values[0] for name, values in parse_qs(address.query).items()}
        code = secrets.token_hex(8)
        self.nonces[code] = asked.get("nonce", "")
        handler.send_response(302)
        back = urlencode({"code": code, "state": asked["state"]})
        handler.send_header("Location", f"{asked['redirect_uri']}?{back}")
        handler.end_headers()

    def token(self, handler: BaseHTTPRequestHandler) -> None:
        """Exchange a code for a signed identity."""
        body = handler.rfile.read(int(handler.headers["Content-Length"])).decode()
        code = parse_qs(body)["code"][0]
        now = int(time.time())
        claims = {
            "iss": self.url,
            "aud": "client",
            "sub": "1",
            "iat": now,
            "exp": now + 600,
            "email": self.email,
            "email_verified": self.verified,
            "nonce": self.nonces.pop(code),
        }
        identity = jwt.encode({"alg": "RS256", "kid": "k1"}, claims, self.key)
        self.answer(
            handler, {"access_token": "x", "token_type": "Bearer", "expires_in": 600, "id_token": identity}
        )

    def answer(self, handler: BaseHTTPRequestHandler, document: dict[str, Any]) -> None:
        """Send JSON."""
        body = json.dumps(document).encode()
        handler.send_response(200)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)
