"""From the click on the form's button to the reinstall at the cloud: embedded, PostgreSQL and Redis."""

import json
import random
import time
from collections.abc import Mapping

from benchmarks.databases import own_postgres, redis_settings
from benchmarks.figures import Figure, median_of
from benchmarks.pages import Person, Sent
from benchmarks.portal import Portal, portal
from benchmarks.processes import Failed, output_of, python

GOAL_MS = 300.0
#: Beyond the cloud's own round trips.
OWN_EMBEDDED_MS, OWN_APART_MS, OWN_APART_P95_MS, REPLY_P95_MS = 150.0, 30.0, 60.0, 20.0
PATIENCE_S = 30.0


def measure(quick: bool) -> list[Figure]:
    """One person places jobs one after the other; earlier ones are still being followed meanwhile."""
    count = 10 if quick else 30
    with portal() as running:
        running.start_cloud(servers=3 * count + 10, speed=60)
        running.serve()
        embedded = _clicks(running, count)
    figures = _told("embedded", embedded, OWN_EMBEDDED_MS, None)
    with own_postgres() as database, portal({**database, **redis_settings()}) as running:
        running.start_cloud(servers=3 * count + 10, speed=60)
        running.serve_apart()
        apart = _clicks(running, count)
    return figures + _told("PostgreSQL, Redis, separate processes", apart, OWN_APART_MS, OWN_APART_P95_MS)


def _clicks(running: Portal, count: int) -> list[tuple[Sent, Mapping[str, float]]]:
    """What was sent, and what came of it: arrived (seconds since 1970), round_trips_ms."""
    person = running.person()
    chosen = person.usable_servers()[: count + 1]
    if len(chosen) <= count:
        raise Failed(f"the simulated cloud has {len(chosen)} servers to choose from, {count + 1} are needed")
    sent = [_place(person, server_id, name) for server_id, name in chosen]
    give_up = time.monotonic() + PATIENCE_S
    while time.monotonic() < give_up:
        told = json.loads(output_of(python("-m", "benchmarks.submitters", "clicks", "0"), env=running.env))
        if all(str(one.job) in told for one in sent):
            return [(one, told[str(one.job)]) for one in sent]
        time.sleep(0.5)
    raise Failed(f"of {len(sent)} reinstalls {len(told)} were accepted in {PATIENCE_S:.0f} s")


def _told(
    about: str, clicks: list[tuple[Sent, Mapping[str, float]]], goal_ms: float, p95_goal_ms: float | None
) -> list[Figure]:
    """The goals are those of the portal's own part."""
    travel = [(told["accepted"] - one.at) * 1000 for one, told in clicks]
    own = [whole - told["round_trips_ms"] for whole, (_, told) in zip(travel, clicks, strict=True)]
    replies = median_of(
        f"{about}: form POST to its own answer", [one.reply_ms for one, _ in clicks[1:]], "ms"
    )
    overhead = median_of(f"{about}: of this, without the cloud's round trips", own[1:], "ms", goal_ms)
    # The first job of a process imports and connects what the later ones find ready.
    return [
        median_of(f"{about}: form POST to accepted by the cloud", travel[1:], "ms", GOAL_MS),
        overhead,
        Figure(f"{about}: the same, p95", overhead.p95 or 0.0, "ms", p95_goal_ms, overhead.n),
        replies,
        Figure(f"{about}: the same, p95", replies.p95 or 0.0, "ms", REPLY_P95_MS, replies.n),
        Figure(f"{about}: form POST to accepted, first job after the start", travel[0], "ms"),
    ]


def _place(person: Person, server_id: str, name: str) -> Sent:
    sent = person.send_form(server_id, person.open_form(server_id, name))
    # Uneven pauses, so that no click keeps step with the engine's sweep of once a second.
    time.sleep(random.uniform(0.3, 0.8))
    return sent
