"""From the click on the form's button to the reinstall at the cloud, embedded default."""

import random
import time
from datetime import datetime

from benchmarks.figures import Figure, median_of
from benchmarks.pages import Person, Sent
from benchmarks.portal import Portal, portal
from benchmarks.processes import Failed

GOAL_MS = 300.0
PATIENCE_S = 30.0


def measure(quick: bool) -> list[Figure]:
    """One person places jobs one after the other; earlier ones are still being followed meanwhile."""
    count = 10 if quick else 30
    with portal() as running:
        running.start_cloud(servers=3 * count + 10, speed=60)
        running.serve()
        person = running.person()
        chosen = person.usable_servers()[: count + 1]
        if len(chosen) <= count:
            raise Failed(
                f"the simulated cloud has {len(chosen)} servers to choose from, {count + 1} are needed"
            )
        sent = [(server_id, _place(person, server_id, name)) for server_id, name in chosen]
        arrived = _arrivals(running, {server_id for server_id, _ in sent})
    travel = [(arrived[server_id] - one.at) * 1000 for server_id, one in sent]
    # The first job of a process imports and connects what the later ones find ready.
    return [
        median_of("form POST to the reinstall at the cloud", travel[1:], "ms", GOAL_MS),
        median_of("form POST to its own answer", [one.reply_ms for _, one in sent[1:]], "ms"),
        Figure("form POST to the reinstall, first job after the start", travel[0], "ms"),
    ]


def _place(person: Person, server_id: str, name: str) -> Sent:
    sent = person.send_form(server_id, person.open_form(server_id, name))
    # Uneven pauses, so that no click keeps step with the engine's sweep of once a second.
    time.sleep(random.uniform(0.3, 0.8))
    return sent


def _arrivals(running: Portal, wanted: set[str]) -> dict[str, float]:
    """Server id -> when its reinstall arrived, seconds since 1970. Raises Failed when one does not."""
    give_up = time.monotonic() + PATIENCE_S
    found: dict[str, float] = {}
    while time.monotonic() < give_up:
        found = {
            row["server_id"]: datetime.fromisoformat(row["at"]).timestamp() for row in running.accepted()
        }
        if wanted <= found.keys():
            return found
        time.sleep(0.2)
    missing = ", ".join(sorted(wanted - found.keys()))
    raise Failed(f"no reinstall arrived in {PATIENCE_S:.0f} s for {missing}")
