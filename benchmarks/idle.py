"""What `manage.py serve` costs while nobody uses it."""

import time

import psutil

from benchmarks.figures import Figure
from benchmarks.portal import portal

SERVERS = 200
CPU_GOAL, MEMORY_GOAL_MB = 3.0, 200.0
MB = 1_000_000


def measure(quick: bool) -> list[Figure]:
    """CPU over 30 s without a request, then memory; a person has looked at each kind of page before."""
    with portal() as running:
        running.start_cloud(servers=SERVERS, speed=60)
        process = psutil.Process(running.serve().popen.pid)
        person = running.person()
        server_id, name = person.usable_servers()[0]
        person.open_form(server_id, name)
        for path in ("/servers/", f"/servers/{server_id}/", "/jobs/", "/audit/", "/api/v1/jobs/"):
            person.session.get(running.url + path, timeout=30).raise_for_status()
        time.sleep(5 if quick else 10)
        share = _cpu_percent(process, 10 if quick else 30)
        memory, threads = process.memory_full_info(), process.num_threads()
    return [
        Figure("CPU of serve, idle", share, "% of a core", CPU_GOAL),
        Figure("memory of serve, PSS", memory.pss / MB, "MB", MEMORY_GOAL_MB),
        Figure("memory of serve, RSS", memory.rss / MB, "MB", MEMORY_GOAL_MB),
        Figure("threads of serve", threads, ""),
    ]


def _cpu_percent(process: psutil.Process, seconds: int) -> float:
    def spent() -> float:
        times = process.cpu_times()
        return float(times.user + times.system)

    before, started = spent(), time.perf_counter()
    time.sleep(seconds)
    return 100 * (spent() - before) / (time.perf_counter() - started)
