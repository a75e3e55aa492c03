"""Time as the simulated cloud sees it."""

from __future__ import annotations

import time
from datetime import UTC, datetime

DAY_S = 86_400.0


class Clock:
    """Three readings of time, all in seconds since 1970 (UTC).

    `now` is the cloud's own time: it runs `speed` times as fast as ours and carries jobs.
    `login_now` decides when tokens and locks end: it runs like ours, because a client compares
    `expires_at` with its own watch, but it jumps when somebody calls `advance`.
    `gateway_now` is what signatures are compared with: ours, plus a deliberate error `skew_s`.
    """

    def __init__(self, speed: float = 1.0, start: float | None = None) -> None:
        self.speed = speed
        self.advanced_s = 0.0
        self.skew_s = 0.0
        self._base = time.time() if start is None else start
        self._mark = time.monotonic()

    def now(self) -> float:
        return self._base + (time.monotonic() - self._mark) * self.speed

    def login_now(self) -> float:
        return time.time() + self.advanced_s

    def gateway_now(self) -> float:
        return time.time() + self.skew_s

    def advance(self, seconds: float) -> None:
        """Moves the cloud's time forward at once."""
        self._base += seconds
        self.advanced_s += seconds

    def set_speed(self, speed: float) -> None:
        """Keeps the present time and changes how fast it goes on from here."""
        self._base = self.now()
        self._mark = time.monotonic()
        self.speed = speed


def iso_seconds(at: float) -> str:
    """`2026-01-02T03:05:50Z`, as in `created` and `updated`."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def iso_millis(at: float) -> str:
    """`2026-01-02T03:04:05.678Z`, as in the times of a job."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def iso_micros(at: float) -> str:
    """`2026-01-02T03:05:49.123456`, without a zone, as in `OS-SRV-USG:launched_at`."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")
