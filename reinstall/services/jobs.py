"""What a person may do to a job: call it off while nothing has been sent."""

from datetime import datetime

from django.db import transaction

from reinstall.domain.actors import Actor
from reinstall.domain.errors import Conflict, NotFound
from reinstall.domain.states import CANCELLABLE, FINAL, JobState
from reinstall.models import Job, Project
from reinstall.services import access, approvals, moves


def cancel_job(*, actor: Actor, now: datetime, job_id: int) -> Job:
    """Calls the job off. Raises Conflict once the call may be on its way, NotFound, NotAllowed."""
    for _ in range(3):
        job = _mine(actor, job_id)
        if job.state == JobState.CANCELLED:
            return job
        if JobState(job.state) not in CANCELLABLE:
            break
        try:
            # A worker at it finds the state changed at its next write; the intent to send is such a write.
            _call_off(job, actor, now)
            return job
        except moves.Overtaken:
            continue
    raise Conflict(_too_late(_mine(actor, job_id)), job=job_id, code="too_late")


def _call_off(job: Job, actor: Actor, now: datetime) -> None:
    with transaction.atomic():
        approval = approvals.take(job.order_id) if job.state == JobState.AWAITING_APPROVAL else None
        moves.move(job, JobState.CANCELLED, now=now, actor=actor, note=_note(job))
        if approval is not None:
            approvals.withdraw_if_empty(approval=approval, actor=actor, now=now)


def _mine(actor: Actor, job_id: int) -> Job:
    visible = Job.objects.filter(project__in=Project.objects.visible_to(actor))
    job = visible.select_related("project", "order").filter(pk=job_id).first()
    if job is None:
        raise NotFound(f"There is no job {job_id}.")
    access.project_for_requests(actor, job.project.slug)
    return job


def _note(job: Job) -> str:
    if job.state == JobState.STOPPING:
        return (
            "Called off before the reinstall was sent. The server was told to stop and may be off: start it "
            "in the cloud console if it is needed."
        )
    return "Called off before anything was sent."


def _too_late(job: Job) -> str:
    state = JobState(job.state)
    word = state.replace("_", " ")
    if state in FINAL:
        return f"Job #{job.pk} has ended ({word}); there is nothing left to cancel."
    if state is JobState.ATTENTION:
        return f"Job #{job.pk} waits for a person to look at the server; it cannot be cancelled."
    return f"Job #{job.pk} is {word}: the request may be at the cloud by now, and cannot be called back."
