"""The reinstall form with its checks: the cloud is asked about all of it while the page waits."""

import time

import requests

from benchmarks.figures import Figure, median_of
from benchmarks.portal import portal
from benchmarks.processes import Failed

GOAL_MS = 1000.0
#: One form at a time, as fast as it comes: the calls a second that all forms share are not what is measured.
UNBOUND = {"ECSPORTAL_CALLS_PER_SECOND": "evidence=10000"}
#: What each call to the cloud takes.
ANSWERS_IN_S = 0.05


def measure(quick: bool) -> list[Figure]:
    """The form of one server after the other, each for the first time: nothing about it is remembered."""
    count = 8 if quick else 40
    with portal(UNBOUND) as running:
        running.start_cloud(servers=2 * count + 10, speed=1)
        slow: list[dict[str, object]] = [{"match": {}, "times": None, "do": "delay", "seconds": ANSWERS_IN_S}]
        requests.post(f"{running.cloud}/_sim/faults", json=slow, timeout=10).raise_for_status()
        running.serve()
        person = running.person()
        taken = []
        for server_id, _ in person.usable_servers():
            begun = time.perf_counter()
            page = person.session.get(f"{running.url}/servers/{server_id}/reinstall/", timeout=30)
            # A server without a key pair of its own has a form that asks for the login first.
            if "Asked the cloud just now." in page.text:
                taken.append((time.perf_counter() - begun) * 1000)
        if len(taken) < count // 2:
            raise Failed(f"only {len(taken)} forms were fresh from the cloud")
    shown = median_of("form page with its checks, a cloud that answers in 50 ms", taken[1:], "ms")
    return [
        shown,
        Figure("the same, p95", shown.p95 or 0.0, "ms", GOAL_MS, shown.n),
        Figure("the first form after the start", taken[0], "ms"),
    ]
