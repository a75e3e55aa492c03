"""Rows of readings: asked for, claimed by one reader, kept up to date, ended. One open row per project."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, Q

from reinstall.domain.actors import Actor, Source
from reinstall.models import Project, SyncRun
from reinstall.services import access, history, wake

#: A reader says at least so often that it lives; one call to the cloud ends well within.
LEASE = timedelta(seconds=120)
#: Readings at a time, of all workers together: the engine's work comes first.
AT_ONCE = 2
KEPT = timedelta(days=7)
DIED = "The reader stopped in the middle. What it had read is kept; nothing was called gone."
SCHEDULE = Actor(user_id=None, name="schedule", source=Source.SYSTEM, sees_all=True)


class RunLost(Exception):
    """The run was ended by somebody else: its lease was over."""


def request_sync(*, actor: Actor, now: datetime, project: Project, wanted_now: bool = True) -> SyncRun:
    """The open run of `project`, made where there is none. Needs a role that may request reinstalls there.

    With `wanted_now` a worker is told of it; else the caller reads by itself.
    """
    project = access.project_for_requests(actor, project.slug)
    end_dead(now=now, project=project)
    run = _open_run(project) or _made(actor, now, project)
    if wanted_now and run.started_at is None:
        wake.sync_asked_for(run.pk)
    return run


def _open_run(project: Project) -> SyncRun | None:
    return SyncRun.objects.filter(project=project, ended_at=None).first()


def _made(actor: Actor, now: datetime, project: Project) -> SyncRun:
    try:
        with transaction.atomic():
            run = SyncRun.objects.create(project=project, requested_by_name=actor.name, requested_at=now)
            if actor is not SCHEDULE:
                act = history.project_act(project, "project.sync_requested")
                history.record(actor=actor, now=now, act=act)
            return run
    except IntegrityError:
        # Somebody was faster by a moment.
        found = _open_run(project)
        if found is None:
            raise
        return found


def schedule(*, now: datetime) -> list[int]:
    """Makes a run for each project that was not read for the set time; the ids of these runs."""
    if not settings.SYNC_EVERY_S:
        return []
    before = now - timedelta(seconds=settings.SYNC_EVERY_S)
    recent = Q(ended_at=None) | Q(ended_at__gt=before) | Q(requested_at__gt=before)
    due = Project.objects.filter(
        Q(synced_at=None) | Q(synced_at__lte=before),
        ~Exists(SyncRun.objects.filter(recent, project=OuterRef("pk"))),
    )
    return [_made(SCHEDULE, now, project).pk for project in due.order_by("pk")]


def waiting() -> list[int]:
    """Runs that nobody has taken up yet, the oldest first."""
    rows = SyncRun.objects.filter(ended_at=None, started_at=None)
    return list(rows.order_by("requested_at", "pk").values_list("pk", flat=True))


def claim(*, run_id: int, owner: str, now: datetime, at_once: int | None = AT_ONCE) -> SyncRun | None:
    """The run, now the caller's; None where somebody else has it, or `at_once` others are at work."""
    if at_once is not None:
        busy = SyncRun.objects.filter(ended_at=None, lease_until__gt=now).exclude(pk=run_id).count()
        if busy >= at_once:
            return None
    mine = SyncRun.objects.filter(pk=run_id, ended_at=None, started_at=None)
    if not mine.update(started_at=now, owner=owner, lease_until=now + LEASE):
        return None
    return SyncRun.objects.select_related("project__cloud").get(pk=run_id)


def note(run: SyncRun, now: datetime, **columns: Any) -> None:
    """Writes how far the run is, and that its reader lives. Raises RunLost when it is not his any more."""
    mine = SyncRun.objects.filter(pk=run.pk, ended_at=None, owner=run.owner)
    if not mine.update(lease_until=now + LEASE, **columns):
        raise RunLost


def end(run: SyncRun, now: datetime, **columns: Any) -> None:
    """Ends the run with what was found. Raises RunLost as `note` does."""
    mine = SyncRun.objects.filter(pk=run.pk, ended_at=None, owner=run.owner)
    if not mine.update(ended_at=now, phase="", lease_until=None, **columns):
        raise RunLost


def end_dead(*, now: datetime, project: Project | None = None) -> int:
    """Ends the runs whose reader has not been heard of for the length of a lease."""
    dead = SyncRun.objects.filter(ended_at=None, lease_until__lt=now)
    if project is not None:
        dead = dead.filter(project=project)
    ended = 0
    for run_id, project_id in dead.values_list("pk", "project_id"):
        with transaction.atomic():
            same = SyncRun.objects.filter(pk=run_id, ended_at=None, lease_until__lt=now)
            if same.update(ended_at=now, phase="", lease_until=None, problems=[DIED]):
                Project.objects.filter(pk=project_id).update(sync_error=DIED)
                ended += 1
    return ended


def forget_old(*, now: datetime) -> None:
    """Drops runs of long ago; the last one of each project stays."""
    later = SyncRun.objects.filter(project=OuterRef("project"), requested_at__gt=OuterRef("requested_at"))
    old: Sequence[int] = list(
        SyncRun.objects.filter(Exists(later), ended_at__lt=now - KEPT).values_list("pk", flat=True)[:5000]
    )
    SyncRun.objects.filter(pk__in=old).delete()
