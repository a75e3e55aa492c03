"""The engine's own clock in every worker process: it looks for due jobs without beat and without a broker.

Three threads. One notes each second in the database that this process is alive (the tick), one does the work
that is due (sweep, events), one watches the first and ends the process when it has hung for a minute: a
supervisor starts a fresh one, and everything that was under way is in the database.
"""

import logging
import os
import threading
from collections.abc import Callable, Sequence

from django.db import connection

log = logging.getLogger(__name__)

EVERY_S = 1.0
#: A tick that failed is a tick: a database that is away needs no new process. One that hangs is none.
HUNG_AFTER_S = 60.0
EXIT_HUNG = 70


class Ticker:
    """Calls `beat` and, beside it, each of `work` every `every_s` seconds until `stop`."""

    def __init__(
        self,
        *,
        beat: Callable[[], None],
        work: Sequence[Callable[[], None]],
        every_s: float = EVERY_S,
        hung_after_s: float = HUNG_AFTER_S,
        end: Callable[[int], object] = os._exit,
    ) -> None:
        self._beat, self._work, self._every_s = beat, tuple(work), every_s
        self._hung_after_s, self._end = hung_after_s, end
        self._stop = threading.Event()
        self._ticks = 0
        self._threads: list[threading.Thread] = []

    @property
    def ticks(self) -> int:
        """How many ticks came to an end, well or not."""
        return self._ticks

    def start(self) -> None:
        """Starts the threads; a second call does nothing."""
        if self._threads:
            return
        targets = {"ticker": self._tick_on, "ticker-work": self._work_on, "ticker-watch": self._watch}
        self._threads = [
            threading.Thread(target=target, name=name, daemon=True) for name, target in targets.items()
        ]
        for thread in self._threads:
            thread.start()

    def stop(self, wait_s: float = 0.0) -> None:
        """Begins nothing more, and waits up to `wait_s` seconds for what is under way."""
        self._stop.set()
        for thread in self._threads[:2]:
            if thread is not threading.current_thread():
                thread.join(wait_s)

    def _tick_on(self) -> None:
        while not self._stop.is_set():
            _quietly(self._beat, "the tick failed")
            self._ticks += 1
            self._stop.wait(self._every_s)

    def _work_on(self) -> None:
        while not self._stop.is_set():
            for part in self._work:
                if not self._stop.is_set():
                    _quietly(part, "a part of the engine's round failed")
            self._stop.wait(self._every_s)

    def _watch(self) -> None:
        """Counts its own looks, not seconds: a process that was frozen gets a minute after it woke."""
        seen, looks = -1, 0
        while not self._stop.wait(self._hung_after_s / 60):
            looks = looks + 1 if self._ticks == seen else 0
            seen = self._ticks
            if looks >= 60:
                log.critical("no tick for %.0f s; this process ends", self._hung_after_s)
                self._end(EXIT_HUNG)
                return


def _quietly(part: Callable[[], None], words: str) -> None:
    try:
        part()
    except Exception as error:
        log.warning("%s (%s: %s); trying again", words, type(error).__name__, str(error).split("\n")[0])
    finally:
        connection.close()
