"""After a restore, a clone or a failover: nothing that was under way is believed, and a new epoch begins."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from reinstall.domain.actors import Actor
from reinstall.domain.errors import NotAllowed, RuleBroken
from reinstall.domain.redaction import plain_text
from reinstall.domain.states import ACTIVE, JobState, Verdict
from reinstall.models import Attempt, Job, SystemFlag
from reinstall.services import approvals, guards, history, marks, moves

#: Where a job goes whose last commits may be missing: the engine looks by reading, or a person does.
GOES_TO = {
    JobState.AWAITING_APPROVAL: JobState.CANCELLED,
    JobState.QUEUED: JobState.ATTENTION,
    JobState.PREFLIGHT: JobState.ATTENTION,
    JobState.STOPPING: JobState.ATTENTION,
    JobState.SUBMITTING: JobState.UNCERTAIN,
    JobState.RUNNING: JobState.UNCERTAIN,
    JobState.VERIFYING: JobState.ATTENTION,
}
NOTE = "The database was restored: what happened to this server since its last entry is not known here."


@dataclass(frozen=True, slots=True)
class Restored:
    """How many jobs were moved, by the state they were in."""

    moved: dict[str, int]


def after_restore(*, actor: Actor, clock: Callable[[], datetime], reason: str) -> Restored:
    """Moves every job that is not at its end to uncertain or attention, then begins a new epoch.

    All of it is one transaction. Raises NotAllowed, RuleBroken without a reason.
    """
    if not actor.sees_all:
        raise NotAllowed("Only an operator may say that the database counts again.")
    why = plain_text(reason, 500).strip()
    if not why:
        raise RuleBroken("Say what was restored, and from when.", "reason", "required")
    now = clock()
    moved: dict[str, int] = {}
    with transaction.atomic():
        jobs = Job.objects.select_for_update().filter(state__in=sorted(ACTIVE)).select_related("project")
        for job in jobs.order_by("pk"):
            before = job.state
            if _doubt(job, actor, now):
                moved[before] = moved.get(before, 0) + 1
        approvals.withdraw_empty(actor=actor, now=now)
        SystemFlag.objects.filter(name=guards.READ_ONLY).delete()
        marks.new_epoch(now=now, set_by=actor.name, reason=why)
        act = history.Act(
            action="system.after_restore",
            object_type="system",
            object_id="epoch",
            note=why,
            after={"moved": moved},
        )
        history.record(actor=actor, now=now, act=act)
    return Restored(moved)


def _doubt(job: Job, actor: Actor, now: datetime) -> bool:
    to = GOES_TO.get(JobState(job.state))
    if to is None:
        return False
    Attempt.objects.filter(job=job, verdict=Verdict.ARMED).update(
        verdict=Verdict.UNKNOWN, answered_at=now, message=NOTE
    )
    if to is JobState.CANCELLED:
        moves.move(job, to, now=now, actor=actor, note=NOTE)
    else:
        due = now if to is JobState.UNCERTAIN else None
        moves.move(job, to, now=now, actor=actor, note=NOTE, next_at=due, lease_until=now, waiting_for=NOTE)
    return True
