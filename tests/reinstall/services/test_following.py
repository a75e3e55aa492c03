"""After the call and around it: polling, proof, doubt, age, and steps that die."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils.timezone import now

from reinstall.domain.actors import Actor
from reinstall.domain.states import JobState
from reinstall.models import Attempt, AuditEvent, Job, Order, Project, Server
from reinstall.services import engine, submission
from simulator.server import RunningSimulator
from tests.reinstall.conftest import Clock, advanced, finished, placed_job

pytestmark = pytest.mark.django_db

S = JobState
POLL = {"method": "GET", "path": "*/jobs/*"}
REINSTALL = {"method": "POST", "path": "*/reinstallos"}
UNKNOWN_JOB = {"error": {"code": "Common.0011", "message": "job is not exist"}}


@pytest.fixture
def running(actor: Actor, server: Server, simulator: RunningSimulator, clock: Clock) -> Job:
    job = advanced(placed_job(actor, server), clock)
    assert job.state == S.RUNNING, job.failure_message
    return job


def answer(simulator: RunningSimulator, match: dict[str, str], times: int | None = 1, **what: Any) -> None:
    simulator.faults([{"match": match, "times": times, "do": "answer", **what}])


@pytest.mark.parametrize("hours", [25, 24 * 4])
def test_a_request_that_could_not_start_for_a_day_is_not_carried_out(
    hours: int, actor: Actor, server: Server, simulator: RunningSimulator, clock: Clock
) -> None:
    """The laptop was shut on Friday; nobody expects the wipe on Monday."""
    job = placed_job(actor, server)
    clock.add(hours * 3600)
    advanced(job, clock)
    assert job.state == S.EXPIRED
    assert "Nothing was sent" in job.failure_message
    assert simulator.accepted() == []
    assert placed_job(actor, server).pk


@pytest.mark.parametrize("state", [S.PREFLIGHT, S.STOPPING])
def test_nor_is_one_that_was_being_looked_at_when_the_portal_stopped(
    state: JobState, actor: Actor, server: Server, simulator: RunningSimulator, clock: Clock
) -> None:
    job = placed_job(actor, server)
    Job.objects.filter(pk=job.pk).update(state=state)
    with simulator.lock:
        simulator.world.servers[str(server.pk)].status = "SHUTOFF"
    clock.add(25 * 3600)
    assert advanced(job, clock).state == S.EXPIRED
    assert simulator.accepted() == []


def test_within_a_day_it_starts(actor: Actor, server: Server, simulator: RunningSimulator) -> None:
    job = placed_job(actor, server)
    Job.objects.filter(pk=job.pk).update(created_at=now() - timedelta(hours=23))
    assert advanced(job, Clock()).state == S.RUNNING


def test_a_throttled_call_does_not_use_up_the_tries_of_an_unreachable_cloud(
    actor: Actor, server: Server, simulator: RunningSimulator, clock: Clock
) -> None:
    throttled = {"error_code": "APIGW.0308", "error_msg": "policy user over ratelimit"}
    answer(simulator, REINSTALL, times=9, status=429, json=throttled)
    job = placed_job(actor, server)
    advanced(job, clock, times=9)
    assert job.state == S.QUEUED
    answer(simulator, {"path": "*/cloudservers/*"}, times=3, status=503)
    said = set()
    for _ in range(4):
        said.add(advanced(job, clock).waiting_for)
        assert job.state in (S.QUEUED, S.PREFLIGHT, S.RUNNING)
    assert any("asking again" in sentence for sentence in said), said
    assert finished(job, clock, simulator).state == S.SUCCEEDED
    assert len(simulator.accepted()) == 1


@pytest.mark.parametrize("faults", [1, 3])
def test_a_job_is_not_given_up_because_other_questions_failed_before(
    faults: int, running: Job, simulator: RunningSimulator, clock: Clock
) -> None:
    answer(simulator, POLL, times=4, status=500)
    advanced(running, clock, times=4)
    answer(simulator, POLL, times=faults, status=400, json=UNKNOWN_JOB)
    for _ in range(faults):
        assert advanced(running, clock).state == S.RUNNING
    assert finished(running, clock, simulator).state == S.SUCCEEDED
    actions = AuditEvent.objects.filter(object_type="job").values_list("action", flat=True)
    assert "job.uncertain" not in actions


def test_a_job_the_cloud_does_not_know_five_times_running_is_looked_for_by_its_disk(
    running: Job, simulator: RunningSimulator, clock: Clock
) -> None:
    answer(simulator, POLL, times=5, status=400, json=UNKNOWN_JOB)
    advanced(running, clock, times=5)
    # The first look of the doubt found the job again: the fault was over by then.
    told = AuditEvent.objects.filter(object_type="job").order_by("id").values_list("action", flat=True)
    assert list(told)[-2:] == ["job.uncertain", "job.running"]
    assert finished(running, clock, simulator).state == S.SUCCEEDED
    assert len(simulator.accepted()) == 1


@pytest.mark.parametrize(("status", "hours"), [("PAUSED", 2), ("RUNNING", 7 * 24)])
def test_a_job_without_an_end_comes_before_a_person(
    status: str, hours: int, running: Job, simulator: RunningSimulator, clock: Clock
) -> None:
    body = {
        "job_id": running.cloud_job_id,
        "status": status,
        "entities": {"server_id": str(running.server_id)},
    }
    answer(simulator, POLL, times=None, status=200, json=body)
    assert advanced(running, clock).state == S.RUNNING
    assert ("not known here" in running.waiting_for) is (status == "PAUSED")
    clock.add(hours * 3600)
    assert advanced(running, clock).state == S.ATTENTION
    assert f"says {status}" in running.waiting_for


def test_a_cloud_that_never_answers_again_comes_before_a_person(
    running: Job, simulator: RunningSimulator, clock: Clock
) -> None:
    answer(simulator, POLL, times=None, status=500)
    clock.add(6 * 24 * 3600)
    assert advanced(running, clock).state == S.RUNNING
    clock.add(2 * 24 * 3600)
    assert advanced(running, clock).state == S.ATTENTION


def test_a_job_about_another_server_comes_before_a_person(
    running: Job, simulator: RunningSimulator, clock: Clock
) -> None:
    body = {"job_id": running.cloud_job_id, "status": "SUCCESS", "entities": {"server_id": "somebody-elses"}}
    answer(simulator, POLL, status=200, json=body)
    assert advanced(running, clock).state == S.ATTENTION
    assert "about another server" in running.waiting_for


def test_hostile_words_of_the_cloud_are_kept_as_words(
    running: Job, simulator: RunningSimulator, clock: Clock
) -> None:
    reason = "<script>\x1b[31m\u202e" + "x" * 9000
    entities = {"server_id": str(running.server_id)}
    body = {
        "job_id": running.cloud_job_id,
        "status": "FAIL",
        "error_code": "Ecs.0219\n",
        "fail_reason": reason,
    }
    answer(simulator, POLL, status=200, json=body | {"entities": entities})
    assert advanced(running, clock).state == S.FAILED
    assert running.failure_message.startswith("<script>")
    assert len(running.failure_message) <= 4096
    assert not set(running.failure_message) & {"\x1b", "\u202e"}


def test_a_server_in_error_is_no_success_whatever_the_job_says(
    running: Job, simulator: RunningSimulator, clock: Clock
) -> None:
    simulator.advance(600)
    with simulator.lock:
        simulator.world.servers[str(running.server_id)].status = "ERROR"
    for _ in range(15):
        advanced(running, clock)
        if running.state == S.ATTENTION:
            break
    assert running.state == S.ATTENTION
    assert "The server is ERROR" in running.waiting_for


def test_a_server_that_stays_off_is_a_success_that_says_so(
    running: Job, simulator: RunningSimulator, clock: Clock
) -> None:
    simulator.advance(600)
    with simulator.lock:
        simulator.world.servers[str(running.server_id)].status = "SHUTOFF"
    assert finished(running, clock, simulator).state == S.SUCCEEDED
    assert AuditEvent.objects.get(action="job.succeeded").note.endswith("The server is SHUTOFF.")


def test_a_live_attempt_is_never_followed_by_another_and_the_job_comes_before_a_person(
    actor: Actor, server: Server, simulator: RunningSimulator, clock: Clock
) -> None:
    """A row no step of ours leaves behind: without an end it would ask the cloud every second, for ever."""
    job = placed_job(actor, server)
    Attempt.objects.create(
        job=job, number=1, verdict="unknown", body_sha256="0" * 64, signed_at=now(), intent_at=now()
    )
    for _ in range(8):
        advanced(job, clock)
        if job.state == S.ATTENTION:
            break
    assert job.state == S.ATTENTION
    assert "failed 3 times" in job.waiting_for
    assert simulator.accepted() == []


def test_a_script_that_does_not_open_comes_before_a_person(
    actor: Actor, server: Server, simulator: RunningSimulator, clock: Clock
) -> None:
    job = placed_job(actor, server, user_data=b"#!/bin/sh\n")
    Order.objects.filter(pk=job.order_id).update(user_data_sealed=b"\x01\x02k1junk")
    advanced(job, clock)
    assert "its secrets do not open" in job.waiting_for
    assert finished(job, clock, simulator).state == S.ATTENTION
    assert simulator.accepted() == []


def test_a_changed_project_id_is_noticed_by_the_hash(
    actor: Actor, server: Server, project: Project, simulator: RunningSimulator, clock: Clock
) -> None:
    job = placed_job(actor, server)
    Job.objects.filter(pk=job.pk).update(request_hash="0" * 64)
    assert finished(job, clock, simulator).failure_code == "hash_mismatch"
    assert simulator.accepted() == []


def test_the_lease_outlives_the_call_and_the_writing_down(settings: Any) -> None:
    spent = settings.CALL_WALL_S + settings.STORE_WITHIN_S + submission.SUBMIT_TTL_S
    assert submission.LEASE.total_seconds() > spent
    assert engine.LEASE == submission.LEASE


def test_a_job_that_is_found_again_about_another_server_is_not_followed(
    running: Job, simulator: RunningSimulator, clock: Clock
) -> None:
    answer(simulator, POLL, times=5, status=400, json=UNKNOWN_JOB)
    body = {"job_id": running.cloud_job_id, "status": "SUCCESS", "entities": {"server_id": "somebody-elses"}}
    answer(simulator, POLL, times=None, status=200, json=body)
    advanced(running, clock, times=6)
    assert running.state == S.UNCERTAIN
    assert finished(running, clock, simulator).state == S.SUCCEEDED
    told = AuditEvent.objects.filter(action="job.verifying").get()
    assert "another one than before" in told.note


def test_a_new_disk_is_believed_only_when_the_cloud_has_let_go_of_the_server(
    actor: Actor, server: Server, simulator: RunningSimulator, clock: Clock
) -> None:
    simulator.faults([{"match": REINSTALL, "times": 1, "do": "drop_after_accept"}])
    job = advanced(placed_job(actor, server), clock)
    simulator.advance(600)
    with simulator.lock:
        simulator.world.servers[str(server.pk)].task_state = "rebuild_spawning"
    # The audit service names the job at the cloud, and that one says SUCCESS; the disks are compared later.
    assert advanced(job, clock).state == S.VERIFYING
    assert "The server is still" in job.waiting_for
    with simulator.lock:
        simulator.world.servers[str(server.pk)].task_state = None
    assert finished(job, clock, simulator).state == S.SUCCEEDED


def test_an_abandoned_call_is_unknown_and_never_called_unsent(
    actor: Actor, server: Server, simulator: RunningSimulator, clock: Clock
) -> None:
    job = advanced(placed_job(actor, server), clock)
    Attempt.objects.filter(job=job).update(verdict="armed")
    put = {"state": "submitting", "next_at": clock(), "lease_until": clock(), "cloud_job_id": ""}
    Job.objects.filter(pk=job.pk).update(**put)
    advanced(job, clock)
    assert job.attempts.get().verdict == "unknown"
    assert job.state == S.UNCERTAIN
