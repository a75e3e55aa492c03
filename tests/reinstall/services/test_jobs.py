"""Calling a job off: possible exactly until the call, for those who may, and never after it."""

from dataclasses import replace

import pytest
from django.contrib.auth.models import User
from django.utils.timezone import now

from reinstall.domain.actors import Actor
from reinstall.domain.errors import Conflict, NotAllowed, NotFound
from reinstall.domain.states import CANCELLABLE, FINAL, JobState
from reinstall.models import Attempt, AuditEvent, Job, Membership, Server
from reinstall.services import engine, jobs, links, moves, readings, submission
from simulator.server import RunningSimulator
from tests.reinstall.conftest import Clock, actor_for, advanced, placed_job
from tests.reinstall.services.together import together

pytestmark = pytest.mark.django_db


def cancel(actor: Actor, job: Job) -> Job:
    return jobs.cancel_job(actor=actor, now=now(), job_id=job.pk)


def put(job: Job, state: str) -> None:
    """The row as it stands in `state`."""
    ended_at = now() if state in FINAL else None
    Job.objects.filter(pk=job.pk).update(state=state, ended_at=ended_at, cloud_job_id="ff808082739334d8")


@pytest.mark.parametrize("state", sorted(CANCELLABLE))
def test_until_the_call_a_job_is_cancelled_and_its_server_free(
    state: JobState, actor: Actor, server: Server, simulator: RunningSimulator, clock: Clock
) -> None:
    job = placed_job(actor, server)
    put(job, state)
    done = cancel(actor, job)
    assert done.state == JobState.CANCELLED
    assert done.ended_at is not None
    entry = AuditEvent.objects.get(action="job.cancelled")
    assert (entry.actor_name, entry.before["state"]) == ("alice", state)
    assert ("told to stop" in entry.note) is (state == JobState.STOPPING)
    assert not engine.advance(job_id=job.pk, clock=clock, owner="worker")
    assert simulator.accepted() == []
    assert placed_job(actor, server).pk


@pytest.mark.parametrize("state", sorted(set(JobState) - CANCELLABLE - {JobState.CANCELLED}))
def test_from_the_call_on_it_is_too_late_and_the_sentence_says_why(
    state: JobState, actor: Actor, server: Server
) -> None:
    job = placed_job(actor, server)
    put(job, state)
    with pytest.raises(Conflict) as caught:
        cancel(actor, job)
    assert (caught.value.job, caught.value.code) == (job.pk, "too_late")
    assert ("has ended" in str(caught.value)) is (state in FINAL)
    assert Job.objects.get().state == state


def test_cancelling_twice_is_one_act(actor: Actor, server: Server) -> None:
    job = placed_job(actor, server)
    assert cancel(actor, job).state == cancel(actor, job).state == JobState.CANCELLED
    assert AuditEvent.objects.filter(action="job.cancelled").count() == 1


def test_who_may_not_request_may_not_cancel(actor: Actor, server: Server) -> None:
    job = placed_job(actor, server)
    bob = User.objects.create_user("bob")
    with pytest.raises(NotFound):
        cancel(actor_for(bob), job)
    Membership.objects.create(user=bob, project=job.project, role="viewer")
    with pytest.raises(NotAllowed):
        cancel(actor_for(bob), job)
    with pytest.raises(NotAllowed):
        cancel(replace(actor, token_id=1, scopes=frozenset({"read"})), job)
    with pytest.raises(NotFound):
        jobs.cancel_job(actor=actor, now=now(), job_id=10**9)
    job.refresh_from_db()
    assert job.state == JobState.QUEUED


def test_a_worker_that_had_the_job_already_does_not_send_after_a_cancel(
    actor: Actor, server: Server, simulator: RunningSimulator, clock: Clock
) -> None:
    """The cancel comes in after the worker's last look, just before it arms the call."""
    job = placed_job(actor, server)
    Job.objects.filter(pk=job.pk).update(fence=1, owner="worker", state="preflight", seq=2)
    held = Job.objects.select_related("order__project__cloud", "project__cloud", "server").get(pk=job.pk)
    session = links.session_of(held.project)
    baseline, _ = readings.look_at(session, str(server.pk))
    cancel(actor, job)
    with pytest.raises(moves.Overtaken):
        submission.submit(held, session=session, baseline=baseline, clock=clock)
    assert not Attempt.objects.exists()
    assert simulator.accepted() == []
    assert Job.objects.get().state == JobState.CANCELLED


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("attempt", range(3))
def test_a_cancel_against_a_worker_ends_one_way_or_the_other(
    attempt: int,
    transactional_db: None,
    actor: Actor,
    server: Server,
    simulator: RunningSimulator,
    clock: Clock,
) -> None:
    job = placed_job(actor, server)
    outcome, _ = together(
        [
            lambda: cancel(actor, job).state,
            lambda: str(engine.advance(job_id=job.pk, clock=clock, owner="worker")),
        ]
    )
    job.refresh_from_db()
    if outcome == JobState.CANCELLED:
        assert job.state == JobState.CANCELLED
        assert simulator.accepted() == []
        assert not job.attempts.exists()
    else:
        assert isinstance(outcome, Conflict), outcome
        assert advanced(job, clock).state in (JobState.RUNNING, JobState.VERIFYING)
        assert len(simulator.accepted()) == 1
