"""The fault run in small: the same program as `make faults`, one seed each."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.concurrency.conftest import free_port
from tests.concurrency.stack import Stack, running_stack, wait_until
from tests.concurrency.test_stacks import numbers

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.slow


def fault_run(*arguments: str) -> dict[str, Any]:
    """The result of one run. AssertionError with its whole output when a promise was broken."""
    env = {
        name: value for name, value in os.environ.items() if not name.startswith(("ECSPORTAL_", "DJANGO_"))
    }
    done = subprocess.run(
        [sys.executable, "-m", "tests.faults", *arguments],
        cwd=ROOT, env=env | {"FAULTS_SHOW": "1"}, text=True, capture_output=True, check=False, timeout=280,
    )  # fmt: skip
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    found = re.search(r"^RESULT (.*)$", done.stdout, re.MULTILINE)
    assert found is not None, done.stdout
    result: dict[str, Any] = json.loads(found.group(1))
    return result


@pytest.mark.timeout(300)
def test_F10_F29_sixty_jobs_survive_their_workers_deaths() -> None:
    result = fault_run("--quick")
    assert (result["jobs"], result["checked"]) == (60, 10)
    assert (result["accepted_twice"], result["wrong_labels"], result["forgotten"]) == (0, 0, 0)
    # A run in which nothing died, or no call met a fault, would prove nothing.
    assert result["kills"] >= 40
    assert result["mid_call"] >= 3
    assert result["faults"] >= 30
    assert result["accepted"] >= 5


@pytest.mark.postgres
@pytest.mark.redis
@pytest.mark.timeout(300)
def test_F14_F25_F27_postgres_and_redis_are_restarted_in_mid_run() -> None:
    result = fault_run("--only", "postgres-redis", "--seeds", "1", "--jobs", "12", "--storm", "25")
    assert result["database"] == "postgresql"
    # PostgreSQL three times, Redis emptied twice and restarted once, a broker that says nothing once.
    assert result["restarts"] == 7
    assert result["jobs"] == 12
    assert (result["accepted_twice"], result["wrong_labels"], result["forgotten"]) == (0, 0, 0)


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    with running_stack("embedded", tmp_path, {}, port=free_port(), speed=60, servers=100) as running:
        yield running


@pytest.mark.timeout(200)
def test_F71_told_to_stop_with_twenty_jobs_in_flight_then_killed(stack: Stack) -> None:
    ids = numbers(stack.order(stack.free_servers(20)))
    wait_until(lambda: len(stack.accepted()) >= 5, "some of the calls to arrive", stack.output)
    (portal,) = [process for process in stack.processes if process.name != "simulator"]
    os.kill(portal.popen.pid, signal.SIGTERM)
    try:
        portal.popen.wait(timeout=1)
    except subprocess.TimeoutExpired:
        os.kill(portal.popen.pid, signal.SIGKILL)
    portal.end()
    stack.processes.remove(portal)
    stack.start_portal()
    jobs = stack.settled(ids)
    accepted = [row["server_id"] for row in stack.accepted()]
    assert len(accepted) == len(set(accepted)), "a server was accepted twice"
    assert {job["state"] for job in jobs} <= {"succeeded", "attention"}, [job["state"] for job in jobs]
    for job in jobs:
        assert job["state"] == "succeeded" or job["server"]["id"] not in accepted, job
