"""What keeps the engine from sending, and what lets it go on: freeze, breaker, clocks, rights, versions."""

from datetime import timedelta

import pytest
import requests
from django.contrib.auth.models import User
from django.utils.timezone import now

from reinstall.domain.actors import Actor
from reinstall.domain.errors import NotAllowed, RuleBroken
from reinstall.domain.states import JobState, Verdict
from reinstall.models import Attempt, AuditEvent, Job, Membership, Project, Server, SystemFlag
from reinstall.selectors.guards import active_guards
from reinstall.services import engine, guards, marks, stopping
from simulator.server import RunningSimulator
from tests.reinstall.conftest import OPERATOR, Clock, advanced, finished, placed_job

pytestmark = pytest.mark.django_db

REINSTALL = {"method": "POST", "path": "*/reinstallos"}


@pytest.fixture(autouse=True)
def _clocks() -> None:
    guards.forget_clocks()


def servers_of(project: Project, count: int) -> list[Server]:
    """Servers that can be reinstalled, data disk or not."""
    found = Server.objects.filter(project=project, status="ACTIVE", locked=False)
    usable = [s for s in found.order_by("name") if not s.disks.filter(encrypted=True)][:count]
    assert len(usable) == count
    return usable


def skew(simulator: RunningSimulator, seconds: float) -> None:
    done = requests.post(f"{simulator.base_url}/_sim/clock", json={"skew_s": seconds}, timeout=5)
    assert done.status_code == 200, done.text


def test_a_freeze_holds_every_job_and_lifting_it_lets_them_go_on(
    actor: Actor, server: Server, simulator: RunningSimulator, clock: Clock
) -> None:
    guards.freeze(actor=OPERATOR, now=now(), reason="disk array of rack 4 fails")
    job = advanced(placed_job(actor, server), clock, times=3)
    assert job.state == JobState.QUEUED
    assert job.waiting_for == "Held: tests has stopped all reinstalls: disk array of rack 4 fails"
    assert not simulator.accepted()
    guards.lift_freeze(actor=OPERATOR, now=clock(), reason="rack 4 is well")
    job.refresh_from_db()
    assert job.next_at is not None
    assert job.next_at <= clock()
    finished(job, clock, simulator)
    assert job.state == JobState.SUCCEEDED
    acts = AuditEvent.objects.filter(object_type="system").order_by("id").values_list("action", "note")
    assert list(acts) == [
        ("system.freeze_set", "disk array of rack 4 fails"),
        ("system.freeze_lifted", "rack 4 is well"),
    ]


def test_a_freeze_between_the_look_and_the_call_still_stops_it(
    actor: Actor, server: Server, simulator: RunningSimulator, clock: Clock
) -> None:
    job = placed_job(actor, server)

    def freezing() -> object:
        # The clock is read once more right before arming; somebody is faster by a moment.
        if Job.objects.get(pk=job.pk).state == JobState.PREFLIGHT and not active_guards():
            guards.freeze(actor=OPERATOR, now=now(), reason="now")
        return clock()

    engine.advance(job_id=job.pk, clock=freezing, owner="test")  # type: ignore[arg-type]
    job.refresh_from_db()
    assert job.state == JobState.PREFLIGHT
    assert not simulator.accepted()
    assert not job.attempts.exists()


def test_a_held_job_expires_after_a_day_as_any_other(actor: Actor, server: Server, clock: Clock) -> None:
    guards.freeze(actor=OPERATOR, now=now(), reason="holidays")
    job = advanced(placed_job(actor, server), clock)
    clock.add(timedelta(hours=25).total_seconds())
    advanced(job, clock)
    assert job.state == JobState.EXPIRED


def test_only_a_superuser_with_a_reason_freezes(actor: Actor) -> None:
    with pytest.raises(NotAllowed):
        guards.freeze(actor=actor, now=now(), reason="because")
    with pytest.raises(RuleBroken, match="Say why"):
        guards.freeze(actor=OPERATOR, now=now(), reason=" ")
    assert not SystemFlag.objects.filter(name=guards.FREEZE).exists()


def test_three_unclear_answers_open_the_breaker_and_a_person_closes_it(
    actor: Actor, project: Project, simulator: RunningSimulator, clock: Clock
) -> None:
    servers = servers_of(project, 4)
    simulator.faults([{"match": REINSTALL, "times": 3, "do": "answer", "status": 502, "body": ""}])
    jobs = [advanced(placed_job(actor, server), clock) for server in servers]
    assert [job.state for job in jobs] == ["uncertain", "uncertain", "uncertain", "queued"]
    assert "3 answers in 10 minutes did not say" in jobs[3].waiting_for
    (guard,) = active_guards()
    assert (guard.kind, guard.set_by) == ("breaker", "engine")
    guards.close_breaker(actor=OPERATOR, now=clock(), cloud_id=project.cloud_id, reason="looked at all three")
    finished(jobs[3], clock, simulator)
    assert jobs[3].state == JobState.SUCCEEDED
    assert active_guards() == ()


def test_a_worker_that_died_says_nothing_about_the_cloud(
    actor: Actor, project: Project, clock: Clock
) -> None:
    for server in servers_of(project, 4):
        job = placed_job(actor, server)
        Attempt.objects.create(
            job=job, number=1, verdict=Verdict.UNKNOWN, body_sha256="", intent_at=clock(), phase=""
        )
        guards.note_outcome(job, clock())
    assert active_guards() == ()


def test_one_server_error_in_twenty_calls_opens_the_breaker(
    actor: Actor, server: Server, clock: Clock
) -> None:
    job = placed_job(actor, server)
    common = {"body_sha256": "", "intent_at": clock(), "phase": "complete"}
    for number in range(1, 19):
        Attempt.objects.create(job=job, number=number, verdict=Verdict.THROTTLED, status=429, **common)
    Attempt.objects.create(job=job, number=19, verdict=Verdict.UNKNOWN, status=503, **common)
    guards.note_outcome(job, clock())
    assert active_guards() == ()
    Attempt.objects.filter(number=19).update(number=20)
    Attempt.objects.create(job=job, number=19, verdict=Verdict.THROTTLED, status=429, **common)
    guards.note_outcome(job, clock())
    (guard,) = active_guards()
    assert "1 of 20 requests" in guard.reason


@pytest.mark.parametrize("seconds", [400, -400, 1200])
def test_F50_a_cloud_with_another_time_is_not_called_until_the_clocks_agree(
    seconds: int, actor: Actor, server: Server, simulator: RunningSimulator, clock: Clock
) -> None:
    skew(simulator, seconds)
    try:
        job = advanced(placed_job(actor, server), clock, times=2)
        assert job.state == JobState.PREFLIGHT
        assert "Held: the cloud's clock is" in job.waiting_for
        assert not job.attempts.exists()
        assert [guard.kind for guard in active_guards()] == ["skew"]
    finally:
        skew(simulator, 0)
    clock.ahead = timedelta()
    Job.objects.update(next_at=clock(), lease_until=clock())
    advanced(job, clock)
    assert job.state == JobState.RUNNING
    assert active_guards() == ()


def test_F50_two_minutes_are_told_and_do_not_stop_anything(
    actor: Actor, server: Server, simulator: RunningSimulator, clock: Clock
) -> None:
    skew(simulator, 120)
    try:
        job = advanced(placed_job(actor, server), clock)
        assert job.state == JobState.RUNNING
        (guard,) = active_guards()
        assert "+120 s" in guard.reason or "+119 s" in guard.reason
    finally:
        skew(simulator, 0)


@pytest.mark.parametrize("how", ["disabled", "demoted", "removed"])
def test_F67_who_lost_the_right_is_held_at_arming_and_named(
    how: str, actor: Actor, requester: User, server: Server, simulator: RunningSimulator, clock: Clock
) -> None:
    job = placed_job(actor, server)
    mine = Membership.objects.filter(user=requester)
    if how == "disabled":
        User.objects.filter(pk=requester.pk).update(is_active=False)
    elif how == "demoted":
        mine.update(role=Membership.Role.VIEWER)
    else:
        mine.delete()
    advanced(job, clock, times=2)
    assert job.state == JobState.QUEUED
    assert job.waiting_for == "Held: alice, who asked for this, may no longer reinstall in shop-prod."
    assert not simulator.accepted()
    assert AuditEvent.objects.filter(action="order.placed", actor_name="alice").exists()


def test_F72_a_worker_leaves_the_rows_of_a_newer_version_alone(
    actor: Actor, server: Server, simulator: RunningSimulator, clock: Clock
) -> None:
    job = placed_job(actor, server)
    guards.look_back(now=now())
    SystemFlag.objects.filter(name=marks.SCHEMA).update(value={"epoch": marks.SCHEMA_EPOCH + 1})
    guards.look_back(now=now())
    try:
        assert "newer version" in guards.standing_by()
        assert not engine.advance(job_id=job.pk, clock=clock, owner="old")
        job.refresh_from_db()
        assert (job.state, job.fence) == (JobState.QUEUED, 0)
    finally:
        SystemFlag.objects.filter(name=marks.SCHEMA).update(value={"epoch": marks.SCHEMA_EPOCH})
        guards.look_back(now=now())
    finished(job, clock, simulator)
    assert job.state == JobState.SUCCEEDED


def test_F71_a_process_that_leaves_takes_no_job_and_waits_for_its_steps(
    actor: Actor, server: Server, clock: Clock
) -> None:
    job = placed_job(actor, server)
    try:
        with stopping.step() as go:
            assert go
            assert not stopping.drain(0.05)
        assert stopping.drain(0.05)
        assert not engine.advance(job_id=job.pk, clock=clock, owner="leaving")
    finally:
        stopping.stay()
    assert engine.advance(job_id=job.pk, clock=clock, owner="staying")
