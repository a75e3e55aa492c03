"""What happens after an unclear outcome or an abandoned claim. Reads only: nothing here can send."""

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from django.conf import settings
from django.db import transaction

from ecsclient import jobs
from ecsclient.errors import CloudError, JobUnknown
from ecsclient.session import CloudSession
from reinstall.domain.evidence import BEFORE_INTENT, SETTLE_BUSY, Decision, Finding, Grade, judge
from reinstall.domain.redaction import plain_text
from reinstall.domain.states import JobState, Verdict
from reinstall.models import Attempt, Job
from reinstall.services import evidence, moves
from reinstall.services.crashpoints import crashpoint

log = logging.getLogger(__name__)
Clock = Callable[[], datetime]

#: When to look again, by the age of the doubt; hourly from then on.
LOOKS = tuple(timedelta(seconds=s) for s in (5, 15, 30, 60, 120, 300, 600, 900, 1200, 1800))


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
    """uncertain: looks for what the call did, and does what the evidence says (domain.evidence)."""
    if job.cloud_job_id and _known_again(job, session, clock):
        return
    attempt = evidence.last_attempt(job)
    if attempt is None:
        sentence = "There is no record of a call to look for. A person must look."
        return _attention(job, Finding(Grade.NONE, Decision.ATTENTION, sentence), clock())
    sent = evidence.sent_of(job, attempt, session)
    seen = evidence.collect(job, sent, session, clock)
    finding = judge(sent, seen, auto_not_applied=settings.AUTO_NOT_APPLIED)
    crashpoint("K8")
    if finding.decision is Decision.ADOPT:
        tried = _try_to_adopt(job, attempt, finding, session, clock)
        if tried is _Adoption.DONE:
            return
        if tried is _Adoption.DEAD or clock() > job.state_since + SETTLE_BUSY:
            # Without the job, what the disks say decides.
            known = replace(sent, dead_jobs=sent.dead_jobs | {finding.job_id})
            finding = judge(known, seen, auto_not_applied=settings.AUTO_NOT_APPLIED)
        else:
            waiting = f"{finding.sentence} The cloud does not say yet that it is about this server."
            finding = replace(finding, decision=Decision.WAIT, sentence=waiting)
    crashpoint("K8")
    _follow(job, attempt, finding, clock())


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


class _Adoption(StrEnum):
    DONE = "done"
    LATER = "later"
    DEAD = "dead"


def _try_to_adopt(
    job: Job, attempt: Attempt, finding: Finding, session: CloudSession, clock: Clock
) -> _Adoption:
    """Follows the job of our trace, if the cloud itself says that it is about this server."""
    try:
        found = jobs.get_job(session, finding.job_id)
    except JobUnknown:
        return _Adoption.DEAD
    except CloudError:
        return _Adoption.LATER
    evidence.note_job(job, found, clock())
    wrong = why_not_ours(job, attempt, found)
    if wrong or not found.server_id:
        return _Adoption.DEAD if wrong else _Adoption.LATER
    adopt(job, attempt, found.id, note=finding.sentence, now=clock(), grade=finding.grade)
    return _Adoption.DONE


def why_not_ours(job: Job, attempt: Attempt, found: jobs.CloudJob) -> str:
    """Why a job of the cloud cannot be the one our call started, as a sentence; "" when nothing speaks
    against it."""
    if found.server_id and found.server_id != str(job.server_id):
        return f"The cloud's job {found.id} is about another server."
    if found.begin is not None and found.begin < attempt.intent_at - BEFORE_INTENT:
        return f"The cloud's job {found.id} began before the request was sent."
    if Job.objects.filter(cloud_job_id=found.id).exclude(pk=job.pk).exists():
        return f"The cloud's job {found.id} belongs to another job of this portal."
    return ""


def adopt(job: Job, attempt: Attempt, cloud_job_id: str, *, now: datetime, **how: Any) -> None:
    """-> running with this job id; the attempt was accepted. `how`: note, actor, and grade for the log."""
    log.info("job %s follows cloud job %s (%s)", job.pk, cloud_job_id, how.pop("grade", ""))
    with transaction.atomic():
        Attempt.objects.filter(pk=attempt.pk).update(verdict=Verdict.ACCEPTED)
        moves.move(
            job,
            JobState.RUNNING,
            now=now,
            cloud_job_id=cloud_job_id,
            accepted_at=job.accepted_at or job.sent_at or now,
            next_at=now,
            tries=0,
            waiting_for="",
            **how,
        )


def _follow(job: Job, attempt: Attempt, finding: Finding, now: datetime) -> None:
    evidence.note_finding(job, finding, now)
    if finding.decision is Decision.VERIFY:
        moves.move(job, JobState.VERIFYING, now=now, note=finding.sentence, next_at=now, waiting_for="")
    elif finding.decision is Decision.REJECT:
        _refused(job, attempt, finding, now)
    elif finding.decision is Decision.NOT_APPLIED:
        moves.move(job, JobState.NOT_APPLIED, now=now, note=finding.sentence)
    elif finding.decision is Decision.ATTENTION:
        _attention(job, finding, now)
    else:
        _later(job, finding.sentence, now)


def _refused(job: Job, attempt: Attempt, finding: Finding, now: datetime) -> None:
    with transaction.atomic():
        Attempt.objects.filter(pk=attempt.pk).update(verdict=Verdict.REJECTED, code=finding.code[:80])
        moves.move(
            job,
            JobState.REJECTED,
            now=now,
            note=finding.sentence,
            failure_code=finding.code[:80],
            failure_message=plain_text(finding.sentence),
        )


def _later(job: Job, sentence: str, now: datetime) -> None:
    next_at = next(
        (job.state_since + look for look in LOOKS if job.state_since + look > now), now + timedelta(hours=1)
    )
    moves.touch(job, next_at=next_at, polled_at=now, waiting_for=plain_text(sentence, 500))


def _attention(job: Job, finding: Finding, now: datetime) -> None:
    if finding.grade is Grade.E5:
        log.error("job %s: contradictory evidence: %s", job.pk, plain_text(finding.sentence, 300))
    sentence = f"{finding.sentence} A person must look."
    moves.move(
        job, JobState.ATTENTION, now=now, note=sentence, next_at=None, waiting_for=plain_text(sentence, 500)
    )
