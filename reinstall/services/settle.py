"""A person says what became of an unclear job. Until then the server stays held."""

from datetime import datetime
from enum import StrEnum

from django.conf import settings
from django.db import transaction

from ecsclient import jobs
from ecsclient.errors import CloudError, JobUnknown
from reinstall.domain.actors import Actor
from reinstall.domain.errors import Conflict, NotAllowed, NotFound, RuleBroken
from reinstall.domain.evidence import SETTLE
from reinstall.domain.identity import ServerFacts
from reinstall.domain.redaction import plain_text
from reinstall.domain.roles import Right
from reinstall.domain.secondperson import needs_second_person
from reinstall.domain.states import UNCLEAR, JobState
from reinstall.models import Attempt, Job, Project, Proposal
from reinstall.services import access, evidence, links, moves, proof, proposals, recovery

MAX_REASON = 500


class Answer(StrEnum):
    """What a person may say. The first two are checked against the cloud before anything ends well."""

    RAN_JOB = "ran_job"
    RAN_UNKNOWN = "ran_unknown"
    NEVER_RAN = "never_ran"
    RAN_WELL = "ran_well"
    RAN_BADLY = "ran_badly"


def settle_job(
    *, actor: Actor, now: datetime, job_id: int, answer: str, cloud_job_id: str = "", reason: str
) -> Job:
    """Settles an uncertain job, or one that waits for a person.

    ran_job: the cloud's job `cloud_job_id` is followed, if the cloud says it is about this server.
    ran_unknown: the disks are compared with those before. never_ran: the server was not touched and is free.
    ran_well, ran_badly: the end as the person saw it, where the comparison cannot decide (attention only).
    Raises RuleBroken naming answer, reason or cloud_job_id; Conflict where it is too early or too late for
    that answer; NotAllowed, NotFound.

    Where never_ran needs a second person (ECSPORTAL_SECOND_PERSON), it is kept as a proposal and the job
    stays as it is, until somebody else confirms it (services.confirming).
    """
    chosen, reason = _checked(answer, reason)
    for _ in range(3):
        job = mine(actor=actor, job_id=job_id, now=now)
        attempt = answerable(job, chosen, now)
        try:
            if chosen is Answer.RAN_JOB:
                _follow(Word(job, actor, now, reason), attempt, cloud_job_id.strip())
            elif chosen is Answer.NEVER_RAN and _needs_two(job, attempt):
                _propose(Word(job, actor, now, reason))
            else:
                _end(Word(job, actor, now, reason), chosen)
            return job
        except moves.Overtaken:
            continue
    raise busy(job_id)


def busy(job_id: int) -> Conflict:
    """Others were faster each time."""
    return Conflict(f"Job #{job_id} is changing right now. Look at it again.", job=job_id, code="busy")


class Word:
    """One person's answer about one job, with its reason."""

    def __init__(self, job: Job, actor: Actor, now: datetime, reason: str) -> None:
        self.job, self.actor, self.now, self.reason = job, actor, now, reason

    def keep(self, answer: Answer, **more: str) -> None:
        """The row among the evidence; the audit entry is written by the move."""
        data = {"answer": answer.value, "reason": self.reason, "by": self.actor.name, **more}
        summary = f"{self.actor.name} answered {answer.value}: {self.reason}"
        evidence.keep(self.job, "operator", summary, data, self.now, nonce=str(self.job.seq))


def _checked(answer: str, reason: str) -> tuple[Answer, str]:
    if answer not in {known.value for known in Answer}:
        raise RuleBroken(f"Write one of {', '.join(Answer)}.", "answer", "choice")
    return Answer(answer), checked_reason(reason)


def checked_reason(reason: str, *, required: bool = True) -> str:
    """The reason as it is kept. Raises RuleBroken where it is missing or too long."""
    said = plain_text(reason.strip(), MAX_REASON + 1)
    if not said and required:
        raise RuleBroken("Say how you know: what you looked at, and where.", "reason", "required")
    if len(said) > MAX_REASON:
        raise RuleBroken(f"The reason has at most {MAX_REASON} characters.", "reason", "max_length")
    return said


def mine(*, actor: Actor, job_id: int, now: datetime) -> Job:
    """The job, if this person may settle jobs of its project. Raises NotFound, NotAllowed, NeedsProof."""
    visible = Job.objects.filter(project__in=Project.objects.visible_to(actor))
    job = visible.select_related("order", "project__cloud", "server").filter(pk=job_id).first()
    if job is None:
        raise NotFound(f"There is no job {job_id}.")
    if actor.scopes is not None or actor.user_id is None:
        raise NotAllowed("What became of a server is settled by a person. Sign in to do it.")
    access.must_have(actor, job.project, Right.SETTLE)
    proof.must_be_proved(actor, now=now, project=job.project)
    return job


def answerable(job: Job, answer: Answer, now: datetime) -> Attempt | None:
    """The attempt in doubt. Raises Conflict where `answer` cannot be given about this job now."""
    state = JobState(job.state)
    if state not in UNCLEAR:
        word = state.replace("_", " ")
        raise Conflict(f"Job #{job.pk} is {word}; there is nothing to settle.", job=job.pk, code="not_open")
    attempt = evidence.last_attempt(job)
    if attempt is None and answer is not Answer.NEVER_RAN:
        raise Conflict(
            f"Job #{job.pk} never sent a request, so nothing of it can have run. Say that it never started.",
            job=job.pk,
            code="never_sent",
        )
    if answer in (Answer.RAN_WELL, Answer.RAN_BADLY) and state is not JobState.ATTENTION:
        raise Conflict(
            f"Job #{job.pk} is still being looked into. Say that it ran, and the disks are compared.",
            job=job.pk,
            code="too_early",
        )
    if answer is Answer.RAN_UNKNOWN and ServerFacts.from_json(job.baseline) is None:
        raise Conflict("There is no record of the disks before; say how it ended.", job=job.pk, code="blind")
    if answer is Answer.NEVER_RAN:
        _must_be_over(job, attempt, now)
    return attempt


def _must_be_over(job: Job, attempt: Attempt | None, now: datetime) -> None:
    """A worker that was frozen between intent and call might still send, as long as the signature holds."""
    answered = attempt is None or bool(attempt.phase)
    over = now if answered or attempt is None else attempt.intent_at + SETTLE
    if now < over:
        raise Conflict(
            f"The request might still reach the cloud until {over:%H:%M} UTC. Answer then, not before.",
            job=job.pk,
            code="too_early",
        )


def _needs_two(job: Job, attempt: Attempt | None) -> bool:
    in_doubt = attempt is not None
    return needs_second_person(settings.SECOND_PERSON, job.project.environment, in_doubt=in_doubt)


def _propose(word: Word) -> None:
    """Keeps the answer for a second person. The job's row is taken first, so one of two proposers is told."""
    job = word.job
    with transaction.atomic():
        moves.touch(job, proposal_count=job.proposal_count + 1)
        found = proposals.open_of(job)
        if found is not None:
            raise Conflict(_already(found, word.actor), job=job.pk, code="proposed")
        answer = Answer.NEVER_RAN.value
        made = proposals.make(job=job, actor=word.actor, now=word.now, answer=answer, reason=word.reason)
        summary = (
            f"{word.actor.name} says that it never started, and a second person has to agree: {word.reason}"
        )
        data = {"answer": answer, "reason": word.reason, "by": word.actor.name, "proposal": made.pk}
        evidence.keep(job, "operator", summary, data, word.now)


def _already(found: Proposal, actor: Actor) -> str:
    if found.proposed_by_id == actor.user_id:
        return "You have said so already; another person has to confirm it."
    return f"{found.proposed_by_name} has said so already. Confirm or reject that."


def _follow(word: Word, attempt: Attempt | None, cloud_job_id: str) -> None:
    job = word.job
    if attempt is None or not jobs.is_job_id(cloud_job_id):
        raise RuleBroken("A job id has 8 to 64 letters, digits and hyphens.", "cloud_job_id", "format")
    try:
        found = jobs.get_job(links.session_of(job.project), cloud_job_id)
    except JobUnknown:
        message = f"The cloud does not know job {cloud_job_id} (it forgets jobs a day after their end)."
        raise RuleBroken(message, "cloud_job_id", "unknown") from None
    except CloudError as error:
        said = plain_text(str(error), 300)
        raise Conflict(f"The cloud did not answer about that job: {said}. Try again.", job=job.pk) from None
    wrong = recovery.why_not_ours(job, attempt, found)
    if not wrong and not found.server_id:
        wrong = f"The cloud does not say yet which server job {cloud_job_id} is about. Try again in a minute."
    if wrong:
        raise RuleBroken(wrong, "cloud_job_id", "other_server")
    with transaction.atomic():
        recovery.adopt(job, attempt, cloud_job_id, now=word.now, actor=word.actor, note=word.reason)
        word.keep(Answer.RAN_JOB, cloud_job_id=cloud_job_id)


def _end(word: Word, answer: Answer) -> None:
    to = {
        Answer.RAN_UNKNOWN: JobState.VERIFYING,
        Answer.NEVER_RAN: JobState.NOT_APPLIED,
        Answer.RAN_WELL: JobState.SUCCEEDED,
        Answer.RAN_BADLY: JobState.FAILED,
    }[answer]
    changes: dict[str, object] = {}
    if to is JobState.VERIFYING:
        changes = {"next_at": word.now, "waiting_for": ""}
    elif to is JobState.FAILED:
        changes = {"failure_code": "settled", "failure_message": word.reason}
    with transaction.atomic():
        moves.move(word.job, to, now=word.now, actor=word.actor, note=word.reason, **changes)
        word.keep(answer)
