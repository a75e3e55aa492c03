"""Celery door: one call each. Arguments are ids; others are ignored, so old workers survive new callers."""

import logging
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from celery import shared_task
from django.db import close_old_connections, connection

from reinstall.models.clock import StepClock, database_now
from reinstall.services import (
    anchoring,
    engine,
    forgetting,
    idempotency,
    inventory,
    outbox,
    selections,
    sessions,
    syncruns,
    throttles,
    tries,
    turns,
    verification,
    watching,
)
from reinstall.services.claims import owner

log = logging.getLogger(__name__)

#: Jobs one sweep moves at a time; each waits for the cloud most of its time.
SIDE_BY_SIDE = 8
#: Running jobs one watcher asks about at a time.
ASKED_AT_ONCE = 16
#: Readings of the inventory at a time in this process; syncruns.AT_ONCE is for all processes together.
READ_AT_ONCE = 2
#: Seconds between two looks for projects that are due to be read.
SCHEDULE_S = 10.0
#: After a hint could not be queued, none is tried for this long: a form never waits twice for a dead broker.
PAUSE_S = 30.0

_sweeping = threading.Lock()
_watching = threading.Lock()
_making = threading.Lock()
_reading = threading.BoundedSemaphore(READ_AT_ONCE)
_pools: dict[str, ThreadPoolExecutor] = {}
_quiet_until = 0.0
_scheduled_at = float("-inf")


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


@shared_task(name="reinstall.sync")
def sync(run_id: int, **_: Any) -> None:
    """A hint that somebody asked for this reading of the inventory."""
    if _reading.acquire(blocking=False):
        try:
            inventory.read_run(run_id=run_id, owner=owner(), clock=StepClock())
        finally:
            _reading.release()


def sync_due() -> None:
    """Begins the readings that wait, each in a thread of its own, and returns at once.

    Called by the ticker of each worker process: what was asked for is read without a broker as well.
    """
    global _scheduled_at
    if time.monotonic() - _scheduled_at > SCHEDULE_S:
        _scheduled_at = time.monotonic()
        now = database_now()
        syncruns.end_dead(now=now)
        syncruns.schedule(now=now)
    for run_id in syncruns.waiting():
        if not _reading.acquire(blocking=False):
            return
        try:
            _threads("sync", READ_AT_ONCE).submit(_read_here, run_id)
        except BaseException:
            _reading.release()
            raise


def _read_here(run_id: int) -> None:
    close_old_connections()
    try:
        inventory.read_run(run_id=run_id, owner=owner(), clock=StepClock())
    except Exception:
        log.exception("the inventory of run %s could not be read", run_id)
    finally:
        connection.close()
        _reading.release()


@shared_task(name="reinstall.tidy")
def tidy(**_: Any) -> None:
    """Drops what is kept for a while only. Anchors the audit history, and verifies it once a day."""
    now = database_now()
    idempotency.forget_old(now=now)
    outbox.forget_old(now=now)
    selections.forget_old(now=now)
    sessions.forget_ended_sessions(now=now)
    tries.forget_tries(now=now)
    syncruns.forget_old(now=now)
    forgetting.forget_secrets(now=now)
    throttles.forget_old(now=now)
    anchoring.drop_anchor(now=now)
    verification.verify_due(now=now)


def hint(job_id: int) -> None:
    """Queues `advance_job`, once, quickly. Failing is allowed: the sweep finds the row within seconds."""
    _queue(advance_job, job_id)


def hint_sync(run_id: int) -> None:
    """Queues `sync` as `hint` does; the ticker finds the row too."""
    _queue(sync, run_id)


def _queue(task: Any, key: int) -> None:
    global _quiet_until
    if time.monotonic() < _quiet_until:
        return
    try:
        task.apply_async(args=(key,), retry=False, expires=60)
    except Exception as error:
        _quiet_until = time.monotonic() + PAUSE_S
        log.warning("the broker did not take a hint (%s); the sweep finds the row", type(error).__name__)


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
