"""The evidence on an unclear outcome, and a person's word about it, by REST."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from reinstall.domain.actors import Actor
from reinstall.domain.states import JobState
from reinstall.models import AuditEvent, Job, Server
from simulator.server import RunningSimulator
from tests.reinstall.api.client import Caller, a_token, fields_of, problem_of
from tests.reinstall.conftest import Clock, advanced, finished, placed_job
from tests.reinstall.rows import a_job, a_person, a_project, a_server, an_order
from tests.reinstall.signing import proved

pytestmark = pytest.mark.django_db


@pytest.fixture
def requester(operator: User) -> User:
    """Of these tests: alice may settle as well."""
    return operator


WHY = "OTC console, 14:20: up since May, same disk"
KEY = "a" * 32


@pytest.fixture
def stuck(actor: Actor, server: Server, simulator: RunningSimulator, clock: Clock) -> Job:
    """Sent, never heard of, looked for, and now waiting for a person."""
    match = {"method": "POST", "path": "*/reinstallos"}
    simulator.faults([{"match": match, "times": 1, "do": "drop_before_read"}])
    job = placed_job(actor, server, user_data=b"#!/bin/sh\necho hunter2\n")
    advanced(job, clock)
    finished(job, clock, simulator)
    assert job.state == JobState.ATTENTION
    return job


class Session(Caller):
    """A person at a browser whose page calls the interface."""

    def __init__(self, person: User) -> None:
        super().__init__(**{"X-CSRFToken": KEY})
        self.client = Client(enforce_csrf_checks=True)
        self.client.force_login(person)
        proved(self.client)
        self.client.cookies["ecsportal-csrf"] = KEY


@pytest.fixture
def alice(requester: User) -> Session:
    return Session(requester)


def settle(caller: Caller, job: Job, /, **body: Any) -> Any:
    return caller.post(f"jobs/{job.pk}/settle/", body)


def test_the_evidence_is_all_there(alice: Session, stuck: Job):
    shown = alice.get(f"jobs/{stuck.pk}/evidence/").json()
    assert (shown["job"], shown["state"], shown["next_look_at"]) == (stuck.pk, "attention", None)
    assert "hidden: 23 B" in shown["sent"]["body"] and "hunter2" not in str(shown)
    assert shown["sent"]["body_sha256"] == stuck.attempts.get().body_sha256
    assert (shown["answer"]["status"], shown["answer"]["phase"]) == (None, "sent")
    assert {row["name"]: row["changed"] for row in shown["compared"]}["system_disk"] is False
    assert [row["summary"] for row in shown["evidence"]] == [row.summary for row in stuck.evidence.all()]
    assert shown["proposal"]["answer"] == "never_ran" and "never_ran" in shown["answers"]


def test_a_token_reads_the_evidence_and_settles_nothing(requester: User, stuck: Job):
    caller = Caller(a_token(requester))
    assert caller.get(f"jobs/{stuck.pk}/evidence/").json()["answers"] == []
    document = problem_of(settle(caller, stuck, answer="never_ran", reason=WHY), 403)
    assert "Sign in to do it" in document["detail"]
    stuck.refresh_from_db()
    assert stuck.state == JobState.ATTENTION


def test_a_person_settles_it_once(alice: Session, stuck: Job):
    answer = settle(alice, stuck, answer="never_ran", reason=WHY)
    assert (answer.status_code, answer.json()["state"]) == (200, "not_applied")
    entry = AuditEvent.objects.get(object_id=str(stuck.pk), action="job.not_applied")
    assert (entry.actor_name, entry.note) == ("alice", WHY)
    assert problem_of(settle(alice, stuck, answer="never_ran", reason=WHY), 409)["job"] == stuck.pk
    assert alice.get(f"servers/{stuck.server_id}/").json()["why_not"] == ""
    assert alice.get(f"jobs/{stuck.pk}/evidence/").json()["answers"] == []


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, {"answer", "reason"}),
        ({"answer": "perhaps", "reason": WHY}, {"answer"}),
        ({"answer": "never_ran", "reason": " "}, {"reason"}),
        ({"answer": "never_ran", "reason": "x" * 501}, {"reason"}),
        ({"answer": "never_ran", "reason": WHY, "cloud_job_id": KEY}, {"cloud_job_id"}),
        ({"answer": "ran_job", "reason": WHY}, {"cloud_job_id"}),
        ({"answer": "ran_job", "reason": WHY, "cloud_job_id": "../../x"}, {"cloud_job_id"}),
        ({"answer": "ran_job", "reason": WHY, "cloud_job_id": KEY}, {"cloud_job_id"}),
        ({"answer": 1, "reason": ["x"], "colour": "red"}, {"answer", "reason", "colour"}),
    ],
)
def test_every_wrong_field_is_named(alice: Session, stuck: Job, body: dict[str, Any], fields: set[str]):
    assert fields_of(settle(alice, stuck, **body)) == fields
    stuck.refresh_from_db()
    assert stuck.state == JobState.ATTENTION


def test_what_has_changed_since_it_was_read_is_not_settled(alice: Session, stuck: Job):
    etag = alice.get(f"jobs/{stuck.pk}/")["ETag"]
    Job.objects.filter(pk=stuck.pk).update(waiting_for="something else")
    body = {"answer": "never_ran", "reason": WHY}
    problem_of(alice.post(f"jobs/{stuck.pk}/settle/", body, **{"If-Match": etag}), 412)
    fresh = alice.get(f"jobs/{stuck.pk}/")["ETag"]
    assert alice.post(f"jobs/{stuck.pk}/settle/", body, **{"If-Match": fresh}).status_code == 200


@pytest.mark.parametrize("state", [JobState.QUEUED, JobState.RUNNING, JobState.SUCCEEDED])
def test_only_unclear_jobs_are_settled(db: None, state: JobState):
    shop = a_project()
    bob = a_person("bob", shop, role="operator")
    job = a_job(an_order(shop, bob), a_server(shop), state)
    problem_of(settle(Session(bob), job, answer="never_ran", reason=WHY), 409)
    job.refresh_from_db()
    assert job.state == state


def test_viewers_read_and_strangers_find_nothing(stuck: Job):
    viewer = Session(a_person("eve", stuck.project, role="viewer"))
    assert viewer.get(f"jobs/{stuck.pk}/evidence/").json()["answers"] == []
    problem_of(settle(viewer, stuck, answer="never_ran", reason=WHY), 403)
    stranger = Session(a_person("mallory"))
    problem_of(stranger.get(f"jobs/{stuck.pk}/evidence/"), 404)
    problem_of(settle(stranger, stuck, answer="never_ran", reason=WHY), 404)


def test_a_job_that_never_was_in_doubt_has_no_evidence(db: None):
    shop = a_project()
    bob = a_person("bob", shop, role="operator")
    job = a_job(an_order(shop, bob), a_server(shop), JobState.QUEUED)
    shown = Session(bob).get(f"jobs/{job.pk}/evidence/").json()
    assert (shown["sent"], shown["answer"], shown["evidence"], shown["compared"]) == (None, None, [], [])


def decide(caller: Caller, job: Job, /, **body: Any) -> Any:
    return caller.post(f"jobs/{job.pk}/proposal/", body)


@pytest.fixture
def proposed(alice: Session, stuck: Job) -> Job:
    """In a production project: alice has said that it never started."""
    stuck.project.__class__.objects.filter(pk=stuck.project_id).update(environment="production")
    answer = settle(alice, stuck, answer="never_ran", reason=WHY)
    assert (answer.status_code, answer.json()["state"]) == (200, "attention")
    return stuck


def test_a_second_person_confirms_in_production(alice: Session, proposed: Job):
    bob = Session(a_person("bob", proposed.project, role="operator"))
    shown = bob.get(f"jobs/{proposed.pk}/evidence/").json()
    assert shown["second_person"] is True and "never_ran" not in shown["answers"]
    pending = shown["pending"]
    assert (pending["by"], pending["reason"], pending["decisions"]) == ("alice", WHY, ["confirm", "reject"])
    problem_of(decide(alice, proposed, decision="confirm", reason=WHY), 403)
    answer = decide(bob, proposed, decision="confirm", reason="Seen it too", proposal_id=pending["id"])
    assert (answer.status_code, answer.json()["state"]) == (200, "not_applied")
    assert bob.get(f"jobs/{proposed.pk}/evidence/").json()["pending"] is None
    problem_of(decide(bob, proposed, decision="confirm", reason="again"), 409)


def test_a_token_confirms_nothing(proposed: Job):
    caller = Caller(a_token(a_person("bob", proposed.project, role="operator")))
    assert caller.get(f"jobs/{proposed.pk}/evidence/").json()["pending"]["decisions"] == []
    document = problem_of(decide(caller, proposed, decision="confirm", reason=WHY), 403)
    assert "Sign in to do it" in document["detail"]
    proposed.refresh_from_db()
    assert proposed.state == JobState.ATTENTION


def test_a_decision_names_its_wrong_fields_and_is_about_what_was_read(proposed: Job):
    bob = Session(a_person("bob", proposed.project, role="operator"))
    assert fields_of(decide(bob, proposed)) == {"decision"}
    assert fields_of(decide(bob, proposed, decision="confirm")) == {"reason"}
    assert fields_of(decide(bob, proposed, decision="yes", reason=WHY, x=1)) == {"x"}
    problem_of(decide(bob, proposed, decision="confirm", reason=WHY, proposal_id=0), 409)
    etag = bob.get(f"jobs/{proposed.pk}/")["ETag"]
    assert decide(bob, proposed, decision="reject", reason=WHY).json()["state"] == "attention"
    problem_of(bob.post(f"jobs/{proposed.pk}/proposal/", {"decision": "reject"}, **{"If-Match": etag}), 412)
