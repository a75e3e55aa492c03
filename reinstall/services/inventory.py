"""Reads servers, disks, images, key pairs and KMS keys from the cloud into the database.

Each reading is a SyncRun. It ends with what could be read and says what is missing; then nothing is called
gone, and the age that pages show stays that of the last complete reading.
"""

import logging
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from ecsclient.errors import AuthRefused, CloudError, Unsent
from reinstall.domain.actors import Actor, Source
from reinstall.domain.redaction import plain_text
from reinstall.domain.sealing import CannotOpen
from reinstall.models import Project, SyncRun
from reinstall.models.clock import StepClock
from reinstall.services import access, history, links, syncruns
from reinstall.services.claims import owner
from reinstall.services.inventory_disks import store_disks
from reinstall.services.inventory_images import sync_images
from reinstall.services.inventory_keys import sync_key_pairs, sync_kms_keys
from reinstall.services.inventory_reading import Clock, Leaving, Reading, SyncReport
from reinstall.services.inventory_servers import sync_servers

__all__ = ["SyncReport", "join_run", "read_run", "store_disks", "sync_project"]

log = logging.getLogger(__name__)

LEFT = "The portal was stopped in the middle. What was read is kept; nothing was called gone."
FAILED = "Something went wrong in this portal while reading; its log says what."
#: Waiting for somebody else's reading of the same project.
PATIENCE_S, LOOK_AGAIN_S = 900.0, 0.2
_PARTS: tuple[tuple[str, Callable[[Reading], None]], ...] = (
    ("servers and disks", sync_servers),
    ("images", sync_images),
    ("key pairs", sync_key_pairs),
    ("KMS keys", sync_kms_keys),
)


def sync_project(*, actor: Actor, now: datetime, project: Project) -> SyncReport:
    """Reads the inventory of `project` now and returns when that is done.

    Where somebody else reads it, waits for that. Needs a role that may request reinstalls there.
    """
    report = join_run(actor=actor, now=now, project=project)
    give_up = time.monotonic() + PATIENCE_S
    while report is None and time.monotonic() < give_up:
        # Another process may be the reader, so its row is all there is to wait on.
        time.sleep(LOOK_AGAIN_S)
        report = _end_of_others(project, StepClock()())
        if report is None and not SyncRun.objects.filter(project=project, ended_at=None).exists():
            report = join_run(actor=actor, now=now, project=project)
    if report is None:
        return SyncReport(problems=(f"Another reading of {project.name} does not come to its end.",))
    return report


def join_run(*, actor: Actor, now: datetime, project: Project) -> SyncReport | None:
    """As `sync_project`, but None at once where somebody else is reading the project."""
    run = syncruns.request_sync(actor=actor, now=now, project=project, wanted_now=False)
    clock = StepClock()
    mine = syncruns.claim(run_id=run.pk, owner=owner(), now=clock(), at_once=None)
    return None if mine is None else _read(mine, actor, now, clock)


def _end_of_others(project: Project, now: datetime) -> SyncReport | None:
    syncruns.end_dead(now=now, project=project)
    run = SyncRun.objects.filter(project=project).first()
    return None if run is None or run.ended_at is None else _report_of(run)


def _report_of(run: SyncRun) -> SyncReport:
    counted = run.differences.get("counts", {})
    return SyncReport(
        servers=run.read,
        added=run.added,
        changed=run.changed,
        gone=run.gone,
        problems=tuple(run.problems),
        **{name: counted.get(name, 0) for name in ("key_pairs", "kms_keys", "images")},
    )


def read_run(*, run_id: int, owner: str, clock: Clock) -> bool:
    """Reads what run `run_id` asks for. False where it is not to be had: taken, ended, or others go first."""
    run = syncruns.claim(run_id=run_id, owner=owner, now=clock())
    if run is None:
        return False
    actor = Actor(user_id=None, name=run.requested_by_name, source=Source.SYSTEM, sees_all=True)
    _read(run, actor, clock(), clock)
    return True


def _read(run: SyncRun, actor: Actor, now: datetime, clock: Clock) -> SyncReport:
    project = access.project_for_requests(actor, run.project.slug) if not actor.sees_all else run.project
    try:
        session = links.session_of(project)
    except CannotOpen:
        report = SyncReport(problems=(links.SEALED_SHUT,))
        ended = clock()
        _finish(run=run, actor=actor, now=now, ended=ended, report=report, differences={}, complete=False)
        return report
    reading = Reading(project, session, now, run, clock)
    try:
        with links.paying(reading.pay), links.listening(reading.heard):
            _read_parts(reading)
    except syncruns.RunLost:
        reading.report.problems = (syncruns.DIED,)
        return reading.report
    except Leaving:
        reading.missing.append(LEFT)
    except Exception:
        log.exception("the inventory of %s could not be read", project.slug)
        reading.missing.append(FAILED)
    reading.give_back()
    report = reading.report
    report.problems = (*reading.missing, *reading.oddities)
    _finish(
        run=run,
        actor=actor,
        now=now,
        ended=clock(),
        report=report,
        differences=reading.differences,
        complete=not reading.missing,
    )
    return report


def _read_parts(reading: Reading) -> None:
    for name, part in _PARTS:
        try:
            part(reading)
        except CloudError as error:
            reading.missing.append(f"Reading {name} ended early: {plain_text(str(error), 500)}.")
            if isinstance(error, AuthRefused) or (isinstance(error, Unsent) and part is sync_servers):
                # A key that was refused is locked after five tries; a cloud that is away has nothing to say.
                return


def _finish(  # noqa: PLR0913 - all by name
    *,
    run: SyncRun,
    actor: Actor,
    now: datetime,
    ended: datetime,
    report: SyncReport,
    differences: Mapping[str, Any],
    complete: bool,
) -> None:
    counts = {name: getattr(report, name) for name in ("key_pairs", "kms_keys", "images")}
    found = {name: getattr(report, name) for name in ("added", "changed", "gone")}
    with transaction.atomic():
        syncruns.end(
            run,
            ended,
            read=report.servers,
            announced=None,
            differences={**differences, "counts": counts},
            problems=list(report.problems),
            complete=complete,
            **found,
        )
        project = Project.objects.get(pk=run.project_id)
        before, project.sync_error = project.sync_error, " ".join(report.problems)
        # The age that pages show is that of the last complete reading.
        if complete:
            project.synced_at = now
        project.save(update_fields=["sync_error", "synced_at"])
        # Nobody asked for a scheduled reading: only what it found is worth an entry.
        by_itself = run.requested_by_name == syncruns.SCHEDULE.name
        if not by_itself or before != project.sync_error or any(found.values()):
            told = {"servers": report.servers, **found}
            act = history.project_act(project, "project.synced", after=told, note=project.sync_error)
            history.record(actor=actor, now=now, act=act)
