"""Tells live pages that a job changed: at once by the bell of this process, by looking for others' changes.

One thread looks for everybody who watches, with one query for all, and only while somebody does.
"""

import asyncio
import contextlib
import logging
import threading
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from django.conf import settings
from django.db import connection

from reinstall.selectors.bell import Bell, RedisBell
from reinstall.selectors.jobs import job_stamps

log = logging.getLogger(__name__)

#: Other worker processes are heard this late at most, in seconds; with Redis they ring themselves.
LOOK_EVERY_S = 0.5
LOOK_EVERY_WITH_BELL_S = 5.0


@dataclass(eq=False, slots=True)
class _Watcher:
    """One open stream: the job, the version it has seen, and the flag that a newer one is there."""

    job_id: int
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    stamp: str = ""


class Hub:
    """Brings changes to the streams of one event loop. `changed` may be called from any thread."""

    def __init__(self, read: Callable[[Iterable[int]], Mapping[int, str]], bell: Bell | None = None) -> None:
        self._read = read
        self._bell = bell
        self._watchers: set[_Watcher] = set()
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._look_now = asyncio.Event()
        self._looking: asyncio.Task[None] | None = None
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="live-hub")

    def changed(self, job_id: int) -> None:
        """Says that a job's row changed. Cheap when nobody watches; never raises."""
        if self._bell is not None:
            self._bell.ring(job_id)
        self._wake(job_id)

    def _wake(self, job_id: int) -> None:
        with self._lock:
            loop = self._loop
            watched = any(watcher.job_id == job_id for watcher in self._watchers)
        if loop is not None and watched:
            # The loop of a finished process part may be closed already; then nobody watches any more.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(self._look_now.set)

    async def watch(self, job_id: int, *, beat: float) -> AsyncGenerator[str | None, None]:
        """Versions of the job, the present one first; None after `beat` seconds without a new one."""
        watcher = _Watcher(job_id)
        self._join(watcher)
        try:
            while True:
                try:
                    await asyncio.wait_for(watcher.changed.wait(), beat)
                except TimeoutError:
                    yield None
                    continue
                watcher.changed.clear()
                yield watcher.stamp
        finally:
            self._leave(watcher)

    def _join(self, watcher: _Watcher) -> None:
        loop = asyncio.get_running_loop()
        with self._lock:
            if self._loop is not loop:
                # Another loop (a test's, or a restarted server's): its events and task belong to it alone.
                self._loop, self._looking, self._look_now = loop, None, asyncio.Event()
                self._watchers.clear()
            self._watchers.add(watcher)
        if self._looking is None or self._looking.done():
            self._looking = loop.create_task(self._look_while_watched())
        self._look_now.set()

    def _leave(self, watcher: _Watcher) -> None:
        with self._lock:
            self._watchers.discard(watcher)
        self._look_now.set()

    async def _look_while_watched(self) -> None:
        loop = asyncio.get_running_loop()
        hearing = loop.create_task(self._bell.listen(self._wake)) if self._bell is not None else None
        try:
            while self._watchers:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._look_now.wait(), self._pause())
                self._look_now.clear()
                if self._watchers:
                    await self._look(loop)
        finally:
            if hearing is not None:
                hearing.cancel()

    def _pause(self) -> float:
        return LOOK_EVERY_WITH_BELL_S if self._bell is not None and self._bell.hears else LOOK_EVERY_S

    async def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        ids = {watcher.job_id for watcher in self._watchers}
        try:
            stamps = await loop.run_in_executor(self._thread, self._read_and_let_go, ids)
        except Exception:
            # The database may be away for a moment; streams stay open and the next look tells.
            log.exception("live updates could not read the jobs")
            return
        for watcher in list(self._watchers):
            stamp = stamps.get(watcher.job_id, "")
            if stamp and stamp != watcher.stamp:
                watcher.stamp = stamp
                watcher.changed.set()

    def _read_and_let_go(self, ids: set[int]) -> Mapping[int, str]:
        try:
            return self._read(ids)
        finally:
            connection.close()


hub = Hub(job_stamps, RedisBell(settings.LIVE_REDIS_URL) if settings.LIVE_REDIS_URL else None)
