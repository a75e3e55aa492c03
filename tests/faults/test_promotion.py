"""F17 with two real clusters: a standby that misses the last commits takes over, nothing is sent twice."""

import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connections

from reinstall.domain.actors import Actor
from reinstall.domain.errors import Conflict
from reinstall.domain.states import FINAL, JobState
from reinstall.models import AuditEvent, Job, Membership, Server
from reinstall.models.clock import database_now
from reinstall.selectors.guards import active_guards
from reinstall.services import engine, guards
from simulator.server import RunningSimulator
from tests.faults.services import OwnPostgres
from tests.faults.takeover import Pair, open_folder, portal_on, running_pair
from tests.reinstall.conftest import (
    Clock,
    actor_for,
    added_project,
    advanced,
    finished,
    placed_job,
)

pytestmark = pytest.mark.postgres

REINSTALL = {"method": "POST", "path": "*/reinstallos"}


@dataclass
class Portal:
    """A portal whose database has a standby: whom it belongs to, and what it may reinstall."""

    pair: Pair
    actor: Actor
    servers: list[Server]


@pytest.fixture(scope="module")
def with_tables(django_db_blocker: Any) -> Iterator[OwnPostgres]:
    """A cluster that has ended, with the portal's tables in it."""
    with open_folder() as place:
        cluster = OwnPostgres(place / "tables")
        with django_db_blocker.unblock(), portal_on(cluster.url):
            call_command("migrate", verbosity=0, interactive=False)
        cluster.end()
        yield cluster


@pytest.fixture
def portal(
    with_tables: OwnPostgres,
    simulator: RunningSimulator,
    settings: Any,
    tmp_path: Path,
    django_db_blocker: Any,
) -> Iterator[Portal]:
    settings.HIGH_WATER_MARK = tmp_path / "mark.json"
    with running_pair(with_tables) as pair, django_db_blocker.unblock(), portal_on(pair.url):
        project = added_project(simulator)
        user = User.objects.create_user("alice", password="correct horse battery")
        Membership.objects.create(user=user, project=project, role=Membership.Role.REQUESTER)
        guards.look_back(now=database_now())
        usable = Server.objects.filter(project=project, status="ACTIVE", locked=False).order_by("name")
        yield Portal(pair, actor_for(user), list(usable.filter(name__regex="^(app|cache)-")))


def posts(simulator: RunningSimulator) -> list[str]:
    """The servers a reinstall was asked for, each time it reached the cloud."""
    rows = simulator.ledger()["requests"]
    return [row["path"].split("/")[-2] for row in rows if row["path"].endswith("/reinstallos")]


def state_of(job: Job) -> str:
    job.refresh_from_db()
    return job.state


def test_F17_what_the_standby_missed_is_neither_sent_again_nor_believed(
    portal: Portal, simulator: RunningSimulator, clock: Clock
) -> None:
    first, second, third, fourth, fifth = portal.servers[:5]
    done = finished(placed_job(portal.actor, first), clock, simulator)
    running = advanced(placed_job(portal.actor, second), clock)
    sent, waiting = placed_job(portal.actor, third), placed_job(portal.actor, fourth)
    portal.pair.lose_touch()
    # The last second of the primary: one call the standby knows as waiting, one it has never heard of.
    assert advanced(sent, clock).state == JobState.RUNNING
    unheard = advanced(placed_job(portal.actor, fifth), clock)
    assert unheard.state == JobState.RUNNING
    guards.look_back(now=database_now())
    before = posts(simulator)
    assert sorted(before) == sorted(str(server.pk) for server in (first, second, third, fifth))

    portal.pair.take_over()
    assert (state_of(sent), sent.attempts.count()) == (JobState.QUEUED, 0)
    assert not Job.objects.filter(pk=unheard.pk).exists()
    guards.look_back(now=database_now())
    (guard,) = active_guards()
    assert guard.kind == "read_only"
    assert "on timeline 00000002, and was on 00000001" in guard.reason
    for job in (sent, waiting):
        assert advanced(job, clock, times=3).state == JobState.QUEUED
        assert "timeline" in job.waiting_for
        assert "after_restore" in job.waiting_for
    with pytest.raises(Conflict, match="read-only"):
        placed_job(portal.actor, fifth)
    assert posts(simulator) == before

    call_command("after_restore", "--reason", "db1 died, its standby took over")
    assert state_of(running) == JobState.UNCERTAIN
    assert state_of(sent) == state_of(waiting) == JobState.ATTENTION
    assert state_of(done) == JobState.SUCCEEDED
    assert not Job.objects.exclude(state__in=[*FINAL, JobState.UNCERTAIN, JobState.ATTENTION]).exists()
    # Both are held until a person has decided; of the fifth the cloud itself says that it is at work on it.
    with pytest.raises(Conflict):
        placed_job(portal.actor, third)
    simulator.advance(5)
    again = advanced(placed_job(portal.actor, fifth), clock)
    assert (again.state, again.failure_code) == (JobState.REJECTED, "busy")
    assert finished(running, clock, simulator).state == JobState.SUCCEEDED
    assert posts(simulator) == before

    guards.look_back(now=database_now())
    assert "read_only" not in [guard.kind for guard in active_guards()]
    assert AuditEvent.objects.filter(action="system.after_restore").count() == 1
    accepted = Counter(row["server_id"] for row in simulator.accepted())
    assert set(accepted.values()) == {1}


def test_F17_a_worker_in_mid_step_notices_before_it_arms(
    portal: Portal, simulator: RunningSimulator, clock: Clock, settings: Any
) -> None:
    # No mark, as on a host that lost its disk as well: the timeline alone must tell.
    settings.HIGH_WATER_MARK = None
    job = placed_job(portal.actor, portal.servers[0])
    portal.pair.lose_touch()
    assert advanced(job, clock).state == JobState.RUNNING
    portal.pair.take_over()
    # The worker's tick has not come yet: nobody has looked at the database but the step itself.
    assert active_guards() == ()
    assert advanced(job, clock).state == JobState.PREFLIGHT
    assert "timeline 00000002" in job.waiting_for
    assert [guard.kind for guard in active_guards()] == ["read_only"]
    assert advanced(job, clock, times=3).state == JobState.PREFLIGHT
    assert posts(simulator) == [str(job.server_id)]
    assert not job.attempts.exists()


def test_F17_a_call_on_the_wire_during_the_takeover_is_lost_to_the_row_and_not_repeated(
    portal: Portal, simulator: RunningSimulator, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    simulator.faults([{"match": REINSTALL, "times": 1, "do": "delay", "seconds": 2.5}])
    job = placed_job(portal.actor, portal.servers[0])
    portal.pair.lose_touch()

    def work() -> None:
        engine.advance(job_id=job.pk, clock=clock, owner="worker")
        connections.close_all()

    worker = threading.Thread(target=work)
    with caplog.at_level("INFO", logger="reinstall"):
        worker.start()
        while not simulator.accepted():
            assert worker.is_alive()
        portal.pair.take_over()
        assert worker.is_alive(), "the answer came before the standby had taken over"
        worker.join(40)
    (accepted,) = simulator.accepted()
    assert f"job_id={accepted['job_id']}" in caplog.text, "the log is the second witness"
    assert (state_of(job), job.cloud_job_id) == (JobState.QUEUED, "")
    assert not job.attempts.exists()
    guards.look_back(now=database_now())
    advanced(job, clock, times=3)
    call_command("after_restore", "--reason", "the standby took over")
    assert state_of(job) == JobState.ATTENTION
    assert not engine.advance(job_id=job.pk, clock=clock, owner="worker")
    assert posts(simulator) == [str(job.server_id)]
