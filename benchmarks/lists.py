"""Lists over HTTP, and the engine's queries, in a small and in a big database."""

import http.client
import json
import time
from collections.abc import Mapping

from benchmarks.figures import Figure, median_of
from benchmarks.inside import CLAIMS, SWEEPS
from benchmarks.portal import Portal, portal
from benchmarks.processes import environment, free_port, output_of, python, start

#: (servers, finished jobs)
SMALL, BIG = (1_000, 1_000), (100_000, 100_000)
FLAT, OVER_FLOOR, PAGE_GOAL_KB, QUERY_GOAL_MS = 1.3, 3.0, 40.0, 2.0
LISTS = {
    "REST list of 50 servers": "/api/v1/servers/",
    "REST list of 50 jobs": "/api/v1/jobs/",
    "HTML list of 50 servers": "/servers/",
    "HTML list of 50 jobs": "/jobs/",
}
#: What people type into the search.
SEARCHES = {
    "HTML list of servers, search for a name": "/servers/?q=0077",
    "HTML list of servers, search with two tokens": "/servers/?q=is%3Astopped+0077",
    "REST list of servers, search that finds nothing": "/api/v1/servers/?q=nobody-has-this",
}


def measure(quick: bool) -> list[Figure]:
    """Each list in both databases, beside the floor: the same rows by one SQL statement, no framework."""
    times = 20 if quick else 100
    small, big = _database(SMALL, times), _database(BIG, times)
    figures = [*small.values(), *big.values()]
    figures += [
        Figure(
            f"{what}: {BIG[0]:,} servers, {BIG[1]:,} jobs over {SMALL[0]:,} of each",
            big[what].value / small[what].value,
            "x",
            FLAT,
        )
        # A search may read more where there is more; that is told in milliseconds alone.
        for what in (*LISTS, "sweep query", "claim of a job")
    ]
    figures.append(
        Figure(
            "REST list of servers over the floor",
            big["REST list of 50 servers"].value / big["floor"].value,
            "x",
            OVER_FLOOR,
        )
    )
    return figures


def _database(size: tuple[int, int], times: int) -> dict[str, Figure]:
    """The figures of one database, by what they are about."""
    servers, jobs = size
    found: dict[str, Figure] = {}
    about = f"{servers:,} servers, {jobs:,} jobs"
    with portal() as running:
        output_of(python("-m", "benchmarks.inside", "fill", str(servers), str(jobs)), env=running.env)
        serving = running.serve()
        session = running.person().session.cookies.get("ecsportal-session")
        headers = {"Cookie": f"ecsportal-session={session}", "Authorization": f"Bearer {running.token()}"}
        for what, path in (LISTS | SEARCHES).items():
            samples, size_bytes = asked(running.port, path, headers, times)
            found[what] = median_of(f"{what}, {about}", samples, "ms")
            if what.startswith("HTML"):
                found[f"{what} kB"] = Figure(f"{what}, {about}: page", size_bytes / 1000, "kB", PAGE_GOAL_KB)
        found["floor"] = median_of(f"floor of the REST list, {about}", _floor(running, times), "ms")
        serving.end()
        took = json.loads(output_of(python("-m", "benchmarks.inside", "queries"), env=running.env))
        found["sweep query"] = Figure(f"sweep query, {about}", took["sweep"], "ms", QUERY_GOAL_MS, SWEEPS)
        found["claim of a job"] = Figure(
            f"claim of a job, committed, {about}", took["claim"], "ms", QUERY_GOAL_MS, CLAIMS
        )
    return found


def asked(port: int, path: str, headers: Mapping[str, str], times: int) -> tuple[list[float], int]:
    """(ms of each answer, bytes of the last) over one connection that stays open."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    samples, body = [], b""
    for turn in range(times + 5):
        started = time.perf_counter()
        connection.request("GET", path, headers=dict(headers))
        answer = connection.getresponse()
        body = answer.read()
        assert answer.status == 200, f"{path} answered {answer.status}"
        if turn >= 5:
            samples.append((time.perf_counter() - started) * 1000)
    connection.close()
    return samples, len(body)


def _floor(running: Portal, times: int) -> list[float]:
    port = free_port()
    env = environment({"FLOOR_DATABASE": str(running.data_dir / "ecsportal.sqlite3")})
    command = python("-m", "uvicorn", "benchmarks.floor:application", "--port", str(port), "--no-access-log")
    server = start("the floor", command, env=env)
    try:
        server.printed(r"(running on http)")
        return asked(port, "/", {}, times)[0]
    finally:
        server.end()
