"""Everything the cloud was asked, and every reinstall it took on."""

from __future__ import annotations

from collections import deque
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from simulator.records import Accepted

KEPT_REQUESTS = 50_000


@dataclass
class Row:
    """One request received. `status` is None until an answer went out, and stays so if none did."""

    n: int
    at: str
    method: str
    path: str
    status: int | None = None
    user: str | None = None
    fault: str | None = None


def wall_time() -> str:
    """Our own clock, `2026-01-02T03:04:05.678901Z`."""
    return datetime.now(UTC).isoformat().replace("+00:00", "Z")


class Ledger:
    """Requests are kept up to a bound; accepted reinstalls are all kept."""

    def __init__(self) -> None:
        self.requests: deque[Row] = deque(maxlen=KEPT_REQUESTS)
        self.accepted: list[Accepted] = []
        self._number = 0

    def open_row(self, method: str, path: str) -> Row:
        self._number += 1
        row = Row(self._number, wall_time(), method, path)
        self.requests.append(row)
        return row

    def as_dict(self, after: int = 0) -> dict[str, list[dict[str, Any]]]:
        """Both lists, oldest first; `after` leaves out requests up to that number."""
        return {
            "requests": [asdict(r) for r in self.requests if r.n > after],
            "accepted": [asdict(a) for a in self.accepted if a.n > after],
        }

    def restore(self, accepted: list[Accepted]) -> None:
        """Goes on with what an earlier run accepted; numbers go on from the highest."""
        self.accepted = accepted
        self._number = max((a.n for a in accepted), default=0)
