"""One reading of a project's cloud: what was found, what is missing, how far it is, what it may call."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ecsclient.errors import Throttled
from ecsclient.exchange import Exchange
from ecsclient.session import CloudSession
from reinstall.domain.budgets import Share
from reinstall.domain.redaction import plain_text
from reinstall.models import Project, SyncRun
from reinstall.models.clock import uptime
from reinstall.services import budget, stopping, syncruns

Clock = Callable[[], datetime]
#: Of each kind of difference so many are named.
NAMED = 50
#: Sentences about entries that cannot be read; the rest is a number.
SENTENCES = 20
#: The row of the run is written at most so often.
NOTED_EVERY_S = 0.5
#: Calls taken from the budget at a time, and how long the next one is waited for.
CALLS, PATIENCE_S = 10, 120.0
_MOST = 2**31 - 1


class Leaving(Exception):
    """This process ends."""


@dataclass
class SyncReport:
    """What a sync found. `problems` are sentences on what could not be read; what was read is kept."""

    servers: int = 0
    added: int = 0
    changed: int = 0
    gone: int = 0
    key_pairs: int = 0
    kms_keys: int = 0
    images: int = 0
    problems: tuple[str, ...] = field(default=())


@dataclass
class Reading:
    """`now` is the moment it began, the age of all it stores; `clock` the present one."""

    project: Project
    session: CloudSession
    now: datetime
    run: SyncRun
    clock: Clock
    report: SyncReport = field(default_factory=SyncReport)
    #: Kind of difference -> the first servers of it, as SyncRun.differences holds them.
    differences: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    #: Sentences on what was not read: then the reading is not complete.
    missing: list[str] = field(default_factory=list)
    #: Sentences on what was read and is odd.
    oddities: list[str] = field(default_factory=list)
    _noted_at: float = 0.0
    _paid: int = 0

    def differs(self, kind: str, server_id: object, name: str, fields: list[str] | None = None) -> None:
        """Counts a server as added, changed or gone."""
        setattr(self.report, kind, getattr(self.report, kind) + 1)
        rows = self.differences.setdefault(kind, [])
        if len(rows) < NAMED:
            rows.append({"id": str(server_id), "name": name} | ({"fields": fields} if fields else {}))

    def unreadable(self, what: str, sentences: tuple[str, ...]) -> None:
        """Entries of a list that were left out, each with its reason."""
        for sentence in sentences:
            if len(self.missing) < SENTENCES:
                self.missing.append(f"One of the {what} could not be read: {plain_text(sentence, 300)}.")
            elif len(self.missing) == SENTENCES:
                self.missing.append(f"More {what} could not be read.")

    def begin(self, phase: str) -> None:
        """The next part begins."""
        syncruns.note(self.run, self.clock(), phase=phase, read=0, announced=None)
        self._noted_at = uptime()

    def progress(self, read: int, announced: int | None) -> None:
        """So many were read of so many. Raises RunLost, or Leaving when the process ends."""
        if stopping.leaving():
            raise Leaving
        if uptime() - self._noted_at < NOTED_EVERY_S:
            return
        self._noted_at = uptime()
        found = {name: getattr(self.report, name) for name in ("added", "changed", "gone")}
        known = None if announced is None else min(max(announced, 0), _MOST)
        syncruns.note(self.run, self.clock(), read=read, announced=known, **found)

    # ------------------------------------------------------------ what the account may be asked

    def pay(self) -> None:
        """Before each call: takes it from the account's share for readings, waiting where that is spent."""
        if self._paid == 0:
            self._paid = self._take()
        self._paid -= 1

    def _take(self) -> int:
        give_up = time.monotonic() + PATIENCE_S
        while time.monotonic() < give_up:
            if stopping.leaving():
                raise Leaving
            now = self.clock()
            turn = budget.take(
                cloud_id=self.project.cloud_id, share=Share.SYNC, now=now, calls=CALLS, least=1
            )
            if turn.calls:
                return turn.calls
            syncruns.note(self.run, now)
            # Until the bucket holds a call again; other processes take from it too, so not in one long sleep,
            # and a process that is told to leave hears of it within a second.
            time.sleep(min(max((turn.again_at - now).total_seconds(), 0.02), 1.0))
        raise Throttled("the cloud asked for a pause that is too long to wait for")

    def heard(self, call: Exchange) -> None:
        """After each call: a pause the cloud asked for holds for everybody who reads."""
        budget.heard(self.project.cloud_id, Share.SYNC, call, self.clock())

    def give_back(self) -> None:
        """Returns what was taken and not used."""
        budget.give_back(cloud_id=self.project.cloud_id, share=Share.SYNC, calls=self._paid)
        self._paid = 0


def whole(value: int | None) -> int | None:
    """A number that fits its column; what does not was never one."""
    return value if value is not None and 0 <= value <= _MOST else None
