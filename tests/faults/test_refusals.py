"""Definite answers of the cloud, row by row: refused, turned away, signed in again."""

from typing import Any

import pytest

from reinstall.domain.actors import Actor
from reinstall.domain.states import JobState
from reinstall.models import Job, Project, Server
from simulator.server import RunningSimulator
from tests.reinstall.conftest import Clock, advanced, finished, free_servers, placed_job
from tests.reinstall.unrecorded import audit_log_full

pytestmark = pytest.mark.django_db

REINSTALL = {"method": "POST", "path": "*/reinstallos"}


def answers(simulator: RunningSimulator, status: int, code: str, times: int = 1, **more: Any) -> None:
    body = {"error": {"code": code, "message": "no <script>alert(1)</script>"}}
    simulator.faults(
        [{"match": REINSTALL, "times": times, "do": "answer", "status": status, "json": body, **more}]
    )


@pytest.mark.parametrize(
    ("status", "code"),
    [
        pytest.param(400, "Ecs.0605", id="F31-locked"),
        pytest.param(400, "Ecs.0314", id="F31-key"),
        pytest.param(403, "Ecs.0003", id="F34"),
        pytest.param(404, "Ecs.0614", id="F35"),
    ],
)
def test_F31_F34_F35_a_definite_no_ends_the_job_and_frees_the_server(
    status: int, code: str, actor: Actor, server: Server, simulator: RunningSimulator, clock: Clock
) -> None:
    answers(simulator, status, code)
    job = advanced(placed_job(actor, server), clock, times=2)
    assert (job.state, job.failure_code) == (JobState.REJECTED, code)
    assert not simulator.accepted()
    again = finished(placed_job(actor, server), clock, simulator)
    assert again.state == JobState.SUCCEEDED


def test_F33_one_refused_sign_in_is_tried_once_more_and_a_second_ends_it(
    actor: Actor, project: Project, simulator: RunningSimulator, clock: Clock
) -> None:
    first, second = free_servers(project)[:2]
    answers(simulator, 401, "APIGW.0301")
    job = finished(placed_job(actor, first), clock, simulator)
    assert job.state == JobState.SUCCEEDED
    assert [a.verdict for a in job.attempts.all()] == ["auth_refused", "accepted"]
    answers(simulator, 401, "APIGW.0301", times=2)
    job = advanced(placed_job(actor, second), clock, times=4)
    assert job.state == JobState.REJECTED
    assert len(simulator.accepted()) == 1


def test_F38_a_flow_limit_told_as_202_is_no_acceptance(
    actor: Actor, server: Server, simulator: RunningSimulator, clock: Clock
) -> None:
    answers(simulator, 202, "Common.0024")
    job = advanced(placed_job(actor, server), clock)
    assert job.state == JobState.QUEUED
    finished(job, clock, simulator)
    assert job.state == JobState.SUCCEEDED
    assert [a.verdict for a in job.attempts.all()] == ["throttled", "accepted"]
    assert len(simulator.accepted()) == 1


@pytest.mark.parametrize("status", [302, 307, 308])
def test_F47_a_redirect_is_never_followed(
    status: int, actor: Actor, server: Server, simulator: RunningSimulator, clock: Clock
) -> None:
    headers = {"Location": f"{simulator.base_url}/elsewhere"}
    answers(simulator, status, "x", headers=headers)
    job = advanced(placed_job(actor, server), clock)
    assert job.state == JobState.UNCERTAIN
    assert not simulator.accepted()
    assert not job.exchanges.filter(path__contains="elsewhere").exists()


def test_F73_no_audit_entry_no_act(
    actor: Actor, server: Server, simulator: RunningSimulator, clock: Clock
) -> None:
    job = placed_job(actor, server)
    with audit_log_full("job.submitting"):
        advanced(job, clock)
        assert job.state == JobState.PREFLIGHT
        assert not job.attempts.exists()
        assert not simulator.accepted()
    finished(job, clock, simulator)
    assert job.state == JobState.SUCCEEDED
    assert len(simulator.accepted()) == 1


def test_F75_a_poison_job_is_put_before_a_person_and_others_go_on(
    actor: Actor, project: Project, simulator: RunningSimulator, clock: Clock
) -> None:
    first, second = free_servers(project)[:2]
    bad, good = placed_job(actor, first), placed_job(actor, second)
    Job.objects.filter(pk=bad.pk).update(snapshot={"disks": 7})
    advanced(bad, clock, times=6)
    assert bad.state == JobState.ATTENTION
    assert "failed 3 times" in bad.waiting_for
    finished(good, clock, simulator)
    assert good.state == JobState.SUCCEEDED
    assert [row["server_id"] for row in simulator.accepted()] == [str(second.pk)]


def test_F35_a_server_that_is_gone_is_found_before_the_call(
    actor: Actor, server: Server, simulator: RunningSimulator, clock: Clock
) -> None:
    job = placed_job(actor, server)
    with simulator.lock:
        simulator.world.delete_server(str(server.pk))
    advanced(job, clock, times=2)
    assert job.state == JobState.REJECTED
    server.refresh_from_db()
    assert server.gone_at is not None
    assert not job.attempts.exists()
