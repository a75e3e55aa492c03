"""The audit history: what an entry costs inside its transaction, and how fast the whole chain is verified."""

import json

from benchmarks.chained import WRITES
from benchmarks.databases import own_postgres
from benchmarks.figures import Figure, NotMeasured
from benchmarks.portal import Portal, portal
from benchmarks.processes import output_of, python

ENTRIES, QUICK = 1_000_000, 20_000
WRITE_GOAL_MS = 2.0
#: 50,000 entries a second.
VERIFY_GOAL_US = 20.0


def measure(quick: bool) -> list[Figure]:
    """On SQLite, and on PostgreSQL where one answers."""
    entries = QUICK if quick else ENTRIES
    with portal() as running:
        found = _figures("SQLite", running, entries)
    try:
        with own_postgres() as own, portal(own) as running:
            return found + _figures("PostgreSQL", running, entries)
    except NotMeasured as reason:
        print(f"\naudit on PostgreSQL\n  not measured: {reason}", flush=True)
        return found


def _figures(database: str, running: Portal, entries: int) -> list[Figure]:
    command = python("-m", "benchmarks.chained", str(entries))
    took = json.loads(output_of(command, env=running.env, patience_s=3600))
    about = f"{database}: {entries:,} entries"
    return [
        Figure(
            f"{database}: audit entry inside its transaction",
            took["write_ms"], "ms", WRITE_GOAL_MS, WRITES, took["write_p95_ms"],
        ),
        Figure(f"{database}: audit entry, committed", took["commit_ms"], "ms", None, WRITES),
        Figure(f"{database}: 10,000 entries in one transaction", took["bulk_s"], "s"),
        Figure(f"{about} verified", took["verify_s"], "s"),
        Figure(f"{about} verified, processor time of the process", took["verify_cpu_s"], "s"),
        Figure(f"{about} verified, each", took["verify_s"] / entries * 1e6, "µs", VERIFY_GOAL_US),
    ]  # fmt: skip
