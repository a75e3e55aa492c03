"""The cloud's identity service fails while jobs are under way: polling resumes, nothing is sent: F57."""

import time
from collections.abc import Iterator
from typing import Any

import pytest

from reinstall.domain.actors import Actor
from reinstall.domain.states import JobState
from reinstall.models import Job, Project
from reinstall.services import connection, links
from simulator.server import RunningSimulator
from tests.reinstall.conftest import (
    OPERATOR,
    Clock,
    added_project,
    advanced,
    finished,
    free_servers,
    placed_job,
)

pytestmark = pytest.mark.django_db

SIGN_IN = {"method": "POST", "path": "*/auth/tokens"}
WRONG = {"error": {"code": 401, "message": "The username or password is wrong.", "title": "Unauthorized"}}


@pytest.fixture(autouse=True)
def _nothing_remembered() -> Iterator[None]:
    yield
    links.forget_sessions()


@pytest.fixture
def project(db: None, simulator: RunningSimulator) -> Project:
    """shop-prod, signed in to with a password."""
    return added_project(simulator, credentials=simulator.cloud_json("shop-prod", "password")["credentials"])


@pytest.fixture
def running(actor: Actor, project: Project, clock: Clock) -> Job:
    job = advanced(placed_job(actor, free_servers(project)[0]), clock)
    assert job.state == JobState.RUNNING
    return job


def asked(simulator: RunningSimulator, end: str) -> int:
    return sum(row["path"].partition("?")[0].endswith(end) for row in simulator.ledger()["requests"])


def tokens_die(simulator: RunningSimulator) -> None:
    with simulator.lock:
        simulator.world.tokens.clear()


def breaks(simulator: RunningSimulator, how: dict[str, Any]) -> None:
    """Tokens die, and from now on nobody can sign in."""
    tokens_die(simulator)
    simulator.faults([{"match": SIGN_IN, "times": None, **how}])


def test_F57_a_token_that_expires_in_mid_poll_is_renewed_once(
    running: Job, simulator: RunningSimulator, clock: Clock
) -> None:
    before = asked(simulator, "/auth/tokens")
    tokens_die(simulator)
    advanced(running, clock)
    assert (running.state, running.poll_failures, running.waiting_for) == (JobState.RUNNING, 0, "")
    assert asked(simulator, "/auth/tokens") == before + 1
    assert finished(running, clock, simulator).state == JobState.SUCCEEDED
    assert asked(simulator, "/reinstallos") == 1


@pytest.mark.parametrize(
    "how",
    [{"do": "answer", "status": 500, "body": "oops"}, {"do": "drop_after_read"}],
    ids=["500", "reset"],
)
def test_F57_while_nobody_can_sign_in_nothing_is_sent_and_afterwards_all_goes_on(
    how: dict[str, Any], running: Job, actor: Actor, simulator: RunningSimulator, clock: Clock
) -> None:
    waiting = placed_job(actor, free_servers(running.project)[1])
    breaks(simulator, how)
    waits = []
    for _ in range(4):
        advanced(running, clock)
        assert (running.state, running.seq) == (JobState.RUNNING, running.seq)
        assert "did not say how the job stands" in running.waiting_for
        asked_at = clock()
        advanced(waiting, clock)
        assert waiting.state == JobState.PREFLIGHT
        assert "The cloud could not be asked" in waiting.waiting_for
        assert "Nothing was sent" in waiting.waiting_for
        assert waiting.next_at is not None
        waits.append(waiting.next_at - max(asked_at, clock()))
    assert waits == sorted(waits)
    assert running.poll_failures == 4
    assert asked(simulator, "/reinstallos") == 1

    simulator.clear_faults()
    time.sleep(2.1)  # a failure is believed for two seconds, by the clock of the wall
    assert advanced(running, clock).poll_failures == 0
    for job in (running, waiting):
        assert finished(job, clock, simulator).state == JobState.SUCCEEDED
    assert asked(simulator, "/reinstallos") == len(simulator.accepted()) == 2


def test_F57_an_identity_service_that_stays_away_ends_what_was_not_sent(
    running: Job, actor: Actor, simulator: RunningSimulator, clock: Clock
) -> None:
    waiting = placed_job(actor, free_servers(running.project)[1])
    breaks(simulator, {"do": "answer", "status": 503, "body": "down"})
    advanced(waiting, clock, times=9)
    assert (waiting.state, waiting.failure_code) == (JobState.REJECTED, "unreachable")
    assert "Nothing was sent" in waiting.failure_message
    assert not waiting.attempts.exists()
    assert asked(simulator, "/reinstallos") == 1


def test_F57_a_password_refused_is_not_sent_with_every_poll(
    running: Job, actor: Actor, simulator: RunningSimulator, clock: Clock
) -> None:
    first = asked(simulator, "/auth/tokens")
    waiting = placed_job(actor, free_servers(running.project)[1])
    breaks(simulator, {"do": "answer", "status": 401, "json": WRONG})
    advanced(running, clock, times=6)
    assert (running.state, running.poll_failures) == (JobState.RUNNING, 6)
    assert "password is wrong" in running.waiting_for
    advanced(waiting, clock)
    assert waiting.state == JobState.REJECTED
    assert "did not accept this portal's credentials" in waiting.failure_message
    assert not waiting.attempts.exists()
    assert asked(simulator, "/auth/tokens") == first + 1, "five wrong passwords lock a user at the cloud"

    # Mended at the cloud: a person tests the connection, which signs in at once, and polling goes on.
    simulator.clear_faults()
    steps = connection.check_connection(actor=OPERATOR, now=clock(), slug=running.project.slug)
    assert all(step.ok for step in steps)
    assert finished(running, clock, simulator).state == JobState.SUCCEEDED
    assert asked(simulator, "/reinstallos") == 1
