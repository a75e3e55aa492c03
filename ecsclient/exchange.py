"""One HTTP call of the read side: no redirect, no retry, a limit on time and size.

A call ends as an Answer, or as Unsent or Unclear. Which of the two is decided by whether the connection
(including TLS) stood, not by the class of an exception: a handshake that hangs is a read timeout for the
HTTP library, and a refused connection and a reset after the request are both connection errors.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final
from urllib.parse import urlsplit

import requests
from requests.structures import CaseInsensitiveDict
from urllib3.exceptions import HTTPError, ProtocolError, ReadTimeoutError

from ecsclient.addresses import AddressRule, any_other
from ecsclient.clock import Clock, utc_now
from ecsclient.connection import Watch, http_session, watching
from ecsclient.errors import (
    BadAnswer,
    CloudError,
    ConnectionLost,
    Throttled,
    Unclear,
    Unsent,
    asked_pause,
    error_of,
    parse_error,
    plain,
)

BODY_LIMIT: Final = 8 * 1024 * 1024
RECORD_LIMIT: Final = 64 * 1024
_CHUNK: Final = 64 * 1024
_SECRET_HEADERS: Final = ("X-Auth-Token", "X-Security-Token")


@dataclass(frozen=True, slots=True)
class Exchange:
    """What a call looked like, for the record: never a header, never a credential.

    `path` includes the query; bodies are cut at 64 KB and empty for a sign-in; `status` is None and `error`
    a sentence where no answer came. `throttled`: the cloud said that there are too many calls; `pause_s` is
    the time in seconds it asked for, None where it named none.
    """

    method: str
    path: str
    status: int | None
    request_body: bytes
    response_body: bytes
    duration_ms: int
    request_id: str
    error: str
    at: datetime
    throttled: bool = False
    pause_s: float | None = None
    #: The Date the answer carries: what time it is at the cloud, to the second.
    cloud_time: datetime | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer, of whatever status."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def request_id(self) -> str:
        return plain(self.headers.get("X-Request-Id", ""))[:100]

    @property
    def date(self) -> datetime | None:
        """The Date header, aware; None where it is missing or no date."""
        try:
            found = parsedate_to_datetime(self.headers.get("Date", ""))
        except ValueError:
            return None
        return found if found.tzinfo is not None else found.replace(tzinfo=UTC)

    def error(self) -> CloudError:
        """The exception which this answer, being an error, amounts to."""
        return error_of(
            self.status,
            parse_error(self.status, self.headers.get("Content-Type", ""), self.body),
            request_id=self.request_id,
            retry_after=self.headers.get("Retry-After"),
            date=self.headers.get("Date"),
        )

    def throttling(self) -> tuple[bool, float | None]:
        """Whether it says "too many calls", and the seconds it asks to wait (None: it names none)."""
        if self.status < 300 and b"Common.0024" not in self.body[:RECORD_LIMIT]:
            return False, None
        if not isinstance(self.error(), Throttled):
            return False, None
        info = parse_error(self.status, self.headers.get("Content-Type", ""), self.body)
        return True, asked_pause(info, self.headers.get("Retry-After"), self.headers.get("Date"))


def _body(response: requests.Response) -> bytes:
    if response.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise BadAnswer("the answer is compressed although that was not asked for")
    parts, size = [], 0
    for part in response.raw.stream(_CHUNK, decode_content=False):
        size += len(part)
        if size > BODY_LIMIT:
            raise BadAnswer(f"the answer is longer than {BODY_LIMIT // 1024 // 1024} MB")
        parts.append(part)
    return b"".join(parts)


def _reason(error: Exception) -> str:
    """The innermost cause in words: the outer ones of the HTTP library are long and name object addresses."""
    cause: BaseException = error
    for _ in range(8):
        inner = getattr(cause, "reason", None)
        following = inner if isinstance(inner, BaseException) else cause.__cause__ or cause.__context__
        if following is None:
            break
        cause = following
    return plain(f"{type(cause).__name__}: {cause}")[:300]


def _failure(error: Exception, watch: Watch, wall: float) -> CloudError:
    if not watch.connected:
        return Unsent(f"the request was not sent: {_reason(error)}")
    if watch.expired:
        return Unclear(f"the answer was not complete after {wall:g} s")
    if isinstance(error, requests.Timeout | ReadTimeoutError):
        return Unclear("the cloud did not answer in time")
    if isinstance(error, requests.ConnectionError | requests.exceptions.ChunkedEncodingError | ProtocolError):
        return ConnectionLost(f"the connection broke before the answer was complete: {_reason(error)}")
    return Unclear(f"the answer could not be read: {_reason(error)}")


class Caller:
    """Makes calls, one at a time; keeps connections for GET, and a fresh one for everything else.

    A kept connection may have been closed by the other side a moment ago. That is harmless for a read, but
    makes any other call unclear without need.
    """

    def __init__(
        self,
        *,
        timeout: tuple[float, float],
        clock: Clock = utc_now,
        on_exchange: Callable[[Exchange], None] | None = None,
        refuses: AddressRule = any_other,
    ) -> None:
        self._timeout = timeout
        self._refuses = refuses
        self._wall = timeout[0] + 2 * timeout[1]
        self._clock = clock
        self._on_exchange = on_exchange
        self._http = http_session()

    def close(self) -> None:
        self._http.close()

    def call(self, request: requests.Request, *, private: bool = False) -> Answer:
        """The answer to `request`, whatever its status; `private` keeps the bodies out of the record.

        Raises Unsent, or Unclear (ConnectionLost, BadAnswer among them).
        """
        http = self._http if request.method == "GET" else http_session()
        try:
            # Sign-in and signature happen here; their errors are their own and belong to no exchange of ours.
            prepared = http.prepare_request(request)
        except requests.RequestException as error:
            raise Unsent(f"the request was not sent: {_reason(error)}") from error
        at, started = self._clock(), time.monotonic()
        answer: Answer | None = None
        failure: CloudError | None = None
        try:
            answer = self._send(http, prepared)
            return answer
        except CloudError as error:
            failure = error
            raise
        finally:
            self._record(prepared, answer, failure, (at, started, private))
            if http is not self._http:
                http.close()

    def _send(self, http: requests.Session, prepared: requests.PreparedRequest) -> Answer:
        with watching(self._wall, self._refuses) as watch:
            try:
                with http.send(
                    prepared, timeout=self._timeout, allow_redirects=False, stream=True
                ) as response:
                    body = _body(response)
            except (requests.RequestException, HTTPError, OSError, ValueError) as error:
                raise _failure(error, watch, self._wall) from error
        if watch.expired:
            raise Unclear(f"the answer was not complete after {self._wall:g} s")
        return Answer(response.status_code, CaseInsensitiveDict(response.headers), body)

    def _record(
        self,
        prepared: requests.PreparedRequest,
        answer: Answer | None,
        failure: CloudError | None,
        circumstances: tuple[datetime, float, bool],
    ) -> None:
        if self._on_exchange is None:
            return
        at, started, private = circumstances
        parts = urlsplit(str(prepared.url))
        sent = prepared.body if isinstance(prepared.body, bytes) else str(prepared.body or "").encode()
        secrets = [str(prepared.headers[name]) for name in _SECRET_HEADERS if name in prepared.headers]
        throttled, pause_s = answer.throttling() if answer else (False, None)
        self._on_exchange(
            Exchange(
                method=str(prepared.method),
                path=parts.path + (f"?{parts.query}" if parts.query else ""),
                status=answer.status if answer else None,
                request_body=b"" if private else sent[:RECORD_LIMIT],
                response_body=b"" if private or not answer else _without(secrets, answer.body)[:RECORD_LIMIT],
                duration_ms=round((time.monotonic() - started) * 1000),
                request_id=answer.request_id if answer else "",
                error=_said(answer, failure),
                at=at,
                throttled=throttled,
                pause_s=pause_s,
                cloud_time=answer.date if answer else None,
            )
        )


def _without(secrets: list[str], body: bytes) -> bytes:
    # A login page of a proxy may show the request it got, headers included.
    for secret in filter(None, secrets):
        body = body.replace(secret.encode(), b"[hidden]")
    return body


def _said(answer: Answer | None, failure: CloudError | None) -> str:
    if failure is not None:
        return str(failure)
    if answer is None or answer.status < 300:
        return ""
    info = parse_error(answer.status, answer.headers.get("Content-Type", ""), answer.body)
    return f"{info.code}: {info.message}"
