"""Events: in the transaction of their move, delivered at least once, with one id, by one worker at a time."""

import threading
import uuid
from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils.timezone import now

from reinstall.domain.actors import Actor
from reinstall.domain.states import JobState
from reinstall.models import AuditEvent, Job, Outbox, Server
from reinstall.services import moves, outbox
from simulator.server import RunningSimulator
from tests.reinstall.conftest import Clock, finished, placed_job

pytestmark = pytest.mark.django_db


class Receiver:
    """Keeps what it was sent; fails the first `failing` times."""

    def __init__(self, failing: int = 0) -> None:
        self.failing = failing
        self.seen: list[outbox.Event] = []

    def __call__(self, event: outbox.Event) -> None:
        self.seen.append(event)
        if self.failing:
            self.failing -= 1
            raise ConnectionError("down")


def test_each_move_has_one_event_and_all_arrive_in_order(
    actor: Actor, server: Server, simulator: RunningSimulator, clock: Clock
) -> None:
    job = finished(placed_job(actor, server), clock, simulator)
    moved = AuditEvent.objects.filter(object_type="job", object_id=str(job.pk), seq__isnull=False)
    told = list(job.events.order_by("seq").values_list("seq", "kind"))
    assert told == list(moved.order_by("seq").values_list("seq", "action"))
    receiver = Receiver()
    assert outbox.deliver_due(clock=clock, owner="w1", send=receiver) == len(told)
    assert [(event.seq, event.kind) for event in receiver.seen] == told
    assert receiver.seen[-1].payload["state"] == "succeeded"
    assert outbox.deliver_due(clock=clock, owner="w1", send=receiver) == 0
    assert not Outbox.objects.filter(next_at__isnull=False).exists()


def test_a_move_that_is_undone_leaves_no_event(actor: Actor, server: Server, clock: Clock) -> None:
    job = placed_job(actor, server)
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        moves.move(job, JobState.PREFLIGHT, now=clock())
        raise ZeroDivisionError
    assert list(job.events.values_list("seq", flat=True)) == [1]


def test_F9_a_worker_that_dies_after_sending_sends_again_with_the_same_id(
    actor: Actor, server: Server, clock: Clock
) -> None:
    placed_job(actor, server)
    first = Receiver()

    def dying(event: outbox.Event) -> None:
        first(event)
        raise SystemExit

    with pytest.raises(SystemExit):
        outbox.deliver_due(clock=clock, owner="dies", send=dying)
    second = Receiver()
    assert outbox.deliver_due(clock=clock, owner="lives", send=second) == 0, "the lease still holds"
    clock.add(outbox.LEASE.total_seconds() + 1)
    assert outbox.deliver_due(clock=clock, owner="lives", send=second) == 1
    assert [event.id for event in second.seen] == [event.id for event in first.seen]


def test_what_cannot_be_delivered_comes_later_and_later_and_is_put_aside_in_the_end(
    actor: Actor, server: Server, clock: Clock
) -> None:
    placed_job(actor, server)
    receiver = Receiver(failing=10**6)
    waits = []
    for _ in range(40):
        begun = clock()
        assert outbox.deliver_due(clock=clock, owner="w", send=receiver) == 0
        row = Outbox.objects.get()
        if row.next_at is None:
            break
        waits.append(round((row.next_at - begun).total_seconds()))
        clock.add((row.next_at - clock()).total_seconds() + 1)
    assert waits[:4] == [10, 20, 40, 80]
    assert max(waits) == timedelta(hours=6).total_seconds()
    assert row.dead_at is not None
    assert len({event.id for event in receiver.seen}) == 1
    assert outbox.revive(event=row.pk, now=clock())
    receiver.failing = 0
    assert outbox.deliver_due(clock=clock, owner="w", send=receiver) == 1
    assert not outbox.revive(event=row.pk, now=clock())


def test_one_bad_receiver_does_not_hold_the_other_events(
    actor: Actor, server: Server, simulator: RunningSimulator, clock: Clock
) -> None:
    job = finished(placed_job(actor, server), clock, simulator)
    every = job.events.count()
    assert outbox.deliver_due(clock=clock, owner="w", send=Receiver(failing=1)) == every - 1


@pytest.mark.django_db(transaction=True)
def test_workers_side_by_side_send_each_event_once(actor: Actor, server: Server, clock: Clock) -> None:
    job = placed_job(actor, server)
    for seq in range(2, 60):
        with transaction.atomic():
            outbox.note_move(job=job, before="x", to=JobState.QUEUED, seq=seq, now=clock())
    receiver = Receiver()
    gate = threading.Barrier(4)

    def work() -> None:
        try:
            gate.wait()
            outbox.deliver_due(clock=clock, owner="w", send=receiver)
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    outbox.deliver_due(clock=clock, owner="w", send=receiver)
    assert sorted(event.seq for event in receiver.seen) == list(range(1, 60))


def test_two_events_of_one_move_are_refused_by_the_database(actor: Actor, server: Server) -> None:
    job = placed_job(actor, server)
    row = job.events.get()
    row.pk = uuid.uuid4()
    with pytest.raises(IntegrityError), transaction.atomic():
        row.save(force_insert=True)


def test_outside_a_transaction_no_event_is_written() -> None:
    job = Job(pk=1, created_at=now())
    with pytest.raises(RuntimeError, match="transaction of its move"):
        connection.in_atomic_block = False
        try:
            outbox.note_move(job=job, before="", to=JobState.QUEUED, seq=1, now=now())
        finally:
            connection.in_atomic_block = True


def test_delivered_events_are_dropped_after_a_month(actor: Actor, server: Server, clock: Clock) -> None:
    placed_job(actor, server)
    outbox.deliver_due(clock=clock, owner="w", send=Receiver())
    assert outbox.forget_old(now=clock() + timedelta(days=29)) == 0
    assert outbox.forget_old(now=clock() + timedelta(days=31)) == 1
