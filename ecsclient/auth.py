"""Proving who asks: the gateway's request signature (SDK-HMAC-SHA256) and the identity service's token.

Sources: "API Request Signing Guide" (support.huaweicloud.com, devg-apisign) for the signature;
Identity and Access Management API reference, "Obtaining a User Token", for POST /v3/auth/tokens.
"""

import copy
import hashlib
import hmac
import json
import re
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import parse_qsl, quote, unquote, urlsplit

import requests
from requests.auth import AuthBase

from ecsclient.addresses import AddressRule, any_other
from ecsclient.clock import Clock, utc_now
from ecsclient.errors import AuthRefused, BadAnswer, CloudError
from ecsclient.exchange import Answer, Caller, Exchange
from ecsclient.fields import child, instant, json_object, required_id, text

ALGORITHM: Final = "SDK-HMAC-SHA256"
DATE_FORMAT: Final = "%Y%m%dT%H%M%SZ"
# Whatever a proxy or the HTTP library may add or change on the way must not be part of the signature.
_SIGNED_BY_NAME: Final = ("content-type", "host")
_RENEW_BEFORE: Final = timedelta(minutes=10)
# The identity service locks a user after a few wrong passwords; every poll of every job would send one.
_AFTER_REFUSAL: Final = timedelta(minutes=5)
# While one caller waits for a service that hangs, others queue behind it; they need not wait as long again.
_AFTER_FAILURE: Final = timedelta(seconds=2)
_TOKEN: Final = re.compile(r"[\x21-\x7e]{1,32768}")


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


@dataclass(frozen=True, slots=True)
class Token:
    """A project-scoped token of the identity service and whose it is."""

    value: str = field(repr=False)
    user_id: str
    expires_at: datetime


class TokenSource:
    """Signs in with a password, once, and gives the token until ten minutes before it expires.

    Safe to share between threads and sessions: they then share one sign-in. Cached in this object only.
    """

    def __init__(
        self,
        *,
        endpoint: str,
        login: PasswordLogin,
        project_id: str,
        timeout: tuple[float, float] = (5, 30),
        clock: Clock = utc_now,
        on_exchange: Callable[[Exchange], None] | None = None,
        refuses: AddressRule = any_other,
    ) -> None:
        self._refuses = refuses
        self._url = endpoint.rstrip("/").removesuffix("/v3") + "/v3/auth/tokens?nocatalog=true"
        self._login = login
        self._project_id = project_id
        self._timeout = timeout
        self._clock = clock
        self._on_exchange = on_exchange
        self._lock = threading.Lock()
        self._token: Token | None = None
        self._failed: tuple[CloudError, datetime] | None = None

    def token(self) -> Token:
        """A token good for at least ten minutes.

        Raises AuthRefused for a wrong user or password, other CloudErrors as any call does. A failure is
        told to all who ask within 5 minutes of a refusal, or 2 seconds of anything else, without asking anew.
        """
        with self._lock:
            if self._token is None or self._clock() >= self._token.expires_at - _RENEW_BEFORE:
                self._raise_recent_failure()
                try:
                    self._token = self._sign_in()
                except CloudError as error:
                    self._failed = (copy.copy(error), self._clock())
                    raise
                self._failed = None
            return self._token

    def try_again(self) -> None:
        """Forget that the last sign-in failed: somebody says that the cause is mended."""
        with self._lock:
            self._failed = None

    def _raise_recent_failure(self) -> None:
        if self._failed is None:
            return
        error, at = self._failed
        pause = _AFTER_REFUSAL if isinstance(error, AuthRefused) else _AFTER_FAILURE
        # A clock that was set back is no reason to wait longer.
        if at <= self._clock() < at + pause:
            raise copy.copy(error)

    def invalidate(self, value: str = "") -> None:
        """Forget the token: the cloud refused it. With `value`, only if it is still that one, so that of many
        threads refused at once only the first causes a new sign-in."""
        with self._lock:
            if self._token is not None and value in ("", self._token.value):
                self._token = None

    def _sign_in(self) -> Token:
        user = {"name": self._login.user, "password": self._login.password}
        identity = {
            "methods": ["password"],
            "password": {"user": user | {"domain": {"name": self._login.domain}}},
        }
        body = {"auth": {"identity": identity, "scope": {"project": {"id": self._project_id}}}}
        headers = {"Content-Type": "application/json;charset=utf8"}
        caller = Caller(
            timeout=self._timeout, clock=self._clock, on_exchange=self._on_exchange, refuses=self._refuses
        )
        try:
            request = requests.Request("POST", self._url, data=json.dumps(body).encode(), headers=headers)
            return self._read(caller.call(request, private=True))
        finally:
            caller.close()

    def _read(self, answer: Answer) -> Token:
        if answer.status != 201:
            raise answer.error()
        value = answer.headers.get("X-Subject-Token", "")
        if not _TOKEN.fullmatch(value):
            raise BadAnswer("the identity service answered without a token in X-Subject-Token")
        token = child(json_object(answer.body), "token")
        expires_at = instant(token, "expires_at")
        if expires_at is None:
            raise BadAnswer("the identity service did not say when the token expires")
        project = text(child(token, "project"), "id")
        if project and project != self._project_id:
            raise AuthRefused(f"the token is for project {project}, not for {self._project_id}")
        return Token(value, required_id(child(token, "user"), "id"), expires_at)


class TokenAuth(AuthBase):
    """Puts the token into each request of a `requests` session; signs in first where that is needed."""

    def __init__(self, source: TokenSource) -> None:
        self._source = source

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["X-Auth-Token"] = self._source.token().value
        return request
