"""An identity provider over real sockets: discovery, keys, tokens, and an ID token as a test wants it."""

import base64
import hashlib
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

CLIENT, SECRET, KID = "ecsportal", "a-secret-of-the-client", "key-1"


def new_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@dataclass
class Provider:
    """`claims` and `document` replace what is said; `key` signs, `known` is published."""

    issuer: str
    known: rsa.RSAPrivateKey
    key: rsa.RSAPrivateKey
    claims: dict[str, Any] = field(default_factory=dict)
    document: dict[str, Any] = field(default_factory=dict)
    headers: dict[str, Any] = field(default_factory=lambda: {"alg": "RS256", "kid": KID})
    #: Nonce and challenge of the questions that were asked, by the code they got.
    asked: dict[str, dict[str, str]] = field(default_factory=dict)
    posts: list[dict[str, str]] = field(default_factory=list)

    def code_for(self, address: str) -> tuple[str, str]:
        """As if the person had signed in at the address the portal sent them to: (code, state)."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        assert (asked["response_type"], asked["client_id"]) == ("code", CLIENT)
        assert asked["code_challenge_method"] == "S256"
        code = f"code-{len(self.asked)}"
        self.asked[code] = asked
        return code, asked["state"]

    def discovery(self) -> dict[str, Any]:
        said = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
        }
        return said | self.document

    def keys(self) -> dict[str, Any]:
        public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(self.known.public_key()))
        return {"keys": [public | {"kid": KID, "use": "sig", "alg": "RS256"}]}

    def token(self, body: dict[str, str]) -> dict[str, Any] | None:
        """Tokens for a code; None where the code, the secret or the PKCE verifier is wrong."""
        self.posts.append(body)
        asked = self.asked.pop(body.get("code", ""), None)
        if asked is None or body.get("client_secret") != SECRET:
            return None
        digest = hashlib.sha256(body.get("code_verifier", "").encode()).digest()
        if base64.urlsafe_b64encode(digest).decode().rstrip("=") != asked["code_challenge"]:
            return None
        now = int(time.time())
        said = {
            "iss": self.issuer,
            "aud": CLIENT,
            "sub": "sub-1",
            "iat": now,
            "exp": now + 300,
            "auth_time": now,
            "nonce": asked["nonce"],
            "preferred_username": "carol",
            "groups": ["ops"],
        }
        claims = {name: value for name, value in (said | self.claims).items() if value is not None}
        return {"access_token": "x", "token_type": "Bearer", "id_token": self.signed(claims)}

    def signed(self, claims: dict[str, Any]) -> str:
        if self.headers["alg"] == "none":
            return jwt.encode(claims, "", algorithm="none")
        if self.headers["alg"] == "HS256":
            return jwt.encode(claims, SECRET.ljust(32, "x"), algorithm="HS256", headers={"kid": KID})
        return jwt.encode(claims, self.key, algorithm="RS256", headers=self.headers)


@contextmanager
def running_provider() -> Iterator[Provider]:
    """A provider that answers until the end of the block."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    key = new_key()
    server.provider = Provider(f"http://127.0.0.1:{server.server_port}", key, key)  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.provider  # type: ignore[attr-defined]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        provider: Provider = self.server.provider  # type: ignore[attr-defined]
        pages = {"/.well-known/openid-configuration": provider.discovery, "/keys": provider.keys}
        page = pages.get(self.path)
        self._say(page() if page else None)

    def do_POST(self) -> None:
        provider: Provider = self.server.provider  # type: ignore[attr-defined]
        text = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self._say(provider.token({name: values[0] for name, values in parse_qs(text).items()}))

    def _say(self, document: dict[str, Any] | None) -> None:
        body = json.dumps(document).encode()
        self.send_response(200 if document is not None else 400)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Says nothing."""
