"""Puts audit entries into the chain: one of its streams is taken, the entries get their places and codes.

A stream is held until the transaction of the act ends. There are 64, and one that somebody holds is passed
by, so writers wait for each other only when more than 64 of them write at once. SQLite has one writer at a
time.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection

from reinstall.domain import chain
from reinstall.domain.errors import NotRecorded
from reinstall.domain.sealing import CannotOpen
from reinstall.models import AuditEvent
from reinstall.services import auditkeys
from reinstall.services.walking import End

log = logging.getLogger(__name__)

#: Entries one statement writes.
_AT_ONCE = 500
#: Written out: building this from models takes longer than the database does.
_ENDS = (
    "SELECT s.number, s.position, s.mac, s.key_id, s.signature, own.key_sealed, newest.id, newest.key_sealed "
    "FROM reinstall_auditstream s LEFT JOIN reinstall_auditkey own ON own.id = s.key_id "
    "LEFT JOIN (SELECT id, key_sealed FROM reinstall_auditkey ORDER BY id DESC LIMIT 1) newest ON 1 = 1 "
)
_MOVE = (
    "UPDATE reinstall_auditstream SET position = %s, mac = %s, key_id = %s, signature = %s "
    "WHERE number = %s AND position = %s"
)


@dataclass(frozen=True, slots=True)
class _Taken:
    """The end of a stream that this transaction holds, and the key for what comes next."""

    number: int
    position: int
    mac: str
    key_id: int
    key: bytes


def append(entries: list[AuditEvent]) -> None:
    """Stores the entries, in their order, at the end of one stream. Needs the transaction of the act.

    A few statements for any number of entries. Raises NotRecorded when no stream can be continued.
    """
    if not entries:
        return
    taken = _take()
    mac = taken.mac
    for place, (entry, number) in enumerate(zip(entries, _numbers(len(entries)), strict=True), 1):
        entry.pk, entry.stream, entry.position, entry.key_id = (
            number, taken.number, taken.position + place, taken.key_id,
        )  # fmt: skip
        entry.before, entry.after = chain.as_stored(entry.before), chain.as_stored(entry.after)
        mac = chain.entry_mac(taken.key, mac, chain.says([getattr(entry, name) for name in chain.FIELDS]))
        entry.mac = mac
    AuditEvent.objects.bulk_create(entries, batch_size=_AT_ONCE)
    _move_end(taken, taken.position + len(entries), mac)


def _take() -> _Taken:
    """A stream nobody writes to at present. Its end must be signed: what was bent is never carried on."""
    passed_by: list[int] = []
    while True:
        row = _free(passed_by, wait=False) or _free(passed_by, wait=True)
        if row is None:
            raise NotRecorded("No stream of the audit history can be continued. Run manage.py audit verify.")
        number, position, mac, key_id, signature, own, newest, newest_sealed = row
        end = End(number, position, mac, key_id, signature)
        if end.is_signed(_key_of(key_id, own)):
            return _Taken(number, position, mac, newest, _opened(newest, newest_sealed))
        log.critical(
            "the end of stream %s of the audit history was changed by hand; it is left as it is", number
        )
        passed_by.append(number)


def _key_of(key_id: int, sealed: bytes | None) -> dict[int, bytes]:
    """The key an end names. None where the end names one that is not there: that was not written here."""
    return {key_id: _opened(key_id, sealed)} if sealed else {}


def _opened(key_id: int, sealed: bytes | None) -> bytes:
    try:
        return auditkeys.opened(key_id, sealed or b"")
    except CannotOpen as error:
        raise NotRecorded(f"The key of the audit history does not open: {error}.") from error


def _free(passed_by: Sequence[int], *, wait: bool) -> tuple[Any, ...] | None:
    """A stream, locked, with its own key and the newest. `wait`: for any, where all are held."""
    without = f"WHERE s.number NOT IN ({', '.join(map(str, passed_by))}) " if passed_by else ""
    order = "ORDER BY random() LIMIT 1" if wait else "ORDER BY s.number LIMIT 1"
    lock = ""
    if connection.vendor == "postgresql":
        lock = " FOR UPDATE OF s" if wait else " FOR UPDATE OF s SKIP LOCKED"
    with connection.cursor() as cursor:
        cursor.execute(_ENDS + without + order + lock)
        found: tuple[Any, ...] | None = cursor.fetchone()
    return found


def _numbers(count: int) -> list[int]:
    """So many numbers for new entries: they are part of what is signed, so they must be known before."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            # The transaction is the only writer until it ends.
            cursor.execute("SELECT seq FROM sqlite_sequence WHERE name = 'reinstall_auditevent'")
            last = (cursor.fetchone() or (0,))[0]
            return list(range(last + 1, last + count + 1))
        cursor.execute(
            "SELECT nextval(pg_get_serial_sequence('reinstall_auditevent', 'id')) "
            "FROM generate_series(1, %s)",
            [count],
        )
        return [number for (number,) in cursor.fetchall()]


def _move_end(taken: _Taken, position: int, mac: str) -> None:
    signature = chain.head_mac(
        taken.key, number=taken.number, position=position, mac=mac, key_id=taken.key_id
    )
    with connection.cursor() as cursor:
        cursor.execute(_MOVE, [position, mac, taken.key_id, signature, taken.number, taken.position])
        moved = cursor.rowcount
    if moved != 1:
        raise NotRecorded(f"Stream {taken.number} of the audit history was moved under this transaction.")
