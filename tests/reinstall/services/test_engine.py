"""One job from the order to its end, against the simulator over real sockets."""

import base64
import json

import pytest
from django.contrib.auth.models import User

from reinstall.domain.actors import Actor
from reinstall.domain.states import JobState
from reinstall.models import Attempt, AuditEvent, Job, Project, Server
from reinstall.services import engine
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

REINSTALL = {"method": "POST", "path": "*/reinstallos"}


def test_a_job_runs_from_the_order_to_success(
    actor: Actor, server: Server, simulator: RunningSimulator, clock: Clock
) -> None:
    script = b"#!/bin/sh\necho hello\n"
    job = placed_job(actor, server, user_data=script)
    before = {disk.volume_id: disk.is_system for disk in server.disks.all()}
    advanced(job, clock)
    assert job.state == JobState.RUNNING, job.failure_message
    finished(job, clock, simulator)
    assert job.state == JobState.SUCCEEDED, job.waiting_for
    after = {disk.volume_id: disk.is_system for disk in server.disks.all()}
    assert {v for v, system in before.items() if not system} == {
        v for v, system in after.items() if not system
    }
    assert {v for v, system in before.items() if system}.isdisjoint(after)
    (accepted,) = simulator.accepted()
    assert accepted["server_id"] == str(server.pk)
    assert accepted["job_id"] == job.cloud_job_id
    sent = accepted["body"]["os-reinstall"]
    assert sent["keyname"] == job.order.keyname
    assert sent["userid"] == job.order.userid
    assert sent["mode"] == "withStopServer"
    assert base64.b64decode(sent["metadata"]["user_data"]) == script
    assert accepted["body_sha256"] == job.attempts.get().body_sha256


def test_every_move_has_exactly_one_audit_entry(
    actor: Actor, server: Server, simulator: RunningSimulator, clock: Clock
) -> None:
    job = finished(placed_job(actor, server), clock, simulator)
    entries = AuditEvent.objects.filter(object_type="job", object_id=str(job.pk)).order_by("id")
    assert [entry.seq for entry in entries] == list(range(1, job.seq + 1))
    assert [entry.action for entry in entries] == [
        "job.queued",
        "job.preflight",
        "job.submitting",
        "job.running",
        "job.verifying",
        "job.succeeded",
    ]
    assert entries[0].actor_name == "alice"
    assert entries[1].source == "system"


def test_the_intent_is_committed_before_the_cloud_sees_the_call(
    actor: Actor, server: Server, simulator: RunningSimulator, clock: Clock
) -> None:
    job = placed_job(actor, server)
    simulator.faults([{"match": REINSTALL, "times": 1, "do": "drop_before_read"}])
    advanced(job, clock)
    attempt = job.attempts.get()
    assert attempt.verdict == "unknown"
    assert attempt.signed_at is not None
    assert job.baseline["disks"]


@pytest.mark.parametrize(
    ("fault", "ends"),
    [
        ("drop_after_accept", JobState.SUCCEEDED),
        ("close_after_accept", JobState.SUCCEEDED),
        ("truncate_body", JobState.SUCCEEDED),
        ("truncate_headers", JobState.SUCCEEDED),
        ("drop_after_read", JobState.ATTENTION),
        ("drop_before_read", JobState.ATTENTION),
    ],
)
def test_an_unclear_answer_is_never_followed_by_a_second_call(
    fault: str, ends: JobState, actor: Actor, server: Server, simulator: RunningSimulator, clock: Clock
) -> None:
    simulator.faults([{"match": REINSTALL, "times": 1, "do": fault}])
    job = advanced(placed_job(actor, server), clock)
    assert job.state == JobState.UNCERTAIN
    finished(job, clock, simulator)
    assert job.state == ends, job.waiting_for
    assert job.attempts.count() == 1
    posts = [row for row in simulator.ledger()["requests"] if row["path"].endswith("/reinstallos")]
    assert len(posts) <= 1
    assert len(simulator.accepted()) == (ends is JobState.SUCCEEDED)


@pytest.mark.parametrize("status", [500, 502, 503, 504, 408, 409, 307, 501])
@pytest.mark.parametrize("accept", [True, False])
def test_an_answer_outside_the_allow_list_is_unclear(
    status: int, accept: bool, actor: Actor, server: Server, simulator: RunningSimulator, clock: Clock
) -> None:
    fault = {"match": REINSTALL, "times": 1, "do": "answer", "status": status, "accept": accept}
    fault["json"] = {"error": {"code": "Ecs.1000", "message": "internal"}}
    simulator.faults([fault])
    job = advanced(placed_job(actor, server), clock)
    assert job.state == JobState.UNCERTAIN
    finished(job, clock, simulator)
    assert job.state == (JobState.SUCCEEDED if accept else JobState.ATTENTION)
    assert len(simulator.accepted()) == accept


def test_a_400_that_was_accepted_all_the_same_is_not_called_refused(
    actor: Actor, server: Server, simulator: RunningSimulator, clock: Clock
) -> None:
    answer = {"error": {"code": "Ecs.1002", "message": "OpenStack access timed out"}}
    simulator.faults(
        [{"match": REINSTALL, "times": 1, "do": "answer", "status": 400, "json": answer, "accept": True}]
    )
    job = finished(placed_job(actor, server), clock, simulator)
    assert job.state == JobState.SUCCEEDED
    assert len(simulator.accepted()) == 1


def test_a_definite_refusal_ends_the_job_and_frees_the_server(
    actor: Actor, server: Server, simulator: RunningSimulator, clock: Clock
) -> None:
    answer = {"error": {"code": "Ecs.0314", "message": "the keypair does not match the user_id"}}
    simulator.faults([{"match": REINSTALL, "times": 1, "do": "answer", "status": 400, "json": answer}])
    job = advanced(placed_job(actor, server), clock)
    assert job.state == JobState.REJECTED
    assert job.failure_code == "Ecs.0314"
    assert "does not match" in job.failure_message
    assert simulator.accepted() == []
    again = finished(placed_job(actor, server), clock, simulator)
    assert again.state == JobState.SUCCEEDED


@pytest.mark.parametrize(
    ("status", "body", "headers"),
    [
        (429, {"error_code": "APIGW.0308", "error_msg": "policy user over ratelimit"}, {"Retry-After": "7"}),
        (202, {"error": {"code": "Common.0024", "message": "exceeding the flow limit"}}, {}),
    ],
)
def test_a_throttled_call_waits_and_goes_through_once(
    status: int,
    body: dict[str, object],
    headers: dict[str, str],
    actor: Actor,
    server: Server,
    simulator: RunningSimulator,
    clock: Clock,
) -> None:
    fault = {"match": REINSTALL, "times": 1, "do": "answer", "status": status, "json": body}
    simulator.faults([fault | {"headers": headers}])
    job = advanced(placed_job(actor, server), clock)
    assert job.state == JobState.QUEUED
    assert job.next_at is not None
    assert (job.next_at - clock()).total_seconds() > (6 if headers else 0)
    finished(job, clock, simulator)
    assert job.state == JobState.SUCCEEDED
    assert [attempt.verdict for attempt in job.attempts.order_by("number")] == ["throttled", "accepted"]
    assert len(simulator.accepted()) == 1


def test_401_at_the_call_is_tried_once_more_and_then_ends(
    actor: Actor, server: Server, simulator: RunningSimulator, clock: Clock
) -> None:
    body = {"error_code": "APIGW.0301", "error_msg": "Incorrect IAM authentication information"}
    simulator.faults([{"match": REINSTALL, "times": 5, "do": "answer", "status": 401, "json": body}])
    job = finished(placed_job(actor, server), clock, simulator)
    assert job.state == JobState.REJECTED
    assert "credentials twice" in job.failure_message
    assert [attempt.verdict for attempt in job.attempts.all()] == ["auth_refused", "auth_refused"]
    assert simulator.accepted() == []


def test_a_cloud_that_cannot_be_reached_gets_nothing_and_the_job_says_so(
    actor: Actor, server: Server, project: Project, simulator: RunningSimulator, clock: Clock
) -> None:
    job = placed_job(actor, server)
    cloud = project.cloud
    cloud.endpoints = {name: "http://127.0.0.1:1" for name in cloud.endpoints}
    cloud.save(update_fields=["endpoints"])
    # The address is part of what was decided, so the hash is that of the new one.
    advanced(job, clock)
    assert job.state == JobState.PREFLIGHT
    assert "could not be asked" in job.waiting_for
    finished(job, clock, simulator)
    assert job.state == JobState.REJECTED
    assert job.failure_code == "unreachable"
    assert simulator.accepted() == []


def test_a_request_that_is_not_what_was_asked_for_is_not_sent(
    actor: Actor, server: Server, simulator: RunningSimulator, clock: Clock
) -> None:
    job = placed_job(actor, server)
    type(job.order).objects.filter(pk=job.order_id).update(mode="")
    simulator.cloud.world.servers[str(server.pk)].status = "SHUTOFF"
    advanced(job, clock)
    assert job.state == JobState.REJECTED
    assert job.failure_code == "hash_mismatch"
    assert simulator.accepted() == []


def test_a_cloud_job_that_fails_tells_the_innermost_reason(
    actor: Actor, server: Server, simulator: RunningSimulator, clock: Clock
) -> None:
    fault = {
        "match": REINSTALL,
        "times": 1,
        "do": "fail_job",
        "code": "Ecs.0219",
        "reason": "no disk <b>quota</b>",
    }
    simulator.faults([fault])
    job = finished(placed_job(actor, server), clock, simulator)
    assert job.state == JobState.FAILED
    assert job.failure_code == "Ecs.0219"
    assert "quota" in job.failure_message


@pytest.mark.parametrize("fault", ["keep_disk", "change_data_disk"])
def test_success_of_the_cloud_is_believed_only_with_the_disks(
    fault: str, actor: Actor, server: Server, simulator: RunningSimulator, clock: Clock
) -> None:
    simulator.faults([{"match": REINSTALL, "times": 1, "do": fault}])
    job = finished(placed_job(actor, server), clock, simulator)
    assert job.state == JobState.ATTENTION
    assert "disk" in job.waiting_for


def test_a_lost_cloud_job_is_found_again_by_the_disk(
    actor: Actor, server: Server, simulator: RunningSimulator, clock: Clock
) -> None:
    simulator.faults([{"match": REINSTALL, "times": 1, "do": "lose_job"}])
    job = finished(placed_job(actor, server), clock, simulator)
    assert job.state == JobState.SUCCEEDED
    states = AuditEvent.objects.filter(object_type="job", object_id=str(job.pk)).values_list(
        "action", flat=True
    )
    assert "job.uncertain" in states


def test_errors_of_the_question_are_never_a_verdict(
    actor: Actor, server: Server, simulator: RunningSimulator, clock: Clock
) -> None:
    job = advanced(placed_job(actor, server), clock)
    simulator.faults(
        [{"match": {"method": "GET", "path": "*/jobs/*"}, "times": 9, "do": "answer", "status": 500}]
    )
    for _ in range(3):
        advanced(job, clock)
        assert job.state == JobState.RUNNING
    assert "did not say how the job stands" in job.waiting_for
    simulator.clear_faults()
    assert finished(job, clock, simulator).state == JobState.SUCCEEDED


def test_a_worker_that_died_after_the_intent_leaves_an_unclear_job(
    actor: Actor, server: Server, simulator: RunningSimulator, clock: Clock
) -> None:
    job = advanced(placed_job(actor, server), clock)
    Attempt.objects.filter(job=job).update(verdict="armed")
    Job.objects.filter(pk=job.pk).update(state="submitting", next_at=clock(), lease_until=clock())
    advanced(job, clock)
    assert job.attempts.get().verdict == "unknown"
    finished(job, clock, simulator)
    assert job.state == JobState.SUCCEEDED
    assert len(simulator.accepted()) == 1


def test_a_changed_server_is_not_wiped(
    actor: Actor, server: Server, simulator: RunningSimulator, clock: Clock
) -> None:
    job = placed_job(actor, server)
    simulator.cloud.world.servers[str(server.pk)].name = "somebody-elses"
    advanced(job, clock)
    assert job.state == JobState.REJECTED
    assert job.failure_code == "drift"
    assert "somebody-elses" in job.failure_message
    assert simulator.accepted() == []


def test_where_the_cloud_wants_a_stopped_server_the_portal_stops_it_first(
    admin_user: User, simulator: RunningSimulator, clock: Clock
) -> None:
    project = added_project(simulator, profile="otc")
    job = placed_job(actor_for(admin_user), free_servers(project)[0], mode="")
    finished(job, clock, simulator)
    assert job.state == JobState.SUCCEEDED, job.failure_message
    assert job.stop_job_id
    (accepted,) = simulator.accepted()
    assert "mode" not in accepted["body"]["os-reinstall"]


def test_a_claim_is_exclusive_and_a_second_turn_finds_nothing_due(
    actor: Actor, server: Server, clock: Clock
) -> None:
    job = placed_job(actor, server)
    assert engine.due_jobs(now=clock()) == [job.pk]
    assert engine.advance(job_id=job.pk, clock=clock, owner="one")
    assert not engine.advance(job_id=job.pk, clock=clock, owner="two")
    assert engine.due_jobs(now=clock()) == []


def test_no_script_and_no_credential_is_kept_in_the_clear(
    actor: Actor, server: Server, project: Project, simulator: RunningSimulator, clock: Clock
) -> None:
    canary = "canary-7f3b19"
    job = placed_job(actor, server, user_data=f"#!/bin/sh\necho {canary}\n".encode())
    finished(job, clock, simulator)
    encoded = base64.b64encode(f"echo {canary}".encode()).decode()[:12]
    secret = simulator.cloud_json("shop-prod")["credentials"]["secret_key"]
    texts = [json.dumps(list(model.objects.values()), default=repr) for model in (Job, Attempt, AuditEvent)]
    texts.append(json.dumps(list(job.exchanges.values()), default=repr))
    texts.append(json.dumps(list(type(job.order).objects.values()), default=repr))
    texts.append(json.dumps(list(Project.objects.values()), default=repr))
    for text in texts:
        assert canary not in text
        assert encoded not in text
        assert secret not in text
    assert job.exchanges.filter(method="POST", request_body__contains="hidden: ").exists()
