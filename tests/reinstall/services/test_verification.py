"""A superuser lifts the triggers and bends the audit history: each bend is named, the first one first."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.utils.timezone import now

from reinstall.domain.actors import ENGINE
from reinstall.domain.errors import NotAllowed
from reinstall.domain.integrity import ANCHOR, MOST, VERIFIED
from reinstall.models import AuditEvent, AuditKey, AuditStream, SystemFlag
from reinstall.services import anchoring, auditkeys, history, verification
from reinstall.services.verification import verify
from tests.emptying import lifted
from tests.reinstall.rows import an_actor
from tests.reinstall.services.together import together

pytestmark = pytest.mark.django_db


@pytest.fixture
def entries() -> list[AuditEvent]:
    """Ten entries, in the chain as services put them there."""
    acts = [
        history.Act(action="x.y", object_type="x", object_id=str(n), note=f"entry {n}", after={"n": n})
        for n in range(10)
    ]
    with transaction.atomic():
        history.record_all(actor=ENGINE, now=now(), acts=acts)
    return list(AuditEvent.objects.order_by("id"))


def sentences() -> list[str]:
    return [misfit.sentence for misfit in verify(now=now()).misfits]


def changed(entry: AuditEvent, **columns: object) -> None:
    with lifted():
        assert AuditEvent.objects.filter(pk=entry.pk).update(**columns) == 1


def removed(*entries: AuditEvent) -> None:
    with lifted():
        AuditEvent.objects.filter(pk__in=[entry.pk for entry in entries]).delete()


def test_an_untouched_history_is_unbroken(entries: list[AuditEvent]) -> None:
    verdict = verify(now=now())
    assert verdict.unbroken and verdict.misfits == ()
    assert verdict.entries == verdict.anchor.entries == 10
    assert (verdict.first_at, verdict.last_at) == (entries[0].at, entries[-1].at)


def test_an_empty_history_is_unbroken() -> None:
    verdict = verify(now=now())
    assert verdict.unbroken and verdict.entries == 0 and verdict.first_at is None


@pytest.mark.parametrize(
    "columns",
    [
        {"note": "nothing happened"},
        {"actor_name": "mallory"},
        {"after": {"n": 99}},
        {"at": now() - timedelta(days=1)},
        {"seq": 3},
        {"mac": "0" * 64},
    ],
    ids=lambda columns: next(iter(columns)),
)
def test_a_changed_entry_is_named(entries: list[AuditEvent], columns: dict[str, object]) -> None:
    changed(entries[4], **columns)
    verdict = verify(now=now())
    assert verdict.misfits[0].entry_id == entries[4].pk
    assert f"Entry {entries[4].pk} was changed" in verdict.misfits[0].sentence
    # The code itself also stands before the next entry.
    assert len(verdict.misfits) == (2 if "mac" in columns else 1)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("at", "infinity"),
        ("at", "2026-13-99"),
        ("after", '{"n": 4} {}'),
        ("after", "[]"),
        ("after", '{"n":4.0}'),
    ],
)
def test_what_no_reader_understands_is_named_too(entries: list[AuditEvent], column: str, value: str) -> None:
    """Written by hand into the file, or as far as PostgreSQL takes it."""
    if connection.vendor == "postgresql" and value in ("2026-13-99", '{"n": 4} {}'):
        pytest.skip("PostgreSQL does not take it")
    with lifted(), connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("PRAGMA ignore_check_constraints = on")
        cursor.execute(f"UPDATE reinstall_auditevent SET {column} = %s WHERE id = %s", [value, entries[4].pk])
        if connection.vendor == "sqlite":
            cursor.execute("PRAGMA ignore_check_constraints = off")
    assert verify(now=now()).misfits[0].entry_id == entries[4].pk


@pytest.mark.parametrize("micro", [0, 1, 500_000, 999_999])
def test_a_moment_fits_to_the_microsecond(micro: int) -> None:
    at = now().replace(microsecond=micro)
    with transaction.atomic():
        history.record(actor=ENGINE, now=at, act=history.Act(action="x.y", object_type="x", object_id="1"))
    assert verify(now=now()).unbroken


def test_a_number_that_was_changed_is_named(entries: list[AuditEvent]) -> None:
    changed(entries[4], id=entries[4].pk + 1000)
    assert sentences() == [
        f"Entry {entries[4].pk + 1000} was changed, or does not stand where it was written."
    ]


def test_of_two_changed_entries_the_older_is_first(entries: list[AuditEvent]) -> None:
    changed(entries[7], note="")
    changed(entries[2], note="")
    assert [misfit.entry_id for misfit in verify(now=now()).misfits] == [entries[2].pk, entries[7].pk]


def test_a_deleted_entry_is_missed(entries: list[AuditEvent]) -> None:
    removed(entries[4])
    assert sentences() == [f"1 entry is missing right before entry {entries[5].pk}."]


def test_the_first_entries_are_missed(entries: list[AuditEvent]) -> None:
    removed(*entries[:3])
    assert sentences() == [f"3 entries are missing right before entry {entries[3].pk}."]


def test_a_cut_off_end_is_missed(entries: list[AuditEvent]) -> None:
    removed(*entries[7:])
    assert sentences() == [f"3 entries are missing after entry {entries[6].pk}."]


def test_an_emptied_stream_is_missed(entries: list[AuditEvent]) -> None:
    removed(*entries)
    assert sentences() == ["10 entries are missing in stream 0."]


def test_a_cut_off_end_with_the_end_of_the_stream_moved_back_is_named(entries: list[AuditEvent]) -> None:
    removed(*entries[7:])
    with lifted():
        AuditStream.objects.filter(number=0).update(position=7, mac=entries[6].mac)
    assert sentences() == ["The end of stream 0 was changed by hand."]


def test_swapped_entries_are_named(entries: list[AuditEvent]) -> None:
    one, other = entries[3], entries[6]
    with lifted():
        AuditEvent.objects.filter(pk=one.pk).update(position=999)
        AuditEvent.objects.filter(pk=other.pk).update(position=one.position)
        AuditEvent.objects.filter(pk=one.pk).update(position=other.position)
    assert f"Entry {one.pk} was changed, or does not stand where it was written." in sentences()
    assert f"Entry {other.pk} was changed, or does not stand where it was written." in sentences()


def test_swapped_words_are_named(entries: list[AuditEvent]) -> None:
    changed(entries[3], note=entries[6].note)
    changed(entries[6], note=entries[3].note)
    assert [m.entry_id for m in verify(now=now()).misfits] == [entries[3].pk, entries[6].pk]


def forged(like: AuditEvent, **columns: object) -> AuditEvent:
    made = AuditEvent(**AuditEvent.objects.values().get(pk=like.pk) | columns)
    made.save(force_insert=True)
    return made


def test_an_entry_added_by_hand_is_named(entries: list[AuditEvent]) -> None:
    made = forged(entries[9], id=entries[9].pk + 1, position=11)
    assert sentences() == [f"Entry {made.pk} stands behind the end of stream 0."]


def test_an_entry_in_a_stream_there_is_not_is_named(entries: list[AuditEvent]) -> None:
    made = forged(entries[9], id=entries[9].pk + 1, stream=64)
    assert sentences() == [f"Entry {made.pk} stands in a stream that has no end."]


def test_a_stream_without_its_end_is_named(entries: list[AuditEvent]) -> None:
    with lifted():
        AuditStream.objects.filter(number=0).delete()
    found = sentences()
    assert f"Entry {entries[0].pk} stands in a stream that has no end." in found
    assert "Stream 0 has lost its end." in found


def test_entries_under_a_key_that_is_gone_are_not_believed(entries: list[AuditEvent]) -> None:
    with lifted():
        AuditKey.objects.all().delete()
    auditkeys.forget()
    verdict = verify(now=now())
    assert "cannot be proved" in verdict.misfits[0].sentence
    assert verdict.misfits[0].entry_id == entries[0].pk


def test_a_bend_everywhere_is_told_briefly(entries: list[AuditEvent]) -> None:
    acts = [history.Act(action="x.y", object_type="x", object_id=str(n)) for n in range(200)]
    with transaction.atomic():
        history.record_all(actor=ENGINE, now=now(), acts=acts)
    with lifted():
        AuditEvent.objects.update(note="x")
    assert len(sentences()) == MOST


def test_a_missing_trigger_breaks_the_promise(entries: list[AuditEvent]) -> None:
    table = " ON reinstall_auditkey" if connection.vendor == "postgresql" else ""
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TRIGGER audit_key_kept{table}")
    assert sentences() == [
        "The database would let entries be changed: its trigger audit_key_kept is missing."
    ]


def rewritten() -> None:
    """The whole stream 0 by somebody who holds the key: every code fits again."""
    from reinstall.domain import chain

    key_id, key = next(iter(auditkeys.all_keys().items()))
    before = chain.START
    with lifted():
        for entry in AuditEvent.objects.filter(stream=0).order_by("position"):
            said = chain.says([getattr(entry, name) for name in chain.FIELDS])
            before = chain.entry_mac(key, before, said)
            AuditEvent.objects.filter(pk=entry.pk).update(mac=before)
        signature = chain.head_mac(key, number=0, position=10, mac=before, key_id=key_id)
        AuditStream.objects.filter(number=0).update(mac=before, signature=signature)


def test_an_anchor_in_the_log_outlives_the_key(
    entries: list[AuditEvent], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("INFO"):
        anchor = anchoring.drop_anchor(now=now())
    assert f"audit_anchor {anchor}" in caplog.text
    assert verify(now=now(), anchors=[anchor]).unbroken
    changed(entries[4], note="nothing happened")
    rewritten()
    SystemFlag.objects.filter(name=ANCHOR).delete()
    assert verify(now=now()).unbroken
    [misfit] = verify(now=now(), anchors=[anchor]).misfits
    assert f"not what was anchored then ({anchor.short})" in misfit.sentence


def test_the_kept_anchor_is_looked_at_too(entries: list[AuditEvent]) -> None:
    anchoring.drop_anchor(now=now())
    with transaction.atomic():
        history.record(actor=ENGINE, now=now(), act=history.Act(action="x.y", object_type="x", object_id="1"))
    assert verify(now=now()).unbroken
    SystemFlag.objects.filter(name=ANCHOR).update(value={"line": "none"})
    assert sentences() == ["The anchor that was kept in the database was changed."]


def test_a_verification_is_kept_and_due_once_a_day(entries: list[AuditEvent]) -> None:
    at = now()
    assert verification.verify_due(now=at) is not None
    flag = SystemFlag.objects.get(name=VERIFIED)
    assert (flag.value["entries"], flag.value["misfits"], flag.set_by) == (10, [], "engine")
    assert verification.verify_due(now=at + timedelta(hours=23)) is None
    changed(entries[4], note="")
    later = verification.verify_due(now=at + timedelta(hours=25))
    assert later is not None and not later.unbroken
    flag.refresh_from_db()
    assert flag.value["misfits"][0][1] == entries[4].pk


def test_only_a_superuser_starts_a_verification(entries: list[AuditEvent], user: User) -> None:
    with pytest.raises(NotAllowed):
        verification.verify_for(actor=an_actor(user), now=now())
    assert not SystemFlag.objects.filter(name=VERIFIED).exists()
    user.is_superuser = True
    assert verification.verify_for(actor=an_actor(user), now=now()).unbroken
    assert SystemFlag.objects.get(name=VERIFIED).set_by == "alice"


@pytest.mark.django_db(transaction=True)
def test_who_writes_meanwhile_does_not_break_it(transactional_db: None) -> None:
    def write() -> bool:
        for number in range(60):
            with transaction.atomic():
                act = history.Act(action="x.y", object_type="x", object_id=str(number))
                history.record(actor=ENGINE, now=now(), act=act)
        return True

    def look() -> bool:
        return all(verify(now=now()).unbroken for _ in range(15))

    assert together([write, write, look]) == [True] * 3
    assert verify(now=now()).entries == 120
