"""Time travel: a restored, copied or taken-over database sends nothing until a person says it counts."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils.timezone import now

from reinstall.domain.actors import Actor
from reinstall.domain.errors import Conflict
from reinstall.domain.states import JobState
from reinstall.models import AuditEvent, AuditStream, Job, Project, Server, SystemFlag
from reinstall.selectors.guards import active_guards
from reinstall.services import engine, guards, marks
from simulator.server import RunningSimulator
from tests.emptying import lifted
from tests.reinstall.conftest import Clock, advanced, finished, free_servers, placed_job

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _mark(settings: Any, tmp_path: Path) -> Iterator[None]:
    settings.HIGH_WATER_MARK = tmp_path / "mark.json"
    yield
    guards.look_back(now=now())


@pytest.fixture
def restored(actor: Actor, project: Project) -> list[Job]:
    """Yesterday's backup: the second job and all that was done since are not in it."""
    first, second = free_servers(project)[:2]
    kept = placed_job(actor, first)
    guards.look_back(now=now())
    newest = AuditEvent.objects.order_by("-id").first()
    assert newest is not None
    ends = list(AuditStream.objects.all())
    lost = placed_job(actor, second)
    guards.look_back(now=now())
    order = lost.order_id
    Job.objects.filter(pk=lost.pk).update(state=JobState.QUEUED)
    lost.events.all().delete()
    lost.delete()
    with lifted():
        for end in ends:
            end.save()
        AuditEvent.objects.filter(pk__gt=newest.pk).delete()
    assert order
    return [kept]


def test_F18_a_backup_of_yesterday_sends_nothing(
    restored: list[Job], actor: Actor, project: Project, simulator: RunningSimulator, clock: Clock
) -> None:
    (job,) = restored
    advanced(job, clock)
    assert not simulator.accepted()
    assert job.state == JobState.PREFLIGHT
    assert "went back in time" in job.waiting_for
    (guard,) = active_guards()
    assert guard.kind == "read_only"
    with pytest.raises(Conflict, match="read-only"):
        placed_job(actor, free_servers(project)[1])
    # More entries fill the gap; the mark still knows what stood there.
    for _ in range(5):
        guards.freeze(actor=Actor(None, "x", actor.source, sees_all=True), now=now(), reason="fill")
    SystemFlag.objects.filter(name__in=(guards.FREEZE, guards.READ_ONLY)).delete()
    guards.look_back(now=now())
    assert [guard.kind for guard in active_guards()] == ["read_only"]


def test_F18_after_restore_doubts_every_job_and_then_counts_again(
    restored: list[Job], actor: Actor, project: Project, simulator: RunningSimulator, clock: Clock
) -> None:
    (job,) = restored
    guards.look_back(now=now())
    assert [guard.kind for guard in active_guards()] == ["read_only"]
    call_command("after_restore", "--reason", "disk of db1 was lost, backup of 02:00")
    job.refresh_from_db()
    assert job.state == JobState.ATTENTION
    assert "restored" in job.waiting_for
    assert active_guards() == ()
    assert AuditEvent.objects.filter(action="system.after_restore").count() == 1
    guards.look_back(now=now())
    other = placed_job(actor, free_servers(project)[1])
    finished(other, clock, simulator)
    assert other.state == JobState.SUCCEEDED
    assert [row["server_id"] for row in simulator.accepted()] == [str(other.server_id)]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("queued", "attention"),
        ("preflight", "attention"),
        ("submitting", "uncertain"),
        ("running", "uncertain"),
        ("verifying", "attention"),
        ("uncertain", "uncertain"),
        ("attention", "attention"),
        ("succeeded", "succeeded"),
    ],
)
def test_F17_nothing_under_way_is_believed_after_a_takeover(
    before: str, after: str, actor: Actor, server: Server, clock: Clock
) -> None:
    job = placed_job(actor, server)
    ended = clock() if before == "succeeded" else None
    Job.objects.filter(pk=job.pk).update(**{"state": before}, cloud_job_id="abc-12345", ended_at=ended)
    call_command("after_restore", "--reason", "the standby took over")
    job.refresh_from_db()
    assert job.state == after


def test_after_restore_wants_a_reason() -> None:
    with pytest.raises(CommandError, match="Say what was restored"):
        call_command("after_restore", "--reason", " ")


def test_another_host_accepts_the_new_epoch_and_not_an_older_one(settings: Any, tmp_path: Path) -> None:
    guards.look_back(now=now())
    settings.HIGH_WATER_MARK = tmp_path / "host2.json"
    guards.look_back(now=now())
    old = SystemFlag.objects.get(name=marks.EPOCH).value
    settings.HIGH_WATER_MARK = tmp_path / "mark.json"
    call_command("after_restore", "--reason", "told on host 1")
    settings.HIGH_WATER_MARK = tmp_path / "host2.json"
    guards.look_back(now=now())
    assert active_guards() == ()
    SystemFlag.objects.filter(name=marks.EPOCH).update(value=old)
    guards.look_back(now=now())
    assert [guard.kind for guard in active_guards()] == ["read_only"]


def test_an_unreadable_mark_is_no_reason_to_trust(settings: Any) -> None:
    guards.look_back(now=now())
    Path(settings.HIGH_WATER_MARK).write_text("{")
    guards.look_back(now=now())
    assert [guard.kind for guard in active_guards()] == ["read_only"]


def test_F19_a_copy_under_another_name_refuses_to_work(
    settings: Any, actor: Actor, server: Server, simulator: RunningSimulator, clock: Clock
) -> None:
    assert guards.refusal_to_start() == ""
    job = placed_job(actor, server)
    settings.DEPLOYMENT_ID = "staging"
    try:
        assert "belongs to deployment 'local'" in guards.refusal_to_start()
        guards.look_back(now=now())
        assert not engine.advance(job_id=job.pk, clock=clock, owner="copy")
        assert guards.may_begin(job, clock()).startswith("Held: This database belongs to")
    finally:
        settings.DEPLOYMENT_ID = "local"
        guards.look_back(now=now())
    assert not simulator.accepted()
    assert engine.advance(job_id=job.pk, clock=clock, owner="original")
