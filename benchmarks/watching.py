"""Ten thousand reinstalls watched by one worker: calls, delay, cost, memory.

The cloud is the simulator in a process of its own; its clock is moved by hand, so an hour takes minutes. What
is counted are the calls in the simulator's ledger.
"""

import json
import statistics
from dataclasses import dataclass
from typing import Any

from benchmarks.figures import Figure, percentile
from benchmarks.portal import portal
from benchmarks.processes import output_of, python

#: The simulated cloud takes about three minutes for a job, log-normal.
SCENARIO = {"job_median_s": 172.0, "job_sigma": 0.3}
CALLS_GOAL, DELAY_GOAL_S, GET_GOAL_MS, MEMORY_GOAL_MB = 1.3, 3.0, 1.0, 80.0
FLAT_GOAL = 1.05


@dataclass(frozen=True, slots=True)
class Load:
    """`jobs` reinstalls, `per_s` started a second, within `budget` calls a second."""

    jobs: int
    per_s: int
    budget: int

    def __str__(self) -> str:
        start = "at once" if self.per_s >= self.jobs else f"at {self.per_s}/s"
        return f"{self.jobs:,} jobs started {start}, {self.budget} calls/s"


LOADS = (Load(1_000, 1_000, 20), Load(10_000, 50, 100))
QUICK = (Load(300, 300, 20),)


def measure(quick: bool) -> list[Figure]:
    """The loads one after the other, then single questions as fast as one process asks."""
    figures = [figure for load in (QUICK if quick else LOADS) for figure in _followed(load)]
    return figures + _asked(500 if quick else 2_000, 3 if quick else 5)


def steady(quick: bool) -> list[Figure]:
    """An hour of the cloud's time under a steady load: what a worker holds must not grow with what it did."""
    seconds, per_s = (1_500, 1) if quick else (3_600, 2)
    wish = {"what": "living", "seconds": seconds, "per_s": per_s, "budget": 50}
    found = _run(wish, servers=seconds * per_s + seconds * per_s // 8 + 100)
    seen = found["memory_over_time_mb"]
    about = f"{seconds // 60} min of {per_s} reinstalls a second"
    return [
        Figure(f"{about}: jobs started", found["jobs"], ""),
        Figure(f"{about}: of these, ended and verified", found["ended"], ""),
        Figure(f"{about}: most in flight", found["most_in_flight"], "jobs"),
        Figure(f"{about}: memory of the worker after ten minutes", seen[0], "MB"),
        Figure(f"{about}: memory of the worker at the end", seen[-1], "MB"),
        Figure(f"{about}: end over ten minutes", seen[-1] / seen[0], "x", FLAT_GOAL),
    ]


def _run(wish: dict[str, Any], servers: int) -> dict[str, Any]:
    settings = {
        "ECSPORTAL_CALLS_PER_SECOND": f"poll={wish['budget']}",
        "ECSPORTAL_LOG_LEVEL": "ERROR",
    }
    with portal(settings) as running:
        running.start_cloud(servers=servers, speed=0, scenario=SCENARIO)
        command = python("-m", "benchmarks.watchers", running.cloud, json.dumps(wish))
        found: dict[str, Any] = json.loads(output_of(command, env=running.env, patience_s=3600))
        return found


def _followed(load: Load) -> list[Figure]:
    wish = {"what": "following", "jobs": load.jobs, "per_s": load.per_s, "budget": load.budget}
    # A few servers cannot be reinstalled; the first jobs are those the installation learns from.
    found = _run(wish, servers=load.jobs + load.jobs // 20 + 100)
    calls, delays = found["job_calls"] + found["list_calls"], found["delays"]
    return [
        Figure(f"{load}: most in flight", found["most_in_flight"], "jobs"),
        Figure(f"{load}: calls per job, lists included", calls / load.jobs, "", CALLS_GOAL, load.jobs),
        Figure(f"{load}: of these, lists", found["list_calls"] / load.jobs, "", n=load.jobs),
        Figure(
            f"{load}: mean delay of the end",
            statistics.mean(delays),
            "s",
            DELAY_GOAL_S,
            len(delays),
            percentile(delays, 95),
        ),
        Figure(
            f"{load}: calls in the busiest 10 s over 11 s of the budget",
            found["most_calls_in_10_s"] / (11 * load.budget),
            "x",
            1.0,
        ),
        Figure(f"{load}: processor time per call, all work included", found["cpu_ms"] / calls, "ms"),
        Figure(f"{load}: memory of the worker", found["memory_mb"], "MB"),
    ]


def _asked(jobs: int, times: int) -> list[Figure]:
    wish = {"what": "asking", "jobs": jobs, "times": times, "budget": 99_999}
    found = _run(wish, servers=jobs + jobs // 20 + 100)
    calls = found["job_calls"]
    return [
        Figure(
            "one question per job: processor time per GET", found["cpu_ms"] / calls, "ms", GET_GOAL_MS, calls
        ),
        Figure(
            "one question per job: GETs per second of a core", 1000 * calls / found["cpu_ms"], "/s", n=calls
        ),
        Figure(
            "one question per job: GETs per second of the clock",
            1000 * calls / found["wall_ms"],
            "/s",
            n=calls,
        ),
        Figure("one question per job: memory of the worker", found["memory_mb"], "MB", MEMORY_GOAL_MB),
    ]
