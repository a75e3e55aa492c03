"""The queue carries hints: a dead broker costs a moment, lost hints cost nothing but the next sweep."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.utils.timezone import now

from ecsportal.celery import app
from reinstall import tasks
from reinstall.domain.actors import Actor
from reinstall.domain.states import JobState
from reinstall.models import EngineTick, IdempotencyKey, Job, Server
from reinstall.services import wake
from simulator.server import RunningSimulator
from tests.reinstall.conftest import placed_job

#: Prints the seconds of two hints, and how long the portal then leaves the broker alone.
MEASURE = """
import time
from reinstall import tasks
for _ in range(2):
    start = time.monotonic()
    tasks.hint(1)
    print(f"took {time.monotonic() - start:.3f}")
print(f"quiet {tasks._quiet_until - time.monotonic():.1f}")
"""


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A broker that takes the connection and never says a word."""
    import socket

    with socket.create_server(("127.0.0.1", 0), backlog=16) as listener:
        yield listener.getsockname()[1]


def hints_to(url: str, tmp_path: Path) -> tuple[list[float], float]:
    environment = os.environ | {"ECSPORTAL_BROKER_URL": url, "ECSPORTAL_DATA_DIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "manage.py", "shell", "-v0", "-c", MEASURE],
        cwd=settings.BASE_DIR, env=environment, capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    words = [line.split() for line in done.stdout.splitlines()]
    took = [float(value) for name, value in words if name == "took"]
    (quiet,) = (float(value) for name, value in words if name == "quiet")
    assert "the broker did not take a hint" in done.stderr
    return took, quiet


@pytest.mark.parametrize("url", ["redis://127.0.0.1:1/0", "amqp://guest:guest@127.0.0.1:1//"])
def test_a_broker_that_is_down_is_given_up_at_once_and_left_alone(url: str, tmp_path: Path) -> None:
    (first, second), quiet = hints_to(url, tmp_path)
    assert first < 3
    assert second < 0.1
    assert 25 < quiet <= 30


@pytest.mark.parametrize("scheme", ["redis://127.0.0.1:{}/0", "amqp://guest:guest@127.0.0.1:{}//"])
def test_a_broker_that_says_nothing_is_waited_for_once(scheme: str, silent_port: int, tmp_path: Path) -> None:
    (first, second), quiet = hints_to(scheme.format(silent_port), tmp_path)
    assert first < 8
    assert second < 0.1
    assert quiet > 20


def test_tasks_take_ids_and_survive_arguments_of_a_newer_caller() -> None:
    assert {name for name in app.tasks if name.startswith("reinstall.")} == {
        "reinstall.advance",
        "reinstall.sweep",
        "reinstall.sync",
        "reinstall.tidy",
    }
    for entry in app.conf.beat_schedule.values():
        assert entry["task"] in app.tasks
        assert entry["options"]["expires"] > 0
    assert app.conf.task_ignore_result
    assert app.conf.accept_content == ["json"]


@pytest.mark.django_db
def test_an_unknown_job_is_no_error() -> None:
    tasks.advance_job(10**9, added_later="x")
    tasks.tidy(added_later="x")


@pytest.mark.django_db
def test_tidying_forgets_old_keys() -> None:
    long_ago = now().replace(year=now().year - 1)
    IdempotencyKey.objects.create(principal="user:1", key="k", fingerprint="f", created_at=long_ago)
    tasks.tidy()
    assert not IdempotencyKey.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_sweep_finds_every_job_whose_hint_was_lost(
    transactional_db: None, actor: Actor, server: Server, simulator: RunningSimulator
) -> None:
    """Nobody consumes the queue of this process, so each hint is as good as lost."""
    job = placed_job(actor, server)
    tasks.sweep()
    job.refresh_from_db()
    assert job.state == JobState.RUNNING, job.failure_message
    assert len(simulator.accepted()) == 1
    assert abs((EngineTick.objects.get().at - now()).total_seconds()) < 30
    assert job.owner == "" or job.lease_until <= now()


@pytest.mark.django_db(transaction=True)
def test_sweeps_and_hints_side_by_side_send_once(
    transactional_db: None, actor: Actor, server: Server, simulator: RunningSimulator
) -> None:
    from tests.reinstall.services.together import together

    job = placed_job(actor, server)
    acts = [lambda: tasks.advance_job(job.pk)] * 4 + [lambda: tasks.sweep()] * 2
    assert [result for result in together(acts) if result is not None] == []
    job.refresh_from_db()
    assert job.state == JobState.RUNNING
    assert len(simulator.accepted()) == 1
    assert job.attempts.count() == 1


@pytest.mark.django_db(transaction=True)
def test_the_bell_hints_at_a_due_job_after_the_commit_only(
    transactional_db: None, actor: Actor, server: Server
) -> None:
    heard: list[int] = []

    def listen(*, job_id: int, **_: object) -> None:
        heard.append(job_id)
        # In the thread of the request, after its transaction: another connection sees the row already.
        seen: list[bool] = []
        looker = threading.Thread(target=lambda: seen.append(_exists(job_id)))
        looker.start()
        looker.join()
        assert seen == [True]

    wake.job_due.connect(listen)
    try:
        job = placed_job(actor, server)
    finally:
        wake.job_due.disconnect(listen)
    assert heard == [job.pk]


def _exists(job_id: int) -> bool:
    from django.db import connections

    try:
        return Job.objects.filter(pk=job_id).exists()
    finally:
        connections.close_all()
