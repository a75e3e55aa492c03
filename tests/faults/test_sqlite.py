"""The embedded database: a long writer (F20), a disk full before (F21) and after (F22) the intent."""

import sqlite3
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings as configured
from django.contrib.auth.models import User
from django.db import OperationalError, connection
from django.test import Client
from django.utils.timezone import now

from reinstall.domain.actors import Actor
from reinstall.domain.states import JobState
from reinstall.models import AuditEvent, Job, KeyPair, Order, Server
from reinstall.models.clock import database_now
from reinstall.selectors.health import readiness
from reinstall.services import engine
from simulator.server import RunningSimulator
from tests.faults.test_crashpoints import assert_kept, sent
from tests.reinstall.api.client import Caller, a_token, problem_of
from tests.reinstall.conftest import Clock, advanced, finished, placed_job
from tests.reinstall.services.test_commits import Once
from tests.reinstall.web.conftest import filled_in, form_address

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("transactional_db", "impatient"),
    pytest.mark.skipif(not configured.ON_SQLITE, reason="how SQLite fails; PostgreSQL is in test_database"),
]


@pytest.fixture
def impatient(transactional_db: None, settings: Any) -> Iterator[None]:
    """Waits 0.1 s for a lock, not 20 s, and half a second for room to store an answer."""
    settings.STORE_WITHIN_S = 0.5
    options = connection.settings_dict["OPTIONS"]
    connection.close()
    connection.settings_dict["OPTIONS"] = options | {"timeout": 0.1}
    yield
    connection.close()
    connection.settings_dict["OPTIONS"] = options


class Writer:
    """Somebody else who holds the database's one write lock."""

    def __init__(self) -> None:
        self._line = sqlite3.connect(
            connection.settings_dict["NAME"], isolation_level=None, check_same_thread=False
        )

    def lock(self, *_: object) -> None:
        self._line.execute("BEGIN IMMEDIATE")

    def let_go(self) -> None:
        if self._line.in_transaction:
            self._line.execute("ROLLBACK")

    def close(self) -> None:
        self._line.close()


@pytest.fixture
def writer(impatient: None) -> Iterator[Writer]:
    with closing(Writer()) as one:
        yield one


def before_the_intent(sql: str, _: str) -> bool:
    """The last thing that is read before transaction A."""
    return sql.startswith("SELECT COUNT") and "reinstall_attempt" in sql


def after_the_intent(sql: str, _: str) -> bool:
    """The look that follows transaction A: the claim is still ours."""
    return sql.startswith("SELECT") and '"fence" =' in sql


def turn(job: Job, clock: Clock, at: Callable[[str, str], bool], act: Callable[..., None]) -> None:
    """One turn of a worker, with `act` in the middle of it."""
    fault = Once(at, act)
    with connection.execute_wrapper(fault):
        engine.advance(job_id=job.pk, clock=clock, owner="test")
    assert fault.done


# ------------------------------------------------------------------ F20


def test_F20_a_form_says_that_the_database_is_busy_and_goes_through_later(
    requester: User, server: Server, writer: Writer, simulator: RunningSimulator
) -> None:
    browser = Client(raise_request_exception=False)
    browser.force_login(requester)
    form = filled_in(browser, server)
    writer.lock()
    answer = browser.post(form_address(server), form)
    assert (answer.status_code, answer["Retry-After"]) == (503, "10")
    assert "The database is busy" in answer.content.decode()
    # Who only reads does not wait for a writer.
    assert browser.get(form_address(server)).status_code == 200
    writer.let_go()
    assert not Order.objects.exists()
    assert simulator.ledger()["accepted"] == [] and sent(simulator) == 0
    assert [browser.post(form_address(server), form).status_code for _ in "ab"] == [303, 303]
    assert Job.objects.count() == 1


def test_F20_rest_says_so_too_and_the_same_key_goes_through_later(
    requester: User, server: Server, writer: Writer, simulator: RunningSimulator
) -> None:
    call = Caller(a_token(requester))
    key = KeyPair.objects.filter(project=server.project).order_by("name")[0]
    body = {
        "project": server.project.slug,
        "servers": [str(server.pk)],
        "spec": {"keyname": key.name, "userid": key.userid, "mode": "withStopServer"},
        "reason": "OPS-4417",
        "confirm": server.name,
    }
    once = uuid.uuid4().hex
    writer.lock()
    answer = call.post("orders/", body, Idempotency_Key=once)
    assert problem_of(answer, 503)["type"].endswith(":busy")
    assert answer["Retry-After"] == "10"
    writer.let_go()
    assert not Order.objects.exists()
    assert sent(simulator) == 0
    assert call.post("orders/", body, Idempotency_Key=once).status_code == 201


def test_F20_a_job_waits_for_the_writer(
    actor: Actor, server: Server, clock: Clock, writer: Writer, simulator: RunningSimulator
) -> None:
    job = placed_job(actor, server)
    writer.lock()
    for _ in range(3):
        with pytest.raises(OperationalError, match="locked"):
            engine.advance(job_id=job.pk, clock=clock, owner="test")
    writer.let_go()
    job.refresh_from_db()
    assert (job.state, sent(simulator)) == (JobState.QUEUED, 0)
    assert finished(job, clock, simulator).state == JobState.SUCCEEDED
    assert sent(simulator) == 1
    assert_kept(simulator)


def test_F20_without_an_intent_on_disk_nothing_is_sent(
    actor: Actor, server: Server, clock: Clock, writer: Writer, simulator: RunningSimulator
) -> None:
    job = placed_job(actor, server)
    turn(job, clock, before_the_intent, writer.lock)
    writer.let_go()
    job.refresh_from_db()
    assert (job.state, job.attempts.count(), sent(simulator)) == (JobState.PREFLIGHT, 0, 0)
    # The lease could not be given back either; as if it had ended by itself.
    engine.free_claims(now=database_now())
    assert finished(job, clock, simulator).state == JobState.SUCCEEDED
    assert sent(simulator) == 1
    assert_kept(simulator)


# ------------------------------------------------------------------ F21, F22


class Disk:
    """A disk that can be full: what an attempt writes then needs a page more than there is."""

    def __init__(self) -> None:
        self._init = connection.settings_dict["OPTIONS"]["init_command"]
        with connection.cursor() as cursor:
            # No free page inside the file.
            cursor.execute("VACUUM")
            cursor.execute("CREATE TABLE fault_ballast (more BLOB)")
            for moment in ("INSERT", "UPDATE"):
                cursor.execute(
                    f"CREATE TRIGGER fault_grows_{moment} AFTER {moment} ON reinstall_attempt "
                    "BEGIN INSERT INTO fault_ballast VALUES (zeroblob(2000000)); END"
                )

    def fill(self, *_: object) -> None:
        """Not a page more, on this connection and on those that follow."""
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA page_count")
            self._limit(cursor.fetchone()[0])

    def clear(self) -> None:
        """There is room again."""
        self._limit(1_073_741_823)

    def end(self) -> None:
        self.clear()
        connection.settings_dict["OPTIONS"]["init_command"] = self._init
        with connection.cursor() as cursor:
            for name in ("TRIGGER fault_grows_INSERT", "TRIGGER fault_grows_UPDATE", "TABLE fault_ballast"):
                cursor.execute(f"DROP {name}")

    def _limit(self, pages: int) -> None:
        pragma = f"PRAGMA max_page_count={pages};"
        connection.settings_dict["OPTIONS"]["init_command"] = f"{self._init} {pragma}"
        with connection.cursor() as cursor:
            cursor.execute(pragma)


@pytest.fixture
def disk(impatient: None) -> Iterator[Disk]:
    one = Disk()
    yield one
    one.end()


def test_F21_with_a_full_disk_before_the_intent_the_job_waits_for_room(
    actor: Actor,
    server: Server,
    clock: Clock,
    disk: Disk,
    simulator: RunningSimulator,
    caplog: pytest.LogCaptureFixture,
) -> None:
    job = placed_job(actor, server)
    turn(job, clock, before_the_intent, disk.fill)
    assert "database or disk is full" in caplog.text
    for _ in range(2):
        advanced(job, clock)
    assert (job.state, job.attempts.count(), sent(simulator)) == (JobState.PREFLIGHT, 0, 0)
    # The alarm: whoever watches /ready hears of a due job nobody gets on with.
    assert "A job has been due for" in " ".join(readiness(now() + timedelta(seconds=130)).problems)
    disk.clear()
    assert finished(job, clock, simulator).state == JobState.SUCCEEDED
    assert sent(simulator) == 1
    assert_kept(simulator)


def accepted_and_found(job: Job, simulator: RunningSimulator) -> None:
    (taken,) = simulator.accepted()
    assert (job.state, job.cloud_job_id) == (JobState.SUCCEEDED, taken["job_id"])
    assert sent(simulator) == job.attempts.count() == 1
    assert_kept(simulator)


def test_F22_an_answer_there_was_no_room_for_is_found_by_its_trace(
    actor: Actor, server: Server, clock: Clock, disk: Disk, simulator: RunningSimulator
) -> None:
    job = placed_job(actor, server)
    turn(job, clock, after_the_intent, disk.fill)
    job.refresh_from_db()
    assert (job.state, job.attempts.get().verdict) == (JobState.SUBMITTING, "armed")
    disk.clear()
    accepted_and_found(finished(job, clock, simulator), simulator)
    moves = AuditEvent.objects.filter(object_type="job", action="job.uncertain")
    assert moves.count() == 1


def test_F20_an_answer_is_stored_once_the_writer_is_through(
    actor: Actor, server: Server, clock: Clock, writer: Writer, settings: Any, simulator: RunningSimulator
) -> None:
    settings.STORE_WITHIN_S = 20
    job = placed_job(actor, server)
    soon = threading.Timer(0.8, writer.let_go)

    def lock(*_: object) -> None:
        writer.lock()
        soon.start()

    turn(job, clock, after_the_intent, lock)
    soon.join()
    job.refresh_from_db()
    assert (job.state, job.attempts.get().verdict) == (JobState.RUNNING, "accepted")
    accepted_and_found(finished(job, clock, simulator), simulator)
