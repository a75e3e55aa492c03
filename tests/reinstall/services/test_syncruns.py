"""Readings in the background: one at a time for each project, by schedule, given up by a dead reader."""

import uuid
from datetime import timedelta
from typing import Any

import pytest

from reinstall.domain.actors import Actor
from reinstall.domain.budgets import Share
from reinstall.domain.errors import RuleBroken
from reinstall.domain.states import JobState
from reinstall.models import AuditEvent, Budget, Image, Project, Server, SyncRun
from reinstall.services import inventory, orders, syncruns
from simulator.server import RunningSimulator
from tests.reinstall.conftest import OPERATOR, Clock, advanced, free_servers, order_request, placed_job
from tests.reinstall.services.together import together

pytestmark = pytest.mark.django_db


def read(run: SyncRun, clock: Clock) -> SyncRun:
    assert inventory.read_run(run_id=run.pk, owner="test", clock=clock)
    run.refresh_from_db()
    return run


def asked(project: Project, clock: Clock) -> SyncRun:
    return syncruns.request_sync(actor=OPERATOR, now=clock(), project=project)


def test_a_run_tells_what_was_different_and_by_what(
    project: Project, simulator: RunningSimulator, clock: Clock
) -> None:
    first, second = free_servers(project)[:2]
    with simulator.lock:
        simulator.world.servers[str(first.pk)].name = "renamed"
        del simulator.world.servers[str(second.pk)]
    run = read(asked(project, clock), clock)
    assert run.complete and not run.problems
    assert (run.added, run.changed, run.gone) == (0, 1, 1)
    assert run.differences["changed"] == [{"id": str(first.pk), "name": "renamed", "fields": ["name"]}]
    assert [row["name"] for row in run.differences["gone"]] == [second.name]
    assert run.read == Server.objects.filter(project=project, gone_at=None).count()
    project.refresh_from_db()
    assert project.synced_at is not None and project.synced_at >= run.requested_at


def test_who_asks_twice_gets_the_run_that_waits(project: Project, clock: Clock) -> None:
    assert asked(project, clock) == asked(project, clock)
    assert SyncRun.objects.filter(project=project, ended_at=None).count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_readers_of_one_run_read_once(project: Project, clock: Clock) -> None:
    run = asked(project, clock)
    results = together([lambda: inventory.read_run(run_id=run.pk, owner="one of two", clock=clock)] * 2)
    assert sorted(map(str, results)) == ["False", "True"]


def test_a_reader_that_died_gives_its_run_up_and_nothing_is_called_gone(
    project: Project, clock: Clock
) -> None:
    run = asked(project, clock)
    assert syncruns.claim(run_id=run.pk, owner="dead", now=clock()) is not None
    clock.ahead += syncruns.LEASE + timedelta(seconds=1)
    assert syncruns.end_dead(now=clock()) == 1
    run.refresh_from_db()
    assert run.ended_at is not None and not run.complete and run.problems == [syncruns.DIED]
    assert not Server.objects.exclude(gone_at=None).exists()
    assert read(asked(project, clock), clock).complete


def test_what_a_reader_writes_after_it_was_given_up_changes_nothing(project: Project, clock: Clock) -> None:
    run = syncruns.claim(run_id=asked(project, clock).pk, owner="slow", now=clock())
    assert run is not None
    clock.ahead += syncruns.LEASE + timedelta(seconds=1)
    syncruns.end_dead(now=clock())
    with pytest.raises(syncruns.RunLost):
        syncruns.note(run, clock(), phase="servers")
    with pytest.raises(syncruns.RunLost):
        syncruns.end(run, clock(), complete=True)


def test_the_schedule_asks_for_what_is_old_and_only_for_that(
    project: Project, clock: Clock, settings: Any
) -> None:
    settings.SYNC_EVERY_S = 300
    assert syncruns.schedule(now=clock()) == []
    clock.add(301)
    (run_id,) = syncruns.schedule(now=clock())
    assert syncruns.schedule(now=clock()) == []
    entries = AuditEvent.objects.count()
    read(SyncRun.objects.get(pk=run_id), clock)
    # Nothing was different and nobody asked: nothing to keep for ever.
    assert AuditEvent.objects.count() == entries
    settings.SYNC_EVERY_S = 0
    clock.add(100_000)
    assert syncruns.schedule(now=clock()) == []


def test_readings_have_calls_of_their_own(project: Project, clock: Clock) -> None:
    before = {row.share: row.tokens for row in Budget.objects.all()}
    read(asked(project, clock), clock)
    after = {row.share: row.tokens for row in Budget.objects.all()}
    assert Share.SYNC.value in after
    assert {k: v for k, v in after.items() if k != Share.SYNC} == {
        k: v for k, v in before.items() if k != Share.SYNC
    }


def test_images_and_snapshots_are_read(project: Project, simulator: RunningSimulator, clock: Clock) -> None:
    used = set(Server.objects.filter(project=project).exclude(image_id="").values_list("image_id", flat=True))
    assert used <= set(Image.objects.filter(project=project).values_list("image_id", flat=True))
    gone = free_servers(project)[0].image_id
    with simulator.lock:
        del simulator.world.images[gone]
    read(asked(project, clock), clock)
    assert Image.objects.get(project=project, image_id=gone).gone_at is not None
    with simulator.lock:
        wanted = {
            s.volume_id for s in simulator.world.snapshots.values() if s.project_id == project.project_id
        }
    assert wanted
    for server in Server.objects.filter(project=project):
        for disk in server.disks.all():
            assert (disk.snapshots or 0) > 0 if disk.volume_id in wanted else disk.snapshots == 0


def test_the_helper_of_a_running_reinstall_can_be_chosen_nowhere(
    project: Project, server: Server, actor: Actor, simulator: RunningSimulator, clock: Clock
) -> None:
    job = advanced(placed_job(actor, server), clock)
    assert job.state == JobState.RUNNING
    simulator.advance(30)
    with simulator.lock:
        helpers = [row for row in simulator.world.servers.values() if row.temporary]
    assert len(helpers) == 1
    read(asked(project, clock), clock)
    row = Server.objects.get(pk=helpers[0].id)
    assert row.temporary
    with pytest.raises(RuleBroken, match="temporary helper"):
        orders.place_order(
            actor=actor,
            now=clock(),
            request=order_request(row),
            submission_id=uuid.uuid4(),
        )


def test_a_server_somebody_made_meanwhile_is_choosable_once_it_is_at_rest(
    project: Project, server: Server, actor: Actor, simulator: RunningSimulator, clock: Clock
) -> None:
    advanced(placed_job(actor, server), clock)
    with simulator.lock:
        like = simulator.world.servers[str(server.pk)]
        made = type(like)(**{**vars(like), "id": "11111111-2222-4333-8444-555555555555", "name": "brand-new"})
        made.status, made.task_state, made.busy_job = "BUILD", "spawning", None
        simulator.world.servers[made.id] = made
    read(asked(project, clock), clock)
    assert Server.objects.get(pk=made.id).temporary
    with simulator.lock:
        made.status, made.task_state = "ACTIVE", None
    clock.add(5)
    read(asked(project, clock), clock)
    assert not Server.objects.get(pk=made.id).temporary
