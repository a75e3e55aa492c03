"""The embedded portal: web, Celery worker and beat in this one process."""

import asyncio
import logging
import threading
from contextlib import suppress

import uvicorn
from celery.beat import Scheduler, Service
from celery.worker import WorkController

from ecsportal.celery import app

log = logging.getLogger(__name__)

#: Most of a task is waiting for the cloud; the sweep brings eight threads of its own.
WORKER_THREADS = 4


class _Worker(WorkController):  # type: ignore[misc]
    """A worker inside another program: no signal handlers, no banner, no process title."""

    def setup_defaults(self, **options: object) -> None:
        super().setup_defaults(**options)
        self.task_events = False


def run_portal(*, host: str, port: int) -> None:
    """Serves until Ctrl-C or SIGTERM, then lets running steps end."""
    worker = _Worker(app=app, pool="threads", concurrency=WORKER_THREADS, loglevel="WARNING", without_heartbeat=True,
                     without_gossip=True, without_mingle=True)  # fmt: skip
    beat = Service(app, scheduler_cls=Scheduler, max_interval=1)
    threads = [
        threading.Thread(target=worker.start, name="worker", daemon=True),
        threading.Thread(target=beat.start, kwargs={"embedded_process": True}, name="beat", daemon=True),
    ]
    for thread in threads:
        thread.start()
    config = uvicorn.Config(
        "ecsportal.asgi:application",
        host=host,
        port=port,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=3,
    )
    try:
        # uvicorn raises the signal again after its own shutdown.
        with suppress(KeyboardInterrupt, asyncio.CancelledError):
            uvicorn.Server(config).run()
    finally:
        beat.stop(wait=False)
        worker.stop()
