"""The embedded portal: web, Celery worker and beat in this one process."""

import asyncio
import fcntl
import logging
import signal
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import IO, Any

import uvicorn
from celery.beat import Scheduler, Service
from celery.worker import WorkController
from django.conf import settings

from ecsportal import workers
from ecsportal.celery import app
from ecsportal.env import writable
from reinstall.models.clock import database_now
from reinstall.services import engine

log = logging.getLogger(__name__)

#: Most of a task is waiting for the cloud; the sweep brings eight threads of its own.
WORKER_THREADS = 4


class _Worker(WorkController):
    """A worker inside another program: no signal handlers, no banner, no process title."""

    def setup_defaults(self, *args: Any, **options: Any) -> dict[str, Any]:
        rest = super().setup_defaults(*args, **options)
        self.task_events = False
        return rest


class _Server(uvicorn.Server):
    """Says when it listens: an address printed earlier is one that refuses."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        if self.started:
            self._ready()


def why_not_listen(host: str, port: int) -> str:
    """Why nobody can listen there, as a sentence; "" when it is free.

    Asked before anything is started or changed: the port of a running portal must not be found taken after
    its database was written to.
    """
    if not 0 < port < 65_536:
        return f"--port is {port}; write a number from 1 to 65535."
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        return f"Cannot listen on {host}, port {port}: {error.strerror}. Choose another with --port or PORT=."
    return ""


def web_config(host: str, port: int) -> uvicorn.Config:
    """How the web part runs. Whether a proxy is believed is decided by ECSPORTAL_TRUST_PROXY alone."""
    return uvicorn.Config(
        "ecsportal.asgi:application",
        host=host,
        port=port,
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=3,
    )


def run_portal(*, host: str, port: int, ready: Callable[[], None]) -> None:
    """Serves until Ctrl-C or SIGTERM, then lets running steps end. Calls `ready` once it listens."""
    worker = _Worker(
        app=app,
        pool="threads",
        concurrency=WORKER_THREADS,
        loglevel="WARNING",
        without_heartbeat=True,
        without_gossip=True,
        without_mingle=True,
    )
    beat = Service(app, scheduler_cls=Scheduler, max_interval=1)
    lock = _alone()
    threads = [
        threading.Thread(target=worker.start, name="worker", daemon=True),
        threading.Thread(target=beat.start, kwargs={"embedded_process": True}, name="beat", daemon=True),
    ]
    for thread in threads:
        thread.start()
    workers.start_ticker()
    _end_in_order()
    try:
        # uvicorn raises the signal again after its own shutdown.
        with suppress(KeyboardInterrupt, asyncio.CancelledError):
            _Server(web_config(host, port), ready).run()
    finally:
        beat.stop(wait=False)
        workers.leave()
        worker.stop()
        lock.close()


def _end_in_order() -> None:
    """Lets SIGTERM end the program as Ctrl-C does; by default it would break the running steps off."""

    def _interrupt(_signum: int, _frame: object) -> None:
        raise KeyboardInterrupt

    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, _interrupt)


def _alone() -> IO[str]:
    """Locks the data directory, and frees the claims of a process that was killed.

    Only when nobody else has the lock and the queue is in this process: then nobody else can hold a claim,
    and there is no need to wait until its lease runs out.
    """
    lock = (writable("ECSPORTAL_DATA_DIR", settings.DATA_DIR) / "portal.lock").open("w")
    with suppress(OSError):
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if settings.ON_SQLITE and settings.BROKER_URL.startswith("memory"):
            freed = engine.free_claims(now=database_now())
            if freed:
                log.info("took over %s jobs of a process that ended", freed)
    return lock
