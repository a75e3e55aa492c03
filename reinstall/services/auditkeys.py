"""The keys of the audit history: made at the first start, kept sealed, opened once in each process."""

from functools import lru_cache

from reinstall.domain.sealing import CannotOpen
from reinstall.models import AuditKey
from reinstall.services import vault

BYTES = 32


def key_place(key: AuditKey) -> str:
    """What a key of the audit history is sealed for."""
    return place_of(key.pk)


def place_of(key_id: int) -> str:
    """As `key_place`, by the number of the key."""
    return f"audit_key:key:{key_id}"


def opened(key_id: int, sealed: bytes) -> bytes:
    """The key in `sealed`. Raises CannotOpen, also for none: an empty key would sign for everybody.

    Remembered by what is sealed, not by its number: a row that was wrapped anew or replaced is opened anew.
    """
    return _opened(key_id, bytes(sealed))


def all_keys() -> dict[int, bytes]:
    """Every key that opens, by number. An entry under another one cannot be proved, and is reported."""
    keys = {}
    for row in AuditKey.objects.all():
        try:
            keys[row.pk] = opened(row.pk, bytes(row.key_sealed))
        except CannotOpen:
            continue
    return keys


@lru_cache(maxsize=16)
def _opened(key_id: int, sealed: bytes) -> bytes:
    key = vault.open_text(sealed, place=place_of(key_id))
    if len(key) != BYTES:
        raise CannotOpen(f"there is no key in {place_of(key_id)}")
    return key


def forget() -> None:
    """Opens the keys anew at their next use."""
    _opened.cache_clear()
