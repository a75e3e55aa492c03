"""One project of one cloud: signed reads, with retries for reads only.

The one call that must happen at most once is not made here but in `reinstallos`.
"""

import json
import re
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final, Self
from urllib.parse import quote, urlencode, urlsplit

import requests
from requests.auth import AuthBase

from ecsclient.addresses import AddressRule, any_other
from ecsclient.auth import AkSk, AkSkAuth, PasswordLogin, TokenAuth, TokenSource, sign_request
from ecsclient.clock import Clock, utc_now
from ecsclient.errors import AuthRefused, CloudError, ConnectionLost, Throttled, Unclear, Unsent
from ecsclient.exchange import Caller, Exchange
from ecsclient.fields import JsonObject, json_object

__all__ = ["CloudSession", "Exchange"]

Credentials = AkSk | PasswordLogin | TokenSource
_RETRIES: Final = 2
_LONGEST_PAUSE: Final = 5.0
_FIRST_PAUSE: Final = 0.2
_PROJECT: Final = re.compile(r"[0-9A-Za-z_-]{1,64}")


def _base(service: str, address: str) -> str:
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"endpoint '{service}' should be an address like https://ecs.eu-de.example.com")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ValueError(f"endpoint '{service}' should have no user, query or fragment")
    return address.rstrip("/")


class CloudSession:
    """Calls to the services of one project.

    `endpoints` maps a service (iam, ecs, evs, ims, kms, cts) to its base address. `credentials` may also be a
    TokenSource shared by several sessions, which then sign in once. `on_exchange` is told of every call,
    failed ones too. A session that is not `patient` raises Throttled at once, for a caller that keeps a
    budget and waits by itself. `before_call` is called before each call, repeated ones too: it may wait, or
    raise to prevent the call. `refuses` says why an IP address must not be connected to. Not for several
    threads at once; cheap enough to be made per step.
    """

    def __init__(  # noqa: PLR0913 - the things that make a session, all by name
        self,
        *,
        endpoints: Mapping[str, str],
        project_id: str,
        credentials: Credentials,
        domain_id: str = "",
        timeout: tuple[float, float] = (5, 30),
        clock: Clock = utc_now,
        on_exchange: Callable[[Exchange], None] | None = None,
        patient: bool = True,
        refuses: AddressRule = any_other,
        before_call: Callable[[], None] | None = None,
    ) -> None:
        if not _PROJECT.fullmatch(project_id):
            raise ValueError("project_id should be 1 to 64 letters, digits, '-' and '_'")
        self.project_id = project_id
        self.domain_id = domain_id
        self.clock = clock
        self.refuses = refuses
        self._patient = patient
        self._before_call = before_call
        self._endpoints = {service: _base(service, address) for service, address in endpoints.items()}
        self._key = credentials if isinstance(credentials, AkSk) else None
        self._tokens = credentials if isinstance(credentials, TokenSource) else None
        if isinstance(credentials, PasswordLogin):
            self._tokens = TokenSource(
                endpoint=self._endpoint("iam"),
                login=credentials,
                project_id=project_id,
                timeout=timeout,
                clock=clock,
                on_exchange=on_exchange,
                refuses=refuses,
            )
        self._caller = Caller(timeout=timeout, clock=clock, on_exchange=on_exchange, refuses=refuses)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close kept connections; the session may be used again."""
        self._caller.close()

    def user_id(self) -> str | None:
        """The id of the signed-in user; None for an access key, which does not tell whose it is.

        Signs in where that has not happened. Raises CloudError as any call does.
        """
        return self._tokens.token().user_id if self._tokens else None

    @property
    def access_key(self) -> str | None:
        """The access key calls are signed with (its public half); None for a session that uses tokens."""
        return self._key.access_key if self._key else None

    def get(self, service: str, path: str, params: Mapping[str, str | int] | None = None) -> JsonObject:
        """The JSON object at `path` (quoted already, starting with '/').

        Tried at most three times: after 429, 503 and a lost or refused connection, waiting as the cloud asks
        where that is not longer than 5 s. Raises Refused, Unsent or Unclear, or one of their kinds.
        """
        url = self.url(service, path, params)
        for attempt in range(_RETRIES):
            try:
                return self._once("GET", url, b"")
            except CloudError as error:
                pause = _pause(error, attempt)
                if pause is None or (isinstance(error, Throttled) and not self._patient):
                    raise
                time.sleep(pause)
        return self._once("GET", url, b"")

    def post(self, service: str, path: str, payload: Mapping[str, object]) -> JsonObject:
        """The JSON object answered to a POST of `payload`. Sent once: never repeated after a fault."""
        return self._once("POST", self.url(service, path), json.dumps(payload).encode())

    def url(self, service: str, path: str, params: Mapping[str, str | int] | None = None) -> str:
        """The whole address of a path of a service. Raises Unsent where the session has no such endpoint."""
        query = "?" + urlencode(params, quote_via=quote) if params else ""
        return f"{self._endpoint(service)}{path}{query}"

    def authorised(self, *, url: str, body: bytes, signed_at: datetime) -> dict[str, str]:
        """Headers that make a POST of `body` to `url` acceptable: signed with the access key as of
        `signed_at`, or carrying a token (signing in where needed)."""
        headers = self._headers()
        if self._key is None:
            return headers | {"X-Auth-Token": self._token_source().token().value}
        return sign_request(
            method="POST", url=url, headers=headers, body=body, key=self._key, signed_at=signed_at
        )

    def _endpoint(self, service: str) -> str:
        try:
            return self._endpoints[service]
        except KeyError:
            raise Unsent(f"no endpoint is set for the service '{service}'", code="no-endpoint") from None

    def _token_source(self) -> TokenSource:
        assert self._tokens is not None  # noqa: S101 - a session has a key or a token source
        return self._tokens

    def _headers(self) -> dict[str, str]:
        headers = {"Content-Type": "application/json", "X-Project-Id": self.project_id}
        return headers | ({"X-Domain-Id": self.domain_id} if self.domain_id else {})

    def _auth(self) -> AuthBase:
        if self._key is not None:
            return AkSkAuth(self._key, clock=self.clock)
        return TokenAuth(self._token_source())

    def _once(self, method: str, url: str, body: bytes) -> JsonObject:
        # Signing in stands outside the try: a wrong password must not be sent twice, users get locked.
        used = self._tokens.token().value if self._tokens else ""
        try:
            return self._call(method, url, body)
        except AuthRefused:
            # A refused token may have died early (password change). The gateway refused before the service
            # saw anything, so asking again is safe even for a POST. A key refused stays refused: five bad
            # signatures lock it.
            if self._tokens is None:
                raise
            self._tokens.invalidate(used)
            return self._call(method, url, body)

    def _call(self, method: str, url: str, body: bytes) -> JsonObject:
        if self._before_call is not None:
            self._before_call()
        request = requests.Request(method, url, data=body or None, headers=self._headers(), auth=self._auth())
        answer = self._caller.call(request)
        if not 200 <= answer.status < 300:
            raise answer.error()
        document = json_object(answer.body)
        if _is_error(document):
            raise answer.error()
        return document


def _is_error(document: JsonObject) -> bool:
    """A success status may carry an error: the flow limit is documented with 202, job queries answer 200 with
    `code` and `message`."""
    if document.keys() <= {"error", "internalError", "request_id"} and isinstance(
        document.get("error"), dict
    ):
        return True
    return document.keys() >= {"error_code", "error_msg"} or document.keys() == {"code", "message"}


def _pause(error: CloudError, attempt: int) -> float | None:
    """Seconds to wait before the next try of a read; None where another try makes no sense."""
    own = _FIRST_PAUSE * (1 << attempt)
    if isinstance(error, Throttled):
        asked = error.retry_after
        return max(asked, own) if asked <= _LONGEST_PAUSE else None
    if isinstance(error, ConnectionLost) or (isinstance(error, Unsent) and error.code != "no-endpoint"):
        return own
    if isinstance(error, Unclear) and error.status == 503:
        return max(error.retry_after, own) if error.retry_after <= _LONGEST_PAUSE else None
    return None
