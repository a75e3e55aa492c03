"""Entries find their place in the chain: one, many, from many writers, and where an end was bent."""

import threading
from datetime import UTC, datetime
from functools import partial
from itertools import pairwise

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils.timezone import now

from reinstall.domain import chain as codes
from reinstall.domain.actors import ENGINE
from reinstall.domain.errors import NotRecorded
from reinstall.models import AuditEvent, AuditKey, AuditStream
from reinstall.services import auditkeys, history
from reinstall.services.verification import verify
from tests.emptying import lifted
from tests.reinstall.services.together import together

pytestmark = pytest.mark.django_db


def acts(count: int, **more: object) -> list[history.Act]:
    return [history.Act(action="x.y", object_type="x", object_id=str(n), **more) for n in range(count)]  # type: ignore[arg-type]


def recorded(count: int = 1, **more: object) -> list[AuditEvent]:
    """Entries of one act each, written in one transaction."""
    before = AuditEvent.objects.count()
    with transaction.atomic():
        history.record_all(actor=ENGINE, now=now(), acts=acts(count, **more))
    return list(AuditEvent.objects.order_by("id")[before:])


def test_entries_follow_each_other_in_one_stream() -> None:
    first, second = recorded(2)
    third = recorded()[0]
    key = auditkeys.all_keys()[first.key_id]
    before = codes.START
    for position, entry in enumerate((first, second, third), 1):
        assert (entry.stream, entry.position) == (0, position)
        before = codes.entry_mac(key, before, codes.says([getattr(entry, name) for name in codes.FIELDS]))
        assert entry.mac == before
    assert all(one.pk < other.pk for one, other in pairwise((first, second, third)))
    end = AuditStream.objects.get(number=0)
    assert (end.position, end.mac) == (3, third.mac)


def test_what_is_read_back_is_what_was_signed() -> None:
    recorded(
        after={
            "share": 1e22,
            "ratio": 0.1,
            "whole": 2.0,
            "list": (1, 2),
            "ü": "\u2028'\"\\",
            "deep": {"b": 1, "a": None},
        }
    )
    entry = AuditEvent.objects.get()
    assert entry.after["list"] == [1, 2] and entry.after["whole"] == 2
    assert verify(now=now()).unbroken


@pytest.mark.parametrize("count", [1, 400])
def test_any_number_of_entries_take_few_statements(count: int) -> None:
    with (
        CaptureQueriesContext(
            connection,
        ) as seen,
        transaction.atomic(),
    ):
        history.record_all(actor=ENGINE, now=now(), acts=acts(count))
    statements = [query["sql"] for query in seen if "SAVEPOINT" not in query["sql"]]
    around = [sql for sql in statements if not sql.startswith("INSERT")]
    assert len(around) == 3, around
    # SQLite takes 999 values a statement.
    assert len(statements) - len(around) <= (1 if connection.vendor == "postgresql" else 1 + count // 45)


def test_ten_thousand_entries_of_one_order_are_one_chain() -> None:
    recorded(10_000)
    assert AuditStream.objects.get(number=0).position == 10_000
    assert verify(now=now()).entries == 10_000


def test_what_is_rolled_back_leaves_no_gap() -> None:
    recorded()
    with pytest.raises(KeyError), transaction.atomic():
        history.record_all(actor=ENGINE, now=now(), acts=acts(3))
        raise KeyError
    recorded()
    assert [entry.position for entry in AuditEvent.objects.order_by("id")] == [1, 2]
    assert verify(now=now()).unbroken


def test_no_acts_are_no_entries() -> None:
    assert recorded(0) == []


def test_what_json_does_not_have_is_refused_with_its_act() -> None:
    with pytest.raises(NotRecorded, match="could not be written"):
        recorded(after={"share": float("nan")})
    assert not AuditEvent.objects.exists()


def bent(**changes: object) -> None:
    """Someone with the rights of a superuser changes the end of stream 0."""
    with lifted():
        AuditStream.objects.filter(number=0).update(**changes)


def test_a_stream_whose_end_was_bent_is_never_carried_on(caplog: pytest.LogCaptureFixture) -> None:
    recorded(3)
    with lifted():
        AuditEvent.objects.filter(position=3).delete()
    bent(position=2, mac=AuditEvent.objects.get(position=2).mac)
    later = recorded()[0]
    assert (later.stream, later.position) == (1, 1)
    assert "end of stream 0" in caplog.text
    # What shows the cut is still there.
    assert "end of stream 0 was changed by hand" in verify(now=now()).misfits[0].sentence


def forged_end(key_id: int) -> None:
    """The last of three entries is cut off, and the end signed anew with an empty key."""
    with lifted():
        AuditEvent.objects.filter(position=3).delete()
    mac = AuditEvent.objects.get(position=2).mac
    signature = codes.head_mac(b"", number=0, position=2, mac=mac, key_id=key_id)
    bent(position=2, mac=mac, key_id=key_id, signature=signature)


def test_an_end_that_names_a_key_there_is_not_is_not_carried_on() -> None:
    recorded(3)
    forged_end(key_id=99)
    assert recorded()[0].stream == 1
    assert not verify(now=now()).unbroken


def test_a_key_of_nothing_signs_nothing() -> None:
    """Somebody with the database and without the keys puts a key of their own there: none at all."""
    recorded(3)
    empty = AuditKey.objects.create(key_sealed=b"", created_at=now())
    forged_end(key_id=empty.pk)
    assert empty.pk not in auditkeys.all_keys()
    assert not verify(now=now()).unbroken
    with pytest.raises(NotRecorded, match="no key in audit_key"):
        recorded()


def test_without_any_stream_the_act_is_refused() -> None:
    bent(signature="0" * 64)
    with lifted():
        AuditStream.objects.update(signature="0" * 64)
    with pytest.raises(NotRecorded, match="audit verify"):
        recorded()


def test_without_the_key_the_act_is_refused(settings: object) -> None:
    settings.ENCRYPTION_KEYS = {"other": b"o" * 32}  # type: ignore[attr-defined]
    auditkeys.forget()
    try:
        with pytest.raises(NotRecorded, match="key of the audit history does not open"):
            recorded()
    finally:
        auditkeys.forget()
    assert not AuditEvent.objects.exists()


def test_a_newer_key_signs_what_comes_next() -> None:
    recorded()
    key = AuditKey.objects.create(key_sealed=b"", created_at=datetime(2026, 3, 1, tzinfo=UTC))
    from reinstall.services import vault

    key.key_sealed = vault.seal_text(b"n" * 32, place=auditkeys.key_place(key))
    key.save()
    assert recorded()[0].key_id == key.pk != AuditEvent.objects.get(position=1).key_id
    assert recorded()[0].position == 3
    assert verify(now=now()).unbroken


@pytest.mark.django_db(transaction=True)
def test_many_writers_at_once_leave_one_history(transactional_db: None) -> None:
    def write(number: int) -> None:
        for _ in range(10):
            with transaction.atomic():
                history.record_all(actor=ENGINE, now=now(), acts=acts(1 + number % 3))

    assert together([partial(write, number) for number in range(8)]) == [None] * 8
    verdict = verify(now=now())
    assert verdict.unbroken, verdict.misfits
    assert verdict.entries == sum(10 * (1 + number % 3) for number in range(8))


@pytest.mark.postgres
@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one writer at a time")
@pytest.mark.django_db(transaction=True)
def test_a_writer_passes_by_the_stream_another_holds(transactional_db: None) -> None:
    recorded()
    with transaction.atomic():
        history.record_all(actor=ENGINE, now=now(), acts=acts(1))
        [other] = together([partial(recorded, 1)])
        assert not isinstance(other, Exception)
        history.record_all(actor=ENGINE, now=now(), acts=acts(1))
    places = sorted(AuditEvent.objects.values_list("stream", "position"))
    assert places == [(0, 1), (0, 2), (0, 3), (1, 1)]
    assert verify(now=now()).unbroken


@pytest.mark.postgres
@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one writer at a time")
@pytest.mark.django_db(transaction=True)
def test_where_every_stream_is_held_a_writer_waits_its_turn(transactional_db: None) -> None:
    waiting = (
        "SELECT count(*) FROM pg_stat_activity "
        "WHERE wait_event_type = 'Lock' AND datname = current_database()"
    )

    def hold() -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT number FROM reinstall_auditstream FOR UPDATE")
            held.set()
            for _ in range(100_000):
                cursor.execute(waiting)
                if cursor.fetchone() == (1,):
                    return
        raise AssertionError("nobody waited")

    def write() -> None:
        assert held.wait(timeout=10)
        recorded()

    held = threading.Event()
    assert together([hold, write]) == [None, None]
    assert AuditEvent.objects.count() == 1
    assert verify(now=now()).unbroken
