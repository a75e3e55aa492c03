"""Typed readers of the environment. An unknown ECSPORTAL_ name or a malformed value stops the start.

Each setting may also be given as NAME_FILE, the path of a file that holds the value (for secrets).
"""

import base64
import binascii
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

#: Every name the product reads, with what it is for. docs/operate.md is tested against this table.
KNOWN = {
    "ECSPORTAL_SECRET_KEY": "signs sessions and form tokens; 32 characters or more",
    "ECSPORTAL_ENCRYPTION_KEYS": "id:base64 of 32 bytes, comma separated, first is current; seals secrets",
    "ECSPORTAL_DATABASE_URL": "postgres://user:password@host:5432/name or sqlite:///path",
    "ECSPORTAL_BROKER_URL": "redis://… or amqp://…; memory:// (the default) keeps the queue in the process",
    "ECSPORTAL_REDIS_URL": "redis://…: live pages across several web processes",
    "ECSPORTAL_ALLOWED_HOSTS": "host names the portal answers to, comma separated",
    "ECSPORTAL_BASE_URL": "https://portal.example.com, as people type it",
    "ECSPORTAL_DEPLOYMENT_ID": "a name for this installation",
    "ECSPORTAL_BREAKER": "false lets the engine go on after unclear answers; true (the default) stops it",
    "ECSPORTAL_DEBUG": "true or false; true shows tracebacks in the browser, never in production",
    "ECSPORTAL_LOG_LEVEL": "DEBUG, INFO, WARNING or ERROR",
    "ECSPORTAL_LOG_FORMAT": "text (for people) or json (for machines)",
    "ECSPORTAL_CALLS_PER_SECOND": "calls a second; submit=30,evidence=20,poll=50,sync=20 if not given",
    "ECSPORTAL_CALL_WALL_S": "seconds after which the reinstall call is cut off; 5 to 60, 60 if not given",
    "ECSPORTAL_AUTO_NOT_APPLIED": "true closes a job by itself once it is proven that nothing happened",
    "ECSPORTAL_SECOND_PERSON": 'where "it never started" needs a second person: production, always or never',
    "ECSPORTAL_SECOND_FACTOR": "where wiping and administering need a second factor: real, always or never",
    "ECSPORTAL_SESSION_IDLE_MIN": "minutes without a request that end a session; 30 if not given",
    "ECSPORTAL_SESSION_HOURS": "hours after which people sign in anew, whatever they do; 12 if not given",
    "ECSPORTAL_OIDC": "JSON: issuer, client_id, client_secret and what groups mean; single sign-on",
    "ECSPORTAL_FORM_WAIT_S": "seconds a form waits for the cloud, 0: it is not asked; 3 if not given",
    "ECSPORTAL_KEEP_SECRETS_DAYS": "days scripts and passwords stay, sealed, after a job; 30 if not given",
    "ECSPORTAL_DATA_DIR": "directory of the embedded database, keys and logs; var/ if not given",
    "ECSPORTAL_ALLOW_PRIVATE_ENDPOINTS": "true lets a cloud have an http:// or private address",
    "ECSPORTAL_FAULT_INJECTION": "crash points of a fault run, as K2:0.2,K3:1; never in production",
    "ECSPORTAL_LEASE_S": "seconds a claimed job belongs to its worker; 180, below 90 in a fault run only",
    "ECSPORTAL_SYNC_EVERY_S": "seconds between two readings of an inventory; 300, 0 for never by itself",
    "ECSPORTAL_THROTTLES": "how often one may ask: read=600/min,order=30/min; s, min, hour, day or off",
    "ECSPORTAL_TRUST_PROXY": "true believes X-Forwarded-Proto and X-Forwarded-For of the proxy in front",
}

_KEY_ID = re.compile(r"[0-9A-Za-z]{1,16}")
_TRUE = frozenset({"true", "1", "yes", "on"})
_FALSE = frozenset({"false", "0", "no", "off", ""})

#: What Django compares with the Host header of a request: a name, an address, an IPv6 address in [ ], or "*".
_HOST = re.compile(r"\*|\.?[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*\.?|\[[0-9A-Fa-f:.]+\]")


@dataclass(frozen=True, slots=True)
class Environment:
    """The variables of one process. Build it with `read_environment`, which refuses unknown names."""

    values: Mapping[str, str]

    def text(self, name: str, default: str = "") -> str:
        """The value, or the content of the file NAME_FILE names, without white space around it."""
        direct, path = self.values.get(name), self.values.get(f"{name}_FILE")
        if direct is not None and path is not None:
            raise ImproperlyConfigured(f"{name} and {name}_FILE are both set; keep one of them.")
        if path is not None:
            try:
                return Path(path).read_text(encoding="utf-8").strip()
            except (OSError, UnicodeDecodeError) as error:
                raise ImproperlyConfigured(f"{name}_FILE: cannot read {path} ({error}).") from None
        return default if direct is None else direct.strip()

    def flag(self, name: str, default: bool = False) -> bool:
        """True or False; anything else stops the start."""
        value = self.text(name, "true" if default else "false").lower()
        if value not in _TRUE | _FALSE:
            raise ImproperlyConfigured(f"{name} is {value!r}; write true or false.")
        return value in _TRUE

    def number(self, name: str, default: int, low: int, high: int) -> int:
        """A whole number from `low` to `high`; anything else stops the start."""
        value = self.text(name, str(default))
        if not (value.isascii() and value.isdigit() and len(value) < 10 and low <= int(value) <= high):
            raise ImproperlyConfigured(f"{name} is a whole number from {low} to {high}, not {value!r}.")
        return int(value)

    def choice(self, name: str, default: str, choices: tuple[str, ...]) -> str:
        """One of `choices`."""
        value = self.text(name, default)
        if value not in choices:
            raise ImproperlyConfigured(f"{name} is {value!r}; write one of {', '.join(choices)}.")
        return value

    def items(self, name: str) -> list[str]:
        """Comma separated values, without empty ones."""
        return [item.strip() for item in self.text(name).split(",") if item.strip()]

    def hosts(self, name: str) -> list[str]:
        """Host names, perhaps with a dot in front for all below it, or addresses; no scheme, port or path."""
        hosts = self.items(name)
        for host in hosts:
            if not _HOST.fullmatch(host):
                raise ImproperlyConfigured(
                    f"{name}: {host!r} is not a host name; "
                    "write portal.example.com, without scheme, port or path."
                )
        return hosts

    def url(self, name: str, default: str, schemes: tuple[str, ...]) -> str:
        """An URL with one of `schemes`. Errors never repeat it: there may be a password in it."""
        value = self.text(name, default)
        if value and value.split("://", 1)[0] not in schemes:
            raise ImproperlyConfigured(
                f"{name} does not start with {' or '.join(s + '://' for s in schemes)}."
            )
        wrong = _wrong_url(value) if value else ""
        if wrong:
            raise ImproperlyConfigured(f"{name} {wrong}")
        return value

    def origin(self, name: str) -> str:
        """An address as people type it, without the slash at the end: scheme, host and port, nothing more."""
        value = self.url(name, "", ("http", "https")).rstrip("/")
        parts = urlsplit(value)
        if value and value != f"{parts.scheme}://{parts.netloc}" or "@" in value:
            raise ImproperlyConfigured(
                f"{name} is scheme, host and port only, like https://portal.example.com; leave out the rest."
            )
        return value

    def keys(self, name: str) -> dict[str, bytes]:
        """Encryption keys by id, the current one first."""
        keys: dict[str, bytes] = {}
        for item in self.items(name):
            key_id, colon, encoded = item.partition(":")
            try:
                raw = base64.b64decode(encoded, validate=True)
            except (binascii.Error, ValueError):
                raw = b""
            if not (colon and _KEY_ID.fullmatch(key_id) and len(raw) == 32):
                raise ImproperlyConfigured(
                    f"{name}: each key is id:base64, the id 1 to 16 of a-z A-Z 0-9, the key 32 bytes; "
                    "one is not."
                )
            if key_id in keys:
                raise ImproperlyConfigured(f"{name}: the id {key_id} is there twice; each key has its own.")
            keys[key_id] = raw
        return keys


def writable(name: str, directory: Path) -> Path:
    """`directory`, made where it is missing. A directory nobody can write to stops the start by `name`."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ImproperlyConfigured(f"{name}: cannot make {directory} ({error.strerror}).") from None
    if not os.access(directory, os.W_OK | os.X_OK):
        raise ImproperlyConfigured(f"{name}: cannot write to {directory}.")
    return directory


def _wrong_url(value: str) -> str:
    """What is wrong with an URL of a known scheme, as the rest of a sentence."""
    try:
        parts = urlsplit(value)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return "is not an URL: the port is a number up to 65535, an IPv6 address stands in [ ]."
    if parts.scheme == "sqlite":
        return "" if len(parts.path) > 1 else "names no file; write sqlite:///path."
    if parts.scheme in ("postgres", "postgresql") and len(parts.path) < 2:
        return "names no database; write postgres://user:password@host:5432/name."
    needs_host = parts.scheme not in ("memory", "postgres", "postgresql")
    return "names no host." if needs_host and not host else ""


def read_environment(values: Mapping[str, str] | None = None) -> Environment:
    """The environment of this process. Raises ImproperlyConfigured for a name nobody knows."""
    values = os.environ if values is None else values
    known = set(KNOWN) | {f"{name}_FILE" for name in KNOWN}
    for name in sorted(values):
        if name.startswith("ECSPORTAL_") and name not in known:
            raise ImproperlyConfigured(
                f"{name} is not a setting of ecsportal. Known: {', '.join(sorted(KNOWN))}."
            )
    return Environment(values)
