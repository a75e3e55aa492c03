"""A person's word about an unclear job: what is checked, what it changes, who may say it."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User

from reinstall.domain.actors import Actor, Source
from reinstall.domain.errors import Conflict, NotAllowed, NotFound, RuleBroken
from reinstall.domain.states import JobState
from reinstall.models import AuditEvent, Evidence, Job, Membership, Project, Server
from reinstall.selectors.evidence import evidence_of
from reinstall.services import evidence, links
from reinstall.services.settle import Answer, settle_job
from simulator.server import RunningSimulator
from tests.reinstall.conftest import Clock, actor_for, advanced, finished, free_servers, placed_job

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("policy")]


@pytest.fixture
def requester(operator: User) -> User:
    """Of these tests: alice may settle as well."""
    return operator


REINSTALL = {"method": "POST", "path": "*/reinstallos"}
WHY = "Looked at it in the console."


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


def settled(actor: Actor, job: Job, clock: Clock, answer: str, **more: Any) -> Job:
    values = {"reason": WHY} | more
    settle_job(actor=actor, now=clock(), job_id=job.pk, answer=answer, **values)
    job.refresh_from_db()
    return job


def last_entry(job: Job) -> AuditEvent:
    return AuditEvent.objects.filter(object_type="job", object_id=str(job.pk)).order_by("-seq")[0]


@pytest.fixture
def waiting(actor: Actor, server: Server, simulator: RunningSimulator, clock: Clock) -> Job:
    """A job in front of a person: the call was lost, nothing happened."""
    job = finished(in_doubt(actor, server, simulator, clock, "drop_after_read"), clock, simulator)
    assert job.state == JobState.ATTENTION
    return job


def test_never_ran_frees_the_server(actor: Actor, server: Server, waiting: Job, clock: Clock) -> None:
    with pytest.raises(Conflict):
        placed_job(actor, server)
    settled(actor, waiting, clock, "never_ran")
    assert (waiting.state, waiting.ended_at is not None) == (JobState.NOT_APPLIED, True)
    entry = last_entry(waiting)
    assert (entry.action, entry.actor_name, entry.note) == ("job.not_applied", "alice", WHY)
    said = Evidence.objects.get(job=waiting, kind="operator")
    assert said.data == {"answer": "never_ran", "reason": WHY, "by": "alice"}
    assert placed_job(actor, server).state == JobState.QUEUED


def test_ran_with_its_job_is_followed_to_the_end(
    actor: Actor, server: Server, simulator: RunningSimulator, clock: Clock
) -> None:
    job = in_doubt(actor, server, simulator, clock, "drop_after_accept")
    simulator.advance(20)
    cloud_job_id = simulator.accepted()[0]["job_id"]
    settled(actor, job, clock, "ran_job", cloud_job_id=f" {cloud_job_id} ")
    assert (job.state, job.cloud_job_id) == (JobState.RUNNING, cloud_job_id)
    assert job.attempts.get().verdict == "accepted"
    assert (last_entry(job).actor_name, last_entry(job).note) == ("alice", WHY)
    assert finished(job, clock, simulator).state == JobState.SUCCEEDED
    assert len(simulator.accepted()) == 1


@pytest.mark.parametrize(
    "text", ["", "short", "../../../etc", "a" * 65, "ff80808288d41e1b018990260955686a\n/x"]
)
def test_what_is_no_job_id_is_refused(actor: Actor, waiting: Job, clock: Clock, text: str) -> None:
    with pytest.raises(RuleBroken) as caught:
        settled(actor, waiting, clock, "ran_job", cloud_job_id=text)
    assert caught.value.errors[0].field == "cloud_job_id"


def test_a_job_the_cloud_does_not_know_is_refused(actor: Actor, waiting: Job, clock: Clock) -> None:
    with pytest.raises(RuleBroken, match="does not know job"):
        settled(actor, waiting, clock, "ran_job", cloud_job_id="f" * 32)
    waiting.refresh_from_db()
    assert waiting.state == JobState.ATTENTION


def test_the_job_of_another_server_is_refused(
    actor: Actor, project: Project, simulator: RunningSimulator, clock: Clock
) -> None:
    first, second = free_servers(project)[:2]
    job = in_doubt(actor, first, simulator, clock, "drop_after_read")
    theirs = simulator.console_reinstall(str(second.pk))
    simulator.advance(20)
    with pytest.raises(RuleBroken, match="another server"):
        settled(actor, job, clock, "ran_job", cloud_job_id=theirs)


def test_a_job_that_names_no_server_yet_is_not_believed_yet(
    actor: Actor, server: Server, simulator: RunningSimulator, clock: Clock
) -> None:
    job = in_doubt(actor, server, simulator, clock, "drop_after_accept")
    with pytest.raises(RuleBroken, match="does not say yet"):
        settled(actor, job, clock, "ran_job", cloud_job_id=simulator.accepted()[0]["job_id"])


def test_the_job_of_an_earlier_reinstall_is_refused(
    actor: Actor, server: Server, simulator: RunningSimulator, clock: Clock
) -> None:
    first = finished(placed_job(actor, server), clock, simulator)
    clock.ahead = timedelta()
    second = in_doubt(actor, server, simulator, clock, "drop_after_read")
    with pytest.raises(RuleBroken, match="began before|belongs to another job"):
        settled(actor, second, clock, "ran_job", cloud_job_id=first.cloud_job_id)


def test_ran_without_its_job_is_compared_by_the_disks(
    actor: Actor, server: Server, simulator: RunningSimulator, clock: Clock
) -> None:
    simulator.world.scenario.cts = "refused"
    job = in_doubt(actor, server, simulator, clock, "drop_after_accept")
    simulator.advance(600)
    settled(actor, job, clock, "ran_unknown")
    assert job.state == JobState.VERIFYING
    assert finished(job, clock, simulator).state == JobState.SUCCEEDED


def test_ran_without_any_trace_of_it_comes_back(
    actor: Actor, waiting: Job, simulator: RunningSimulator, clock: Clock
) -> None:
    settled(actor, waiting, clock, "ran_unknown")
    finished(waiting, clock, simulator)
    assert waiting.state == JobState.ATTENTION
    assert "still the old one" in waiting.waiting_for


@pytest.mark.parametrize(("answer", "ends"), [("ran_well", "succeeded"), ("ran_badly", "failed")])
def test_what_the_comparison_cannot_decide_a_person_can(
    answer: str, ends: str, actor: Actor, waiting: Job, clock: Clock
) -> None:
    settled(actor, waiting, clock, answer)
    assert (waiting.state, waiting.ended_at is not None) == (ends, True)
    assert last_entry(waiting).note == WHY


@pytest.mark.parametrize("answer", ["ran_well", "ran_badly"])
def test_the_end_is_not_told_while_the_portal_still_looks(
    answer: str, actor: Actor, server: Server, simulator: RunningSimulator, clock: Clock
) -> None:
    job = in_doubt(actor, server, simulator, clock, "drop_after_accept")
    with pytest.raises(Conflict, match="still being looked into"):
        settled(actor, job, clock, answer)


def test_never_ran_waits_while_a_frozen_worker_could_still_send(
    actor: Actor, waiting: Job, clock: Clock
) -> None:
    # As recovery leaves it when a worker died between the intent and the answer.
    waiting.attempts.update(phase="", status=None, intent_at=clock() - timedelta(minutes=5))
    with pytest.raises(Conflict, match="might still reach the cloud until") as caught:
        settled(actor, waiting, clock, "never_ran")
    assert caught.value.code == "too_early"
    clock.add(17 * 60)
    assert settled(actor, waiting, clock, "never_ran").state == JobState.NOT_APPLIED


@pytest.mark.parametrize("reason", ["", "   ", "\n", "x" * 501])
def test_a_reason_is_required(actor: Actor, waiting: Job, clock: Clock, reason: str) -> None:
    with pytest.raises(RuleBroken) as caught:
        settled(actor, waiting, clock, "never_ran", reason=reason)
    assert caught.value.errors[0].field == "reason"
    assert Job.objects.get(pk=waiting.pk).state == JobState.ATTENTION


def test_an_answer_that_is_none_is_refused(actor: Actor, waiting: Job, clock: Clock) -> None:
    with pytest.raises(RuleBroken, match="ran_job, ran_unknown, never_ran"):
        settled(actor, waiting, clock, "maybe")


def test_a_job_that_never_sent_can_only_have_never_run(actor: Actor, server: Server, clock: Clock) -> None:
    job = placed_job(actor, server)
    Job.objects.filter(pk=job.pk).update(state="attention", next_at=None)
    for answer in ("ran_job", "ran_unknown", "ran_well", "ran_badly"):
        with pytest.raises(Conflict, match="never sent"):
            settled(actor, job, clock, answer, cloud_job_id="f" * 32)
    assert evidence_of(actor, job.pk).answers == ("never_ran",)
    assert settled(actor, job, clock, "never_ran").state == JobState.NOT_APPLIED


def test_a_job_that_is_not_open_has_nothing_to_settle(actor: Actor, waiting: Job, clock: Clock) -> None:
    settled(actor, waiting, clock, "never_ran")
    with pytest.raises(Conflict, match="nothing to settle"):
        settled(actor, waiting, clock, "ran_well")


def test_who_may_settle(actor: Actor, waiting: Job, project: Project, clock: Clock) -> None:
    token = replace(actor, source=Source.TOKEN, token_id=1, scopes=frozenset({"read", "request"}))
    with pytest.raises(NotAllowed, match="by a person"):
        settled(token, waiting, clock, "never_ran")
    stranger = User.objects.create_user("bob")
    with pytest.raises(NotFound):
        settled(actor_for(stranger), waiting, clock, "never_ran")
    Membership.objects.create(user=stranger, project=project, role=Membership.Role.VIEWER)
    with pytest.raises(NotAllowed, match="operator"):
        settled(actor_for(stranger), waiting, clock, "never_ran")
    assert evidence_of(actor_for(stranger), waiting.pk).answers == ()
    assert evidence_of(token, waiting.pk).answers == ()


def test_the_cloud_that_does_not_answer_settles_nothing(
    actor: Actor, waiting: Job, simulator: RunningSimulator, clock: Clock
) -> None:
    poll = {"method": "GET", "path": "*/jobs/*"}
    simulator.faults([{"match": poll, "times": 9, "do": "answer", "status": 500, "json": {}}])
    with pytest.raises(Conflict, match="did not answer"):
        settled(actor, waiting, clock, "ran_job", cloud_job_id="f" * 32)


def test_the_view_of_a_lost_call(actor: Actor, waiting: Job) -> None:
    view = evidence_of(actor, waiting.pk)
    assert view.sent is not None and view.answer is not None
    assert view.sent.path.endswith("/reinstallos") and '"keyname"' in view.sent.body
    assert view.sent.body_sha256 == waiting.attempts.get().body_sha256
    assert (view.answer.status, view.sent.may_arrive_until) == (None, None)
    assert view.compared and not any(field.changed for field in view.compared)
    assert view.compared_at is not None
    assert {row.kind for row in view.rows} >= {"status", "verdict"}
    assert (view.proposal.answer, view.proposal.grade) == ("never_ran", "E4'")
    assert set(view.answers) == {answer.value for answer in Answer}


def test_the_view_shows_what_changed_and_proposes_the_job(
    actor: Actor, server: Server, simulator: RunningSimulator, clock: Clock
) -> None:
    job = in_doubt(actor, server, simulator, clock, "drop_after_read")
    simulator.console_reinstall(str(server.pk))
    simulator.advance(600)
    finished(job, clock, simulator)
    view = evidence_of(actor, job.pk)
    changed = {field.name for field in view.compared if field.changed}
    assert "system_disk" in changed
    assert view.proposal.grade == "E5"
    assert view.proposal.answer == ""


def test_the_view_of_a_stranger_is_not_there(waiting: Job) -> None:
    with pytest.raises(NotFound):
        evidence_of(actor_for(User.objects.create_user("bob")), waiting.pk)


def test_the_same_sighting_is_one_row_and_a_return_to_what_was_is_a_new_one(
    actor: Actor, server: Server, simulator: RunningSimulator, clock: Clock
) -> None:
    job = in_doubt(actor, server, simulator, clock, "drop_after_read")
    statuses = Evidence.objects.filter(job=job, kind="status")
    advanced(job, clock, times=3)
    assert statuses.count() == 1
    with simulator.lock:
        simulator.world.servers[str(server.pk)].status = "SHUTOFF"
    advanced(job, clock)
    with simulator.lock:
        simulator.world.servers[str(server.pk)].status = "ACTIVE"
    advanced(job, clock)
    assert [row.data["status"] for row in statuses.order_by("id")] == ["ACTIVE", "SHUTOFF", "ACTIVE"]
    assert not any(field.changed for field in evidence_of(actor, job.pk).compared)
