"""Seals and opens the product's secrets with the keys of this installation."""

import json
from typing import Any

from django.conf import settings

from reinstall.domain.sealing import KeyRing


def _ring() -> KeyRing:
    return KeyRing(settings.ENCRYPTION_KEYS)


def seal_text(plain: bytes, *, place: str) -> bytes:
    """Seals bytes for "table:column:row"; empty stays empty."""
    return _ring().seal(plain, place) if plain else b""


def open_text(sealed: bytes, *, place: str) -> bytes:
    """The bytes sealed for `place`. Raises CannotOpen when key, place or content do not fit."""
    return _ring().open(sealed, place) if sealed else b""


def current_key() -> str:
    """The id of the key that seals."""
    return _ring().current


def rewrap(sealed: bytes, *, place: str) -> bytes:
    """The same secret under the current key. Raises CannotOpen; empty stays empty."""
    return _ring().rewrapped(sealed, place) if sealed else b""


def seal_record(value: dict[str, Any], *, place: str) -> bytes:
    """Seals a JSON object."""
    return seal_text(json.dumps(value).encode(), place=place)


def open_record(sealed: bytes, *, place: str) -> dict[str, Any]:
    """The JSON object sealed for `place`."""
    value: dict[str, Any] = json.loads(open_text(sealed, place=place))
    return value
