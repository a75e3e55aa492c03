"""F26: every message is delivered five times, in any order, several at once. One call each."""

import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import count

import pytest
from django.db import connection

from reinstall import tasks
from reinstall.domain.actors import Actor
from reinstall.domain.states import JobState
from reinstall.models import Job, Project
from reinstall.models.clock import database_now
from simulator.server import RunningSimulator
from tests.faults.test_crashpoints import assert_kept, sent
from tests.reinstall.conftest import free_servers, placed_job

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("transactional_db")]

TIMES, JOBS = 5, 2


@pytest.fixture
def workers(transactional_db: None) -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(TIMES) as pool:
        yield pool


def deliver(job_id: int) -> None:
    """As Celery's worker does, in a thread with a connection of its own."""
    try:
        tasks.advance_job(job_id)
    finally:
        connection.close()


def test_F26_a_message_delivered_five_times_at_once_is_one_call(
    actor: Actor, project: Project, simulator: RunningSimulator, workers: ThreadPoolExecutor
) -> None:
    jobs = [placed_job(actor, server).pk for server in free_servers(project)[:JOBS]]
    assert len(jobs) == JOBS
    chance = random.Random(26)
    for rounds in count():
        assert rounds < 20, list(Job.objects.values_list("state", "waiting_for"))
        messages = jobs * TIMES
        chance.shuffle(messages)
        list(workers.map(deliver, messages))
        if not Job.objects.filter(ended_at=None).exists():
            break
        # Time passes, for the cloud and for the jobs.
        simulator.advance(30)
        Job.objects.filter(ended_at=None).update(next_at=database_now() - timedelta(seconds=1))
    assert set(Job.objects.values_list("state", flat=True)) == {JobState.SUCCEEDED}
    assert sent(simulator) == len(simulator.accepted()) == JOBS
    assert_kept(simulator)
