"""What was asked for is read by whoever has a ticker, with and without a broker."""

import time
from typing import Any

import pytest
from django.db import connection

from reinstall import tasks
from reinstall.models import Project, SyncRun
from reinstall.services import syncruns
from reinstall.services.syncruns import request_sync
from tests.reinstall.conftest import OPERATOR, Clock

pytestmark = pytest.mark.django_db(transaction=True)


def ended(run: SyncRun, patience_s: float = 20.0) -> SyncRun:
    give_up = time.monotonic() + patience_s
    while time.monotonic() < give_up:
        run.refresh_from_db()
        if run.ended_at is not None:
            return run
        time.sleep(0.05)
    raise AssertionError(f"the run is still at {run.phase!r}")


def asked(project: Project, clock: Clock) -> SyncRun:
    return request_sync(actor=OPERATOR, now=clock(), project=project)


def test_the_ticker_reads_what_was_asked_for(project: Project, clock: Clock) -> None:
    run = asked(project, clock)
    tasks.sync_due()
    assert ended(run).complete


def test_the_task_reads_the_run_it_was_told_of_once(project: Project, clock: Clock) -> None:
    run = asked(project, clock)
    tasks.sync(run.pk, a_later_argument="is ignored")
    run.refresh_from_db()
    assert run.complete
    read_at = run.ended_at
    tasks.sync(run.pk)
    run.refresh_from_db()
    assert run.ended_at == read_at


def test_when_as_many_as_allowed_read_already_it_waits(project: Project, clock: Clock) -> None:
    run = asked(project, clock)
    others = [
        Project.objects.create(
            **{
                f.attname: getattr(project, f.attname)
                for f in Project._meta.fields
                if f.name not in ("id", "slug", "project_id")
            },
            slug=f"other-{number}",
            project_id=f"{number:032}",
        )
        for number in range(syncruns.AT_ONCE)
    ]
    for other in others:
        made = SyncRun.objects.create(project=other, requested_by_name="eve", requested_at=clock())
        assert syncruns.claim(run_id=made.pk, owner="elsewhere", now=clock())
    tasks.sync(run.pk)
    run.refresh_from_db()
    assert run.started_at is None and syncruns.waiting() == [run.pk]
    SyncRun.objects.filter(owner="elsewhere").update(ended_at=clock())
    tasks.sync(run.pk)
    run.refresh_from_db()
    assert run.complete


def test_old_runs_are_dropped_and_the_last_one_stays(project: Project, clock: Clock, settings: Any) -> None:
    SyncRun.objects.all().delete()
    for _ in range(3):
        SyncRun.objects.create(project=project, requested_by_name="x", requested_at=clock(), ended_at=clock())
    clock.add(8 * 86_400)
    syncruns.forget_old(now=clock())
    assert SyncRun.objects.count() == 1
    connection.close()
