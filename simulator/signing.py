"""Verifies SDK-HMAC-SHA256 signatures, after the public API request signing guide of Huawei Cloud."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from simulator.messages import Request

ALGORITHM = "SDK-HMAC-SHA256"
MAX_SKEW_S = 900.0
_AUTHORIZATION = re.compile(
    r"^SDK-HMAC-SHA256 +Access=(?P<access>[^,\s]+), *SignedHeaders=(?P<names>[^,\s]+),"
    r" *Signature=(?P<signature>[0-9a-fA-F]+)$"
)


class BadSignature(Exception):
    """The text is the reason the gateway gives; `expired` tells a wrong date from the rest."""

    def __init__(self, reason: str, *, expired: bool = False) -> None:
        super().__init__(reason)
        self.expired = expired


@dataclass(frozen=True, slots=True)
class Claim:
    """What the Authorization header says, before anybody believed it."""

    access_key: str
    signed_headers: tuple[str, ...]
    signature: str


def read_claim(header: str) -> Claim:
    """Takes the Authorization header apart. Raises BadSignature when it has another form."""
    match = _AUTHORIZATION.match(header.strip())
    if match is None:
        raise BadSignature("authorization header format is wrong")
    names = tuple(match["names"].lower().split(";"))
    return Claim(match["access"], names, match["signature"].lower())


def _escape(text: str) -> str:
    return quote(text, safe="-_.~")


def _canonical_path(path: str) -> str:
    joined = "/".join(_escape(unquote(part)) for part in path.split("/"))
    return joined if joined.endswith("/") else joined + "/"


def _canonical_query(query: str) -> str:
    pairs = sorted(parse_qsl(query, keep_blank_values=True))
    return "&".join(f"{_escape(k)}={_escape(v)}" for k, v in pairs)


def _payload_hash(request: Request) -> str:
    given = request.headers.get("x-sdk-content-sha256")
    actual = hashlib.sha256(request.body).hexdigest()
    if given is not None and re.fullmatch(r"[0-9a-fA-F]{64}", given) and given.lower() != actual:
        raise BadSignature("body hash does not match x-sdk-content-sha256")
    return given or actual


def canonical_request(request: Request, names: tuple[str, ...]) -> str:
    """The text whose hash is signed: method, path, query, headers, names of the headers, body hash."""
    parts = urlsplit(request.target)
    headers = "".join(f"{name}:{request.headers.get(name, '').strip()}\n" for name in names)
    return "\n".join(
        (
            request.method.upper(),
            _canonical_path(parts.path),
            _canonical_query(parts.query),
            headers,
            ";".join(names),
            _payload_hash(request),
        )
    )


def signature_of(request: Request, names: tuple[str, ...], date: str, secret: str) -> str:
    """The signature this request should carry, 64 lower-case hexadecimal characters."""
    hashed = hashlib.sha256(canonical_request(request, names).encode()).hexdigest()
    text = f"{ALGORITHM}\n{date}\n{hashed}"
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()


def _check_date(headers: Mapping[str, str], now: float) -> str:
    date = headers.get("x-sdk-date", "")
    try:
        at = datetime.strptime(date, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()
    except ValueError:
        raise BadSignature("x-sdk-date is missing or not of the form YYYYMMDDTHHMMSSZ") from None
    if abs(now - at) > MAX_SKEW_S:
        raise BadSignature("signature expired, x-sdk-date is more than 15 minutes off", expired=True)
    return date


def verify(request: Request, claim: Claim, secret: str, now: float) -> None:
    """Checks date, coverage and signature; `now` in seconds since 1970. Raises BadSignature."""
    date = _check_date(request.headers, now)
    for name in ("host", "x-sdk-date"):
        if name not in claim.signed_headers:
            raise BadSignature(f"{name} must be a signed header")
    missing = [name for name in claim.signed_headers if name not in request.headers]
    if missing:
        raise BadSignature(f"signed header {missing[0]} is not in the request")
    if list(claim.signed_headers) != sorted(claim.signed_headers):
        raise BadSignature("signed headers are not sorted")
    expected = signature_of(request, claim.signed_headers, date, secret)
    if not hmac.compare_digest(expected, claim.signature):
        raise BadSignature("verify aksk signature fail")
