"""What each worker process does beside Celery: its own ticker, and leaving without breaking a step off."""

import logging
import os
import signal
import threading
from typing import Any

from celery import signals
from django.db import DatabaseError, connection

from ecsportal.ticker import Ticker
from reinstall import tasks
from reinstall.models.clock import database_now
from reinstall.services import claims, engine, guards, outbox, stopping, wake

log = logging.getLogger(__name__)

#: From SIGTERM to the end of the process, at most; orchestrators are told to wait 90 s.
LEAVE_WITHIN_S = 75.0
_ticker: Ticker | None = None
_controller: Any = None


def start_ticker() -> Ticker:
    """The ticker of this process; made once in each."""
    global _ticker
    if _ticker is None:
        _ticker = Ticker(beat=_tick, work=(_sweep, _deliver, _sync))
        _ticker.start()
    return _ticker


def _tick() -> None:
    now = database_now()
    engine.ticked(now=now)
    guards.look_back(now=now)


def _sweep() -> None:
    if not guards.standing_by():
        tasks.sweep()


def _deliver() -> None:
    """The first receiver of events: live pages, also those of a process that missed the bell."""
    outbox.deliver_due(clock=database_now, owner=claims.owner(), send=_ring)


def _sync() -> None:
    if not guards.standing_by():
        tasks.sync_due()


def _ring(event: outbox.Event) -> None:
    wake.job_changed.send(sender=None, job_id=event.job_id)


def leave(wait_s: float = LEAVE_WITHIN_S) -> bool:
    """Takes no further job and waits for the steps under way. False when they were not over in time."""
    done = stopping.drain(wait_s)
    if _ticker is not None:
        _ticker.stop()
    return done


@signals.worker_init.connect
def _worker_begins(sender: Any, **_: Any) -> None:
    """The parent of the pool: refuses to begin for another installation's database."""
    global _controller
    _controller = sender
    try:
        refusal = guards.refusal_to_start()
    except DatabaseError as error:
        # Away for a moment: the workers find it by themselves, and arm nothing before they have looked.
        log.warning("the database does not answer yet (%s)", type(error).__name__)
        refusal = ""
    finally:
        _let_go()
    if refusal:
        raise SystemExit(refusal)


def _let_go() -> None:
    """Nothing of the parent's connection may be carried into its children."""
    connection.close()
    if connection.vendor == "postgresql":
        connection.close_pool()  # type: ignore[attr-defined]


@signals.worker_process_init.connect
def _child_begins(**_: Any) -> None:
    global _ticker
    _ticker = None
    start_ticker()
    signal.signal(signal.SIGTERM, _told_to_leave)


def _told_to_leave(_signum: int, _frame: object) -> None:
    # A handler interrupts anything, a lock being held included: only start a thread here.
    threading.Thread(target=_leave_by_ourselves, name="leaving", daemon=True).start()


def _leave_by_ourselves() -> None:
    """The parent ends this child once its task is over; where it does not, the child goes alone."""
    leave()
    threading.Event().wait(2.0)
    os._exit(0)


@signals.task_postrun.connect
def _task_over(task: Any, **_: Any) -> None:
    """Back into the pool, where the next to take it sees whether it still lives."""
    if not task.request.is_eager:
        connection.close()


@signals.worker_process_shutdown.connect
def _child_ends(**_: Any) -> None:
    leave()


@signals.worker_ready.connect
def _ready(sender: Any, **_: Any) -> None:
    """Pools without children (threads, solo) have the ticker in the worker itself."""
    if not _children(getattr(sender, "controller", None)):
        start_ticker()


@signals.worker_shutting_down.connect
def _worker_ends(**_: Any) -> None:
    for pid in _children(_controller):
        with_child = threading.Thread(target=_tell, args=(pid,), daemon=True)
        with_child.start()
    if not _children(_controller):
        threading.Thread(target=leave, name="leaving", daemon=True).start()


def _tell(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGTERM)
    except ProcessLookupError:
        return


def _children(controller: Any) -> list[int]:
    """Pids of the pool's processes; none for pools of threads."""
    pool = getattr(getattr(controller, "pool", None), "_pool", None)
    return [process.pid for process in getattr(pool, "_pool", None) or () if hasattr(process, "pid")]
