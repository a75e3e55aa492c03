"""The second person agrees or not: to exactly what was asked for, once, and never to their own."""

import uuid
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.utils.timezone import now

from reinstall.domain.actors import Actor, Source
from reinstall.domain.errors import Conflict, NotAllowed, NotFound, RuleBroken
from reinstall.domain.states import JobState
from reinstall.models import Approval, AuditEvent, Job, Membership, Order, Outbox, Project, Server
from reinstall.selectors.approvals import approval_page, get_approval, to_decide
from reinstall.services import orders, restore
from reinstall.services.approval_review import review_approval
from reinstall.services.approving import decide_approval
from reinstall.services.jobs import cancel_job
from simulator.server import RunningSimulator
from tests.reinstall.conftest import (
    OPERATOR,
    Clock,
    actor_for,
    advanced,
    finished,
    free_servers,
    order_request,
)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _two_everywhere(settings: Any) -> None:
    settings.SECOND_PERSON = "always"


@pytest.fixture
def bob(project: Project) -> Actor:
    """An approver of shop-prod."""
    return somebody(project, "bob", "approver")


@pytest.fixture
def order(actor: Actor, server: Server) -> Order:
    """alice's, for one server; it waits."""
    return asked(actor, server)


def somebody(project: Project, name: str, role: str) -> Actor:
    person = User.objects.create_user(name)
    Membership.objects.create(user=person, project=project, role=role)
    return actor_for(person)


def asked(actor: Actor, *servers: Server, **changes: Any) -> Order:
    many = {"servers": tuple(str(s.pk) for s in servers), "confirm": f"wipe {len(servers)} servers"}
    request = order_request(servers[0], **((many if len(servers) > 1 else {}) | changes))
    return orders.place_order(actor=actor, now=now(), request=request, submission_id=uuid.uuid4()).order


def decided(actor: Actor, order: Order, decision: str = "approve", **changes: Any) -> Approval:
    values: dict[str, Any] = {"request_hash": order.request_hash, "reason": "", "now": now()} | changes
    approval_id = Approval.objects.get(order=order).pk
    return decide_approval(actor=actor, approval_id=approval_id, decision=decision, **values)


def job_of(order: Order) -> Job:
    return order.jobs.get()


def acts_on(order: Order) -> list[tuple[str, str]]:
    key = str(Approval.objects.get(order=order).pk)
    rows = AuditEvent.objects.filter(object_type="approval", object_id=key).order_by("id")
    return [(row.action, row.actor_name) for row in rows]


# ---------------------------------------------------------------- the way it should go


def test_an_order_waits_and_nothing_reaches_the_cloud(
    order: Order, simulator: RunningSimulator, clock: Clock
) -> None:
    job = advanced(job_of(order), clock, times=0)
    assert job.state == JobState.AWAITING_APPROVAL
    approval = Approval.objects.get(order=order)
    assert approval.request_hash == order.request_hash and job.next_at == approval.expires_at
    assert acts_on(order) == [("approval.asked", "alice")]
    clock.add(3600)
    assert not simulator.accepted()


def test_approved_it_runs_to_its_end_with_the_approved_request(
    order: Order, bob: Actor, simulator: RunningSimulator, clock: Clock
) -> None:
    approval = decided(bob, order, reason="Looks right")
    assert (approval.end, approval.ended_by_name) == ("approved", "bob")
    job = finished(job_of(order), clock, simulator)
    assert job.state == JobState.SUCCEEDED and len(simulator.accepted()) == 1
    assert acts_on(order) == [("approval.asked", "alice"), ("approval.approved", "bob")]
    moved = AuditEvent.objects.get(object_type="job", object_id=str(job.pk), action="job.queued")
    assert (moved.actor_name, moved.note, moved.seq) == ("bob", "Approved by bob: Looks right", 2)


def test_many_servers_are_approved_as_one(
    actor: Actor, project: Project, bob: Actor, simulator: RunningSimulator, clock: Clock
) -> None:
    servers = free_servers(project)
    assert len(servers) > 1
    order = asked(actor, *servers)
    decided(bob, order)
    for job in order.jobs.all():
        assert finished(job, clock, simulator).state == JobState.SUCCEEDED
    assert len(simulator.accepted()) == len(servers)
    entries = AuditEvent.objects.filter(object_type="job", action="job.queued", seq=2)
    assert entries.count() == len(servers)
    assert Outbox.objects.filter(kind="job.queued", seq=2).count() == len(servers)


def test_the_review_shows_the_checks_of_now_and_the_exact_request(order: Order, bob: Actor) -> None:
    approval = Approval.objects.get(order=order)
    found = review_approval(actor=bob, now=now(), approval_id=approval.pk)
    assert found.void == "" and found.must_fix == () and found.preview.fresh
    (request,) = found.preview.requests
    assert request.request_hash == job_of(order).request_hash
    assert request.path.endswith("/reinstallos")
    sentences = [check.sentence for check in found.preview.checks]
    assert "No other job can touch this server until this is decided." in sentences
    assert "It is what it was when it was asked for." in sentences


# ---------------------------------------------------------------- who may


@pytest.mark.parametrize("role", ["viewer", "requester", "operator", "auditor", "admin"])
def test_other_roles_do_not_approve(role: str, order: Order, project: Project) -> None:
    with pytest.raises(NotAllowed, match="needs the role approver"):
        decided(somebody(project, "eve", role), order)
    assert job_of(order).state == JobState.AWAITING_APPROVAL


def test_nobody_approves_what_they_asked_for_whatever_their_rights(
    actor: Actor, order: Order, server: Server, project: Project
) -> None:
    User.objects.filter(username="alice").update(is_superuser=True)
    boss = actor_for(User.objects.get(username="alice"))
    for decision in ("approve", "decline"):
        with pytest.raises(NotAllowed, match="You asked for it yourself"):
            decided(boss, order, decision, reason="because")
    assert job_of(order).state == JobState.AWAITING_APPROVAL


def test_the_database_refuses_it_as_well(order: Order, actor: Actor, bob: Actor) -> None:
    rows = Approval.objects.filter(order=order)
    done = {"end": "approved", "ended_at": now(), "good_until": now()}
    for values in (
        done | {"ended_by": actor.user_id},
        done | {"ended_by": None},
        done | {"end": "overridden", "ended_by": bob.user_id, "override_by": None},
        done | {"end": "overridden", "ended_by": bob.user_id, "override_by": bob.user_id},
        {"end": "approved", "ended_by": bob.user_id, "ended_at": now(), "good_until": None},
        {"end": "declined", "ended_at": now(), "good_until": now()},
        {"end": "sometime", "ended_at": now()},
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            rows.update(**values)


def test_a_token_decides_nothing(order: Order, bob: Actor) -> None:
    person = User.objects.get(username="bob")
    token = Actor(
        user_id=person.pk,
        name="bob",
        source=Source.TOKEN,
        token_id=1,
        scopes=frozenset({"read", "request"}),
    )
    for decision in ("approve", "decline", "withdraw", "override"):
        with pytest.raises(NotAllowed, match="A token cannot decide"):
            decided(token, order, decision, reason="x")
    view = get_approval(token, Approval.objects.get(order=order).pk)
    assert view.decisions == () and to_decide(token) == 0


def test_outside_of_the_project_there_is_no_such_approval(order: Order) -> None:
    mallory = actor_for(User.objects.create_user("mallory"))
    with pytest.raises(NotFound):
        decided(mallory, order)
    with pytest.raises(NotFound):
        get_approval(mallory, Approval.objects.get(order=order).pk)
    assert approval_page(mallory).items == ()


def test_the_inbox_counts_what_one_may_decide(order: Order, bob: Actor, actor: Actor) -> None:
    (shown,) = approval_page(bob).items
    assert shown.decisions == ("approve", "decline") and to_decide(bob) == 1
    (mine,) = approval_page(actor).items
    assert mine.own and mine.decisions == ("withdraw",) and to_decide(actor) == 0
    decided(bob, order)
    assert approval_page(bob).items == () and to_decide(bob) == 0
    assert [item.state for item in approval_page(bob, state="ended").items] == ["approved"]


# ---------------------------------------------------------------- the other ends


def test_declined_with_a_reason_nothing_is_sent_and_the_server_is_free(
    order: Order, bob: Actor, actor: Actor, server: Server, simulator: RunningSimulator
) -> None:
    with pytest.raises(RuleBroken) as refused:
        decided(bob, order, "decline")
    assert refused.value.errors[0].field == "reason"
    assert decided(bob, order, "decline", reason="Not on a Friday").end == "declined"
    job = job_of(order)
    assert (job.state, job.failure_code) == (JobState.CANCELLED, "declined")
    assert job.failure_message == "bob declined it: Not on a Friday"
    assert asked(actor, server).pk and not simulator.accepted()


def test_withdrawn_by_whoever_asked_only(order: Order, bob: Actor, actor: Actor) -> None:
    with pytest.raises(NotAllowed, match="Only alice can withdraw it"):
        decided(bob, order, "withdraw")
    assert decided(actor, order, "withdraw").end == "withdrawn"
    assert job_of(order).state == JobState.CANCELLED


def test_calling_off_the_last_job_ends_the_wait(actor: Actor, project: Project, bob: Actor) -> None:
    order = asked(actor, *free_servers(project)[:2])
    first, second = order.jobs.order_by("position")
    cancel_job(actor=actor, now=now(), job_id=first.pk)
    assert Approval.objects.get(order=order).end == ""
    cancel_job(actor=actor, now=now(), job_id=second.pk)
    assert Approval.objects.get(order=order).end == "withdrawn"
    with pytest.raises(Conflict, match="withdrawn by alice already"):
        decided(bob, order)


def test_nobody_answers_for_a_day(order: Order, clock: Clock, simulator: RunningSimulator) -> None:
    job = advanced(job_of(order), clock)
    assert (job.state, job.failure_code) == (JobState.EXPIRED, "expired")
    approval = Approval.objects.get(order=order)
    assert (approval.end, approval.ended_by_name, approval.ended_by) == ("expired", "engine", None)
    assert not simulator.accepted()


def test_too_late_is_too_late_before_the_engine_has_noticed(order: Order, bob: Actor, clock: Clock) -> None:
    clock.add(24 * 3600 + 1)
    with pytest.raises(Conflict, match="Its time is over"):
        decided(bob, order, now=clock())


def test_after_a_restore_nothing_waits_any_more(order: Order, clock: Clock) -> None:
    restore.after_restore(actor=OPERATOR, clock=clock, reason="yesterday's backup")
    assert Approval.objects.get(order=order).end == "withdrawn"
