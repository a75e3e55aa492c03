"""Celery door: one call each. Arguments are ids; others are ignored, so old workers survive new callers."""

import logging
import os
import socket
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from celery import shared_task
from django.db import close_old_connections, connection

from reinstall.models.clock import StepClock, database_now
from reinstall.services import accounts, engine, forgetting, idempotency, outbox, selections, turns, watching

log = logging.getLogger(__name__)

#: Jobs one sweep moves at a time; each waits for the cloud most of its time.
SIDE_BY_SIDE = 8
#: Running jobs one watcher asks about at a time.
ASKED_AT_ONCE = 16
#: After a hint could not be queued, none is tried for this long: a form never waits twice for a dead broker.
PAUSE_S = 30.0

_sweeping = threading.Lock()
_watching = threading.Lock()
_making = threading.Lock()
_pools: dict[str, ThreadPoolExecutor] = {}
_quiet_until = 0.0


@shared_task(name="reinstall.advance")
def advance_job(job_id: int, **_: Any) -> None:
    """A hint that this job may be due."""
    engine.advance(job_id=job_id, clock=StepClock(), owner=owner())


@shared_task(name="reinstall.sweep")
def sweep(**_: Any) -> None:
    """Moves every due job a step; what lost hints left behind is found here. Watches running jobs beside it.

    A step that hangs at the cloud holds up the next sweep, but not the watching: that has its own thread.
    """
    watching_now = _start_watching()
    if _sweeping.acquire(blocking=False):
        try:
            now = database_now()
            engine.ticked(now=now)
            due = turns.due(now=now)
            alone = turns.suspects(due)
            list(_side_by_side().map(_advance_here, [job_id for job_id in due if job_id not in alone]))
            for job_id in filter(alone.__contains__, due):
                _advance_here(job_id)
        finally:
            _sweeping.release()
    if watching_now is not None:
        watching_now.result()


@shared_task(name="reinstall.tidy")
def tidy(**_: Any) -> None:
    """Drops what is kept for a while only."""
    now = database_now()
    idempotency.forget_old(now=now)
    outbox.forget_old(now=now)
    selections.forget_old(now=now)
    accounts.forget_ended_sessions(now=now)
    forgetting.forget_secrets(now=now)


def hint(job_id: int) -> None:
    """Queues `advance_job`, once, quickly. Failing is allowed: the sweep finds the row within seconds."""
    global _quiet_until
    if time.monotonic() < _quiet_until:
        return
    try:
        advance_job.apply_async(args=(job_id,), retry=False, expires=60)
    except Exception as error:
        _quiet_until = time.monotonic() + PAUSE_S
        log.warning("the broker did not take a hint (%s); the sweep finds the job", type(error).__name__)


def _advance_here(job_id: int) -> None:
    close_old_connections()
    try:
        engine.advance(job_id=job_id, clock=StepClock(), owner=owner())
    except Exception:
        log.exception("job %s could not be moved", job_id)
    finally:
        connection.close()


def _start_watching() -> "Future[None] | None":
    """A look at the running jobs, begun in its own thread; None while the last one still goes on."""
    if not _watching.acquire(blocking=False):
        return None
    try:
        return _threads("watch", 1).submit(_watch_here)
    except BaseException:
        _watching.release()
        raise


def _watch_here() -> None:
    close_old_connections()
    try:
        watching.watch(clock=StepClock(), owner=owner(), pool=_threads("ask", ASKED_AT_ONCE))
    except Exception:
        log.exception("the running jobs could not be watched")
    finally:
        connection.close()
        _watching.release()


def _side_by_side() -> ThreadPoolExecutor:
    return _threads("sweep", SIDE_BY_SIDE)


def _threads(name: str, count: int) -> ThreadPoolExecutor:
    """Made on first use, so that each forked worker has threads of its own."""
    with _making:
        if name not in _pools:
            _pools[name] = ThreadPoolExecutor(count, thread_name_prefix=name)
        return _pools[name]


def owner() -> str:
    """Who holds a claim: host, process and thread."""
    return f"{socket.gethostname()[:40]}:{os.getpid()}:{threading.get_ident()}"
