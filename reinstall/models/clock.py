"""The database's clock: leases of several hosts are compared on one clock only."""

import time
from datetime import UTC, datetime, timedelta

from django.db import connection


def database_now() -> datetime:
    """The time of the database server, aware, UTC."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            # unixepoch('subsec') is NULL on SQLite 3.40 (Debian 12).
            cursor.execute("SELECT strftime('%Y-%m-%dT%H:%M:%f+00:00', 'now')")
            return datetime.fromisoformat(cursor.fetchone()[0])
        cursor.execute("SELECT clock_timestamp()")
        moment: datetime = cursor.fetchone()[0]
        return moment.astimezone(UTC)


def uptime() -> float:
    """Seconds of a clock that nobody sets, and that counts while the machine or the process is suspended."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class StepClock:
    """The database's clock for one step: read on the first call, and carried on by this machine's.

    A step asks for the time two dozen times, and each would be a query. Between two readings, at most
    `for_s` seconds apart, only a difference of `uptime` is taken.
    """

    def __init__(self, for_s: float = 5.0) -> None:
        self._for_s = for_s
        self._read: datetime | None = None
        self._at = 0.0

    def __call__(self) -> datetime:
        passed = uptime() - self._at
        if self._read is None or passed > self._for_s:
            self._read = database_now()
            # After the answer: this clock may be late by the way of the answer, it is never early.
            self._at, passed = uptime(), 0.0
        return self._read + timedelta(seconds=passed)
