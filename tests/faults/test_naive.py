"""F79: a worker that is wrong in the usual way, against the real schema."""

from collections import Counter
from typing import Any

from django.db import connection

from reinstall.domain.actors import Actor
from reinstall.models import Attempt, Job, Project, Server
from simulator.server import RunningSimulator
from tests.faults.naive import NaiveWorker
from tests.reinstall.conftest import placed_job

SERVERS = 5
#: The cloud takes each of these calls on; the portal never hears a clear yes.
TAKEN_UNHEARD: list[dict[str, Any]] = [
    {"do": "drop_after_accept"},
    {"do": "truncate_body"},
    {"do": "answer", "accept": True, "status": 503},
    {"do": "answer", "accept": True, "status": 400, "json": {"error": {"code": "Ecs.1002", "message": "x"}}},
    {"do": "close_after_accept"},
]


def _wrong_worker(
    simulator: RunningSimulator, project: Project, actor: Actor
) -> tuple[NaiveWorker, Counter[str]]:
    """What became of five servers: the worker, and how often the cloud accepted each."""
    servers = Server.objects.filter(project=project, status="ACTIVE", locked=False, name__startswith="web-")
    jobs: list[Job] = [placed_job(actor, server) for server in servers.order_by("name")[:SERVERS]]
    assert len(jobs) == SERVERS
    for job, fault in zip(jobs, TAKEN_UNHEARD, strict=True):
        simulator.faults(
            [{"match": {"method": "POST", "server_id": str(job.server_id)}, "times": 2, **fault}]
        )
    worker = NaiveWorker()
    done: set[int] = set()
    for _ in range(4):
        done |= {job.pk for job in jobs if job.pk not in done and worker.once(job)}
        # Long enough for the cloud to end what it began: then nothing there stops a second call.
        simulator.advance(900)
    return worker, Counter(row["server_id"] for row in simulator.accepted())


def test_F79_the_database_stops_a_worker_that_tries_again(
    simulator: RunningSimulator, project: Project, actor: Actor
) -> None:
    worker, accepted = _wrong_worker(simulator, project, actor)
    assert accepted == dict.fromkeys(accepted, 1)
    assert len(accepted) == len(worker.sent) == SERVERS
    assert worker.refused == SERVERS * 3
    assert Attempt.objects.count() == SERVERS


def test_F79_without_the_constraint_the_same_worker_wipes_servers_twice(
    simulator: RunningSimulator, project: Project, actor: Actor
) -> None:
    with connection.cursor() as cursor:
        # Undone with the test's transaction, on both databases.
        cursor.execute("DROP INDEX one_live_attempt")
    worker, accepted = _wrong_worker(simulator, project, actor)
    assert worker.refused == 0
    assert min(accepted.values()) > 1
    assert len(accepted) == SERVERS
