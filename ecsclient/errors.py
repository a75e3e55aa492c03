"""Three things can go wrong with a call: the cloud said no, the call never left, or nobody can know.

Which of the three it is decides what may be done next, so it is the class of the exception. The shapes of
error bodies follow the API references of ECS, KMS, IAM and IMS, the gateway's request signing guide and the
native compute API; `parse_error` reads them all and returns the innermost code.
"""

import json
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final

from ecsclient.clock import utc_now

MESSAGE_LIMIT: Final = 4096
_DEPTH: Final = 6
_DEFAULT_PAUSE: Final = 5.0
_MAX_PAUSE: Final = 3600.0
_CODE_KEYS: Final = ("error_code", "errorCode", "code")
_MESSAGE_KEYS: Final = ("error_msg", "errorMsg", "error_message", "message", "title")
_INNER_KEYS: Final = ("error", "details", "internalError")
_WINDOW: Final = re.compile(r"time:\s*(\d{1,6})\s*(second|minute|hour)", re.IGNORECASE)
_UNITS: Final = {"second": 1.0, "minute": 60.0, "hour": 3600.0}
_GATEWAY: Final = re.compile(r"API(?:GW|G)\.")
# 429 and its relatives; the flow limit Common.0024 is documented with HTTP 202, Common.1503 with 429 or 503.
_THROTTLE_CODES: Final = frozenset({"Common.1503", "Common.0024", "APIGW.0308", "APIG.0308", "IAM.0012"})
# Answers of 403 which are about the credential and not about a right.
_EXPIRED_CODES: Final = frozenset({"KMS.0303"})
_MISSING_CODES: Final = frozenset({"Ecs.0114", "Ecs.0614"})


@dataclass(frozen=True, slots=True)
class ErrorDetail:
    """One code and message found in an error body."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class ErrorInfo:
    """What an error body says. `code` and `message` are the innermost; `details` runs from the outermost to
    the innermost; `structured` is False where the body was no error document (HTML of a proxy, empty): then
    `code` is the HTTP status as text."""

    code: str
    message: str
    details: tuple[ErrorDetail, ...] = ()
    structured: bool = True

    @property
    def outer_code(self) -> str:
        return self.details[0].code if self.details else self.code


class CloudError(Exception):
    """A call to the cloud did not give an answer to work with."""

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        code: str = "",
        request_id: str = "",
        details: tuple[ErrorDetail, ...] = (),
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.code = code
        self.request_id = request_id
        self.details = details
        # Seconds; see Throttled and Unclear.
        self.retry_after = 0.0

    def __str__(self) -> str:
        known = [self.code] if self.code and self.code not in self.message else []
        if self.status is not None:
            known.append(f"HTTP {self.status}")
        return f"{self.message} ({', '.join(known)})" if known else self.message


class Refused(CloudError):
    """The cloud answered, and said no."""


class NotFound(Refused):
    """The cloud itself says the thing does not exist; a gateway that knows no such path is only Refused."""


class AuthRefused(Refused):
    """The credential was not accepted. Five bad signatures lock an access key: stop at the first."""


class Forbidden(Refused):
    """The credential is good, but may not do this."""


class JobUnknown(Refused):
    """The cloud has no job of this id (any more: jobs are deleted a day after their end)."""


class Throttled(Refused):
    """Too many calls; `retry_after` is the pause in seconds the cloud asks for, or a modest default."""

    def __init__(self, message: str, **about: Any) -> None:
        super().__init__(message, **about)
        self.retry_after = _DEFAULT_PAUSE


class Unsent(CloudError):
    """The request never left: name not found, refused, TLS failure, connect timeout."""


class Unclear(CloudError):
    """Nobody can know whether the cloud did it: a broken answer, a timeout, an internal error.

    `retry_after` is the pause in seconds the cloud asked for with a 503, 0 where it asked for none.
    """


class ConnectionLost(Unclear):
    """The connection stood and broke before the answer was complete."""


class BadAnswer(Unclear):
    """The answer came and cannot be read as what the API page describes."""


def plain(message: str) -> str:
    """`message` on one line, without control, format and surrogate characters, at most 4 KB of UTF-8."""
    kept = "".join(" " if c.isspace() else c for c in message[: 4 * MESSAGE_LIMIT])
    kept = "".join(c for c in kept if unicodedata.category(c) not in ("Cc", "Cf", "Cs"))
    return kept.encode()[:MESSAGE_LIMIT].decode(errors="ignore").strip()


def _first(source: dict[str, object], keys: tuple[str, ...]) -> str:
    for key in keys:
        value = source.get(key)
        if isinstance(value, str) and value.strip():
            return plain(value)
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value) if abs(value) < 10**6 else ""
    return ""


def _inner(source: dict[str, object]) -> Iterator[dict[str, object]]:
    """The nested objects that may hold the truer code, the most telling one last.

    `internalError` tells more than `error`, and the first entry of a list more than the others. The native
    compute API has another name for each error ("itemNotFound"), so where an object has neither a known
    name nor a code of its own, anything inside counts.
    """
    named = [source[key] for key in _INNER_KEYS if key in source]
    unnamed = [] if _first(source, _CODE_KEYS) else list(source.values())
    for value in named or unnamed:
        if isinstance(value, dict):
            yield value
        elif isinstance(value, list):
            yield from (item for item in reversed(value[:5]) if isinstance(item, dict))


def _chain(source: dict[str, object], depth: int = _DEPTH) -> list[ErrorDetail]:
    """Codes from the outermost object to the innermost."""
    code, message = _first(source, _CODE_KEYS)[:100], _first(source, _MESSAGE_KEYS)
    found = [ErrorDetail(code, message)] if code else []
    if depth:
        for item in _inner(source):
            found.extend(_chain(item, depth - 1))
    return found


def parse_error(status: int, content_type: str, body: bytes) -> ErrorInfo:
    """What an error body of any of the documented shapes says.

    `status` is the HTTP status; never raises, whatever the body is. The code is the innermost one that is
    not empty (details[] of ECS, internalError[] of batch calls), the status as text where there is none.
    """
    try:
        document = json.loads(body.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        document = None
    chain = _chain(document) if isinstance(document, dict) else []
    if not chain:
        return _unstructured(status, content_type, body, document)
    innermost = chain[-1]
    message = innermost.message or next((d.message for d in reversed(chain) if d.message), "")
    return ErrorInfo(innermost.code, message or f"HTTP {status}", tuple(chain))


def _unstructured(status: int, content_type: str, body: bytes, document: object) -> ErrorInfo:
    if isinstance(document, dict):
        nested = [document, *_inner(document)]
        said = next((m for m in (_first(d, (*_MESSAGE_KEYS, "error")) for d in nested) if m), "")
        if said:
            return ErrorInfo(str(status), said, structured=True)
    kind = plain(content_type)[:100] or "no content type"
    size = f"{len(body)} bytes" if body.strip() else "an empty body"
    said = f"HTTP {status} with {size} ({kind}) instead of an error document"
    return ErrorInfo(str(status), said, structured=False)


def asked_pause(info: ErrorInfo, retry_after: str | None, date: str | None = None) -> float | None:
    """Seconds the cloud asks to wait: the Retry-After header (a number, or a date, which is read against the
    answer's own `date` header), else the window the message names ("limit:200,time:5 minute"), else None;
    never more than an hour."""
    said = (retry_after or "").strip()
    if re.fullmatch(r"\d{1,30}", said):
        return min(float(said), _MAX_PAUSE)
    until = _http_date(said)
    if until is not None:
        left = until - (_http_date((date or "").strip()) or utc_now())
        return min(max(left.total_seconds(), 0.0), _MAX_PAUSE)
    window = _WINDOW.search(info.message)
    if window:
        return min(float(window[1]) * _UNITS[window[2].lower()], _MAX_PAUSE)
    return None


def _http_date(value: str) -> datetime | None:
    """Fri, 31 Dec 2027 23:59:59 GMT; None for anything else."""
    try:
        at = parsedate_to_datetime(value)
    except (ValueError, TypeError):
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def pause_of(info: ErrorInfo, retry_after: str | None, date: str | None = None) -> float:
    """As `asked_pause`, 5 s where the cloud names no time."""
    asked = asked_pause(info, retry_after, date)
    return _DEFAULT_PAUSE if asked is None else asked


def _kind(status: int, info: ErrorInfo) -> type[CloudError]:
    if status == 429 or info.code in _THROTTLE_CODES:
        return Throttled
    if status == 401 or info.code in _EXPIRED_CODES:
        return AuthRefused
    if status >= 500 or 300 <= status < 400 or status == 408:
        return Unclear
    if info.code in _MISSING_CODES or (status == 404 and info.structured and not _GATEWAY.match(info.code)):
        return NotFound
    return Forbidden if status == 403 else Refused


def error_of(
    status: int, info: ErrorInfo, *, request_id: str, retry_after: str | None, date: str | None = None
) -> CloudError:
    """The exception for an answer that is an error; 3xx and 5xx are Unclear because they decide nothing."""
    error = _kind(status, info)(
        info.message, status=status, code=info.code, request_id=request_id, details=info.details
    )
    asked_to_wait = status == 503 and retry_after is not None and isinstance(error, Unclear)
    if isinstance(error, Throttled) or asked_to_wait:
        error.retry_after = pause_of(info, retry_after, date)
    return error
