"""The one destructive call: intent committed first, sent once, and what came back written down.

After an unclear answer nothing here, or anywhere, sends again: the attempt stays unknown, and the constraint
one_live_attempt refuses a second one.
"""

import hmac
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import DatabaseError, connection, transaction

from ecsclient.errors import AuthRefused, CloudError, asked_pause, parse_error
from ecsclient.reinstallos import PreparedReinstall, prepare_reinstall, send_reinstall
from ecsclient.session import CloudSession
from ecsclient.transport import OneShotResult
from reinstall.domain.answers import Meaning, Observation, Sending, read_answer
from reinstall.domain.budgets import Share
from reinstall.domain.errors import NotRecorded
from reinstall.domain.identity import ServerFacts
from reinstall.domain.redaction import plain_text
from reinstall.domain.states import JobState, Verdict
from reinstall.models import Attempt, Job
from reinstall.models.clock import uptime
from reinstall.services import budget, exchanges, moves, plans, requests
from reinstall.services.crashpoints import crashpoint
from reinstall.services.echoes import without_password

log = logging.getLogger(__name__)
Clock = Callable[[], datetime]

#: The lease while a call may be on the wire: longer than the wall clock of the call and the writes after it.
LEASE = timedelta(seconds=settings.LEASE_S)
#: From the intent to the first byte. A process that was frozen longer does not send.
SUBMIT_TTL_S = 10.0
CONNECT_S, READ_S = 5.0, 30.0
MAX_UNSENT = 5


def submit(job: Job, *, session: CloudSession, baseline: ServerFacts, clock: Clock) -> None:
    """Arms, commits, sends once, stores the verdict. The caller holds the lease and made the last look."""
    spec = requests.spec_of_order(job.order)
    if not hmac.compare_digest(requests.hash_of_job(job, spec), job.request_hash):
        return _refuse_changed(job, clock())
    signed_at = clock().replace(microsecond=0)
    try:
        prepared = prepare_reinstall(
            session,
            server_id=str(job.server_id),
            body=spec.request_bytes(),
            signed_at=signed_at,
            version=requests.version_of(job),
        )
    except CloudError as error:
        # A token login that fails here: nothing was armed, nothing was sent.
        return _not_prepared(job, error, clock())
    crashpoint("K1")
    started = uptime()
    attempt = _arm(job, prepared, baseline, clock)
    crashpoint("K2")
    if uptime() - started > SUBMIT_TTL_S or not _still_ours(job):
        return
    crashpoint("K2b")
    wall = float(settings.CALL_WALL_S)
    result = send_reinstall(
        prepared, connect_timeout=min(CONNECT_S, wall), read_timeout=min(READ_S, wall), wall=wall
    )
    meaning = read_answer(_observation(result))
    if spec.adminpass:
        # The verdict is drawn from the bytes as they came; what is kept of them repeats no password.
        result, meaning = without_password(result, meaning, spec.adminpass)
    # Second witness, should the database be gone by now. No secret is in it.
    log.info(
        "cloud_answer job=%s attempt=%s status=%s code=%s verdict=%s job_id=%s",
        job.pk, attempt.number, result.status, meaning.code, meaning.verdict, meaning.cloud_job_id,
    )  # fmt: skip
    crashpoint("K3")
    _store_patiently(_Outcome(job, attempt, prepared, result, meaning), clock)
    crashpoint("K4")


@dataclass(frozen=True, slots=True)
class _Outcome:
    """One call that was made, and what it means."""

    job: Job
    attempt: Attempt
    prepared: PreparedReinstall
    result: OneShotResult
    meaning: Meaning


def _arm(job: Job, prepared: PreparedReinstall, baseline: ServerFacts, clock: Clock) -> Attempt:
    """Transaction A: state, attempt, baseline and audit entry, committed before a byte is sent.

    Any error out of here, the commit's included, means: do not send. An IntegrityError says that an attempt
    is live already, which no job that comes here may have: the engine puts it before a person.
    """
    now = clock()
    number = job.attempts.count() + 1
    # Durable: inside somebody's larger transaction the intent would not be on disk when the call leaves.
    with transaction.atomic(durable=True):
        moves.move(
            job,
            JobState.SUBMITTING,
            now=now,
            note="The server and its disks are as they were when this was asked for.",
            baseline=baseline.to_json(),
            lease_until=now + LEASE,
            next_at=now + LEASE,
            sent_at=now,
            waiting_for="",
        )
        attempt = Attempt.objects.create(
            job=job,
            number=number,
            verdict=Verdict.ARMED,
            body_sha256=requests.body_digest(prepared.body, requests.pepper_of(job.order)),
            # A token does not expire with the call: then no time is known after which it cannot be taken.
            signed_at=prepared.signed_at if job.project.credential_kind == "aksk" else None,
            intent_at=now,
            credential_version=job.project.credential_version,
        )
        crashpoint("K9")
        return attempt


def _still_ours(job: Job) -> bool:
    return Job.objects.filter(pk=job.pk, fence=job.fence, state=JobState.SUBMITTING).exists()


def _observation(result: OneShotResult) -> Observation:
    headers = {name.lower(): value for name, value in result.headers.items()}
    content_type = headers.get("content-type", "")
    info = parse_error(result.status or 0, content_type, result.body)
    return Observation(
        phase=Sending(result.phase.value),
        status=result.status,
        content_type=content_type,
        body=result.body,
        complete=result.complete,
        code=info.code,
        codes=tuple(detail.code for detail in info.details),
        message=plain_text(info.message, 1000),
        error=plain_text(result.error, 500),
        retry_after_s=asked_pause(info, headers.get("retry-after"), headers.get("date")),
    )


def _store_patiently(outcome: _Outcome, clock: Clock) -> None:
    """Transaction B, tried for half a minute while the lease lives; then the sweep finds it armed."""
    give_up = time.monotonic() + settings.STORE_WITHIN_S
    job = outcome.job
    as_sent = (job.state, job.seq)
    while True:
        try:
            return _store(outcome, clock())
        except (DatabaseError, NotRecorded):
            if connection.in_atomic_block or time.monotonic() > give_up:
                raise
            log.exception("the answer for job %s could not be stored yet", outcome.job.pk)
            connection.close()
            # A commit that failed has undone the row, not this object. If it came through after all, the next
            # try finds the row moved and stops.
            job.state, job.seq = as_sent
            time.sleep(0.5)


def _store(outcome: _Outcome, now: datetime) -> None:
    job, result, meaning = outcome.job, outcome.result, outcome.meaning
    with transaction.atomic():
        Attempt.objects.filter(pk=outcome.attempt.pk).update(
            verdict=meaning.verdict,
            answered_at=now,
            phase=result.phase.value,
            status=result.status,
            code=meaning.code[:80],
            message=plain_text(meaning.why),
            request_id=plain_text(_request_id(result), 80),
        )
        exchanges.note_submission(job, outcome.prepared, result)
        _conclude(job, meaning, now)
        crashpoint("K9b")


def _request_id(result: OneShotResult) -> str:
    return next((value for name, value in result.headers.items() if name.lower() == "x-request-id"), "")


def _conclude(job: Job, meaning: Meaning, now: datetime) -> None:
    """What the verdict does to the job."""
    settle = {
        Verdict.ACCEPTED: _accepted,
        Verdict.REJECTED: _rejected,
        Verdict.NOT_SENT: _unsent,
        Verdict.THROTTLED: _throttled,
        Verdict.AUTH_REFUSED: _auth_refused,
        Verdict.UNKNOWN: _unknown,
    }[meaning.verdict]
    settle(job, meaning, now)


def _accepted(job: Job, meaning: Meaning, now: datetime) -> None:
    plan = plans.plan_of(cloud_id=job.project.cloud_id, now=now)
    moves.move(
        job,
        JobState.RUNNING,
        now=now,
        note=meaning.why,
        cloud_job_id=meaning.cloud_job_id,
        accepted_at=now,
        next_at=now + timedelta(seconds=plan.first_s()),
        tries=0,
    )


def _rejected(job: Job, meaning: Meaning, now: datetime) -> None:
    _end_refused(job, meaning.code or "refused", meaning.why, now)


def _unsent(job: Job, meaning: Meaning, now: datetime) -> None:
    unsent = job.attempts.filter(verdict=Verdict.NOT_SENT).count()
    if unsent >= MAX_UNSENT:
        return _end_refused(job, "unreachable", f"{meaning.why} Tried {MAX_UNSENT} times.", now)
    _again(job, meaning, timedelta(seconds=min(2.0**unsent, 60.0)), now)


def _throttled(job: Job, meaning: Meaning, now: datetime) -> None:
    """Not taken for want of a turn: nobody sends to this cloud before the pause is over."""
    until = budget.brake(
        cloud_id=job.project.cloud_id,
        share=Share.SUBMIT,
        now=now,
        asked_s=meaning.wait_s,
        message=meaning.why,
    )
    _again(job, meaning, until - now, now)


def _auth_refused(job: Job, meaning: Meaning, now: datetime) -> None:
    refused = job.attempts.filter(verdict=Verdict.AUTH_REFUSED).count()
    if refused > 1:
        why = f"{meaning.why}. The cloud refused this portal's credentials twice; nothing was taken."
        return _end_refused(job, meaning.code or "auth", why, now)
    _again(job, meaning, timedelta(seconds=1), now)


def _unknown(job: Job, meaning: Meaning, now: datetime) -> None:
    moves.move(
        job,
        JobState.UNCERTAIN,
        now=now,
        note=meaning.why,
        next_at=now + timedelta(seconds=5),
        waiting_for=plain_text(meaning.why, 500),
    )


def _again(job: Job, meaning: Meaning, wait: timedelta, now: datetime) -> None:
    """A definite "not taken": the job may try again with a new attempt, after a new look at the server."""
    moves.move(
        job,
        JobState.QUEUED,
        now=now,
        note=meaning.why,
        next_at=now + wait,
        tries=0,
        waiting_for=plain_text(meaning.why, 500),
    )


def _end_refused(job: Job, code: str, why: str, now: datetime) -> None:
    moves.move(
        job, JobState.REJECTED, now=now, note=why, failure_code=code[:80], failure_message=plain_text(why)
    )


def _refuse_changed(job: Job, now: datetime) -> None:
    why = (
        "What would be sent is not what was asked for: the stored request does not match its hash. "
        "Nothing was sent."
    )
    log.error("request hash of job %s does not match", job.pk)
    _end_refused(job, "hash_mismatch", why, now)


def _not_prepared(job: Job, error: CloudError, now: datetime) -> None:
    if isinstance(error, AuthRefused) or job.tries + 1 >= MAX_UNSENT:
        return _end_refused(
            job, error.code or "auth", f"Signing in at the cloud failed: {error}. Nothing was sent.", now
        )
    waiting = plain_text(f"Signing in at the cloud failed: {error}. Nothing was sent; trying again.", 500)
    moves.touch(job, tries=job.tries + 1, next_at=now + timedelta(seconds=5), waiting_for=waiting)
