"""What happens after an unclear outcome or an abandoned claim. Reads only: nothing here can send."""

from collections.abc import Callable
from datetime import datetime, timedelta

from django.db import transaction

from ecsclient import jobs
from ecsclient.errors import CloudError, NotFound
from ecsclient.session import CloudSession
from reinstall.domain.identity import ServerFacts, prove
from reinstall.domain.redaction import plain_text
from reinstall.domain.states import JobState, Verdict
from reinstall.models import Attempt, Job
from reinstall.services import moves, readings
from reinstall.services.crashpoints import crashpoint

Clock = Callable[[], datetime]

#: When to look again, by the age of the doubt; hourly from then on.
LOOKS = tuple(timedelta(seconds=s) for s in (5, 15, 30, 60, 120, 300, 600, 900, 1200, 1800))
#: Signature expiry (15 min), the call's wall clock, a margin: from then on the request cannot be taken.
SETTLE = timedelta(minutes=21)
#: A server that shows a rebuild gets longer.
SETTLE_BUSY = timedelta(hours=2)


def abandoned(job: Job, clock: Clock) -> None:
    """submitting with an expired lease: its process died between intent and answer. Never sent again."""
    now = clock()
    why = "The portal's worker stopped while the request may have been on its way; no answer was stored."
    with transaction.atomic():
        Attempt.objects.filter(job=job, verdict=Verdict.ARMED).update(
            verdict=Verdict.UNKNOWN, answered_at=now, message=why
        )
        moves.move(job, JobState.UNCERTAIN, now=now, note=why, next_at=now, waiting_for=why)


def look(job: Job, session: CloudSession, clock: Clock) -> None:
    """uncertain: looks for what the call did. Ends in running, verifying or, in the end, attention."""
    if job.cloud_job_id and _known_again(job, session, clock):
        return
    try:
        facts, _ = readings.look_at(session, str(job.server_id))
    except NotFound:
        readings.mark_gone(job, clock())
        return _attention(job, "The server is not at the cloud any more.", clock())
    except CloudError as error:
        return _later(job, f"The server could not be read: {error}.", clock(), busy=True)
    now = clock()
    readings.keep_facts(job, facts, now)
    crashpoint("K8")
    baseline = ServerFacts.from_json(job.baseline)
    busy = bool(facts.task_state) or facts.status == "REBUILD"
    if baseline is not None and prove(baseline, facts).system_is_new and not busy:
        note = "The system disk is another one than before: the request was carried out."
        moves.move(job, JobState.VERIFYING, now=now, note=note, next_at=now, waiting_for="")
    elif busy:
        _later(
            job, f"The cloud is at work on the server ({facts.task_state or facts.status}).", now, busy=True
        )
    else:
        _later(job, "Nothing has changed on the server so far.", now, busy=False)


def _known_again(job: Job, session: CloudSession, clock: Clock) -> bool:
    """Whether the cloud speaks of the job again; then it is followed as before."""
    try:
        found = jobs.get_job(session, job.cloud_job_id)
    except CloudError:
        return False
    if found.server_id and found.server_id != str(job.server_id):
        return False
    now = clock()
    moves.move(
        job, JobState.RUNNING, now=now, note="The cloud knows the job again.", next_at=now, waiting_for=""
    )
    return True


def _later(job: Job, sentence: str, now: datetime, *, busy: bool) -> None:
    doubt = now - job.state_since
    if doubt > (SETTLE_BUSY if busy else SETTLE):
        minutes = round(doubt.total_seconds() / 60)
        return _attention(job, f"{sentence} After {minutes} minutes a person must look.", now)
    next_at = next(
        (job.state_since + look for look in LOOKS if job.state_since + look > now), now + timedelta(hours=1)
    )
    moves.touch(job, next_at=next_at, polled_at=now, waiting_for=plain_text(sentence, 500))


def _attention(job: Job, sentence: str, now: datetime) -> None:
    moves.move(
        job, JobState.ATTENTION, now=now, note=sentence, next_at=None, waiting_for=plain_text(sentence, 500)
    )
