"""Empties tables the database itself protects: for tests, and for who plays a superuser with a plan."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.test import TransactionTestCase
from django.utils.timezone import now

from reinstall.domain import chain
from reinstall.domain.sealing import KeyRing
from reinstall.models import AuditKey, AuditStream
from reinstall.services import auditkeys

GUARDED = ("reinstall_auditevent", "reinstall_auditstream", "reinstall_auditkey")


@contextmanager
def lifted() -> Iterator[None]:
    """Without the triggers of the audit tables, as only their owner can have it; they are back afterwards."""
    if "reinstall_auditstream" not in connection.introspection.table_names():
        yield
        return
    off, on = _off_and_on()
    _execute(off)
    try:
        yield
    finally:
        _execute(on)


def _off_and_on() -> tuple[list[str], list[str]]:
    if connection.vendor == "postgresql":
        return (
            [f"ALTER TABLE {table} DISABLE TRIGGER USER" for table in GUARDED],
            [f"ALTER TABLE {table} ENABLE TRIGGER USER" for table in GUARDED],
        )
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name IN (%s, %s, %s)", GUARDED
        )
        found = cursor.fetchall()
    return [f"DROP TRIGGER {name}" for name, _ in found], [sql for _, sql in found]


def _execute(statements: list[str]) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def begin_again() -> None:
    """A key and empty streams, as the migration makes them, where a flush took them."""
    if AuditStream.objects.exists():
        return
    secret = secrets.token_bytes(32)
    with transaction.atomic():
        key = AuditKey.objects.create(key_sealed=b"", created_at=now())
        place = auditkeys.key_place(key)
        AuditKey.objects.filter(pk=key.pk).update(
            key_sealed=KeyRing(settings.ENCRYPTION_KEYS).seal(secret, place)
        )
        AuditStream.objects.bulk_create(
            AuditStream(
                number=number,
                position=0,
                key_id=key.pk,
                signature=chain.head_mac(secret, number=number, position=0, mac="", key_id=key.pk),
            )
            for number in range(chain.STREAMS)
        )


@contextmanager
def emptying() -> Iterator[None]:
    """Around a flush."""
    with lifted():
        yield
        begin_again()


def for_every_test() -> None:
    """From here on what a test with real transactions leaves in the audit tables can be cleared away.

    Called once, before the first test.
    """
    flushed: Any = TransactionTestCase._fixture_teardown  # type: ignore[attr-defined]

    def torn_down(case: TransactionTestCase) -> None:
        with emptying():
            flushed(case)

    TransactionTestCase._fixture_teardown = torn_down  # type: ignore[attr-defined]
