"""F69: what a reinstall needs is gone at the cloud: seen at the last look, and nothing is sent."""

from collections.abc import Callable

import pytest

from reinstall.domain.actors import Actor
from reinstall.domain.states import JobState
from reinstall.models import Project, Server
from simulator.server import RunningSimulator
from simulator.world import World
from tests.reinstall.conftest import Clock, advanced, finished, free_servers, placed_job

pytestmark = pytest.mark.django_db

Harm = Callable[[World, Server, str], None]


def image_deleted(world: World, server: Server, keyname: str) -> None:
    row = world.servers[str(server.pk)]
    row.image_kind = "private"
    del world.images[row.image_id]


def image_not_active(world: World, server: Server, keyname: str) -> None:
    row = world.servers[str(server.pk)]
    row.image_kind = "private"
    world.images[row.image_id].status = "deleted"


def key_pair_deleted(world: World, server: Server, keyname: str) -> None:
    world.key_pairs = [pair for pair in world.key_pairs if pair.name != keyname]


def quota_used_up(world: World, server: Server, keyname: str) -> None:
    world.scenario.volume_quota = 0


@pytest.mark.parametrize(
    ("harm", "code", "words"),
    [
        (image_deleted, "image_gone", "not at the cloud any more"),
        (image_not_active, "image_state", "is deleted, not active"),
        (key_pair_deleted, "key_pair_gone", "nobody could sign in"),
        (quota_used_up, "quota", "quota of disks is used up"),
    ],
)
def test_F69_what_is_gone_ends_the_job_before_the_call(
    harm: Harm,
    code: str,
    words: str,
    actor: Actor,
    project: Project,
    simulator: RunningSimulator,
    clock: Clock,
) -> None:
    server, other = free_servers(project)[:2]
    job = placed_job(actor, server)
    with simulator.lock:
        harm(simulator.world, server, job.order.keyname)
    advanced(job, clock, times=2)
    assert (job.state, job.failure_code) == (JobState.REJECTED, code)
    assert words in job.failure_message and "Nothing was sent" in job.failure_message
    assert not job.attempts.exists()
    assert not [row for row in simulator.ledger()["requests"] if row["path"].endswith("/reinstallos")]


@pytest.mark.parametrize("path", ["*/os-quota-sets/*", "*/cloudimages*", "*/os-keypairs/*"])
def test_F69_what_the_cloud_does_not_tell_holds_nothing_up(
    path: str, actor: Actor, server: Server, simulator: RunningSimulator, clock: Clock
) -> None:
    job = placed_job(actor, server)
    match = {"method": "GET", "path": path}
    simulator.faults([{"match": match, "times": None, "do": "answer", "status": 403, "json": {}}])
    assert finished(job, clock, simulator).state == JobState.SUCCEEDED


def test_F69_what_the_cloud_does_not_tell_is_not_asked_for_each_job(
    actor: Actor, project: Project, simulator: RunningSimulator, clock: Clock
) -> None:
    match = {"method": "GET", "path": "*/os-quota-sets/*"}
    simulator.faults([{"match": match, "times": None, "do": "answer", "status": 403, "json": {}}])
    for server in free_servers(project)[:2]:
        assert advanced(placed_job(actor, server), clock, times=2).state == JobState.RUNNING
    asked = [row for row in simulator.ledger()["requests"] if "/os-quota-sets/" in row["path"]]
    assert len(asked) == 1


def test_F69_servers_of_one_image_ask_once(
    actor: Actor, project: Project, simulator: RunningSimulator, clock: Clock
) -> None:
    jobs = [placed_job(actor, server) for server in free_servers(project)[:3]]
    before = len(simulator.ledger()["requests"])
    for job in jobs:
        advanced(job, clock, times=2)
        assert job.state == JobState.RUNNING
    asked = [row["path"] for row in simulator.ledger()["requests"][before:]]
    assert sum("/os-quota-sets/" in path for path in asked) == 1
    assert sum("/os-keypairs/" in path for path in asked) == 1
