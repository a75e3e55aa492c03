"""The last look before the call: a server that is not as it should be gets no request at all."""

from typing import Any

import pytest
from django.contrib.auth.models import User

from reinstall.domain.actors import Actor
from reinstall.domain.states import JobState
from reinstall.models import Cloud, Job, Server
from simulator.server import RunningSimulator
from tests.reinstall.conftest import (
    Clock,
    actor_for,
    added_project,
    advanced,
    finished,
    free_servers,
    placed_job,
)

pytestmark = pytest.mark.django_db

S = JobState
LOOK = {"method": "GET", "path": "*/cloudservers/*"}


def at_cloud(simulator: RunningSimulator, server: Server, **facts: Any) -> None:
    with simulator.lock:
        for name, value in facts.items():
            assert hasattr(simulator.world.servers[str(server.pk)], name)
            setattr(simulator.world.servers[str(server.pk)], name, value)


def asked(simulator: RunningSimulator, tail: str) -> int:
    return sum(row["path"].endswith(tail) for row in simulator.ledger()["requests"])


@pytest.mark.parametrize(
    ("facts", "code", "words"),
    [
        ({"locked": True}, "locked", "is locked at the cloud"),
        ({"task_state": "rebooting"}, "busy", "is at work on web-prod-01 (rebooting)"),
        ({"status": "REBOOT"}, "state", "is REBOOT; only ACTIVE, SHUTOFF or ERROR will do"),
        ({"status": "RESIZE"}, "state", "is RESIZE"),
        ({"name": "another"}, "drift", "its name was web-prod-01 and is another"),
        ({"addresses": []}, "drift", "and are none"),
    ],
)
def test_a_server_that_changed_gets_no_request(
    facts: dict[str, Any],
    code: str,
    words: str,
    actor: Actor,
    server: Server,
    simulator: RunningSimulator,
    clock: Clock,
) -> None:
    job = placed_job(actor, server)
    at_cloud(simulator, server, **facts)
    advanced(job, clock)
    assert (job.state, job.failure_code) == (S.REJECTED, code)
    assert words in job.failure_message
    assert asked(simulator, "/reinstallos") == 0
    assert not job.attempts.exists()


def test_a_server_that_was_started_since_gets_no_request_without_a_mode(
    actor: Actor, server: Server, simulator: RunningSimulator, clock: Clock
) -> None:
    Server.objects.filter(pk=server.pk).update(status="SHUTOFF")
    server.refresh_from_db()
    job = placed_job(actor, server, mode="")
    advanced(job, clock)
    assert (job.state, job.failure_code) == (S.REJECTED, "running")
    assert asked(simulator, "/reinstallos") == 0


def test_a_server_that_is_gone_is_marked_and_gets_no_request(
    actor: Actor, server: Server, simulator: RunningSimulator, clock: Clock
) -> None:
    job = placed_job(actor, server)
    with simulator.lock:
        simulator.world.servers.pop(str(server.pk))
    advanced(job, clock)
    assert job.state == S.REJECTED
    assert "does not know" in job.failure_message
    server.refresh_from_db()
    assert server.gone_at is not None
    assert asked(simulator, "/reinstallos") == 0


def test_a_server_with_two_system_disks_gets_no_request_and_the_look_ends(
    actor: Actor, server: Server, simulator: RunningSimulator, clock: Clock
) -> None:
    job = placed_job(actor, server)
    answer = {
        "volumeAttachments": [
            {"volumeId": disk.volume_id, "device": disk.device, "size": 40, "bootIndex": 0, "bus": "virtio"}
            for disk in server.disks.all()
        ]
    }
    planted = {"match": {"path": "*/block_device"}, "times": None, "do": "answer", "status": 200}
    simulator.faults([planted | {"json": answer}])
    advanced(job, clock)
    assert job.state == S.REJECTED
    assert asked(simulator, "/reinstallos") == 0
    assert not server.disks.filter(boot_index=0).exists()


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (401, {"error_code": "APIGW.0301", "error_msg": "wrong signature"}, "APIGW.0301"),
        (403, {"error": {"code": "Ecs.0003", "message": "no right"}}, "Ecs.0003"),
        (400, {"error": {"code": "Ecs.0005", "message": "wrong"}}, "Ecs.0005"),
    ],
)
def test_a_look_that_is_refused_ends_the_job(
    status: int,
    body: dict[str, Any],
    code: str,
    actor: Actor,
    server: Server,
    simulator: RunningSimulator,
    clock: Clock,
) -> None:
    job = placed_job(actor, server)
    simulator.faults([{"match": LOOK, "times": None, "do": "answer", "status": status, "json": body}])
    advanced(job, clock)
    assert (job.state, job.failure_code) == (S.REJECTED, code)
    assert asked(simulator, "/reinstallos") == 0


@pytest.fixture
def stopping(db: None, user: User, simulator: RunningSimulator, clock: Clock) -> Job:
    """A job on a cloud that wants a stopped server, told to stop a moment ago."""
    user.is_superuser = True
    user.save(update_fields=["is_superuser"])
    project = added_project(simulator, profile="otc")
    job = placed_job(actor_for(user), free_servers(project)[0], mode="")
    assert advanced(job, clock).state == S.STOPPING, job.failure_message
    return job


def test_until_the_server_is_off_nothing_is_sent(
    stopping: Job, simulator: RunningSimulator, clock: Clock
) -> None:
    for _ in range(3):
        assert advanced(stopping, clock).state == S.STOPPING
    assert "is being stopped" in stopping.waiting_for
    assert asked(simulator, "/reinstallos") == 0
    assert asked(simulator, "/cloudservers/action") == 1


def test_a_server_that_does_not_stop_ends_the_job(
    stopping: Job, simulator: RunningSimulator, clock: Clock
) -> None:
    clock.add(11 * 60)
    advanced(stopping, clock)
    assert (stopping.state, stopping.failure_code) == (S.REJECTED, "not_stopped")
    assert asked(simulator, "/reinstallos") == 0


def test_a_server_that_was_renamed_while_it_stopped_gets_no_request(
    stopping: Job, simulator: RunningSimulator, clock: Clock
) -> None:
    at_cloud(simulator, stopping.server, name="another", status="SHUTOFF", task_state=None)
    advanced(stopping, clock)
    assert (stopping.state, stopping.failure_code) == (S.REJECTED, "drift")
    assert asked(simulator, "/reinstallos") == 0


def test_a_stop_that_is_not_confirmed_is_looked_after_and_not_asked_for_again(
    user: User, simulator: RunningSimulator, clock: Clock
) -> None:
    user.is_superuser = True
    user.save(update_fields=["is_superuser"])
    project = added_project(simulator, profile="otc")
    job = placed_job(actor_for(user), free_servers(project)[0], mode="")
    action = {"method": "POST", "path": "*/cloudservers/action"}
    simulator.faults([{"match": action, "times": 1, "do": "close_after_accept"}])
    advanced(job, clock)
    assert job.state == S.STOPPING
    assert "not confirmed" in job.waiting_for
    assert finished(job, clock, simulator).state == S.SUCCEEDED
    assert asked(simulator, "/cloudservers/action") == 1
    assert len(simulator.accepted()) == 1


def test_a_mode_is_sent_instead_of_a_stop_of_our_own(
    user: User, simulator: RunningSimulator, clock: Clock
) -> None:
    user.is_superuser = True
    user.save(update_fields=["is_superuser"])
    project = added_project(simulator)
    job = placed_job(actor_for(user), free_servers(project)[0])
    Cloud.objects.filter(pk=project.cloud_id).update(profile="huawei")
    assert finished(job, clock, simulator).state == S.SUCCEEDED
    assert asked(simulator, "/cloudservers/action") == 0
