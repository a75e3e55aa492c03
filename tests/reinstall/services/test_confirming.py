"""The second person: what waits for one, who that may be, and what makes it void."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.contrib.auth.models import User

from reinstall.domain.actors import Actor, Source
from reinstall.domain.errors import Conflict, NotAllowed, NotFound, RuleBroken
from reinstall.domain.secondperson import needs_second_person
from reinstall.domain.states import JobState
from reinstall.models import AuditEvent, Evidence, Job, Membership, Project, Proposal, Server
from reinstall.selectors.evidence import evidence_of
from reinstall.selectors.jobs import job_version
from reinstall.services import engine, evidence, links
from reinstall.services.confirming import decide_proposal
from reinstall.services.settle import settle_job
from simulator.server import RunningSimulator
from tests.reinstall.conftest import Clock, actor_for, advanced, finished, placed_job
from tests.reinstall.services.together import together

pytestmark = pytest.mark.django_db


@pytest.fixture
def requester(operator: User) -> User:
    """Of these tests: alice may settle as well."""
    return operator


REINSTALL = {"method": "POST", "path": "*/reinstallos"}
WHY, TOO = "Looked at it in the console.", "I looked too: up since May."


@pytest.fixture(autouse=True)
def _always_two(settings: Any) -> Iterator[None]:
    settings.SECOND_PERSON = "always"
    evidence.forget()
    yield
    links.forget_sessions()


@pytest.fixture
def job(actor: Actor, server: Server, simulator: RunningSimulator, clock: Clock) -> Job:
    """Read by the cloud, never answered, nothing happened: uncertain."""
    return in_doubt(actor, server, simulator, clock, "drop_after_read")


@pytest.fixture
def bob(project: Project) -> Actor:
    """Somebody else with the right."""
    person = User.objects.create_user("bob")
    Membership.objects.create(user=person, project=project, role=Membership.Role.OPERATOR)
    return actor_for(person)


def in_doubt(actor: Actor, server: Server, simulator: RunningSimulator, clock: Clock, fault: str) -> Job:
    simulator.faults([{"match": REINSTALL, "times": 1, "do": fault}])
    placed = advanced(placed_job(actor, server), clock)
    assert placed.state == JobState.UNCERTAIN
    return placed


def proposed(actor: Actor, job: Job, clock: Clock) -> Proposal:
    settle_job(actor=actor, now=clock(), job_id=job.pk, answer="never_ran", reason=WHY)
    job.refresh_from_db()
    return Proposal.objects.get(job=job, end="")


def decided(actor: Actor, job: Job, clock: Clock, decision: str, reason: str = TOO, **more: Any) -> Job:
    decide_proposal(actor=actor, now=clock(), job_id=job.pk, decision=decision, reason=reason, **more)
    job.refresh_from_db()
    return job


def acts_of(job: Job) -> list[tuple[str, str, str]]:
    keys = [str(pk) for pk in Proposal.objects.filter(job=job).values_list("pk", flat=True)]
    rows = AuditEvent.objects.filter(object_type="proposal", object_id__in=keys).order_by("id")
    return [(row.action, row.actor_name, row.note) for row in rows]


@pytest.mark.parametrize(
    ("policy", "environment", "in_doubt", "needed"),
    [
        ("production", "production", True, True),
        ("production", "staging", True, False),
        ("production", "simulator", True, False),
        ("always", "staging", True, True),
        ("never", "production", True, False),
        # Nothing ever left the portal: there is nothing to be wrong about.
        ("always", "production", False, False),
    ],
)
def test_where_a_second_person_is_needed(policy: str, environment: str, in_doubt: bool, needed: bool) -> None:
    assert needs_second_person(policy, environment, in_doubt=in_doubt) is needed


def test_a_proposal_changes_nothing_but_is_seen(actor: Actor, job: Job, clock: Clock, bob: Actor) -> None:
    before = job_version(actor, job.pk)
    proposed(actor, job, clock)
    assert (job.state, job.ended_at) == (JobState.UNCERTAIN, None)
    with pytest.raises(Conflict):
        placed_job(actor, job.server)
    assert job_version(actor, job.pk) != before, "open pages must notice"
    assert acts_of(job) == [("proposal.proposed", "alice", WHY)]
    seen = evidence_of(bob, job.pk)
    assert seen.pending is not None and seen.second_person
    assert (seen.pending.by, seen.pending.reason, seen.pending.others) == ("alice", WHY, True)
    assert seen.pending.decisions == ("confirm", "reject") and "never_ran" not in seen.answers
    own = evidence_of(actor, job.pk).pending
    assert own is not None and own.decisions == ("withdraw",)


def test_another_person_confirms_and_the_server_is_free(
    actor: Actor, job: Job, clock: Clock, bob: Actor, simulator: RunningSimulator
) -> None:
    made = proposed(actor, job, clock)
    decided(bob, job, clock, "confirm", proposal_id=made.pk)
    assert (job.state, job.ended_at is not None) == (JobState.NOT_APPLIED, True)
    made.refresh_from_db()
    assert (made.end, made.ended_by_name, made.end_reason) == ("confirmed", "bob", TOO)
    assert acts_of(job) == [("proposal.proposed", "alice", WHY), ("proposal.confirmed", "bob", TOO)]
    entry = AuditEvent.objects.get(object_type="job", object_id=str(job.pk), action="job.not_applied")
    assert (entry.actor_name, entry.note) == ("bob", f"alice: {WHY} / Confirmed by bob: {TOO}")
    said = [row.data["by"] for row in Evidence.objects.filter(job=job, kind="operator").order_by("id")]
    assert said == ["alice", "bob"]
    assert simulator.accepted() == []
    assert placed_job(actor, job.server).state == JobState.QUEUED


def test_rejected_the_job_waits_as_before(actor: Actor, job: Job, clock: Clock, bob: Actor) -> None:
    proposed(actor, job, clock)
    before = job_version(bob, job.pk)
    decided(bob, job, clock, "reject", "Its disk is another one.")
    assert job.state == JobState.UNCERTAIN
    assert job_version(bob, job.pk) != before
    assert acts_of(job)[-1] == ("proposal.rejected", "bob", "Its disk is another one.")
    assert evidence_of(bob, job.pk).pending is None
    # The next one is a new one, also of the same person with the same words.
    proposed(actor, job, clock)
    assert Proposal.objects.filter(job=job).count() == 2


def test_the_proposer_withdraws_without_a_reason_and_confirms_never(
    actor: Actor, job: Job, clock: Clock, bob: Actor
) -> None:
    proposed(actor, job, clock)
    for decision in ("confirm", "reject"):
        with pytest.raises(NotAllowed, match="another person"):
            decided(actor, job, clock, decision)
    with pytest.raises(NotAllowed, match="Only alice can withdraw"):
        decided(bob, job, clock, "withdraw")
    assert decided(actor, job, clock, "withdraw", "").state == JobState.UNCERTAIN
    assert acts_of(job)[-1] == ("proposal.withdrawn", "alice", "")
    with pytest.raises(Conflict, match="not open any more"):
        decided(bob, job, clock, "confirm")


def test_who_may_confirm(actor: Actor, job: Job, clock: Clock, bob: Actor, project: Project) -> None:
    proposed(actor, job, clock)
    token = replace(bob, source=Source.TOKEN, token_id=1, scopes=frozenset({"read", "request"}))
    with pytest.raises(NotAllowed, match="by a person"):
        decided(token, job, clock, "confirm")
    stranger = User.objects.create_user("eve")
    with pytest.raises(NotFound):
        decided(actor_for(stranger), job, clock, "confirm")
    Membership.objects.create(user=stranger, project=project, role=Membership.Role.VIEWER)
    with pytest.raises(NotAllowed, match="operator"):
        decided(actor_for(stranger), job, clock, "confirm")
    seen = evidence_of(actor_for(stranger), job.pk).pending
    assert seen is not None and seen.decisions == ()
    assert Job.objects.get(pk=job.pk).state == JobState.UNCERTAIN


def test_a_proposer_who_lost_the_right_is_not_one_of_two(
    actor: Actor, job: Job, clock: Clock, bob: Actor
) -> None:
    proposed(actor, job, clock)
    User.objects.filter(username="alice").update(is_active=False)
    with pytest.raises(Conflict, match="may not settle jobs in .* any more"):
        decided(bob, job, clock, "confirm")
    assert decided(bob, job, clock, "reject").state == JobState.UNCERTAIN


@pytest.mark.parametrize(
    ("decision", "reason", "field"), [("confirm", " ", "reason"), ("ok", TOO, "decision")]
)
def test_what_is_wrong_is_named(
    decision: str, reason: str, field: str, actor: Actor, job: Job, clock: Clock, bob: Actor
) -> None:
    proposed(actor, job, clock)
    with pytest.raises(RuleBroken) as caught:
        decided(bob, job, clock, decision, reason)
    assert caught.value.errors[0].field == field


def test_only_what_was_read_is_confirmed(actor: Actor, job: Job, clock: Clock, bob: Actor) -> None:
    first = proposed(actor, job, clock)
    decided(actor, job, clock, "withdraw", "")
    proposed(actor, job, clock)
    with pytest.raises(Conflict, match="not open any more"):
        decided(bob, job, clock, "confirm", proposal_id=first.pk)
    assert job.state == JobState.UNCERTAIN


def test_one_proposal_at_a_time(actor: Actor, job: Job, clock: Clock, bob: Actor) -> None:
    proposed(actor, job, clock)
    with pytest.raises(Conflict, match="You have said so already"):
        proposed(actor, job, clock)
    with pytest.raises(Conflict, match="alice has said so already"):
        proposed(bob, job, clock)


def test_the_safety_delay_holds_for_both(actor: Actor, job: Job, clock: Clock, bob: Actor) -> None:
    job.attempts.update(phase="", status=None, intent_at=clock() - timedelta(minutes=5))
    with pytest.raises(Conflict, match="might still reach the cloud until"):
        proposed(actor, job, clock)
    job.attempts.update(phase="sent")
    proposed(actor, job, clock)
    job.attempts.update(phase="")
    with pytest.raises(Conflict, match="might still reach the cloud until"):
        decided(bob, job, clock, "confirm")
    clock.add(17 * 60)
    assert decided(bob, job, clock, "confirm").state == JobState.NOT_APPLIED


def test_a_sign_that_it_ran_makes_it_void(
    actor: Actor, server: Server, simulator: RunningSimulator, clock: Clock, bob: Actor
) -> None:
    job = in_doubt(actor, server, simulator, clock, "drop_after_accept")
    made = proposed(actor, job, clock)
    assert finished(job, clock, simulator).state == JobState.SUCCEEDED
    made.refresh_from_db()
    assert (made.end, made.ended_by, made.ended_by_name) == ("void", None, "engine")
    assert acts_of(job)[-1][:2] == ("proposal.void", "engine")
    with pytest.raises(Conflict, match="not open any more"):
        decided(bob, job, clock, "confirm", proposal_id=made.pk)
    assert len(simulator.accepted()) == 1


def test_another_answer_makes_it_void_too(actor: Actor, job: Job, clock: Clock, bob: Actor) -> None:
    proposed(actor, job, clock)
    settle_job(actor=bob, now=clock(), job_id=job.pk, answer="ran_unknown", reason=TOO)
    assert acts_of(job)[-1] == ("proposal.void", "bob", "The job moved to verifying.")


def test_without_anybody_else_the_view_says_so(
    actor: Actor, job: Job, clock: Clock, project: Project
) -> None:
    assert evidence_of(actor, job.pk).others is False
    proposed(actor, job, clock)
    pending = evidence_of(actor, job.pk).pending
    assert pending is not None and pending.others is False
    boss = User.objects.create_superuser("boss")
    pending = evidence_of(actor, job.pk).pending
    assert pending is not None and pending.others is True
    assert decided(actor_for(boss), job, clock, "confirm").state == JobState.NOT_APPLIED


@pytest.mark.django_db(transaction=True)
def test_of_two_who_confirm_at_once_one_does(
    actor: Actor, job: Job, clock: Clock, bob: Actor, simulator: RunningSimulator
) -> None:
    made = proposed(actor, job, clock)
    carol = actor_for(User.objects.create_superuser("carol"))
    said = together([partial(decided, who, job, clock, "confirm") for who in (bob, carol) * 2])
    refused = [answer for answer in said if isinstance(answer, Exception)]
    assert [type(answer) for answer in refused] == [Conflict] * 3
    assert len(acts_of(job)) == 2
    made.refresh_from_db()
    assert made.end == "confirmed"
    moves = AuditEvent.objects.filter(object_type="job", object_id=str(job.pk), action="job.not_applied")
    assert moves.count() == 1 and simulator.accepted() == []


@pytest.mark.django_db(transaction=True)
def test_of_two_who_propose_at_once_one_does(actor: Actor, job: Job, clock: Clock, bob: Actor) -> None:
    said = together([partial(proposed, who, job, clock) for who in (actor, bob)])
    assert sorted(type(answer).__name__ for answer in said) == ["Conflict", "Proposal"]


@pytest.mark.django_db(transaction=True)
def test_confirmed_while_the_engine_finds_the_job_has_one_end(
    actor: Actor, server: Server, simulator: RunningSimulator, clock: Clock, bob: Actor
) -> None:
    job = in_doubt(actor, server, simulator, clock, "drop_after_accept")
    made = proposed(actor, job, clock)
    clock.add(400)
    simulator.advance(400)

    def adopted() -> Any:
        engine.advance(job_id=job.pk, clock=clock, owner="test")

    acts: list[Callable[[], object]] = [partial(decided, bob, job, clock, "confirm"), adopted]
    said = together(acts)
    job.refresh_from_db()
    made.refresh_from_db()
    ends = {JobState.NOT_APPLIED: "confirmed", JobState.RUNNING: "void", JobState.VERIFYING: "void"}
    assert made.end == ends[JobState(job.state)], said
    assert isinstance(said[0], Conflict) is (made.end == "void")
    assert [act for act, _, _ in acts_of(job)] == ["proposal.proposed", f"proposal.{made.end}"]
    assert len(simulator.accepted()) == 1
