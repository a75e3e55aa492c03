"""Real processes: a queue that is dead or silent, no beat, a stop in mid call, a copy."""

import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.concurrency.conftest import free_port
from tests.concurrency.stack import ROOT, Stack, _environment, own_database, running_stack, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

WORKER = ("-m", "celery", "-A", "ecsportal", "worker", "--concurrency", "1", "--without-gossip")


@contextmanager
def one_worker(data_dir: Path, broker: str) -> Iterator[Stack]:
    """Web and one worker on SQLite, no beat, with whatever answers at `broker`."""
    env = _environment(data_dir, {"ECSPORTAL_BROKER_URL": broker})
    stack = Stack("one worker", data_dir, env, free_port())
    try:
        stack.start_simulator(speed=60, servers=40)
        stack.manage("migrate", "--verbosity", "0")
        stack.fill()
        stack._start("-m", "uvicorn", "ecsportal.asgi:application", "--port", str(stack.port))
        stack._start(*WORKER)
        wait_until(stack._ready, "the portal to be ready", stack.output)
        yield stack
    finally:
        stack.end()


def test_F24_F30_with_a_dead_broker_and_no_beat_a_form_answers_at_once_and_the_job_runs(
    tmp_path: Path,
) -> None:
    with one_worker(tmp_path, f"redis://127.0.0.1:{free_port()}/0") as stack:
        begun = time.monotonic()
        placed = stack.order(stack.free_servers(3))
        assert time.monotonic() - begun < 3
        jobs = stack.settled([job["id"] for job in placed["jobs"]])
        assert [job["state"] for job in jobs] == ["succeeded"] * 3, stack.output()
        assert len(stack.accepted()) == 3


def test_F27_a_broker_that_takes_connections_and_says_nothing_costs_seconds(tmp_path: Path) -> None:
    silent = socket.create_server(("127.0.0.1", 0), backlog=50)
    broker = f"redis://127.0.0.1:{silent.getsockname()[1]}/0"
    with silent, one_worker(tmp_path, broker) as stack:
        begun = time.monotonic()
        placed = stack.order(stack.free_servers(1))
        first = time.monotonic() - begun
        begun = time.monotonic()
        again = stack.order(stack.free_servers(1))
        second = time.monotonic() - begun
        jobs = stack.settled([job["id"] for order in (placed, again) for job in order["jobs"]])
        assert [job["state"] for job in jobs] == ["succeeded"] * 2, stack.output()
    assert first < 12, "one wait for the silent broker"
    assert second < 3, "and none after it"


def test_F71_a_stop_in_mid_call_finishes_the_step_and_loses_nothing(tmp_path: Path) -> None:
    with running_stack("embedded", tmp_path, {}, port=free_port(), speed=60, servers=40) as stack:
        slow = {"match": {"method": "POST", "path": "*/reinstallos"}, "times": 1, "do": "delay", "seconds": 4}
        stack.faults(slow)
        (job,) = stack.order(stack.free_servers(1))["jobs"]
        wait_until(
            lambda: stack.job(job["id"])["state"] == "submitting", "the call to be on the wire", stack.output
        )
        (portal,) = [process for process in stack.processes if process.name != "simulator"]
        begun = time.monotonic()
        portal.popen.send_signal(signal.SIGTERM)
        portal.popen.wait(timeout=90)
        assert time.monotonic() - begun > 1, "it waited for the answer"
        stack.processes.remove(portal)
        portal.end()
        stack.start_portal()
        (done,) = stack.settled([job["id"]])
        assert done["state"] == "succeeded"
        assert [attempt["verdict"] for attempt in done["attempts"]] == ["accepted"]
        assert len(stack.accepted()) == 1


def test_F19_a_copy_does_not_start(tmp_path: Path) -> None:
    env = _environment(tmp_path, {"ECSPORTAL_DEPLOYMENT_ID": "production"})
    stack = Stack("copy", tmp_path, env, free_port())
    stack.manage("migrate", "--verbosity", "0")
    stack.manage(
        "shell", "--no-imports", "-c", "from reinstall.services import guards; guards.refusal_to_start()"
    )
    copied = env | {"ECSPORTAL_DEPLOYMENT_ID": "staging"}
    for command in (("manage.py", "serve", "--port", str(free_port())), WORKER):
        ended = subprocess.run(
            [sys.executable, *command],
            cwd=ROOT, env=copied, text=True, capture_output=True, timeout=60, check=False,
        )  # fmt: skip
        assert ended.returncode != 0
        assert "belongs to deployment 'production'" in ended.stderr + ended.stdout


@pytest.mark.postgres
def test_F17_F23_another_timeline_stops_arming_and_a_read_only_database_is_not_ready(
    tmp_path: Path, postgres_url: str
) -> None:
    with own_database(postgres_url, f"portal_guard_{secrets.token_hex(4)}") as database:
        stack = Stack(
            "pg", tmp_path, _environment(tmp_path, {"ECSPORTAL_DATABASE_URL": database}), free_port()
        )
        stack.manage("migrate", "--verbosity", "0")
        look = (
            "from reinstall.models.clock import database_now as t; from reinstall.services import guards; "
            "from reinstall.selectors.guards import active_guards as g; "
            "from reinstall.models import SystemFlag; "
        )
        shell = ("shell", "--no-imports", "-c")
        assert stack.manage(*shell, f"{look} guards.look_back(now=t()); print(len(g()))") == "0"
        changed = "SystemFlag.objects.filter(name='timeline').update(value={'id': '00000099'}); "
        said = stack.manage(*shell, f"{look}{changed} guards.look_back(now=t()); print(g()[0])")
        assert "and was on 00000099: a standby took over" in said
        stack.manage("after_restore", "--reason", "promoted")
        assert stack.manage(*shell, f"{look} guards.look_back(now=t()); print(len(g()))") == "0"
        stack.env["PGOPTIONS"] = "-c default_transaction_read_only=on"
        ready = "from reinstall.selectors.health import readiness; from django.utils.timezone import now; "
        assert "read-only" in stack.manage(*shell, f"{ready} print(readiness(now()).problems)")
