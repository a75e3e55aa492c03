"""The one UPDATE that changes a job's state, with its audit entry. Nobody else writes `state`."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F

from reinstall.domain.actors import ENGINE, Actor
from reinstall.domain.states import FINAL, UNCLEAR, JobState, may_move
from reinstall.models import Job
from reinstall.services import history, outbox, proposals, wake

#: Rows one statement writes, and jobs of many that are hinted at by themselves; the sweep takes the others.
_AT_ONCE, _HINTED = 500, 20


class Overtaken(Exception):
    """Somebody else changed or claimed the job. The caller stops quietly; the row is right."""


def move(
    job: Job, to: JobState, *, now: datetime, actor: Actor = ENGINE, note: str = "", **changes: Any
) -> None:
    """Moves `job` from the state (and fence) it was read with, sets `changes`, writes the audit entry.

    Raises Overtaken when the row is not as it was read, ValueError for a move the state table does not have.
    """
    before = JobState(job.state)
    if not may_move(before, to):
        raise ValueError(f"job {job.pk}: {before} to {to} is not a move of the state table")
    if to in FINAL:
        changes |= {"ended_at": now, "next_at": None, "waiting_for": ""}
    with transaction.atomic():
        expected = Job.objects.filter(pk=job.pk, state=before, seq=job.seq, fence=job.fence)
        values = {"state": to, "state_since": now, "seq": job.seq + 1, **changes}
        if expected.update(**values) != 1:
            raise Overtaken(f"job {job.pk} is no longer {before} at fence {job.fence}")
        history.record(actor=actor, now=now, act=_act(job, before, to, note, values))
        if before in UNCLEAR:
            proposals.overtake(job=job, actor=actor, now=now, to=to.value)
        outbox.note_move(job=job, before=before.value, to=to, seq=job.seq + 1, now=now)
        wake.ring(job.pk, due=_is_due(values, now))
    for name, value in values.items():
        setattr(job, name, value)


def move_all(
    jobs: Sequence[Job], to: JobState, *, now: datetime, actor: Actor, note: str, **changes: Any
) -> None:
    """Moves `jobs`, all in one state, as `move` does each, in a few statements; all of them or none.

    For states in which no worker works at a job but to end it. Raises Overtaken where one of them has moved,
    ValueError for a move the state table does not have.
    """
    if not jobs:
        return
    before = JobState(jobs[0].state)
    if not may_move(before, to):
        raise ValueError(f"{len(jobs)} jobs: {before} to {to} is not a move of the state table")
    if to in FINAL:
        changes |= {"ended_at": now, "next_at": None, "waiting_for": ""}
    with transaction.atomic():
        for first in range(0, len(jobs), _AT_ONCE):
            part = jobs[first : first + _AT_ONCE]
            expected = Job.objects.filter(pk__in=[job.pk for job in part], state=before)
            if expected.update(state=to, state_since=now, seq=F("seq") + 1, **changes) != len(part):
                raise Overtaken(f"one of {len(part)} jobs is no longer {before}")
        acts = [_act(job, before, to, note, {"seq": job.seq + 1, **changes}) for job in jobs]
        history.record_all(actor=actor, now=now, acts=acts)
        outbox.note_moves(jobs=jobs, before=before.value, to=to, now=now)
        for job in jobs[:_HINTED]:
            wake.ring(job.pk, due=_is_due(changes, now))


def touch(job: Job, *, announce: bool = True, **changes: Any) -> None:
    """Sets columns other than the state, guarded by state and fence. Raises Overtaken as `move` does."""
    with transaction.atomic():
        expected = Job.objects.filter(pk=job.pk, state=job.state, fence=job.fence)
        if expected.update(**changes) != 1:
            raise Overtaken(f"job {job.pk} was claimed by somebody else")
        if announce:
            wake.ring(job.pk, due=False)
    for name, value in changes.items():
        setattr(job, name, value)


def _act(job: Job, before: JobState, to: JobState, note: str, values: dict[str, Any]) -> history.Act:
    shown = ("cloud_job_id", "failure_code", "failure_message", "stop_job_id")
    after = {"state": to.value} | {name: values[name] for name in shown if values.get(name)}
    return history.Act(
        action=f"job.{to}",
        object_type="job",
        object_id=str(job.pk),
        object_label=f"#{job.pk} {job.server_name}",
        project_slug=job.project.slug,
        before={"state": before.value},
        after=after,
        note=note,
        seq=values["seq"],
    )


def _is_due(values: dict[str, Any], now: datetime) -> bool:
    next_at = values.get("next_at")
    return next_at is not None and next_at <= now
