"""Follows an accepted job to its end, and proves the end by the disks."""

import logging
import random
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from ecsclient import jobs
from ecsclient.errors import BadAnswer, CloudError, JobUnknown, NotFound, Throttled
from ecsclient.session import CloudSession
from reinstall.domain.budgets import LONGEST_PAUSE_S, decorrelated
from reinstall.domain.identity import ServerFacts, prove
from reinstall.domain.redaction import plain_text
from reinstall.domain.states import JobState
from reinstall.models import Job
from reinstall.services import lists, moves, plans, readings
from reinstall.services.crashpoints import crashpoint

log = logging.getLogger(__name__)
_dice = random.Random()
Clock = Callable[[], datetime]

#: The cloud forgets jobs a day after their end; this many times unknown in a row, and its word is gone.
VANISHED_AFTER = 5
#: While questions fail, a job is asked up to this many times slower than usual.
SLOWER = 8.0
#: After the cloud said SUCCESS the server may still be coming up.
SETTLES_WITHIN = timedelta(minutes=10)
#: And its list of disks may be a moment behind.
DISKS_SETTLE_WITHIN = timedelta(seconds=30)
VERIFY_EVERY = timedelta(seconds=3)
#: Answers in a row that could not be read, and the job is old: then a person looks.
UNREADABLE = 3
FOLLOWED_FOR = timedelta(days=7)
#: A status no document names is followed this long; then a person decides what it means.
UNNAMED_FOR = timedelta(hours=2)
#: States of a server that is at rest. Whether it starts by itself after a reinstall is not documented.
AT_REST = ("ACTIVE", "SHUTOFF")


def poll(job: Job, session: CloudSession, clock: Clock) -> None:
    """running: asks the job once."""
    crashpoint("K5")
    try:
        found = jobs.get_job(session, job.cloud_job_id)
    except CloudError as error:
        return not_told(job, error, clock())
    told(job, found, session, clock)


def told(job: Job, found: jobs.CloudJob, session: CloudSession, clock: Clock) -> None:
    """running: what the cloud's answer means for the job."""
    now = clock()
    if found.server_id and found.server_id != str(job.server_id):
        return _foreign(job, found.server_id, now)
    seen: dict[str, Any] = {
        "cloud_status": plain_text(found.status, 40),
        "cloud_steps": _steps(found),
        "polled_at": now,
        "poll_failures": 0,
        "tries": 0,
    }
    ended = found.phase in (jobs.JobPhase.SUCCEEDED, jobs.JobPhase.FAILED)
    if ended:
        seen["cloud_ended_at"] = found.end
        crashpoint("K6")
    lists.learn(job, ended=ended, now=now)
    if found.phase is jobs.JobPhase.SUCCEEDED and not found.contradicts_itself:
        moves.move(job, JobState.VERIFYING, now=now, note="The cloud reports SUCCESS.", next_at=now, **seen)
    elif found.phase is jobs.JobPhase.FAILED:
        _failed(job, session, found, seen, clock)
    else:
        _going_on(job, found, seen, now)


def _going_on(job: Job, found: jobs.CloudJob, seen: dict[str, Any], now: datetime) -> None:
    """No end yet: asked again later, and put before a person when that takes longer than anything should."""
    age, status = _age(job, now), seen["cloud_status"]
    named = found.phase is jobs.JobPhase.PENDING
    waiting = "" if named else f"The cloud says {status}, which is not known here."
    if found.contradicts_itself:
        waiting = f"The cloud says {status}, but a part of its job failed ({found.deepest_error()[0]})."
    if age > (FOLLOWED_FOR if named else UNNAMED_FOR):
        note = f"{waiting or f'The cloud still says {status}.'} A person must look."
        return moves.move(job, JobState.ATTENTION, now=now, note=note, next_at=None, waiting_for=note, **seen)
    moves.touch(job, next_at=now + _until_next(job, now), waiting_for=waiting, **seen)


def keeps_on(job: Job, found: jobs.CloudJob, now: datetime) -> bool:
    """Whether the answer is the one before once more: nothing to write but that it was asked."""
    same = (job.cloud_status, job.cloud_steps) == (plain_text(found.status, 40), _steps(found))
    quiet = not (job.poll_failures or job.tries or job.waiting_for or job.idle_seen_at)
    ours = found.server_id in ("", str(job.server_id))
    return found.phase is jobs.JobPhase.PENDING and same and quiet and ours and _age(job, now) <= FOLLOWED_FOR


def _until_next(job: Job, now: datetime) -> timedelta:
    plan = plans.plan_of(cloud_id=job.project.cloud_id, now=now)
    return timedelta(seconds=plan.wait_s(job, now))


def _age(job: Job, now: datetime) -> timedelta:
    return now - (job.accepted_at or job.state_since)


def _steps(found: jobs.CloudJob) -> list[dict[str, str]]:
    return [
        {
            "id": plain_text(sub.id, 64),
            "type": plain_text(sub.type, 80),
            "status": plain_text(sub.status, 40),
            "begin": sub.begin.isoformat() if sub.begin else "",
            "end": sub.end.isoformat() if sub.end else "",
            "code": plain_text(sub.error_code, 80),
            "reason": plain_text(sub.fail_reason, 500),
        }
        for sub in found.sub_jobs[:50]
    ]


def _failed(
    job: Job, session: CloudSession, found: jobs.CloudJob, seen: dict[str, Any], clock: Clock
) -> None:
    code, reason = found.deepest_error()
    code = plain_text(code, 80)
    after = _read_after(job, session, clock)
    moves.move(
        job,
        JobState.FAILED,
        now=clock(),
        note=f"The cloud reports FAIL {code}.".replace(" .", "."),
        failure_code=code,
        failure_message=plain_text(reason or "The cloud gave no reason."),
        found_after=after.to_json() if after else {},
        **seen,
    )


def _read_after(job: Job, session: CloudSession, clock: Clock) -> ServerFacts | None:
    """The server as it is now, if the cloud tells; what it does not tell is not needed for the verdict."""
    try:
        facts, _ = readings.look_at(session, str(job.server_id))
    except NotFound:
        readings.mark_gone(job, clock())
        return None
    except CloudError:
        return None
    readings.keep_facts(job, facts, clock())
    return facts


def not_told(job: Job, error: CloudError, now: datetime) -> None:
    """An error of the question is never a verdict on the job: it stays running and is asked again, slower."""
    failures = job.poll_failures + 1
    if isinstance(error, jobs.OtherJob):
        log.error("asked for cloud job %s of job %s: %s", job.cloud_job_id, job.pk, error)
        return _attention(job, f"The cloud answers about another job: {error}. A person must look.", now)
    if isinstance(error, BadAnswer) and failures >= UNREADABLE and _age(job, now) > UNNAMED_FOR:
        return _attention(job, f"What the cloud says of the job cannot be read: {error}.", now)
    # While a job runs, `tries` counts how often in a row the cloud did not know it.
    unknown = job.tries + 1 if isinstance(error, JobUnknown) else 0
    if unknown >= VANISHED_AFTER:
        note = f"The cloud does not know job {job.cloud_job_id} any more ({error.code})."
        moves.move(
            job,
            JobState.UNCERTAIN,
            now=now,
            note=note,
            next_at=now,
            poll_failures=0,
            tries=0,
            waiting_for=f"{note} Looking at the server's disks instead.",
        )
        return
    if _age(job, now) > FOLLOWED_FOR:
        return _attention(job, f"The cloud has not said for days how the job stands: {error}.", now)
    usual = min(_until_next(job, now).total_seconds(), LONGEST_PAUSE_S)
    wait = decorrelated(failures, base_s=usual, cap_s=SLOWER * usual, dice=_dice)
    if isinstance(error, Throttled):
        wait = max(wait, min(error.retry_after, LONGEST_PAUSE_S))
    sentence = f"The cloud did not say how the job stands: {error}. Asking again."
    moves.touch(
        job,
        poll_failures=failures,
        tries=unknown,
        next_at=now + timedelta(seconds=wait),
        waiting_for=plain_text(sentence, 500),
    )


def _foreign(job: Job, server_id: str, now: datetime) -> None:
    log.error(
        "cloud job %s of job %s is about server %s", job.cloud_job_id, job.pk, plain_text(server_id, 64)
    )
    note = f"The cloud's job {job.cloud_job_id} is about another server. A person must look."
    moves.move(job, JobState.ATTENTION, now=now, note=note, next_at=None, waiting_for=note)


def verify(job: Job, session: CloudSession, clock: Clock) -> None:
    """verifying: compares the disks with the baseline.

    Success is a new system disk, the same data disks, and a server at rest; anything else is for a person.
    """
    baseline = ServerFacts.from_json(job.baseline)
    try:
        after, _ = readings.look_at(session, str(job.server_id))
    except NotFound:
        readings.mark_gone(job, clock())
        return _attention(job, "The cloud reported the end, but does not know the server any more.", clock())
    except CloudError as error:
        return _verify_later(job, f"The server could not be read: {error}.", clock())
    now = clock()
    readings.keep_facts(job, after, now)
    if baseline is None:
        return _attention(job, "There is no record of the disks before; they cannot be compared.", now)
    _judge(job, baseline, after, now)


def _judge(job: Job, baseline: ServerFacts, after: ServerFacts, now: datetime) -> None:
    proof = prove(baseline, after)
    waited = now - job.state_since
    status = plain_text(after.status, 40)
    at_rest = after.status in AT_REST and not after.task_state
    if not at_rest and after.status != "ERROR" and waited <= SETTLES_WITHIN:
        return _verify_later(job, f"The server is still {status}.", now)
    if not proof.holds and waited <= DISKS_SETTLE_WITHIN:
        return _verify_later(job, f"{proof.sentence} Looking again.", now)
    note = proof.sentence if after.status == "ACTIVE" else f"{proof.sentence} The server is {status}."
    if not (proof.holds and at_rest):
        return _attention(job, note, now, after)
    moves.move(job, JobState.SUCCEEDED, now=now, note=note, found_after=after.to_json())


def _verify_later(job: Job, sentence: str, now: datetime) -> None:
    if now - job.state_since > FOLLOWED_FOR:
        return _attention(job, f"{sentence} It could not be compared for seven days.", now)
    moves.touch(job, next_at=now + VERIFY_EVERY, waiting_for=plain_text(sentence, 500))


def _attention(job: Job, sentence: str, now: datetime, after: ServerFacts | None = None) -> None:
    moves.move(
        job,
        JobState.ATTENTION,
        now=now,
        note=sentence,
        next_at=None,
        waiting_for=plain_text(sentence, 500),
        found_after=after.to_json() if after else {},
    )
