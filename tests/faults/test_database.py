"""A database that goes away in the middle of a COMMIT: of the intent (F15), and of the answer (F16)."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import pytest

from reinstall.domain.actors import Actor
from reinstall.domain.states import JobState
from reinstall.models import AuditEvent, Job, Server
from reinstall.services import engine
from simulator.server import RunningSimulator
from tests.concurrency.stack import own_database
from tests.faults.elsewhere import emptied, migrated, portal_on
from tests.faults.proxy import CuttingProxy
from tests.faults.test_crashpoints import assert_kept, sent
from tests.reinstall.conftest import Clock, advanced, finished, placed_job

# First the test's own database, then the one everything of the test is put into.
pytestmark = [
    pytest.mark.postgres,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("transactional_db", "on_postgres"),
]

INTENT, ANSWER = b"job.submitting", b"job.running"


@pytest.fixture(scope="module")
def database(postgres_url: str, django_db_setup: None, django_db_blocker: Any) -> Iterator[str]:
    with own_database(postgres_url, f"portal_commit_{secrets.token_hex(4)}") as url:
        with django_db_blocker.unblock():
            migrated(url)
        yield url


@pytest.fixture
def on_postgres(transactional_db: None, database: str) -> Iterator[None]:
    with portal_on(database):
        yield
    emptied(database)


@contextmanager
def behind(
    database: str, *, holds: bytes, executed: bool, stays_away: bool = False
) -> Iterator[CuttingProxy]:
    """The portal reaches its database over a line that breaks at that COMMIT."""
    at = urlsplit(database)
    assert at.hostname and at.port
    proxy = CuttingProxy(at.hostname, at.port, holds=holds, executed=executed, stays_away=stays_away)
    account = at.netloc.rpartition("@")[0]
    try:
        with portal_on(urlunsplit(at._replace(netloc=f"{account}@127.0.0.1:{proxy.port}"))):
            yield proxy
    finally:
        proxy.close()


def test_F15_an_intent_whose_commit_never_arrived_is_not_sent(
    database: str, actor: Actor, server: Server, clock: Clock, simulator: RunningSimulator
) -> None:
    job = placed_job(actor, server)
    with behind(database, holds=INTENT, executed=False) as proxy:
        advanced(job, clock)
    assert proxy.cut.is_set()
    assert sent(simulator) == 0
    assert (job.state, job.attempts.count()) == (JobState.PREFLIGHT, 0)
    assert finished(job, clock, simulator).state == JobState.SUCCEEDED
    assert sent(simulator) == 1
    assert_kept(simulator)


def test_F15_an_intent_that_was_committed_without_a_word_is_not_sent_either(
    database: str, actor: Actor, server: Server, clock: Clock, simulator: RunningSimulator
) -> None:
    job = placed_job(actor, server)
    with behind(database, holds=INTENT, executed=True) as proxy:
        advanced(job, clock)
    assert proxy.cut.is_set()
    assert sent(simulator) == 0
    assert (job.state, job.attempts.get().verdict) == (JobState.SUBMITTING, "armed")
    # Nobody can tell it from a call that left: the server is held until a person has looked.
    assert finished(job, clock, simulator).state == JobState.ATTENTION
    assert job.attempts.get().verdict == "unknown"
    assert sent(simulator) == 0
    assert_kept(simulator)


def taken_once(job: Job, simulator: RunningSimulator) -> None:
    (taken,) = simulator.accepted()
    assert sent(simulator) == 1
    assert (job.cloud_job_id, job.attempts.get().verdict) == (taken["job_id"], "accepted")


@pytest.mark.parametrize("executed", [False, True])
def test_F16_an_answer_whose_commit_was_cut_is_stored_by_the_next_try(
    executed: bool,
    database: str,
    actor: Actor,
    server: Server,
    clock: Clock,
    simulator: RunningSimulator,
    caplog: pytest.LogCaptureFixture,
) -> None:
    job = placed_job(actor, server)
    with behind(database, holds=ANSWER, executed=executed) as proxy:
        advanced(job, clock)
    assert proxy.cut.is_set()
    # The next try finds what the lost one did, or does it.
    assert ("is no longer submitting" in caplog.text) is executed
    assert job.state == JobState.RUNNING
    taken_once(job, simulator)
    assert job.exchanges.filter(method="POST").count() == 1
    assert finished(job, clock, simulator).state == JobState.SUCCEEDED
    taken_once(job, simulator)
    assert_kept(simulator)


def test_F16_an_answer_the_database_was_away_for_is_found_by_its_trace(
    database: str,
    actor: Actor,
    server: Server,
    clock: Clock,
    simulator: RunningSimulator,
    settings: Any,
    caplog: pytest.LogCaptureFixture,
) -> None:
    settings.STORE_WITHIN_S = 0.5
    job = placed_job(actor, server)
    with behind(database, holds=ANSWER, executed=False, stays_away=True) as proxy:
        engine.advance(job_id=job.pk, clock=clock, owner="test")
    assert proxy.cut.is_set()
    (taken,) = simulator.accepted()
    assert f"job_id={taken['job_id']}" in caplog.text, "the second witness"
    job.refresh_from_db()
    assert (job.state, job.attempts.get().verdict) == (JobState.SUBMITTING, "armed")
    assert finished(job, clock, simulator).state == JobState.SUCCEEDED
    taken_once(job, simulator)
    moves = AuditEvent.objects.filter(object_type="job", seq__isnull=False).order_by("seq")
    assert [move.action for move in moves][-4:] == [
        "job.uncertain",
        "job.running",
        "job.verifying",
        "job.succeeded",
    ]
    assert_kept(simulator)
