"""Proving who asks: the gateway's request signature (SDK-HMAC-SHA256) and the identity service's token.

Sources: "API Request Signing Guide" (support.huaweicloud.com, devg-apisign) for the signature;
Identity and Access Management API reference, "Obtaining a User Token", for POST /v3/auth/tokens.
"""

import hashlib
import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final
from urllib.parse import parse_qsl, quote, unquote, urlsplit

import requests
from requests.auth import AuthBase

from ecsclient.clock import Clock, utc_now

ALGORITHM: Final = "SDK-HMAC-SHA256"
DATE_FORMAT: Final = "%Y%m%dT%H%M%SZ"
# Whatever a proxy or the HTTP library may add or change on the way must not be part of the signature.
_SIGNED_BY_NAME: Final = ("content-type", "host")


@dataclass(frozen=True, slots=True)
class AkSk:
    """An access key; `security_token` belongs to temporary keys."""

    access_key: str
    secret_key: str = field(repr=False)
    security_token: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class PasswordLogin:
    """A user of the identity service; `domain` is the account name."""

    user: str
    password: str = field(repr=False)
    domain: str


def _encoded(value: str) -> str:
    return quote(value, safe="~")


def _canonical_path(path: str) -> str:
    encoded = "/".join(_encoded(segment) for segment in unquote(path).split("/"))
    # The slash at the end exists only in the text that is signed, not on the wire.
    return encoded if encoded.endswith("/") else encoded + "/"


def _canonical_query(query: str) -> str:
    pairs = sorted(parse_qsl(query, keep_blank_values=True))
    return "&".join(f"{_encoded(key)}={_encoded(value)}" for key, value in pairs)


def _payload_hash(headers: Mapping[str, str], body: bytes) -> str:
    stated = headers.get("x-sdk-content-sha256")
    return stated if body and stated else hashlib.sha256(body).hexdigest()


def canonical_request(method: str, url: str, headers: Mapping[str, str], body: bytes) -> tuple[str, str]:
    """The text whose hash is signed, and the names of the signed headers joined by ';'.

    Every header given is signed except those with '_' in the name, as the official signer does.
    """
    lowered = {name.lower(): value.strip() for name, value in headers.items()}
    names = sorted(name for name in lowered if "_" not in name)
    parts = urlsplit(url)
    lines = [method.upper(), _canonical_path(parts.path or "/"), _canonical_query(parts.query)]
    lines += [f"{name}:{lowered[name]}" for name in names]
    lines += ["", ";".join(names), _payload_hash(lowered, body)]
    return "\n".join(lines), ";".join(names)


def host_of(url: str) -> str:
    """The value of the Host header for `url`: name and, where given, port."""
    return urlsplit(url).netloc.rpartition("@")[2]


def sign_request(
    *, method: str, url: str, headers: Mapping[str, str], body: bytes, key: AkSk, signed_at: datetime
) -> dict[str, str]:
    """The headers to send: those given, X-Sdk-Date, Host, X-Security-Token for temporary keys, Authorization.

    `signed_at` must be aware; the gateway refuses a date more than 15 minutes off (APIGW.0301/0303).
    Headers of these names in `headers` are replaced. Raises ValueError for a time without zone.
    """
    if signed_at.tzinfo is None:
        raise ValueError("signed_at should be a time with a zone")
    ours = {"x-sdk-date", "host", "x-security-token", "authorization"}
    result = {name: value for name, value in headers.items() if name.lower() not in ours}
    result["Host"] = host_of(url)
    result["X-Sdk-Date"] = signed_at.astimezone(UTC).strftime(DATE_FORMAT)
    if key.security_token:
        result["X-Security-Token"] = key.security_token
    canonical, names = canonical_request(method, url, result, body)
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    to_sign = f"{ALGORITHM}\n{result['X-Sdk-Date']}\n{digest}"
    signature = hmac.new(key.secret_key.encode(), to_sign.encode(), hashlib.sha256).hexdigest()
    result["Authorization"] = (
        f"{ALGORITHM} Access={key.access_key}, SignedHeaders={names}, Signature={signature}"
    )
    return result


def _worth_signing(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    return {k: v for k, v in headers if k.lower() in _SIGNED_BY_NAME or k.lower().startswith("x-")}


class AkSkAuth(AuthBase):
    """Signs each request of a `requests` session at the moment it is sent.

    Signed are Content-Type, Host and all X- headers: the rest may be changed on the way.
    """

    def __init__(self, key: AkSk, *, clock: Clock = utc_now) -> None:
        self._key = key
        self._clock = clock

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if request.url is None or request.method is None:
            raise ValueError("the request should have a method and a URL before it is signed")
        body = request.body or b""
        if not isinstance(body, bytes | str):
            raise ValueError("a signed request should have its whole body in memory")
        signed = sign_request(
            method=request.method,
            url=request.url,
            headers=_worth_signing((str(k), str(v)) for k, v in request.headers.items()),
            body=body.encode() if isinstance(body, str) else body,
            key=self._key,
            signed_at=self._clock(),
        )
        request.headers.update(signed)
        return request
