"""A worker of its own process that takes one turn at a job and dies, or freezes, at a crash point.

The child is forked, so it needs rows that are committed: tests with it use `transaction=True`.
"""

import logging
import os
import resource
import signal
import time
from collections.abc import Callable
from pathlib import Path

from django.conf import settings
from django.db import connections

from reinstall.models import Job
from reinstall.services import engine, links
from tests.reinstall.conftest import Clock

_alive: set[int] = set()


def _forked(turn: Callable[[], None]) -> int:
    """The pid of a child that does `turn` and ends with 0, or 3 where that raised."""
    connections.close_all()
    pid = os.fork()
    if pid:
        _alive.add(pid)
        return pid
    status = 3
    try:
        links.forget_sessions()
        turn()
        status = 0
    finally:
        os._exit(status)


def started(job: Job, clock: Clock, plan: str = "", log: Path | None = None) -> int:
    """The pid of a child taking one turn at the job, with `plan` as its crash points."""

    def turn() -> None:
        settings.FAULT_INJECTION = plan
        if log is not None:
            handler = logging.FileHandler(log)
            logging.getLogger("reinstall").addHandler(handler)
            logging.getLogger("reinstall").setLevel(logging.INFO)
        engine.advance(job_id=job.pk, clock=clock, owner="child")

    return _forked(turn)


def ended(pid: int) -> int:
    """How the child ended: an exit status, or minus the signal."""
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    _alive.discard(pid)
    return status


def end_all() -> None:
    """Kills the children a test that failed has left behind; a frozen one would keep its pipes open."""
    while _alive:
        pid = _alive.pop()
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def dies_at(point: str, job: Job, clock: Clock, log: Path | None = None) -> None:
    """One turn of a worker that is killed at `point`."""
    assert ended(started(job, clock, f"{point}:1", log)) == -signal.SIGKILL
    job.refresh_from_db()


def frozen_at(point: str, job: Job, clock: Clock) -> int:
    """The pid of a worker that was stopped at `point` and is not dead."""
    pid = started(job, clock, f"{point}/stop:1")
    _, status = os.waitpid(pid, os.WUNTRACED)
    assert os.WIFSTOPPED(status), status
    job.refresh_from_db()
    return pid


def thawed(pid: int) -> int:
    """Lets a frozen worker go on; how it ended."""
    os.kill(pid, signal.SIGCONT)
    return ended(pid)


def killed_when(seen: Callable[[], bool], pid: int) -> None:
    """Kills the child as soon as `seen` says so."""
    deadline = time.monotonic() + 20
    while not seen():
        assert time.monotonic() < deadline, "what was waited for did not happen"
        time.sleep(0.01)
    os.kill(pid, signal.SIGKILL)
    assert ended(pid) == -signal.SIGKILL


def growth_in_mb(job: Job, clock: Clock) -> float:
    """How much more memory a worker's process took at its peak, for one turn at the job."""
    inlet, outlet = os.pipe()

    def turn() -> None:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        engine.advance(job_id=job.pk, clock=clock, owner="child")
        after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        os.write(outlet, str(after - before).encode())

    pid = _forked(turn)
    os.close(outlet)
    with os.fdopen(inlet, "rb") as pipe:
        said = pipe.read()
    assert ended(pid) == 0
    return int(said) / 1024
