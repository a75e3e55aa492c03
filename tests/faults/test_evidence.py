"""What the cloud can and cannot tell afterwards: F58 to F61."""

from collections.abc import Iterator
from typing import Any

import pytest

from reinstall.domain.actors import Actor
from reinstall.domain.states import JobState
from reinstall.models import Evidence, Job, Project, Server
from reinstall.services import evidence, links, vault
from simulator.server import RunningSimulator
from tests.reinstall.conftest import Clock, advanced, finished, free_servers, placed_job

pytestmark = pytest.mark.django_db

REINSTALL = {"method": "POST", "path": "*/reinstallos"}


@pytest.fixture(autouse=True)
def _nothing_remembered() -> Iterator[None]:
    evidence.forget()
    yield
    links.forget_sessions()


def in_doubt(actor: Actor, server: Server, simulator: RunningSimulator, clock: Clock, fault: str) -> Job:
    simulator.faults([{"match": REINSTALL, "times": 1, "do": fault}])
    job = advanced(placed_job(actor, server), clock)
    assert job.state == JobState.UNCERTAIN
    return job


def grades(job: Job) -> list[str]:
    return list(
        Evidence.objects.filter(job=job, kind="verdict").order_by("id").values_list("grade", flat=True)
    )


def revoke(simulator: RunningSimulator) -> str:
    """The cloud's user gets another secret key; the new one."""
    with simulator.lock:
        user = simulator.world.user_by_name("svc-reinstall")
        user.secret_key = user.secret_key[::-1]
        simulator.cloud.gate.wrong_tries.clear()
        return user.secret_key


def rotate(project: Project, access_key: str, secret_key: str) -> None:
    """New credentials, as a new version of those there."""
    sealed = vault.seal_record(
        {"access_key": access_key, "secret_key": secret_key}, place=links.credentials_place(project)
    )
    Project.objects.filter(pk=project.pk).update(
        credentials_sealed=sealed, credential_version=project.credential_version + 1
    )


def test_F58_credentials_revoked_in_mid_job_and_rotated(
    actor: Actor, server: Server, project: Project, simulator: RunningSimulator, clock: Clock
) -> None:
    access_key = simulator.cloud_json("shop-prod")["credentials"]["access_key"]
    job = advanced(placed_job(actor, server), clock)
    assert job.state == JobState.RUNNING
    secret = revoke(simulator)
    simulator.advance(1200)
    for _ in range(2):
        advanced(job, clock)
        assert job.state == JobState.RUNNING, "what cannot be asked is no verdict"
    assert "did not say how the job stands" in job.waiting_for
    rotate(project, access_key, secret)
    simulator.cloud.gate.wrong_tries.clear()
    finished(job, clock, simulator)
    assert job.state == JobState.SUCCEEDED, job.waiting_for
    assert job.attempts.get().credential_version == 1
    assert len(simulator.accepted()) == 1


def test_F58_credentials_revoked_while_the_outcome_is_unclear(
    actor: Actor, server: Server, project: Project, simulator: RunningSimulator, clock: Clock
) -> None:
    access_key = simulator.cloud_json("shop-prod")["credentials"]["access_key"]
    job = in_doubt(actor, server, simulator, clock, "drop_after_accept")
    secret = revoke(simulator)
    advanced(job, clock)
    assert job.state == JobState.UNCERTAIN
    assert "could not be read" in job.waiting_for
    rotate(project, access_key, secret)
    simulator.cloud.gate.wrong_tries.clear()
    simulator.cloud.gate.locked_until.clear()
    finished(job, clock, simulator)
    assert (job.state, len(simulator.accepted())) == (JobState.SUCCEEDED, 1)


def delete(simulator: RunningSimulator, server: Server) -> None:
    with simulator.lock:
        simulator.world.delete_server(str(server.pk))


def test_F59_server_deleted_in_mid_job(
    actor: Actor, server: Server, simulator: RunningSimulator, clock: Clock
) -> None:
    job = advanced(placed_job(actor, server), clock)
    delete(simulator, server)
    simulator.advance(1200)
    finished(job, clock, simulator)
    assert (job.state, job.failure_code) == (JobState.FAILED, "Ecs.0114")
    server.refresh_from_db()
    assert server.gone_at is not None


def test_F59_server_deleted_while_the_outcome_is_unclear(
    actor: Actor, server: Server, simulator: RunningSimulator, clock: Clock
) -> None:
    job = in_doubt(actor, server, simulator, clock, "drop_after_read")
    delete(simulator, server)
    finished(job, clock, simulator)
    assert job.state == JobState.ATTENTION
    assert "not at the cloud any more" in job.waiting_for
    server.refresh_from_db()
    assert server.gone_at is not None


def test_F60_reinstalled_from_the_console_at_the_same_time(
    actor: Actor, server: Server, simulator: RunningSimulator, clock: Clock
) -> None:
    job = in_doubt(actor, server, simulator, clock, "drop_before_read")
    theirs = simulator.console_reinstall(str(server.pk))
    simulator.advance(600)
    finished(job, clock, simulator)
    assert (job.state, grades(job)[-1]) == (JobState.ATTENTION, "E5")
    assert job.cloud_job_id != theirs
    assert simulator.accepted() == []


@pytest.mark.parametrize("mode", ["off", "refused"])
def test_F61_without_traces_nothing_is_closed_by_itself(
    mode: str, actor: Actor, server: Server, simulator: RunningSimulator, clock: Clock, settings: Any
) -> None:
    settings.AUTO_NOT_APPLIED = True
    simulator.world.scenario.cts = mode
    job = finished(in_doubt(actor, server, simulator, clock, "drop_after_read"), clock, simulator)
    assert (job.state, grades(job)[-1]) == (JobState.ATTENTION, "E4'")
    assert ("cannot be read" if mode == "refused" else "may be off") in job.waiting_for


def test_F61_traces_twenty_minutes_late_are_waited_for_and_then_the_disk_tells(
    actor: Actor, server: Server, simulator: RunningSimulator, clock: Clock
) -> None:
    simulator.world.scenario.cts_late_s = 1200.0
    job = in_doubt(actor, server, simulator, clock, "drop_after_accept")
    simulator.advance(300)
    advanced(job, clock, times=3)
    assert job.state == JobState.UNCERTAIN
    assert "waiting for the cloud's record" in job.waiting_for
    finished(job, clock, simulator)
    assert (job.state, grades(job)[-1]) == (JobState.SUCCEEDED, "E2")


def test_F61_traces_that_come_twice_are_one(
    actor: Actor, server: Server, simulator: RunningSimulator, clock: Clock
) -> None:
    simulator.world.scenario.cts_duplicates = True
    job = finished(in_doubt(actor, server, simulator, clock, "drop_after_accept"), clock, simulator)
    assert (job.state, job.cloud_job_id) == (JobState.SUCCEEDED, simulator.accepted()[0]["job_id"])
    assert Evidence.objects.filter(job=job, kind="trace").count() == 1


def test_F61_the_trace_of_another_users_reinstall_is_not_adopted(
    actor: Actor, server: Server, simulator: RunningSimulator, clock: Clock
) -> None:
    job = in_doubt(actor, server, simulator, clock, "drop_after_read")
    theirs = simulator.console_reinstall(str(server.pk))
    finished(job, clock, simulator)
    assert (job.state, job.cloud_job_id) == (JobState.ATTENTION, "")
    seen = Evidence.objects.get(job=job, kind="trace")
    assert (seen.data["job_id"], seen.data["user"]) == (theirs, "ana.weber")


def test_a_recorded_refusal_ends_the_job_with_its_code(
    actor: Actor, server: Server, simulator: RunningSimulator, clock: Clock
) -> None:
    answer = {
        "match": {"method": "GET", "path": "*/os-keypairs/*"},
        "times": 1,
        "do": "answer",
        "status": 500,
    }
    simulator.faults([{"match": REINSTALL, "times": 1, "do": "drop_after_accept"}, {**answer, "json": {}}])
    job = placed_job(actor, server)
    with simulator.lock:
        # The pair is gone, which the last look did not hear. The service says no, and nobody hears that.
        simulator.world.key_pairs.clear()
    job = finished(advanced(job, clock), clock, simulator)
    assert (job.state, job.failure_code) == (JobState.REJECTED, "Ecs.0314")
    assert (job.attempts.get().verdict, simulator.accepted()) == ("rejected", [])


def test_a_reinstall_of_another_server_by_the_same_user_is_not_ours(
    actor: Actor, project: Project, simulator: RunningSimulator, clock: Clock
) -> None:
    first, second = free_servers(project)[:2]
    job = in_doubt(actor, first, simulator, clock, "drop_after_read")
    simulator.console_reinstall(str(second.pk), "svc-reinstall")
    finished(job, clock, simulator)
    assert (job.state, job.cloud_job_id) == (JobState.ATTENTION, "")


def test_a_job_is_not_adopted_before_the_cloud_says_which_server_it_is_about(
    actor: Actor, server: Server, simulator: RunningSimulator, clock: Clock
) -> None:
    job = in_doubt(actor, server, simulator, clock, "drop_after_accept")
    simulator.advance(30)
    nameless = {"job_id": simulator.accepted()[0]["job_id"], "status": "RUNNING", "entities": {}}
    poll = {"match": {"method": "GET", "path": "*/jobs/*"}, "times": 2, "do": "answer", "json": nameless}
    simulator.faults([poll])
    for _ in range(2):
        advanced(job, clock)
        assert (job.state, job.cloud_job_id) == (JobState.UNCERTAIN, "")
    assert "does not say yet" in job.waiting_for
    finished(job, clock, simulator)
    assert (job.state, job.cloud_job_id) == (JobState.SUCCEEDED, nameless["job_id"])


def test_a_record_about_another_server_is_not_even_kept(
    actor: Actor, server: Server, simulator: RunningSimulator, clock: Clock
) -> None:
    job = in_doubt(actor, server, simulator, clock, "drop_after_read")
    trace = {
        "trace_id": "t-1",
        "trace_name": "reinstallOsV2",
        "resource_id": "66666666-7777-4888-9999-aaaaaaaaaaaa",
        "user": {"id": simulator.world.user_by_name("svc-reinstall").id},
        "response": {"job_id": "f" * 32},
        "time": int(clock().timestamp() * 1000),
    }
    answer = {"traces": [trace], "meta_data": {"marker": ""}}
    match = {"method": "GET", "path": "*/traces"}
    simulator.faults([{"match": match, "times": None, "do": "answer", "json": answer}])
    finished(job, clock, simulator)
    assert job.state == JobState.ATTENTION
    assert not Evidence.objects.filter(job=job, kind="trace").exists()
