"""What is found out after a worker was killed (F3, F4, F5, F8) or frozen (F12) around the call."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from reinstall.domain.actors import Actor
from reinstall.domain.states import JobState
from reinstall.models import AuditEvent, Evidence, Job, Project, Server
from reinstall.services import evidence
from simulator.server import RunningSimulator
from tests.faults import dying
from tests.reinstall.conftest import (
    Clock,
    actor_for,
    added_project,
    advanced,
    finished,
    free_servers,
    placed_job,
)

pytestmark = pytest.mark.django_db(transaction=True)

REINSTALL = {"method": "POST", "path": "*/reinstallos"}


@pytest.fixture(autouse=True)
def _nothing_remembered() -> Iterator[None]:
    evidence.forget()
    yield
    dying.end_all()


def posts(simulator: RunningSimulator) -> int:
    return sum(row["path"].endswith("/reinstallos") for row in simulator.ledger()["requests"])


def states(job: Job) -> list[str]:
    rows = AuditEvent.objects.filter(object_type="job", object_id=str(job.pk)).order_by("seq")
    assert [row.seq for row in rows] == list(range(1, len(rows) + 1))
    return [row.action.removeprefix("job.") for row in rows]


def test_F3_killed_between_intent_and_call(
    actor: Actor, server: Server, simulator: RunningSimulator, clock: Clock
) -> None:
    job = placed_job(actor, server)
    dying.dies_at("K2", job, clock)
    assert (job.state, job.attempts.get().verdict) == (JobState.SUBMITTING, "armed")
    finished(job, clock, simulator)
    assert posts(simulator) == 0
    assert job.state == JobState.ATTENTION
    assert job.ended_at is None, "the server is held until a person has decided"
    assert Evidence.objects.get(job=job, kind="verdict", grade="E4'")


def test_F4_killed_with_the_request_on_the_wire(
    actor: Actor, server: Server, simulator: RunningSimulator, clock: Clock
) -> None:
    job = placed_job(actor, server)
    simulator.faults([{"match": REINSTALL, "times": 1, "do": "hang", "accept": True, "seconds": 30}])
    pid = dying.started(job, clock)
    dying.killed_when(lambda: bool(simulator.accepted()), pid)
    finished(job, clock, simulator)
    assert job.state == JobState.SUCCEEDED, job.waiting_for
    assert states(job)[-4:] == ["uncertain", "running", "verifying", "succeeded"]
    assert (posts(simulator), job.cloud_job_id) == (1, simulator.accepted()[0]["job_id"])
    assert job.attempts.get().verdict == "accepted"


def test_F5_killed_between_answer_and_store(
    actor: Actor, server: Server, simulator: RunningSimulator, clock: Clock, tmp_path: Path
) -> None:
    job = placed_job(actor, server)
    dying.dies_at("K3", job, clock, log=tmp_path / "log")
    (accepted,) = simulator.accepted()
    assert f"job_id={accepted['job_id']}" in (tmp_path / "log").read_text()
    assert job.cloud_job_id == ""
    finished(job, clock, simulator)
    assert (job.state, job.cloud_job_id) == (JobState.SUCCEEDED, accepted["job_id"])
    assert "uncertain" in states(job)
    assert posts(simulator) == 1


def test_F8_killed_between_reading_evidence_and_concluding(
    actor: Actor, server: Server, simulator: RunningSimulator, clock: Clock
) -> None:
    simulator.faults([{"match": REINSTALL, "times": 1, "do": "drop_after_accept"}])
    job = advanced(placed_job(actor, server), clock)
    assert job.state == JobState.UNCERTAIN
    simulator.advance(30)
    clock.add(10)
    for _ in range(2):
        dying.dies_at("K8", job, clock)
        assert job.state == JobState.UNCERTAIN
        clock.add(200)
    seen = Evidence.objects.filter(job=job, kind="trace").count()
    assert seen == 1
    finished(job, clock, simulator)
    assert (job.state, job.cloud_job_id) == (JobState.SUCCEEDED, simulator.accepted()[0]["job_id"])
    assert posts(simulator) == 1


def _proof_of_life(simulator: RunningSimulator, other: Server) -> None:
    """Twenty minutes after the intent by the gateway's clock, somebody does something the cloud records."""
    simulator.cloud.clock.skew_s = 1200.0
    simulator.console_reinstall(str(other.pk))
    simulator.cloud.clock.skew_s = 0.0
    simulator.advance(30)


def test_F12_frozen_between_check_and_send_past_the_settling(
    actor: Actor, project: Project, simulator: RunningSimulator, clock: Clock, settings: Any
) -> None:
    settings.AUTO_NOT_APPLIED = True
    server, other = free_servers(project)[:2]
    job = placed_job(actor, server)
    pid = dying.frozen_at("K2b", job, clock)
    assert job.state == JobState.SUBMITTING
    _proof_of_life(simulator, other)
    finished(job, clock, simulator)
    assert job.state == JobState.NOT_APPLIED, job.waiting_for
    verdict = Evidence.objects.get(job=job, kind="verdict", grade="E4")
    assert verdict.data["decision"] == "not_applied"
    simulator.cloud.clock.skew_s = 1300.0
    assert dying.thawed(pid) == 0
    simulator.cloud.clock.skew_s = 0.0
    assert (posts(simulator), simulator.accepted()) == (1, [])
    assert [
        row["status"] for row in simulator.ledger()["requests"] if row["path"].endswith("/reinstallos")
    ] == [401]
    job.refresh_from_db()
    assert job.state == JobState.NOT_APPLIED
    assert job.attempts.get().verdict == "unknown"


def test_F12_a_token_call_is_never_closed_by_itself(
    db: None, user: Any, simulator: RunningSimulator, clock: Clock, settings: Any
) -> None:
    settings.AUTO_NOT_APPLIED = True
    credentials = simulator.cloud_json("shop-prod", "password")["credentials"]
    project = added_project(simulator, credentials=credentials)
    user.is_superuser = True
    user.save()
    server, other = free_servers(project)[:2]
    job = placed_job(actor_for(user), server)
    dying.dies_at("K2", job, clock)
    assert job.attempts.get().signed_at is None
    _proof_of_life(simulator, other)
    finished(job, clock, simulator)
    assert job.state == JobState.ATTENTION
    assert "token" in job.waiting_for


def test_F12_without_proof_that_traces_reach_this_far_a_person_decides(
    actor: Actor, server: Server, simulator: RunningSimulator, clock: Clock, settings: Any
) -> None:
    settings.AUTO_NOT_APPLIED = True
    job = placed_job(actor, server)
    before = datetime.now(UTC)
    dying.dies_at("K2", job, clock)
    finished(job, clock, simulator)
    assert (clock() - before).total_seconds() > 21 * 60
    assert job.state == JobState.ATTENTION
    assert "may be off" in job.waiting_for
