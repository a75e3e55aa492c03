"""What years add: lists, claim, sweep and audit write among ten thousand to a million finished jobs."""

import json
from collections.abc import Mapping

from benchmarks.figures import Figure, median_of
from benchmarks.inside import CLAIMS, SWEEPS, WRITES
from benchmarks.lists import asked
from benchmarks.portal import portal
from benchmarks.processes import output_of, python

SIZES, QUICK = (10_000, 100_000, 1_000_000), (1_000, 10_000)
SERVERS = 20_000
FLAT, QUERY_GOAL_MS = 1.3, 2.0
LISTS = {
    "REST list of 50 jobs": "/api/v1/jobs/",
    "HTML list of 50 jobs": "/jobs/",
    "REST list of 50 audit entries": "/api/v1/audit/",
}
#: Name in `benchmarks.inside` -> (what it is, its goal in ms, samples).
QUERIES: Mapping[str, tuple[str, float | None, int]] = {
    "sweep": ("sweep query", QUERY_GOAL_MS, SWEEPS),
    "turns": ("turns query", QUERY_GOAL_MS, SWEEPS),
    "watching": ("query of the watching", QUERY_GOAL_MS, SWEEPS),
    "claiming": ("claim of a job, its statements alone", QUERY_GOAL_MS, CLAIMS),
    "claim": ("claim of a job, committed", None, CLAIMS),
    "audit": ("audit entry, committed", None, WRITES),
}


def measure(quick: bool) -> list[Figure]:
    """Each size in a database of its own, then the biggest over the one before: flat means it stays."""
    sizes = QUICK if quick else SIZES
    found = {size: _database(size, 20 if quick else 100) for size in sizes}
    before, last = sizes[-2:]
    slopes = [
        Figure(
            f"{what}: {last:,} finished jobs over {before:,}",
            found[last][what].value / figure.value,
            "x",
            FLAT,
        )
        for what, figure in found[before].items()
    ]
    return [figure for figures in found.values() for figure in figures.values()] + slopes


def _database(jobs: int, times: int) -> dict[str, Figure]:
    """The figures of one database with so many finished jobs and as many audit entries."""
    about = f"among {jobs:,} finished jobs"
    with portal() as running:
        fill = python("-m", "benchmarks.inside", "fill", str(min(SERVERS, jobs)), str(jobs))
        output_of(fill, env=running.env, patience_s=1800)
        serving = running.serve()
        session = running.person().session.cookies.get("ecsportal-session")
        headers = {"Cookie": f"ecsportal-session={session}", "Authorization": f"Bearer {running.token()}"}
        figures = {
            what: median_of(f"{what} {about}", asked(running.port, path, headers, times)[0], "ms")
            for what, path in LISTS.items()
        }
        serving.end()
        took = json.loads(output_of(python("-m", "benchmarks.inside", "queries"), env=running.env))
    return figures | {
        what: Figure(f"{what} {about}", took[name], "ms", goal, samples)
        for name, (what, goal, samples) in QUERIES.items()
    }
