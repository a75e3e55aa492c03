"""Finds due jobs and moves each a step further. Any number of workers may run this at once.

A job is claimed by one conditional UPDATE (lease and fence); every later write names the fence, so a worker
that lost its lease changes nothing. The database is the only truth: losing, doubling or delaying messages
costs seconds.
"""

import logging
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta

from django.db import DatabaseError, InterfaceError, OperationalError
from django.db.models import F, Q

from ecsclient.session import CloudSession
from reinstall.domain.identity import ServerFacts
from reinstall.domain.redaction import plain_text
from reinstall.domain.sealing import CannotOpen
from reinstall.domain.states import DRIVEN, FINAL, JobState
from reinstall.models import EngineTick, Job
from reinstall.services import (
    approvals,
    guards,
    links,
    moves,
    polling,
    preflight,
    recovery,
    stopping,
    submission,
    turns,
    wake,
)
from reinstall.services.crashpoints import crashpoint

log = logging.getLogger(__name__)
Clock = Callable[[], datetime]

LEASE = submission.LEASE
#: Steps one claim may take before it lets others have a turn.
MAX_STEPS = 8
#: A job whose step died this often with its process is put before a person.
MAX_CRASHES = 3
#: What a step reads of a job.
WITH = ("order__project__cloud", "order__requested_by", "order__approval", "project__cloud", "server")
#: Here a guard may still hold a job: nothing destructive has been sent for it.
BEFORE_ARMING = frozenset({JobState.QUEUED, JobState.PREFLIGHT, JobState.STOPPING})


def due_jobs(*, now: datetime, limit: int = 200) -> list[int]:
    """Ids of jobs with something to do that nobody holds, the longest overdue first."""
    due = Q(state__in=sorted(DRIVEN), next_at__lte=now, lease_until__lte=now)
    return list(Job.objects.filter(due).order_by("next_at").values_list("pk", flat=True)[:limit])


def ticked(*, now: datetime) -> None:
    """Notes that the engine looked for work; readiness is judged by it."""
    EngineTick.objects.update_or_create(pk=1, defaults={"at": now})


def free_claims(*, now: datetime) -> int:
    """Ends every lease at once. Only for a start that knows it is alone: whoever held one is dead."""
    held = Job.objects.filter(state__in=sorted(DRIVEN), lease_until__gt=now)
    return held.update(lease_until=now, next_at=now)


def advance(*, job_id: int, clock: Clock, owner: str) -> bool:
    """Takes the job as far as it goes now. False when it was not due or somebody else holds it."""
    with stopping.step() as go:
        job = _claim(job_id, clock(), owner) if go and not guards.standing_by() else None
        if job is None:
            return False
        crashpoint("K0")
        carry(job, clock, lambda held: _steps(held, clock))
        return True


def carry(job: Job, clock: Clock, steps: Callable[[Job], None]) -> None:
    """Runs `steps` on a claimed job, notes what goes wrong, gives the lease back, says if more is due."""
    well, crashed = False, False
    try:
        with wake.held(), links.listening(lambda call: turns.heard(job, call, clock())):
            steps(job)
        well = True
    except moves.Overtaken as reason:
        log.info("%s; leaving it", reason)
    except (OperationalError, InterfaceError):
        # The database was away or busy. What was committed stands, and the next claim reads the row.
        log.exception("the database failed in a step of job %s", job.pk)
    except Exception as error:
        # A value the database refuses is among these: it would be refused again, for ever.
        crashed = True
        _note_crash(job, error, clock())
    with suppress(DatabaseError):
        _release(job, clock(), crashed)
        if well and _goes_on(job, clock()):
            wake.due_now(job.pk)


def _goes_on(job: Job, now: datetime) -> bool:
    return JobState(job.state) in DRIVEN and job.next_at is not None and job.next_at <= now


def _claim(job_id: int, now: datetime, owner: str) -> Job | None:
    free = Job.objects.filter(pk=job_id, state__in=sorted(DRIVEN), next_at__lte=now, lease_until__lte=now)
    taken = free.update(
        owner=owner, fence=F("fence") + 1, lease_until=now + LEASE, crash_count=F("crash_count") + 1
    )
    if not taken:
        return None
    job = Job.objects.select_related(*WITH).get(pk=job_id)
    return job if job.owner == owner else None


def _steps(job: Job, clock: Clock) -> None:
    for _ in range(MAX_STEPS):
        if job.crash_count > MAX_CRASHES and job.state != JobState.SUBMITTING:
            return _poisoned(job, clock())
        _step(job, clock)
        if JobState(job.state) in FINAL:
            crashpoint("K7")
        if job.next_at is None or job.next_at > clock() or JobState(job.state) not in DRIVEN:
            return


def _step(job: Job, clock: Clock) -> None:
    """One step: at most one destructive call, and short transactions around reads."""
    state = JobState(job.state)
    alone = {
        JobState.AWAITING_APPROVAL: approvals.expire,
        JobState.QUEUED: preflight.begin,
        JobState.SUBMITTING: recovery.abandoned,
    }
    if state in BEFORE_ARMING and _kept_back(job, clock):
        return
    if state in alone:
        return alone[state](job, clock)
    if not turns.may_call(job, clock()):
        return
    session = links.session_of(job.project, patient=False)
    if state in (JobState.PREFLIGHT, JobState.STOPPING):
        look = preflight.look if state is JobState.PREFLIGHT else preflight.watch_stop
        seen = look(job, session, clock)
        if seen.next is preflight.Next.SEND and seen.baseline is not None:
            _send(job, session, seen.baseline, clock)
        return
    follow = {
        JobState.RUNNING: polling.poll,
        JobState.VERIFYING: polling.verify,
        JobState.UNCERTAIN: recovery.look,
    }[state]
    follow(job, session, clock)


def _kept_back(job: Job, clock: Clock) -> bool:
    """Whether the job may not go on: ended where nobody agrees to it, held where a guard says so."""
    if preflight.is_too_late(job, clock()):
        return False
    refused = approvals.why_not_sent(job, clock())
    held = "" if refused else guards.may_begin(job, clock())
    if refused:
        approvals.refuse(job, refused, clock())
    elif held:
        guards.hold(job, held, clock())
    return bool(refused or held)


def _send(job: Job, session: CloudSession, baseline: ServerFacts, clock: Clock) -> None:
    """The one call, unless something came up since the last look began."""
    held = guards.may_arm(job, clock())
    if held:
        return guards.hold(job, held, clock())
    refused = approvals.why_not_sent(job, clock())
    if refused:
        return approvals.refuse(job, refused, clock())
    submission.submit(job, session=session, baseline=baseline, clock=clock)
    guards.note_outcome(job, clock())


def _note_crash(job: Job, error: Exception, now: datetime) -> None:
    """A step failed in a way nobody foresaw: kept, logged, tried again later, then shown to a person."""
    log.exception("a step of job %s failed", job.pk)
    kind = "its secrets do not open" if isinstance(error, CannotOpen) else type(error).__name__
    wait = timedelta(seconds=10 * 2 ** min(job.crash_count, 5))
    sentence = f"A step failed in this portal ({kind}). Trying again."
    Job.objects.filter(pk=job.pk, fence=job.fence, state__in=sorted(DRIVEN)).exclude(
        state=JobState.SUBMITTING
    ).update(next_at=now + wait, waiting_for=sentence)


def _poisoned(job: Job, now: datetime) -> None:
    sentence = f"A step of this job failed {MAX_CRASHES} times. A person must look. Last: {job.waiting_for}"
    text = plain_text(sentence, 500)
    moves.move(job, JobState.ATTENTION, now=now, note=text, next_at=None, waiting_for=text)


def _release(job: Job, now: datetime, crashed: bool) -> None:
    """Gives the lease back; a step that ended well wipes out earlier crashes.

    A job left in submitting keeps its lease: the call may be on the wire, and only time may end that.
    """
    ours = Job.objects.filter(pk=job.pk, fence=job.fence).exclude(state=JobState.SUBMITTING)
    ours.update(lease_until=now, **({} if crashed else {"crash_count": 0}))
