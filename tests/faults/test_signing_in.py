"""F57: a token that ends in mid poll, an identity service that refuses or is away.

A job that runs is followed again once it is back; meanwhile nothing is sent, and each job says why.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.contrib.auth.models import User

from reinstall.domain.actors import Actor
from reinstall.domain.states import JobState
from reinstall.models import Job, Project
from reinstall.services import engine, links, plans, watching
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

SIGN_IN = {"method": "POST", "path": "/v3/auth/tokens*"}
DOWN = {"do": "answer", "status": 503, "json": {"error": {"code": "503", "message": "down for maintenance"}}}
REFUSED = {
    "do": "answer",
    "status": 401,
    "json": {
        "error": {"code": 401, "title": "Unauthorized", "message": "The username or password is wrong."}
    },
}
GONE = {"do": "drop_before_read"}


class _Here(ThreadPoolExecutor):
    """A pool that works in this thread: other threads do not see the rows of this test."""

    def map(self, fn: Any, *iterables: Any, **_: Any) -> Iterator[Any]:
        return map(fn, *iterables)


@pytest.fixture
def by_password(db: None, simulator: RunningSimulator) -> Iterator[Project]:
    """shop-prod, signed in to with user and password."""
    credentials = simulator.cloud_json("shop-prod", "password")["credentials"]
    yield added_project(simulator, credentials=credentials)
    links.forget_sessions()


@pytest.fixture
def boss(user: User) -> Actor:
    User.objects.filter(pk=user.pk).update(is_superuser=True)
    user.refresh_from_db()
    return actor_for(user)


def running(boss: Actor, project: Project, clock: Clock) -> Job:
    job = advanced(placed_job(boss, free_servers(project)[0]), clock)
    assert job.state == JobState.RUNNING, job.failure_message
    return job


def tokens_end(simulator: RunningSimulator) -> None:
    """Every token the cloud gave out is over, sooner than it said."""
    with simulator.lock:
        for token in simulator.cloud.world.tokens.values():
            token.expires_at = 0.0


def calls(simulator: RunningSimulator, path: str) -> int:
    return sum(row["method"] == "POST" and path in row["path"] for row in simulator.ledger()["requests"])


def asked_again(job: Job, clock: Clock, together: bool) -> Job:
    """The job after its next question, in a batch or alone."""
    job.refresh_from_db()
    assert job.next_at is not None
    clock.add(max((job.next_at - clock()).total_seconds(), 0) + 0.01)
    if together:
        plans.forget()
        watching.watch(clock=clock, owner="test", pool=_Here(1))
    else:
        engine.advance(job_id=job.pk, clock=clock, owner="test")
    job.refresh_from_db()
    return job


BOTH_WAYS = pytest.mark.parametrize("together", [True, False], ids=["in batches", "alone"])


@BOTH_WAYS
def test_f57_a_token_that_ends_in_mid_poll_costs_one_sign_in(
    by_password: Project, boss: Actor, simulator: RunningSimulator, clock: Clock, together: bool
) -> None:
    job = running(boss, by_password, clock)
    seq, sign_ins = job.seq, calls(simulator, "/auth/tokens")
    tokens_end(simulator)
    asked_again(job, clock, together)
    assert (job.state, job.seq, job.poll_failures) == (JobState.RUNNING, seq, 0)
    assert calls(simulator, "/auth/tokens") == sign_ins + 1
    assert finished(job, clock, simulator).state == JobState.SUCCEEDED
    assert calls(simulator, "/reinstallos") == len(simulator.accepted()) == 1


@BOTH_WAYS
@pytest.mark.parametrize("fault", [DOWN, GONE, REFUSED], ids=["503", "dropped", "refused"])
def test_f57_polling_goes_on_once_the_identity_service_is_back(
    by_password: Project,
    boss: Actor,
    simulator: RunningSimulator,
    clock: Clock,
    fault: dict[str, Any],
    together: bool,
) -> None:
    job = running(boss, by_password, clock)
    seq = job.seq
    tokens_end(simulator)
    simulator.faults([{"match": SIGN_IN, "times": None, **fault}])
    waits = []
    for _ in range(3):
        asked_again(job, clock, together)
        assert (job.state, job.seq) == (JobState.RUNNING, seq), "an error of the question is no verdict"
        assert job.waiting_for.startswith("The cloud did not say how the job stands: ")
        assert job.next_at is not None
        waits.append((job.next_at - clock()).total_seconds())
    assert job.poll_failures == 3
    assert min(waits) > 0
    simulator.clear_faults()
    asked_again(job, clock, together)
    assert job.poll_failures == 0
    assert finished(job, clock, simulator).state == JobState.SUCCEEDED
    assert calls(simulator, "/reinstallos") == 1


@pytest.mark.parametrize("fault", [DOWN, GONE], ids=["503", "dropped"])
def test_f57_nothing_is_sent_while_the_identity_service_is_away_and_the_job_says_why(
    by_password: Project, boss: Actor, simulator: RunningSimulator, clock: Clock, fault: dict[str, Any]
) -> None:
    job = placed_job(boss, free_servers(by_password)[0])
    tokens_end(simulator)
    simulator.faults([{"match": SIGN_IN, "times": None, **fault}])
    for _ in range(4):
        advanced(job, clock)
        assert job.state == JobState.PREFLIGHT
        assert "could not be asked" in job.waiting_for and "Nothing was sent" in job.waiting_for
    assert not job.attempts.exists(), "not even an intent"
    assert calls(simulator, "/reinstallos") == 0
    simulator.clear_faults()
    assert finished(job, clock, simulator).state == JobState.SUCCEEDED
    assert calls(simulator, "/reinstallos") == len(simulator.accepted()) == 1


def test_f57_a_sign_in_that_is_refused_ends_what_was_not_sent(
    by_password: Project, boss: Actor, simulator: RunningSimulator, clock: Clock
) -> None:
    job = placed_job(boss, free_servers(by_password)[0])
    tokens_end(simulator)
    simulator.faults([{"match": SIGN_IN, "times": None, **REFUSED}])
    sign_ins = calls(simulator, "/auth/tokens")
    advanced(job, clock)
    assert job.state == JobState.REJECTED
    assert "did not accept this portal's credentials" in job.failure_message
    assert "Nothing was sent" in job.failure_message
    assert not job.attempts.exists()
    assert calls(simulator, "/reinstallos") == 0
    assert calls(simulator, "/auth/tokens") == sign_ins + 1, "a wrong password twice brings the lock nearer"
