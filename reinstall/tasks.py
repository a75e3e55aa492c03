"""Celery door: one call each. Arguments are ids; others are ignored, so old workers survive new callers."""

import logging
import os
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from celery import shared_task
from django.db import close_old_connections, connection

from reinstall.models.clock import database_now
from reinstall.services import engine, idempotency

log = logging.getLogger(__name__)

#: Jobs one sweep moves at a time; each waits for the cloud most of its time.
SIDE_BY_SIDE = 8
#: After a hint could not be queued, none is tried for this long: a form never waits twice for a dead broker.
PAUSE_S = 30.0

_sweeping = threading.Lock()
_pool: ThreadPoolExecutor | None = None
_quiet_until = 0.0


@shared_task(name="reinstall.advance")
def advance_job(job_id: int, **_: Any) -> None:
    """A hint that this job may be due."""
    engine.advance(job_id=job_id, clock=database_now, owner=_owner())


@shared_task(name="reinstall.sweep")
def sweep(**_: Any) -> None:
    """Moves every due job a step; what lost hints left behind is found here."""
    if not _sweeping.acquire(blocking=False):
        return
    try:
        now = database_now()
        engine.ticked(now=now)
        list(_side_by_side().map(_advance_here, engine.due_jobs(now=now)))
    finally:
        _sweeping.release()


@shared_task(name="reinstall.tidy")
def tidy(**_: Any) -> None:
    """Drops what is kept for a while only."""
    idempotency.forget_old(now=database_now())


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
        engine.advance(job_id=job_id, clock=database_now, owner=_owner())
    except Exception:
        log.exception("job %s could not be moved", job_id)
    finally:
        connection.close()


def _side_by_side() -> ThreadPoolExecutor:
    """Made on first use, so that each forked worker has threads of its own."""
    global _pool
    if _pool is None:
        _pool = ThreadPoolExecutor(SIDE_BY_SIDE, thread_name_prefix="sweep")
    return _pool


def _owner() -> str:
    return f"{socket.gethostname()[:40]}:{os.getpid()}:{threading.get_ident()}"
