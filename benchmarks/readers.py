"""One reading of an inventory, inside Django: `python -m benchmarks.readers`, as JSON."""

import json
import resource
import time
from collections import Counter
from typing import Any

import django


def main() -> None:
    django.setup()
    from django.db import connection

    from reinstall.domain.actors import Actor, Source
    from reinstall.models import Project
    from reinstall.models.clock import database_now
    from reinstall.services import inventory

    counted: Counter[str] = Counter()

    def count(execute: Any, *call: Any) -> Any:
        counted["statements"] += 1
        return execute(*call)

    actor = Actor(user_id=None, name="bench", source=Source.COMMAND, sees_all=True)
    begun, cpu = time.perf_counter(), time.process_time()
    with connection.execute_wrapper(count):
        report = inventory.sync_project(actor=actor, now=database_now(), project=Project.objects.get())
    assert not report.problems, report.problems
    found = {
        "seconds": time.perf_counter() - begun,
        "cpu_s": time.process_time() - cpu,
        "memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "statements": counted["statements"],
        "servers": report.servers,
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main()
