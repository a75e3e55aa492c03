"""Placing orders and sending them: ten thousand servers at once, calls per core, more worker processes."""

import json
import secrets
import time
from typing import Any

import requests

from benchmarks.databases import own_postgres
from benchmarks.figures import Figure
from benchmarks.portal import Portal, portal
from benchmarks.processes import Failed, output_of, python, start

PLACED_GOAL_S, SCALE_GOAL = 5.0, 1.7
#: Budgets that bind nobody: what is measured is the portal.
UNBOUND = {"ECSPORTAL_CALLS_PER_SECOND": "submit=9000,evidence=9000,poll=20", "ECSPORTAL_LOG_LEVEL": "ERROR"}
#: Reinstalls that outlast the measurement.
SCENARIO = {"job_median_s": 3000.0}
#: A real cloud's answer takes this long; on loopback it would take nothing, and cores would be compared.
CLOUD_S = 0.25


def measure(quick: bool) -> list[Figure]:
    """An order over REST, then sending on one core, then sending by several processes on PostgreSQL."""
    many, calls = (1_000, 200) if quick else (10_000, 1_000)
    return [*_placed(many), *_one_core(calls), *_several(quick)]


def _placed(count: int) -> list[Figure]:
    with portal(UNBOUND) as running:
        running.start_cloud(servers=_servers(count), speed=1, scenario=SCENARIO)
        running.manage("freeze", "on", "--reason", "only placing is measured")
        running.serve()
        body, headers = _order(running, count), {"Authorization": f"Bearer {running.token()}"}
        begun = time.perf_counter()
        answer = requests.post(
            f"{running.url}/api/v1/orders/",
            json=body,
            headers={**headers, "Idempotency-Key": secrets.token_hex(8)},
            timeout=120,
        )
        took = time.perf_counter() - begun
        if answer.status_code != 201:
            raise Failed(f"the order was answered {answer.status_code}: {answer.text[:500]}")
        ((entries,),) = running.query(
            "SELECT COUNT(*) FROM reinstall_auditevent WHERE action IN ('job.queued', 'order.placed')"
        )
    about = f"order of {count:,} servers over REST"
    return [
        Figure(f"{about}: answered, all of it committed", took, "s", PLACED_GOAL_S),
        Figure(f"{about}: audit entries in the same transaction", entries, ""),
    ]


def _order(running: Portal, count: int) -> dict[str, Any]:
    keys = running.query("SELECT name, userid FROM reinstall_keypair ORDER BY name LIMIT 1")
    chosen = running.query(
        "SELECT id FROM reinstall_server WHERE NOT locked AND NOT temporary AND gone_at IS NULL LIMIT ?",
        count,
    )
    if len(chosen) < count:
        raise Failed(f"the simulated cloud has {len(chosen)} servers to choose from, {count} are needed")
    return {
        "project": "shop-prod",
        "servers": [row[0] for row in chosen],
        "spec": {"keyname": keys[0][0], "userid": keys[0][1], "mode": "withStopServer", "encrypted": False},
        "reason": "bench",
        "confirm": f"wipe {count} servers",
    }


def _one_core(calls: int) -> list[Figure]:
    with portal(UNBOUND) as running:
        running.start_cloud(servers=_servers(calls), speed=1, scenario=SCENARIO)
        _inside(running, "place", calls)
        sent = _inside(running, "send", calls)
        ledger = requests.get(f"{running.cloud}/_sim/ledger", timeout=60).json()
        received = sum(not row["path"].startswith("/_sim") for row in ledger["requests"])
        accepted = len(ledger["accepted"])
    about = f"{calls:,} queued jobs, one worker process, SQLite"
    return [
        Figure(f"{about}: accepted by the cloud", accepted, "", n=calls),
        Figure(
            f"{about}: processor time of a job, from the last look to the answer",
            sent["cpu_ms"] / calls,
            "ms",
        ),
        Figure(f"{about}: reinstalls sent per second of a core", 1000 * calls / sent["cpu_ms"], "/s"),
        Figure(f"{about}: reinstalls sent per second of the clock", 1000 * calls / sent["wall_ms"], "/s"),
        Figure(f"{about}: calls to the cloud for each", received / calls, ""),
    ]


def _several(quick: bool) -> list[Figure]:
    calls = 60 if quick else 240
    rates = {processes: _rate(processes, calls) for processes in ((1, 2) if quick else (1, 2, 4))}
    about = f"{calls} queued jobs, PostgreSQL, a cloud that takes {CLOUD_S * 1000:.0f} ms to answer"
    figures = [
        Figure(f"{about}: sent per second by {processes} worker processes", rate, "/s")
        for processes, rate in rates.items()
    ]
    return figures + [
        # At least so much is wanted; a figure's goal is the most it may be.
        Figure(f"{about}: {less} processes over {more}", rates[less] / rates[more], "x", 1 / SCALE_GOAL)
        for less, more in ((1, 2), (2, 4))
        if more in rates
    ]


def _rate(processes: int, calls: int) -> float:
    """Calls a second that so many worker processes make together, first intent to last answer."""
    with own_postgres() as database, portal({**UNBOUND, **database}) as running:
        running.start_cloud(servers=_servers(calls), speed=1, scenario=SCENARIO)
        _inside(running, "place", calls)
        slow = [{"match": {"path": "*"}, "times": None, "do": "delay", "seconds": CLOUD_S}]
        requests.post(f"{running.cloud}/_sim/faults", json=slow, timeout=10).raise_for_status()
        command = python("-m", "benchmarks.submitters", "send", str(calls))
        workers = [start(f"worker {n}", command, env=running.env) for n in range(processes)]
        running.processes += workers
        for worker in workers:
            if worker.popen.wait(timeout=320):
                raise Failed("\n".join([f"{worker.name} failed", *worker.lines[-20:]]))
        told = _inside(running, "told", calls)
        # A few servers are refused by the cloud for what they are; none may be taken twice.
        if told["accepted"] < 0.9 * calls or told["servers"] != told["accepted"]:
            raise Failed(f"{calls} jobs were placed, {told} came of them")
        return float(told["accepted"] / told["seconds"])


def _inside(running: Portal, what: str, count: int) -> dict[str, Any]:
    command = python("-m", "benchmarks.submitters", what, str(count))
    found: dict[str, Any] = json.loads(output_of(command, env=running.env).splitlines()[-1])
    return found


def _servers(wanted: int) -> int:
    """A few servers cannot be reinstalled."""
    return wanted + wanted // 8 + 100
