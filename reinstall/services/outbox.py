"""Events: written in the transaction of the move they tell, delivered at least once, with one id.

A receiver drops an id it has seen. Rows are claimed by a lease, so that workers do not all send the same;
a worker that dies between sending and noting it sends again, after its lease, with the same id.
"""

import logging
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import F

from reinstall.domain.states import JobState
from reinstall.models import Job, Outbox

log = logging.getLogger(__name__)
Clock = Callable[[], datetime]

NAMESPACE = uuid.UUID("6f2c7c1e-6a0b-5f0e-9b55-3c1f5a1d8a52")
LEASE = timedelta(seconds=60)
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=10), timedelta(hours=6)
#: What could not be delivered for so long is put aside, for a person to see.
DEAD_AFTER = timedelta(days=3)
KEPT_FOR = timedelta(days=30)
AT_ONCE = 200
_WRITTEN_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Event:
    """One move of a job, as it is told to others. `id` is the same in every delivery."""

    id: uuid.UUID
    job_id: int
    seq: int
    kind: str
    payload: dict[str, Any]
    created_at: datetime


def event_id(job: Job, seq: int, kind: str) -> uuid.UUID:
    """UUIDv5 of what happened: told twice it is the same; after a restore another move is another event."""
    return uuid.uuid5(NAMESPACE, f"{job.pk}|{job.created_at.isoformat()}|{seq}|{kind}")


def note_move(*, job: Job, before: str, to: JobState, seq: int, now: datetime) -> None:
    """Writes the event of a move. Raises RuntimeError outside a transaction: the two could part."""
    _write([_row_of(job, before, to, seq, now)])


def note_moves(*, jobs: Sequence[Job], before: str, to: JobState, now: datetime) -> None:
    """Writes the event of the same move of each of these jobs, read before it. Raises as `note_move` does."""
    _write([_row_of(job, before, to, job.seq + 1, now) for job in jobs])


def note_override(*, job: Job, now: datetime, said: dict[str, Any]) -> None:
    """Writes the alarm that an order was sent by emergency override, on its first job."""
    kind = "approval.overridden"
    row = _row_of(job, job.state, JobState(job.state), job.seq, now)
    # Before the moves of the job, which count from 1.
    row.id, row.kind, row.seq, row.payload = event_id(job, 0, kind), kind, 0, row.payload | said
    _write([row])


def note_placed(*, jobs: Sequence[Job], now: datetime) -> None:
    """Writes the first event of each of these new jobs. Raises as `note_move` does."""
    _write([_row_of(job, "", JobState(job.state), job.seq, now) for job in jobs])


def _write(rows: Sequence[Outbox]) -> None:
    if not connection.in_atomic_block:
        raise RuntimeError("an event is written in the transaction of its move")
    Outbox.objects.bulk_create(rows, batch_size=_WRITTEN_AT_ONCE)


def _row_of(job: Job, before: str, to: JobState, seq: int, now: datetime) -> Outbox:
    kind = f"job.{to}"
    return Outbox(
        id=event_id(job, seq, kind),
        job=job,
        seq=seq,
        kind=kind,
        payload={
            "job": job.pk,
            "order": job.order_id,
            "server": str(job.server_id),
            "before": before,
            "state": to.value,
            "at": now.isoformat(),
        },
        created_at=now,
        next_at=now,
        lease_until=now,
    )


def deliver_due(*, clock: Clock, owner: str, send: Callable[[Event], None], limit: int = AT_ONCE) -> int:
    """Gives each due event to `send`; how many were delivered. What `send` raises is tried again later."""
    now = clock()
    claim = f"{owner[:60]}:{uuid.uuid4().hex[:12]}"
    free = {"next_at__lte": now, "lease_until__lte": now}
    due = list(
        Outbox.objects.filter(**free)
        .order_by("next_at", "created_at", "seq")
        .values_list("pk", flat=True)[:limit]
    )
    if not due:
        return 0
    Outbox.objects.filter(pk__in=due, **free).update(owner=claim, lease_until=now + LEASE)
    done: list[uuid.UUID] = []
    for row in Outbox.objects.filter(owner=claim, pk__in=due, next_at__isnull=False).order_by(
        "job_id", "seq"
    ):
        if clock() >= now + LEASE:
            # Somebody else may hold the rest by now; it is due again in any case.
            break
        try:
            send(Event(row.pk, row.job_id, row.seq, row.kind, row.payload, row.created_at))
        except Exception as error:
            _put_off(row, claim, error, clock())
        else:
            done.append(row.pk)
    if done:
        Outbox.objects.filter(pk__in=done, owner=claim).update(
            delivered_at=clock(), next_at=None, owner="", tries=F("tries") + 1
        )
    return len(done)


def _put_off(row: Outbox, claim: str, error: Exception, now: datetime) -> None:
    """Later, twice as late each time; after three days a dead letter."""
    wait = min(FIRST_PAUSE * 2 ** min(row.tries, 20), LONGEST_PAUSE)
    dead = now - row.created_at > DEAD_AFTER
    log.warning(
        "event %s (%s) was not delivered: %s%s",
        row.pk, row.kind, type(error).__name__, "; it is put aside" if dead else "",
    )  # fmt: skip
    Outbox.objects.filter(pk=row.pk, owner=claim).update(
        tries=row.tries + 1,
        next_at=None if dead else now + wait,
        dead_at=now if dead else None,
        lease_until=now,
        owner="",
    )


def revive(*, event: uuid.UUID, now: datetime) -> bool:
    """A dead letter is due again. False when it is none."""
    dead = Outbox.objects.filter(pk=event, dead_at__isnull=False)
    return dead.update(dead_at=None, next_at=now, lease_until=now, created_at=now) == 1


def forget_old(*, now: datetime) -> int:
    """Drops events that were delivered a month ago; dead letters stay."""
    old = Outbox.objects.filter(delivered_at__lt=now - KEPT_FOR)
    ids = list(old.values_list("pk", flat=True)[:5000])
    return Outbox.objects.filter(pk__in=ids).delete()[0]
