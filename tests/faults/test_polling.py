"""What the cloud says of a running job, and when it is not believed: F51, F53 to F56."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client

from reinstall.domain.actors import Actor
from reinstall.domain.states import JobState
from reinstall.models import AuditEvent, Evidence, Job, Server
from reinstall.services import evidence, links
from simulator.server import RunningSimulator
from tests.reinstall.conftest import Clock, advanced, finished, placed_job

pytestmark = pytest.mark.django_db

REINSTALL = {"method": "POST", "path": "*/reinstallos"}
POLL = {"method": "GET", "path": "*/jobs/*"}
VANISHED = {"error": {"code": "Common.0011", "message": "Failed to query system tasks."}}
MISSING = {"itemNotFound": {"message": "no such job", "code": 404}}


@pytest.fixture(autouse=True)
def _nothing_remembered() -> Iterator[None]:
    evidence.forget()
    yield
    links.forget_sessions()


def running(actor: Actor, server: Server, clock: Clock) -> Job:
    job = advanced(placed_job(actor, server), clock)
    assert job.state == JobState.RUNNING, job.failure_message
    return job


def answers(simulator: RunningSimulator, document: Any, status: int = 200) -> None:
    """From now on every question about a job is answered so."""
    simulator.faults([{"match": POLL, "times": None, "do": "answer", "status": status, "json": document}])


def said(job: Job, status: str, **more: Any) -> dict[str, Any]:
    """A job document of the cloud about this job."""
    entities = {"server_id": str(job.server_id)}
    return {
        "job_id": job.cloud_job_id,
        "job_type": "reInitOs",
        "status": status,
        "entities": entities,
        **more,
    }


def went_through(job: Job) -> list[str]:
    rows = AuditEvent.objects.filter(object_type="job", object_id=str(job.pk)).order_by("seq")
    return [row.action.removeprefix("job.") for row in rows]


@pytest.mark.parametrize(("status", "document"), [(400, VANISHED), (404, MISSING)])
def test_F51_a_job_that_vanished_is_decided_by_the_disks(
    status: int,
    document: dict[str, Any],
    actor: Actor,
    server: Server,
    simulator: RunningSimulator,
    clock: Clock,
) -> None:
    job = running(actor, server, clock)
    answers(simulator, document, status)
    finished(job, clock, simulator)
    assert job.state == JobState.SUCCEEDED, job.waiting_for
    assert went_through(job)[-4:] == ["running", "uncertain", "verifying", "succeeded"]
    assert Evidence.objects.filter(job=job, kind="verdict", grade="E2").exists()


def test_F51_a_job_that_vanished_and_did_nothing_is_for_a_person_and_never_failed(
    actor: Actor, server: Server, simulator: RunningSimulator, clock: Clock, settings: Any
) -> None:
    settings.AUTO_NOT_APPLIED = True
    simulator.faults([{"match": REINSTALL, "times": 1, "do": "slow_job", "start_after_s": 90_000}])
    job = running(actor, server, clock)
    answers(simulator, VANISHED, 400)
    finished(job, clock, simulator)
    assert job.state == JobState.ATTENTION
    assert "took the request" in job.waiting_for
    assert job.attempts.get().verdict == "accepted"


def test_F51_a_job_that_is_known_again_is_followed_as_before(
    actor: Actor, server: Server, simulator: RunningSimulator, clock: Clock
) -> None:
    job = running(actor, server, clock)
    answers(simulator, VANISHED, 400)
    while job.state == JobState.RUNNING:
        advanced(job, clock)
    simulator.clear_faults()
    finished(job, clock, simulator)
    assert job.state == JobState.SUCCEEDED
    assert went_through(job)[-5:] == ["running", "uncertain", "running", "verifying", "succeeded"]


@pytest.mark.parametrize(
    ("reason", "shown"),
    [
        ("", "The cloud gave no reason."),
        ("<script>alert(1)</script>\x00\x1b[31m", "<script>alert(1)</script>"),
        ("x" * 9000, "x" * 100),
    ],
)
def test_F53_a_failure_with_no_reason_a_script_or_a_novel(
    reason: str, shown: str, actor: Actor, server: Server, simulator: RunningSimulator, clock: Clock
) -> None:
    fault = {"match": REINSTALL, "times": 1, "do": "fail_job", "code": "Ecs.0219", "reason": reason}
    simulator.faults([fault])
    job = finished(running(actor, server, clock), clock, simulator)
    assert (job.state, job.failure_code) == (JobState.FAILED, "Ecs.0219")
    assert shown in job.failure_message
    assert len(job.failure_message) <= 4096
    assert not {"\x00", "\x1b"} & set(job.failure_message)


def test_F53_a_script_in_a_reason_is_text_on_the_page(
    actor: Actor, user: Any, server: Server, simulator: RunningSimulator, clock: Clock, client: Client
) -> None:
    fault = {"match": REINSTALL, "times": 1, "do": "fail_job", "reason": "<script>alert(1)</script>"}
    simulator.faults([fault])
    job = finished(running(actor, server, clock), clock, simulator)
    client.force_login(user)
    page = client.get(f"/jobs/{job.pk}/").content.decode()
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "<script>alert(1)" not in page


def test_F53_a_reason_that_is_null_in_a_sub_job(
    actor: Actor, server: Server, simulator: RunningSimulator, clock: Clock
) -> None:
    job = running(actor, server, clock)
    sub = {"job_id": "f" * 32, "status": "FAIL", "error_code": "Ecs.0202", "fail_reason": None}
    entities = {"sub_jobs": [sub | {"entities": {"server_id": str(server.pk), "errorcode_message": None}}]}
    answers(simulator, said(job, "FAIL", error_code="Common.0021", fail_reason=None, entities=entities))
    advanced(job, clock)
    assert (job.state, job.failure_code) == (JobState.FAILED, "Ecs.0202")
    assert job.failure_message == "The cloud gave no reason."


def test_F54_success_with_the_old_disk_is_for_a_person(
    actor: Actor, server: Server, simulator: RunningSimulator, clock: Clock
) -> None:
    simulator.faults([{"match": REINSTALL, "times": 1, "do": "keep_disk"}])
    job = finished(running(actor, server, clock), clock, simulator)
    assert job.state == JobState.ATTENTION
    assert "still the old one" in job.waiting_for


def strange(job: Job, kind: str) -> dict[str, Any]:
    sub = {"job_id": "f" * 32, "status": "FAIL", "error_code": "Ecs.0202", "fail_reason": "no room"}
    return {
        "unknown": said(job, "PAUSED"),
        "missing": {k: v for k, v in said(job, "").items() if k != "status"},
        "contradiction": said(job, "SUCCESS", entities={"server_id": str(job.server_id), "sub_jobs": [sub]}),
    }[kind]


@pytest.mark.parametrize("kind", ["unknown", "missing", "contradiction"])
def test_F55_a_status_that_makes_no_sense_is_flagged_and_after_two_hours_for_a_person(
    kind: str, actor: Actor, server: Server, simulator: RunningSimulator, clock: Clock
) -> None:
    job = running(actor, server, clock)
    begun = clock()
    answers(simulator, strange(job, kind))
    for _ in range(3):
        advanced(job, clock)
        assert job.state == JobState.RUNNING
    assert job.waiting_for, "the page says what is strange"
    clock.add(6900 - (clock() - begun).total_seconds())
    advanced(job, clock)
    assert job.state == JobState.RUNNING
    clock.add(400)
    advanced(job, clock)
    assert job.state == JobState.ATTENTION, job.waiting_for
    assert job.ended_at is None


def test_F55_what_could_not_be_read_once_is_forgotten_when_it_can(
    actor: Actor, server: Server, simulator: RunningSimulator, clock: Clock
) -> None:
    job = running(actor, server, clock)
    answers(simulator, strange(job, "contradiction"))
    advanced(job, clock, times=2)
    simulator.clear_faults()
    assert finished(job, clock, simulator).state == JobState.SUCCEEDED


def test_F56_an_answer_about_another_server(
    actor: Actor, server: Server, simulator: RunningSimulator, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    job = running(actor, server, clock)
    answers(simulator, said(job, "SUCCESS", entities={"server_id": "66666666-7777-4888-9999-aaaaaaaaaaaa"}))
    advanced(job, clock)
    assert job.state == JobState.ATTENTION
    assert "another server" in job.waiting_for
    assert any(record.levelname == "ERROR" for record in caplog.records)


def test_F56_an_answer_about_another_job(
    actor: Actor, server: Server, simulator: RunningSimulator, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    job = running(actor, server, clock)
    answers(simulator, said(job, "SUCCESS") | {"job_id": "f" * 32})
    advanced(job, clock)
    assert job.state == JobState.ATTENTION
    assert "another job" in job.waiting_for
    assert any(record.levelname == "ERROR" for record in caplog.records)
