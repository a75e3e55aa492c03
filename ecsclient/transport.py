"""The one-shot transport: one connection, one request, one answer, and an exact account of how far it came.

Whether a call that wipes a disk may be made again depends on whether any byte of it could have arrived.
Exception classes of HTTP libraries cannot tell: a TLS handshake that hangs is a read timeout, a refused
connection and a reset after the whole request are both connection errors, and a redirect is followed by
posting again to another host. So this module speaks HTTP/1.1 itself: no pool, no keep-alive, no retry, no
redirect, no proxy of the environment, and a wall clock over everything after the name lookup began.
"""

import contextlib
import re
import socket
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final
from urllib.parse import SplitResult, urlsplit

import certifi
from requests.structures import CaseInsensitiveDict

from ecsclient.addresses import AddressRule, any_other
from ecsclient.answerreader import AnswerBroken, AnswerReader
from ecsclient.connection import USER_AGENT
from ecsclient.dialing import dial
from ecsclient.errors import plain

_RECEIVE: Final = 64 * 1024
_TARGET: Final = re.compile(r"[\x21-\x7e]*")
_HEADER_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER_VALUE: Final = re.compile(r"[\x20-\x7e\t]*")
# These say how the bytes travel, so they are decided here and nowhere else.
_OURS: Final = frozenset({"connection", "content-length", "accept-encoding", "transfer-encoding", "expect"})


class Phase(StrEnum):
    """How far a call came. Up to CONNECTED no byte of the request left; from SENDING on it may have."""

    NEW = "new"  # no connection
    CONNECTED = "connected"  # TCP stands; TLS may be under way; nothing of the request was sent
    SENDING = "sending"  # the first byte may have left
    SENT = "sent"  # every byte was handed to the network
    HEADERS = "headers"  # status and headers of the answer are whole
    COMPLETE = "complete"  # the body is whole as well


NEVER_SENT: Final = frozenset({Phase.NEW, Phase.CONNECTED})


@dataclass(frozen=True, slots=True)
class OneShotResult:
    """What happened. `status` is None until the headers were whole; `complete` says that the whole body was
    read; `error` is a sentence, empty after a whole answer. Header names are not case-sensitive."""

    phase: Phase
    status: int | None
    reason: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    complete: bool
    error: str
    started_at: datetime
    duration_ms: int

    @property
    def was_sent(self) -> bool:
        """False only if certainly no byte of the request left this machine."""
        return self.phase not in NEVER_SENT


class _TimeUp(Exception):
    pass


@dataclass(frozen=True, slots=True)
class _Limits:
    connect: float
    read: float
    ends_at: float

    def within(self, seconds: float) -> float:
        """The seconds one operation may take: at most `seconds`, and never past the wall clock."""
        left = self.ends_at - time.monotonic()
        if left <= 0:
            raise _TimeUp
        return min(seconds, left)

    def is_over(self) -> bool:
        return time.monotonic() >= self.ends_at


class _Call:
    """One call under way."""

    def __init__(
        self, target: SplitResult, limits: _Limits, tls: ssl.SSLContext | None, refuses: AddressRule
    ) -> None:
        self._target = target
        self._refuses = refuses
        self._limits = limits
        self._tls = tls
        self._socket: socket.socket | None = None
        self.phase = Phase.NEW
        self.status: int | None = None
        self.reason = ""
        self.headers: Mapping[str, str] = CaseInsensitiveDict()
        self.body = b""

    def run(self, message: bytes, max_body: int) -> None:
        self._connect()
        if self._target.scheme == "https":
            self._secure()
        self._send(message)
        reader = AnswerReader(self._receive, max_body=max_body)
        head = reader.head()
        self.status, self.reason, self.headers = head.status, head.reason, head.headers
        self.phase = Phase.HEADERS
        try:
            reader.read_body(head)
        finally:
            self.body = bytes(reader.body)
        self.phase = Phase.COMPLETE

    def late(self, error: Exception) -> str:
        """Which of the clocks ran out, in words."""
        if self._limits.is_over():
            return "the time for the whole call is over"
        return "the other side was silent for too long" if self._socket else plain(str(error))

    def close(self) -> None:
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.close()

    def _stream(self) -> socket.socket:
        if self._socket is None:
            raise OSError("not connected")
        return self._socket

    def _connect(self) -> None:
        host = self._target.hostname or ""
        port = self._target.port or (443 if self._target.scheme == "https" else 80)
        self._socket = dial(host, port, self._limits.within(self._limits.connect), self._refuses)
        self.phase = Phase.CONNECTED

    def _secure(self) -> None:
        stream = self._stream()
        stream.settimeout(self._limits.within(self._limits.connect))
        context = self._tls or ssl.create_default_context(cafile=certifi.where())
        # The handshake as a whole has this one timeout: a peer that sends nothing, or drips, ends here.
        self._socket = context.wrap_socket(stream, server_hostname=self._target.hostname)

    def _send(self, message: bytes) -> None:
        stream, rest = self._stream(), memoryview(message)
        # Checked before the phase changes: after this line the request counts as possibly delivered.
        stream.settimeout(self._limits.within(self._limits.read))
        self.phase = Phase.SENDING
        while rest:
            rest = rest[stream.send(rest) :]
            stream.settimeout(self._limits.within(self._limits.read))
        self.phase = Phase.SENT

    def _receive(self) -> bytes:
        stream = self._stream()
        stream.settimeout(self._limits.within(self._limits.read))
        return stream.recv(_RECEIVE)


def _message(target: SplitResult, headers: Mapping[str, str], body: bytes) -> bytes:
    """The bytes of the POST. Raises ValueError for what would break out of a line."""
    path = (target.path or "/") + (f"?{target.query}" if target.query else "")
    lines = {name: value for name, value in headers.items() if name.lower() not in _OURS}
    given = {name.lower() for name in lines}
    defaults = {
        "Host": target.netloc.rpartition("@")[2],
        "User-Agent": USER_AGENT,
        "Accept": "application/json",
    }
    lines |= {name: value for name, value in defaults.items() if name.lower() not in given}
    lines |= {"Content-Length": str(len(body)), "Accept-Encoding": "identity", "Connection": "close"}
    for name, value in lines.items():
        if not _HEADER_NAME.fullmatch(name) or not _HEADER_VALUE.fullmatch(value):
            raise ValueError(f"header {name!r} should have a plain name and one line of ASCII as value")
    if not _TARGET.fullmatch(path):
        raise ValueError("url should be quoted: visible ASCII characters only")
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"POST {path} HTTP/1.1\r\n{head}\r\n".encode("ascii") + body


def _split(url: str) -> SplitResult:
    target = urlsplit(url)
    if target.scheme not in ("http", "https") or not target.hostname or "@" in target.netloc:
        raise ValueError("url should be an http or https address with a host and without a user")
    if target.port == 0:
        raise ValueError("url should have a port between 1 and 65535, or none")
    return target


def _attempt(call: _Call, message: bytes, max_body: int) -> str:
    """Run the call; the error in words, empty after a whole answer."""
    try:
        call.run(message, max_body)
    except (_TimeUp, TimeoutError) as error:
        return call.late(error)
    except AnswerBroken as error:
        return str(error)
    except (OSError, ValueError) as error:
        # ssl.SSLError and certificate errors are OSErrors; a name that cannot be encoded is a ValueError.
        return plain(f"{type(error).__name__}: {error}")[:500]
    finally:
        call.close()
    return ""


def post_once(  # noqa: PLR0913 - a request, its limits and nothing else; all by name
    *,
    url: str,
    headers: Mapping[str, str],
    body: bytes,
    connect_timeout: float = 5,
    read_timeout: float = 30,
    wall: float = 60,
    max_body: int = 1_000_000,
    tls_context: ssl.SSLContext | None = None,
    refuses: AddressRule = any_other,
) -> OneShotResult:
    """POST `body` to `url` once, and tell what happened.

    Never raises for what a network, a peer or a certificate does; raises ValueError, before anything is
    sent, for a URL or header that cannot be sent. Times in seconds: `connect_timeout` for the lookup and the
    connection together and once more for the TLS handshake, `read_timeout` for each silence, `wall` for
    everything. A body longer than `max_body` bytes is cut and not complete. `tls_context` replaces the
    default one, which checks certificates against the same store as the reads. No address is connected to
    that `refuses` speaks against.
    """
    target = _split(url)
    message = _message(target, headers, body)
    started_at, started = datetime.now(UTC), time.monotonic()
    call = _Call(target, _Limits(connect_timeout, read_timeout, started + wall), tls_context, refuses)
    error = _attempt(call, message, max_body)
    return OneShotResult(
        phase=call.phase,
        status=call.status,
        reason=call.reason,
        headers=call.headers,
        body=call.body,
        complete=call.phase is Phase.COMPLETE,
        error=error,
        started_at=started_at,
        duration_ms=round((time.monotonic() - started) * 1000),
    )
