"""The edges of the two transactions around the call: a lost commit, a claim that was taken, a freeze."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.db.models import F

from reinstall.domain.actors import Actor
from reinstall.domain.states import JobState
from reinstall.models import AuditEvent, Job, Server
from simulator.server import RunningSimulator
from tests.reinstall.conftest import Clock, advanced, finished, placed_job

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("transactional_db")]

S = JobState
#: A row whose user does not exist: the database notices at the commit, and the commit fails.
DANGLING = "INSERT INTO reinstall_membership (user_id, project_id, role) VALUES (999999999, %s, 'viewer')"


class Once:
    """Does something the first time a statement that `fits` is sent."""

    def __init__(self, fits: Callable[[str, str], bool], act: Callable[[Any, dict[str, Any]], None]) -> None:
        self.fits, self.act, self.done = fits, act, False

    def __call__(self, execute: Any, sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
        if not self.done and self.fits(sql, repr(params)):
            self.done = True
            self.act(execute, context)
        return execute(sql, params, many, context)


def entry_of(action: str) -> Callable[[str, str], bool]:
    return lambda sql, params: sql.startswith("INSERT") and "auditevent" in sql and action in params


def lost(*_: object) -> None:
    raise OperationalError("server closed the connection unexpectedly")


def accepted_once(job: Job, simulator: RunningSimulator) -> None:
    (taken,) = simulator.accepted()
    assert job.state == S.RUNNING, job.waiting_for
    assert (job.attempts.get().verdict, job.cloud_job_id) == ("accepted", taken["job_id"])
    assert job.exchanges.filter(method="POST").count() == 1
    assert [e.seq for e in AuditEvent.objects.filter(object_type="job").order_by("id")] == [1, 2, 3, 4]


def test_an_answer_that_was_lost_on_its_way_to_the_database_is_stored_by_the_next_try(
    actor: Actor, server: Server, simulator: RunningSimulator, clock: Clock
) -> None:
    job = placed_job(actor, server)
    fault = Once(entry_of("job.running"), lost)
    with connection.execute_wrapper(fault):
        advanced(job, clock)
    assert fault.done
    accepted_once(job, simulator)


def test_an_answer_whose_commit_failed_is_stored_by_the_next_try(
    actor: Actor, server: Server, simulator: RunningSimulator, clock: Clock
) -> None:
    job = placed_job(actor, server)
    fault = Once(
        entry_of("job.running"),
        lambda execute, context: execute(DANGLING, [job.project_id], False, context),
    )
    with connection.execute_wrapper(fault):
        advanced(job, clock)
    assert fault.done
    accepted_once(job, simulator)


def test_an_intent_that_could_not_be_written_is_not_sent(
    actor: Actor, server: Server, simulator: RunningSimulator, clock: Clock
) -> None:
    job = placed_job(actor, server)
    fault = Once(lambda sql, _: sql.startswith("INSERT") and "reinstall_attempt" in sql, lost)
    with connection.execute_wrapper(fault):
        advanced(job, clock)
    assert fault.done
    assert simulator.accepted() == []
    assert job.state == S.PREFLIGHT
    assert finished(job, clock, simulator).state == S.SUCCEEDED
    assert len(simulator.accepted()) == 1


def test_an_intent_whose_commit_failed_is_not_sent(
    actor: Actor, server: Server, simulator: RunningSimulator, clock: Clock
) -> None:
    job = placed_job(actor, server)
    fault = Once(
        entry_of("job.submitting"),
        lambda execute, context: execute(DANGLING, [job.project_id], False, context),
    )
    with connection.execute_wrapper(fault):
        advanced(job, clock)
    assert fault.done
    assert simulator.accepted() == []
    assert not job.attempts.exists()
    assert finished(job, clock, simulator).state == S.SUCCEEDED
    assert len(simulator.accepted()) == 1


def test_a_worker_whose_claim_was_taken_after_the_intent_does_not_send(
    actor: Actor, server: Server, simulator: RunningSimulator, clock: Clock
) -> None:
    """The last look before the first byte: somebody has claimed the job since."""
    job = placed_job(actor, server)

    def claim(*_: object) -> None:
        Job.objects.filter(pk=job.pk).update(fence=F("fence") + 1)

    fault = Once(lambda sql, _: sql.startswith("SELECT") and '"fence" =' in sql, claim)
    with connection.execute_wrapper(fault):
        advanced(job, clock)
    assert fault.done
    assert simulator.accepted() == []
    assert job.state == S.SUBMITTING
    assert finished(job, clock, simulator).state == S.ATTENTION
    assert job.attempts.get().verdict == "unknown"
    assert simulator.accepted() == []


def test_a_process_that_was_frozen_after_the_intent_does_not_send(
    actor: Actor,
    server: Server,
    simulator: RunningSimulator,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The machine slept between the commit and the first byte; the lid is the operating system's clock."""
    job = placed_job(actor, server)
    moments = iter([1000.0, 1011.0])
    monkeypatch.setattr(time, "clock_gettime", lambda _: next(moments))
    advanced(job, clock)
    assert simulator.accepted() == []
    assert job.state == S.SUBMITTING
    assert job.attempts.get().verdict == "armed"
