"""What a connection test looks at below the API: the name, the certificate, the clock of the other side.

Each connects by `dialing`, so an address that must not be called is refused here as it is in a call.
"""

import ssl
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from urllib.parse import SplitResult, urlsplit

import certifi
import requests

from ecsclient.addresses import AddressRule, any_other
from ecsclient.clock import Clock, utc_now
from ecsclient.dialing import addresses_of, dial
from ecsclient.errors import Unsent, plain
from ecsclient.exchange import Caller

#: Seconds for a lookup, a connection or a handshake.
PATIENCE: Final = 5.0


@dataclass(frozen=True, slots=True)
class Secured:
    """A TLS connection that stood: `protocol` like "TLSv1.3", and when the certificate runs out."""

    protocol: str
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class ClockReading:
    """Seconds the clock of the cloud is ahead of ours (negative: behind); None where it told no time."""

    ahead_s: float | None


def _parts(url: str) -> tuple[SplitResult, str, int]:
    parts = urlsplit(url)
    return parts, parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)


def look_up(url: str, refuses: AddressRule = any_other) -> tuple[str, ...]:
    """The addresses of the host of `url`. Raises Unsent where it has none, or one that is refused."""
    _, host, port = _parts(url)
    try:
        return addresses_of(host, port, PATIENCE, refuses)
    except OSError as error:
        raise Unsent(plain(str(error))[:300]) from error


def secure(
    url: str, refuses: AddressRule = any_other, *, tls_context: ssl.SSLContext | None = None
) -> Secured:
    """What a TLS handshake with the host of `url` agreed on; nothing is sent. Raises Unsent."""
    _, host, port = _parts(url)
    context = tls_context or ssl.create_default_context(cafile=certifi.where())
    try:
        with dial(host, port, PATIENCE, refuses) as stream:
            stream.settimeout(PATIENCE)
            with context.wrap_socket(stream, server_hostname=host) as tls:
                return Secured(tls.version() or "TLS", _expiry(tls.getpeercert()))
    except (OSError, ValueError) as error:
        raise Unsent(plain(f"{host}: {_words(error)}")[:300]) from error


def _words(error: Exception) -> str:
    """What is wrong with a certificate in its own words, else the error."""
    return str(getattr(error, "verify_message", "") or error or type(error).__name__)


def _expiry(certificate: object) -> datetime | None:
    said = certificate.get("notAfter") if isinstance(certificate, dict) else None
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(said), UTC) if isinstance(said, str) else None


def read_clock(url: str, refuses: AddressRule = any_other, *, clock: Clock = utc_now) -> ClockReading:
    """Asks for the start page of a service, without credentials, and reads the Date of whatever it answers.

    Good to a second and half the time the answer took. Raises Unsent or Unclear.
    """
    parts, _, _ = _parts(url)
    caller = Caller(timeout=(PATIENCE, 2 * PATIENCE), clock=clock, refuses=refuses)
    asked = clock()
    try:
        answer = caller.call(requests.Request("GET", f"{parts.scheme}://{parts.netloc}/"))
    finally:
        caller.close()
    middle = asked + (clock() - asked) / 2
    return ClockReading((answer.date - middle).total_seconds() if answer.date else None)
