"""Reading the inventory: seconds, memory, statements and calls for a hundred thousand servers."""

import json
from typing import Any

import requests

from benchmarks.figures import Figure
from benchmarks.portal import Portal, portal
from benchmarks.processes import output_of, python

GOAL_S, GOAL_MB = 300.0, 300.0
MANY, FEW = 100_000, 5_000


def measure(quick: bool) -> list[Figure]:
    """The first reading of a project, and one that finds everything as it was. SQLite, the default budget."""
    count = FEW if quick else MANY
    with portal() as running:
        running.add_cloud(servers=count)
        first, again = _read(running), _read(running)
    about = f"{count:,} servers"
    return [
        *_told(f"{about}, first reading", first, bounded=not quick),
        *_told(f"{about}, read again", again, bounded=not quick),
    ]


def _read(running: Portal) -> dict[str, Any]:
    before = _calls(running)
    found: dict[str, Any] = json.loads(
        output_of(python("-m", "benchmarks.readers"), env=running.env, patience_s=1800).splitlines()[-1]
    )
    return found | {"calls": _calls(running) - before}


def _calls(running: Portal) -> int:
    rows = requests.get(f"{running.cloud}/_sim/ledger", timeout=120).json()["requests"]
    return sum(not row["path"].startswith("/_sim") for row in rows)


def _told(about: str, found: dict[str, Any], *, bounded: bool) -> list[Figure]:
    return [
        Figure(f"{about}: by the clock", found["seconds"], "s", GOAL_S if bounded else None),
        Figure(
            f"{about}: most memory of the process", found["memory_mb"], "MB", GOAL_MB if bounded else None
        ),
        Figure(f"{about}: processor time", found["cpu_s"], "s"),
        Figure(f"{about}: statements", found["statements"], ""),
        Figure(f"{about}: calls to the cloud", found["calls"], ""),
    ]
