"""What has to run inside Django, on the database the environment names: `python -m benchmarks.inside ...`."""

import itertools
import json
import statistics
import sys
import time
from collections.abc import Callable
from datetime import datetime, timedelta

import django

SWEEPS, CLAIMS, WRITES = 200, 300, 300


def main() -> None:
    """`fill SERVERS JOBS` writes rows; `queries` prints what each query takes in ms as JSON."""
    django.setup()
    if sys.argv[1] == "fill":
        from benchmarks.rows import fill

        fill(servers=int(sys.argv[2]), jobs=int(sys.argv[3]))
    else:
        print(json.dumps(queries()))


def queries() -> dict[str, float]:
    """The engine's questions of every second, in ms: what is due, whose turn it is, which running jobs to ask
    (20 of each kind), one audit entry, one worker taking a job.

    Entry and claim write and commit, which includes what the disk needs to make that safe.
    """
    from benchmarks.rows import add_due
    from reinstall.models.clock import database_now
    from reinstall.services import engine, turns, watching

    add_due(20)
    now = database_now()
    due = engine.due_jobs(now=now)

    def sweep() -> None:
        assert len(engine.due_jobs(now=now)) == len(due)

    def turn() -> None:
        assert turns.due(now=now) == []

    def watch() -> None:
        assert [len(ids) for ids in watching._due(now).values()] == [len(due)]

    took = {
        "sweep": median_ms(sweep, SWEEPS),
        "turns": median_ms(turn, SWEEPS),
        "watching": median_ms(watch, SWEEPS),
    }
    # Claiming comes last: a job that is held is not due.
    return took | _writes(due[0], now)


def _writes(job_id: int, now: datetime) -> dict[str, float]:
    from django.db import transaction

    from reinstall.domain.actors import ENGINE
    from reinstall.services import engine, history

    written = history.Act(action="bench.written", object_type="system", object_id="1")
    # Each claim comes after the lease of the one before it has run out.
    later = (now + 2 * engine.LEASE * turn + timedelta(seconds=1) for turn in itertools.count(1))

    def audit() -> None:
        with transaction.atomic():
            history.record(actor=ENGINE, now=now, act=written)

    def claim() -> None:
        assert engine._claim(job_id, next(later), "bench") is not None

    took = {"audit": median_ms(audit, WRITES), "claim": median_ms(claim, CLAIMS)}
    with transaction.atomic():
        # What the disk needs to make a commit safe is not in this one.
        return took | {"claiming": median_ms(claim, CLAIMS)}


def median_ms(call: Callable[[], None], times: int) -> float:
    samples = []
    for _ in range(times):
        started = time.perf_counter()
        call()
        samples.append((time.perf_counter() - started) * 1000)
    return statistics.median(samples)


if __name__ == "__main__":
    main()
