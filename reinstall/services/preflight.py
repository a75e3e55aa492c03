"""The last look before the call: reads only. Says whether to stop the server, to send, to wait, or not to."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from ecsclient import servers
from ecsclient.errors import AuthRefused, CloudError, NotFound, Refused, Throttled
from ecsclient.session import CloudSession
from reinstall.domain.identity import ServerFacts, drift
from reinstall.domain.protection import protection_of
from reinstall.domain.redaction import plain_text
from reinstall.domain.spec import MODE_STOP_FIRST
from reinstall.domain.states import JobState
from reinstall.domain.verdicts import FIT_STATES
from reinstall.models import Job
from reinstall.services import (
    approvals,
    evidence,
    guards,
    links,
    moves,
    preconditions,
    protection,
    readings,
    requests,
)

Clock = Callable[[], datetime]

#: Looks in a row that failed for want of a connection, before the job ends as unreachable. The waits double,
#: from 2 s to 60 s.
MAX_TRIES = 8
#: A request that could not start for a day is not what anybody expects any more: the portal was down, or the
#: cloud turned every call away.
START_WITHIN = timedelta(hours=24)
#: A server that was told to stop has this long.
STOP_WITHIN = timedelta(minutes=10)
#: A baseline that is older says less about the server at the moment of the call.
BASELINE_AGE = timedelta(seconds=45)
STOP_LOOK_EVERY = timedelta(seconds=3)


class Next(StrEnum):
    """What the engine does after a look."""

    SEND = "send"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Look:
    """The outcome of a look: `next` is SEND only with a fresh baseline."""

    next: Next
    baseline: ServerFacts | None = None


WAITED = Look(Next.NOTHING)


def begin(job: Job, clock: Clock) -> None:
    """queued -> preflight, or expired when it waited too long."""
    now = clock()
    if _expired(job, now):
        return
    moves.move(job, JobState.PREFLIGHT, now=now, next_at=now, waiting_for="")


def is_too_late(job: Job, now: datetime) -> bool:
    """Whether it could have started for a day, from the order on, or from when somebody agreed to it."""
    approval = approvals.of_order(job.order)
    since = approval.ended_at if approval and approval.ended_at else job.created_at
    return now - since > START_WITHIN


def _expired(job: Job, now: datetime) -> bool:
    """Ends a job that could not start for a day."""
    if not is_too_late(job, now):
        return False
    hours = round(START_WITHIN.total_seconds() / 3600)
    note = f"It could not start within {hours} hours. Nothing was sent; ask again if it is still wanted."
    moves.move(job, JobState.EXPIRED, now=now, note=note, failure_code="expired", failure_message=note)
    return True


def look(job: Job, session: CloudSession, clock: Clock) -> Look:
    """Reads the server and judges it. May end the job, move it to stopping, or leave it for later."""
    if _expired(job, clock()):
        return WAITED
    try:
        facts, record = readings.look_at(session, str(job.server_id))
    except CloudError as error:
        return _not_read(job, error, clock)
    now = clock()
    readings.keep_facts(job, facts, now)
    refusal = _refusal(job, facts, record)
    if refusal:
        code, sentence = refusal
        return _reject(job, code, sentence, now)
    missing = preconditions.unmet(job, facts, session, record.image_type)
    if missing:
        return _reject(job, *missing, clock())
    if _must_stop(job, facts):
        return _stop(job, session, clock)
    return _ready(job, facts, session, clock)


def watch_stop(job: Job, session: CloudSession, clock: Clock) -> Look:
    """stopping: sends once the server is off, ends the job when it stays on."""
    if _expired(job, clock()):
        return WAITED
    try:
        facts, record = readings.look_at(session, str(job.server_id))
    except CloudError as error:
        return _not_read(job, error, clock)
    now = clock()
    readings.keep_facts(job, facts, now)
    if facts.status == "SHUTOFF" and not facts.task_state:
        refusal = _refusal(job, facts, record)
        return _reject(job, *refusal, now) if refusal else _ready(job, facts, session, clock)
    if now - job.state_since > STOP_WITHIN:
        return _reject(job, "not_stopped", f"{job.server_name} did not stop within 10 minutes.", now)
    moves.touch(job, next_at=now + STOP_LOOK_EVERY, waiting_for=f"{job.server_name} is being stopped.")
    return WAITED


def _ready(job: Job, facts: ServerFacts, session: CloudSession, clock: Clock) -> Look:
    """The baseline, with its witnesses. Where they took too long to read, the server is looked at again."""
    read_at = clock()
    baseline = evidence.witnesses(facts, job, session, clock)
    if clock() - read_at <= BASELINE_AGE:
        return Look(Next.SEND, baseline)
    moves.touch(job, next_at=clock(), waiting_for="The cloud is slow. Looking at the server once more.")
    return WAITED


def _refusal(job: Job, facts: ServerFacts, record: servers.ServerRecord) -> tuple[str, str] | None:
    """(code, sentence) when the request must not be sent as the server stands now."""
    changed = drift(requests.snapshot_of(job), facts)
    if changed:
        return "drift", f"{job.server_name} is not what it was when this was asked for: {'; '.join(changed)}."
    protected = protection_of(job.server_name, record.tags, "", "") or protection.now_protected(job.server_id)
    if protected:
        return "protected", f"{protected} Nothing was sent."
    if facts.system_disk is None:
        return "no_system_disk", f"{job.server_name} has no system disk, or more than one."
    if record.locked:
        return "locked", f"{job.server_name} is locked at the cloud. Unlock it there, then ask again."
    if facts.task_state and job.state != JobState.STOPPING:
        return "busy", f"The cloud is at work on {job.server_name} ({plain_text(facts.task_state, 60)})."
    if facts.status == "ACTIVE" and not _may_be_running(job):
        return "running", f"{job.server_name} is running. Choose to stop it first, or stop it at the cloud."
    if facts.status not in FIT_STATES:
        return (
            "state",
            f"{job.server_name} is {plain_text(facts.status, 40)}; only ACTIVE, SHUTOFF or ERROR will do.",
        )
    return None


def _may_be_running(job: Job) -> bool:
    return job.order.mode == MODE_STOP_FIRST or links.profile_of(job.project).requires_stopped


def _must_stop(job: Job, facts: ServerFacts) -> bool:
    """Where the cloud wants a stopped server the portal stops it; a stray second call is refused there."""
    profile = links.profile_of(job.project)
    return facts.status == "ACTIVE" and profile.requires_stopped and job.order.mode != MODE_STOP_FIRST


def _stop(job: Job, session: CloudSession, clock: Clock) -> Look:
    """preflight -> stopping. The move is committed first; stopping a stopped server changes nothing."""
    now = clock()
    waiting = f"{job.server_name} is being stopped."
    moves.move(job, JobState.STOPPING, now=now, next_at=now + STOP_LOOK_EVERY, waiting_for=waiting)
    try:
        stop_job_id = servers.stop_server(session, str(job.server_id))
    except CloudError as error:
        moves.touch(job, waiting_for=f"The stop was not confirmed: {error}. Looking again.")
        return WAITED
    moves.touch(job, stop_job_id=stop_job_id)
    return WAITED


def _not_read(job: Job, error: CloudError, clock: Clock) -> Look:
    """The look failed; nothing was sent. Refusals end the job, silence is waited out for a while."""
    now = clock()
    if isinstance(error, NotFound):
        readings.mark_gone(job, now)
        return _reject(
            job, error.code or "not_found", f"The cloud does not know {job.server_name} any more.", now
        )
    if isinstance(error, AuthRefused):
        skewed = guards.clocks_differ(job.project.cloud_id)
        if skewed:
            guards.hold(job, skewed, now)
            return WAITED
        sentence = f"The cloud did not accept this portal's credentials: {error}. Nothing was sent."
        return _reject(job, error.code or "auth", sentence, now)
    if isinstance(error, Refused) and not isinstance(error, Throttled):
        return _reject(job, error.code or "refused", f"The cloud refused to show the server: {error}.", now)
    if job.tries + 1 >= MAX_TRIES:
        sentence = f"The cloud could not be reached {MAX_TRIES} times: {error}. Nothing was sent."
        return _reject(job, "unreachable", sentence, now)
    wait = error.retry_after if isinstance(error, Throttled) else min(2.0 ** (job.tries + 1), 60.0)
    sentence = f"The cloud could not be asked: {error}. Nothing was sent; asking again."
    moves.touch(
        job,
        tries=job.tries + 1,
        next_at=now + timedelta(seconds=wait),
        waiting_for=plain_text(sentence, 500),
    )
    return WAITED


def _reject(job: Job, code: str, sentence: str, now: datetime) -> Look:
    moves.move(
        job,
        JobState.REJECTED,
        now=now,
        note=sentence,
        failure_code=code,
        failure_message=plain_text(sentence),
    )
    return WAITED
