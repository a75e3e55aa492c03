"""Fills the audit history by its own service and verifies it: `python -m benchmarks.chained ENTRIES`.

Runs inside Django, on the database the environment names.
"""

import json
import statistics
import sys
import time
from typing import TYPE_CHECKING

import django

if TYPE_CHECKING:
    from reinstall.services.history import Act

WRITES = 500
AT_ONCE = 10_000


def main() -> None:
    """Prints what it took, as JSON."""
    django.setup()
    print(json.dumps(_measured(int(sys.argv[1]))))


def _measured(entries: int) -> dict[str, float]:
    from django.db import connection, transaction

    from benchmarks.figures import percentile
    from reinstall.domain.actors import ENGINE
    from reinstall.models import AuditEvent
    from reinstall.models.clock import database_now
    from reinstall.services import history

    def record(count: int) -> float:
        acts = [_act(number) for number in range(count)]
        started = time.perf_counter()
        history.record_all(actor=ENGINE, now=now, acts=acts)
        return time.perf_counter() - started

    now = database_now()
    bulk = []
    while (left := entries - AuditEvent.objects.count() - 2 * WRITES) > 0:
        with transaction.atomic():
            bulk.append(record(min(AT_ONCE, left)))
    with connection.cursor() as cursor:
        # As the database would do by itself within a minute.
        cursor.execute("ANALYZE")
    inside, whole = [], []
    for _ in range(2 * WRITES):
        started = time.perf_counter()
        with transaction.atomic():
            inside.append(record(1) * 1000)
        whole.append((time.perf_counter() - started) * 1000)
    return {
        "write_ms": statistics.median(inside[WRITES:]),
        "write_p95_ms": percentile(inside[WRITES:], 95),
        "commit_ms": statistics.median(whole[WRITES:]),
        "bulk_s": statistics.median(bulk),
    } | _verified(entries)


def _verified(entries: int) -> dict[str, float]:
    from reinstall.models.clock import database_now
    from reinstall.services.verification import verify

    cpu = time.process_time()
    verdict = verify(now=database_now())
    cpu = time.process_time() - cpu
    assert verdict.unbroken and verdict.entries == entries, verdict
    return {"verify_s": verdict.took_s, "verify_cpu_s": cpu}


def _act(number: int) -> "Act":
    """An entry as most of them are: a move of a job."""
    from reinstall.services import history

    return history.Act(
        action="job.running",
        object_type="job",
        object_id=str(number),
        object_label=f"#{number} web-prod-{number % 10_000:04}",
        project_slug="shop-prod",
        before={"state": "submitting"},
        after={"state": "running", "cloud_job_id": "ff8080828217084ad3c1e10bdb79fffc"},
        note="The cloud took the request.",
    )


if __name__ == "__main__":
    main()
