"""The database itself refuses to change the audit history, whatever the code believes."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from reinstall.models import AuditEvent, AuditKey, AuditStream
from reinstall.services import auditchecks
from tests.reinstall.rows import an_event

pytestmark = pytest.mark.django_db

COLUMNS = ", ".join(
    connection.ops.quote_name(str(field.column))
    for field in AuditEvent._meta.concrete_fields
    if field.column != "id"
)
sqlite_only = pytest.mark.skipif(connection.vendor != "sqlite", reason="a word of SQLite")
postgresql_only = pytest.mark.skipif(connection.vendor != "postgresql", reason="a word of PostgreSQL")


@contextmanager
def refused(words: str) -> Iterator[None]:
    with pytest.raises(IntegrityError, match=words), transaction.atomic():
        yield


def run(statement: str, *values: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


@pytest.fixture
def entry() -> Iterator[AuditEvent]:
    """An entry that must be there afterwards as it was before."""
    made = an_event(object_id="7", seq=1, note="as it was")
    before = AuditEvent.objects.values().get(pk=made.pk)
    yield made
    assert AuditEvent.objects.values().get() == before


ADDED_ONLY = "added, never changed"


def test_no_entry_is_updated(entry: AuditEvent) -> None:
    with refused(ADDED_ONLY):
        AuditEvent.objects.filter(pk=entry.pk).update(note="something else")
    entry.note = "something else"
    with refused(ADDED_ONLY):
        entry.save()


def test_no_entry_is_deleted(entry: AuditEvent) -> None:
    with refused(ADDED_ONLY):
        AuditEvent.objects.all().delete()
    with refused(ADDED_ONLY):
        run("DELETE FROM reinstall_auditevent WHERE id = %s", entry.pk)


@postgresql_only
@pytest.mark.parametrize("table", ["reinstall_auditevent", "reinstall_auditstream", "reinstall_auditkey"])
def test_no_table_of_the_history_is_truncated(entry: AuditEvent, table: str) -> None:
    with refused("never"):
        run(f"TRUNCATE {table} CASCADE")


#: What makes a second entry collide with the first: its number, its place, or the move it tells of.
COLLISIONS = {
    "number": ("id", "stream + 1", "seq + 1"),
    "place": ("id + 1", "stream", "seq + 1"),
    "move": ("id + 1", "stream + 1", "seq"),
}


def copied(collision: str) -> str:
    """SELECT of a forged copy of the entry."""
    number, stream, seq = COLLISIONS[collision]
    columns = COLUMNS.replace('"note"', "'forged'").replace('"stream"', stream).replace('"seq"', seq)
    return f"SELECT {number}, {columns} FROM reinstall_auditevent WHERE id = %s"


@sqlite_only
@pytest.mark.parametrize("collision", COLLISIONS)
def test_insert_or_replace_does_not_take_an_entry_s_place(entry: AuditEvent, collision: str) -> None:
    with refused(ADDED_ONLY):
        run(f"INSERT OR REPLACE INTO reinstall_auditevent (id, {COLUMNS}) {copied(collision)}", entry.pk)
    with refused(ADDED_ONLY):
        run(f"REPLACE INTO reinstall_auditevent (id, {COLUMNS}) {copied(collision)}", entry.pk)


CONFLICTS = {
    "number": "(id)",
    "place": "(stream, position)",
    "move": "(object_type, object_id, seq) WHERE seq IS NOT NULL",
}


@pytest.mark.parametrize("collision", COLLISIONS)
def test_on_conflict_do_update_changes_nothing(entry: AuditEvent, collision: str) -> None:
    with refused(ADDED_ONLY):
        run(
            f"INSERT INTO reinstall_auditevent (id, {COLUMNS}) {copied(collision)} AND 1 = 1 "
            f"ON CONFLICT {CONFLICTS[collision]} DO UPDATE SET note = 'forged'",
            entry.pk,
        )


def test_streams_and_keys_are_kept_and_a_stream_only_grows() -> None:
    an_event()
    with refused("never removed"):
        AuditKey.objects.all().delete()
    with refused("never removed"):
        AuditStream.objects.all().delete()
    grown = AuditStream.objects.get(position__gt=0)
    with refused("only grows"):
        AuditStream.objects.filter(pk=grown.pk).update(position=0)
    with refused("only grows"):
        AuditStream.objects.filter(pk=grown.pk).update(number=99)


@sqlite_only
@pytest.mark.parametrize("table", ["reinstall_auditstream", "reinstall_auditkey"])
def test_streams_and_keys_are_not_replaced(table: str) -> None:
    with refused("never removed"):
        run(f"INSERT OR REPLACE INTO {table} SELECT * FROM {table}")


def test_every_trigger_is_there_after_the_migrations_and_one_that_is_missing_is_named() -> None:
    assert auditchecks.missing_triggers() == ()
    name = auditchecks.TRIGGERS[connection.vendor][0]
    table = {"postgresql": " ON reinstall_auditevent", "sqlite": ""}[connection.vendor]
    run(f"DROP TRIGGER {name}{table}")
    assert auditchecks.missing_triggers() == (name,)
