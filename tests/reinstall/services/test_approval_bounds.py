"""An agreement is bound to what was asked for and to the people: what changes ends it. Emergencies, races."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils.timezone import now

from reinstall.domain.actors import Actor
from reinstall.domain.errors import Conflict, NotAllowed, RuleBroken
from reinstall.domain.presets import Settings
from reinstall.domain.states import JobState
from reinstall.models import Approval, Job, Membership, Order, Outbox, Project, Server
from reinstall.services import approvals, presets
from reinstall.services.jobs import cancel_job
from simulator.server import RunningSimulator
from tests.reinstall.conftest import Clock, advanced, finished
from tests.reinstall.services.test_approving import acts_on, asked, decided, job_of, somebody
from tests.reinstall.services.together import together

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


# ---------------------------------------------------------------- bound to what was asked for


def test_F65_what_was_shown_must_be_what_is_asked_for(order: Order, bob: Actor) -> None:
    with pytest.raises(Conflict) as stale:
        decided(bob, order, request_hash="0" * 64)
    assert stale.value.code == "stale"
    assert job_of(order).state == JobState.AWAITING_APPROVAL


def test_a_changed_server_ends_it_when_somebody_would_agree(
    order: Order, bob: Actor, server: Server, simulator: RunningSimulator
) -> None:
    simulator.world.servers[str(server.pk)].name = "renamed"
    with pytest.raises(Conflict) as void:
        decided(bob, order)
    assert void.value.code == "void" and "changed since it was asked for" in str(void.value)
    job = job_of(order)
    assert (job.state, job.failure_code) == (JobState.CANCELLED, approvals.VOID)
    assert Approval.objects.get(order=order).end == "void" and not simulator.accepted()


def test_what_can_be_put_right_is_told_and_waits(
    order: Order, bob: Actor, server: Server, simulator: RunningSimulator
) -> None:
    simulator.world.servers[str(server.pk)].locked = True
    with pytest.raises(Conflict) as held:
        decided(bob, order)
    assert held.value.code == "checks" and "locked" in str(held.value)
    simulator.world.servers[str(server.pk)].locked = False
    Server.objects.filter(pk=server.pk).update(locked=False)
    assert job_of(order).state == JobState.AWAITING_APPROVAL


@pytest.mark.parametrize("how", ["disabled", "demoted", "removed"])
@pytest.mark.parametrize("who", ["alice", "bob"])
def test_F67_whoever_lost_the_right_takes_the_approval_along(
    who: str, how: str, order: Order, bob: Actor, clock: Clock, simulator: RunningSimulator
) -> None:
    decided(bob, order)
    person, member = User.objects.filter(username=who), Membership.objects.filter(user__username=who)
    if how == "disabled":
        person.update(is_active=False)
    elif how == "demoted":
        member.update(role="viewer")
    else:
        member.delete()
    job = advanced(job_of(order), clock)
    assert (job.state, job.failure_code) == (JobState.REJECTED, approvals.VOID)
    assert who in job.failure_message and "Nothing was sent" in job.failure_message
    assert not simulator.accepted()
    approval = Approval.objects.get(order=order)
    assert approval.void_reason.startswith(who) and approval.ended_by_name == "bob"
    assert acts_on(order)[-1] == ("approval.voided", "engine")


def test_F68_a_server_renamed_after_the_approval_is_not_reinstalled(
    order: Order, bob: Actor, server: Server, clock: Clock, simulator: RunningSimulator
) -> None:
    decided(bob, order)
    simulator.world.servers[str(server.pk)].name = "renamed"
    job = advanced(job_of(order), clock, times=2)
    assert (job.state, job.failure_code) == (JobState.REJECTED, "drift") and not simulator.accepted()


@pytest.mark.parametrize("change", ["version", "retired"])
@pytest.mark.parametrize("when", ["waiting", "approved"])
def test_a_changed_preset_ends_it(
    change: str,
    when: str,
    actor: Actor,
    server: Server,
    bob: Actor,
    clock: Clock,
    simulator: RunningSimulator,
) -> None:
    made = presets.create_preset(
        actor=actor, now=now(), project="shop-prod", name="base", settings=settings_of(b"#!/bin/sh\necho 1\n")
    )
    order = asked(actor, server, preset=made.reference, user_data=b"#!/bin/sh\necho 1\n")
    if when == "approved":
        decided(bob, order)
    if change == "version":
        presets.add_version(
            actor=actor, now=now(), slug="base", base=1, settings=settings_of(b"#!/bin/sh\necho 2\n")
        )
    else:
        presets.retire_preset(actor=actor, now=now(), slug="base")
    if when == "waiting":
        with pytest.raises(Conflict, match="The preset base was"):
            decided(bob, order)
    job = advanced(job_of(order), clock, times=int(when == "approved"))
    assert job.failure_code == approvals.VOID and "The preset base was" in job.failure_message
    assert not simulator.accepted()


def settings_of(script: bytes) -> Settings:
    return Settings(
        keyname="", userid="", mode="withStopServer", byol=False, encrypted=None, cmkid="", user_data=script
    )


def test_an_agreement_holds_for_a_day(
    order: Order, bob: Actor, clock: Clock, simulator: RunningSimulator
) -> None:
    decided(bob, order)
    Approval.objects.filter(order=order).update(good_until=now())
    job = advanced(job_of(order), clock)
    assert job.failure_code == approvals.VOID and "was good until" in job.failure_message
    assert not simulator.accepted()


def test_a_day_to_start_runs_from_the_approval_on(
    order: Order, bob: Actor, clock: Clock, simulator: RunningSimulator
) -> None:
    decided(bob, order)
    Job.objects.filter(order=order).update(created_at=now() - timedelta(hours=26))
    Approval.objects.filter(order=order).update(ended_at=now() - timedelta(hours=3))
    assert finished(job_of(order), clock, simulator).state == JobState.SUCCEEDED


def test_what_nobody_was_asked_about_is_not_sent_once_two_are_needed(
    settings: Any, actor: Actor, server: Server, clock: Clock, simulator: RunningSimulator
) -> None:
    settings.SECOND_PERSON = "production"
    order = asked(actor, server)
    assert job_of(order).state == JobState.QUEUED
    settings.SECOND_PERSON = "always"
    job = advanced(job_of(order), clock)
    assert (job.state, job.failure_code) == (JobState.REJECTED, approvals.VOID)
    assert not simulator.accepted()


def test_a_row_pushed_past_the_approval_is_not_sent(
    order: Order, clock: Clock, simulator: RunningSimulator
) -> None:
    """Whatever put it into the queue: without an agreement the engine does not send."""
    Job.objects.filter(order=order).update(state=JobState.QUEUED, next_at=now())
    job = advanced(job_of(order), clock)
    assert job.state == JobState.REJECTED and "Nobody has approved this." in job.failure_message
    assert not simulator.accepted()


# ---------------------------------------------------------------- emergency


def test_two_admins_override_with_reasons_and_an_alarm(
    order: Order,
    project: Project,
    clock: Clock,
    simulator: RunningSimulator,
    caplog: pytest.LogCaptureFixture,
) -> None:
    first, second = somebody(project, "ann", "admin"), somebody(project, "ben", "admin")
    with pytest.raises(RuleBroken):
        decided(first, order, "override")
    assert decided(first, order, "override", reason="Shop is down").end == ""
    assert job_of(order).state == JobState.AWAITING_APPROVAL
    with pytest.raises(NotAllowed, match="a second admin has to agree"):
        decided(first, order, "override", reason="Really")
    done = decided(second, order, "override", reason="Agreed on the phone")
    assert (done.end, done.override_by_name, done.ended_by_name) == ("overridden", "ann", "ben")
    assert finished(job_of(order), clock, simulator).state == JobState.SUCCEEDED
    assert [name for name, _ in acts_on(order)] == [
        "approval.asked",
        "approval.override_begun",
        "approval.overridden",
    ]
    assert [r for r in caplog.records if r.levelname == "CRITICAL" and "emergency override" in r.message]
    alarm = Outbox.objects.get(kind="approval.overridden")
    assert alarm.payload["by"] == ["ann", "ben"]


def test_whoever_asked_may_begin_an_override_and_not_finish_it(
    order: Order, actor: Actor, project: Project
) -> None:
    Membership.objects.filter(user=actor.user_id).update(role="admin")
    other = somebody(project, "ann", "admin")
    decided(other, order, "override", reason="Shop is down")
    with pytest.raises(NotAllowed, match="needs another admin"):
        decided(actor, order, "override", reason="Yes")
    assert job_of(order).state == JobState.AWAITING_APPROVAL


def test_an_admin_who_lost_the_role_takes_the_override_along(
    order: Order, project: Project, clock: Clock, simulator: RunningSimulator
) -> None:
    first, second = somebody(project, "ann", "admin"), somebody(project, "ben", "admin")
    decided(first, order, "override", reason="Shop is down")
    decided(second, order, "override", reason="Agreed")
    Membership.objects.filter(user=first.user_id).delete()
    job = advanced(job_of(order), clock)
    assert job.failure_code == approvals.VOID and "ann" in job.failure_message
    assert not simulator.accepted()


# ---------------------------------------------------------------- at once


@pytest.mark.django_db(transaction=True)
def test_F65_of_many_who_decide_at_once_one_does(
    order: Order, bob: Actor, actor: Actor, project: Project, simulator: RunningSimulator, clock: Clock
) -> None:
    carol = somebody(project, "carol", "approver")
    acts: list[Callable[[], object]] = [
        partial(decided, bob, order),
        partial(decided, carol, order),
        partial(decided, carol, order, "decline", reason="No"),
        partial(decided, actor, order, "withdraw"),
    ]
    said = together(acts)
    refused = [answer for answer in said if isinstance(answer, Exception)]
    assert [type(answer) for answer in refused] == [Conflict] * 3
    ends = [name for name, _ in acts_on(order)][1:]
    assert len(ends) == 1 and ends[0] == f"approval.{Approval.objects.get(order=order).end}"


@pytest.mark.django_db(transaction=True)
def test_F65_approved_while_it_is_called_off_has_one_outcome(
    order: Order, bob: Actor, actor: Actor, simulator: RunningSimulator, clock: Clock
) -> None:
    job = job_of(order)
    acts: list[Callable[[], object]] = [
        partial(decided, bob, order),
        partial(cancel_job, actor=actor, now=now(), job_id=job.pk),
    ]
    together(acts)
    job.refresh_from_db()
    approval = Approval.objects.get(order=order)
    assert (job.state, approval.end) in {
        (JobState.CANCELLED, "withdrawn"),
        (JobState.CANCELLED, "approved"),
        (JobState.QUEUED, "approved"),
    }
    if job.state == JobState.QUEUED:
        assert finished(job, clock, simulator).state == JobState.SUCCEEDED
    else:
        assert not simulator.accepted()
