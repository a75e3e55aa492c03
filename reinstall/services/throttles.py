"""Counts requests in the database, so that all processes of all hosts share one limit.

A count is one row per kind and principal, changed by one statement that also reads it: of two processes that
count at once, both see a number of their own. Reads are counted in blocks: a process takes a block of them
and hands it out from memory. Together they never hand out more than the limit; what a process took and did
not need is lost with the window.
"""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection

from reinstall.domain.errors import TooMany
from reinstall.domain.throttles import Kind, Limit, Standing
from reinstall.models import RateCount

#: Longer than any window.
KEEP = timedelta(days=2)
#: So many names are remembered before those of windows gone by are dropped.
_MANY = 10_000
_COUNT = """
INSERT INTO reinstall_ratecount (name, window_start, count) VALUES {rows}
ON CONFLICT (name) DO UPDATE SET
  count = CASE WHEN reinstall_ratecount.window_start >= excluded.window_start
               THEN reinstall_ratecount.count ELSE 0 END + excluded.count,
  window_start = CASE WHEN reinstall_ratecount.window_start >= excluded.window_start
                      THEN reinstall_ratecount.window_start ELSE excluded.window_start END
RETURNING name, window_start, count
"""


@dataclass(slots=True)
class _Held:
    """What this process took of a window: `mine` may be handed out, `others` are not taken by anybody."""

    window: int
    mine: int
    others: int


_lock = threading.Lock()
_held: dict[str, _Held] = {}


def spend(*, principal: str, kind: Kind, now: datetime) -> Standing | None:
    """Counts one request of `principal`; None where the kind is not limited. Raises TooMany."""
    limit = settings.THROTTLES[kind]
    if limit is None:
        return None
    name = f"{kind} {principal}"
    held = _from_memory(name, limit, now) or _from_database(name, kind, limit, now)
    standing = Standing(kind, limit, max(held.mine, 0) + held.others, limit.left_s(held.window, now))
    if held.mine < 0:
        raise _too_many(f"This is more than {_said(limit)}, the limit for {_WHAT[kind]} here.", standing)
    return standing


def spend_order(*, person_id: int, project_slug: str, now: datetime) -> None:
    """Counts an order of a person in a project. Raises TooMany where either had its orders of this window."""
    counted = {
        Kind.ORDER: (f"order user:{person_id}", "Orders of one person are limited to {}."),
        Kind.PROJECT: (f"project {project_slug}", "Orders in one project are limited to {}."),
    }
    limits = {kind: limit for kind in counted if (limit := settings.THROTTLES[kind]) is not None}
    rows = [(counted[kind][0], limit.window(now), 1) for kind, limit in limits.items()]
    found = _count(rows) if rows else {}
    for kind, limit in limits.items():
        name, sentence = counted[kind]
        window, count = found[name]
        if count > limit.count:
            standing = Standing(kind, limit, 0, limit.left_s(window, now))
            raise _too_many(sentence.format(_said(limit)) + " Yours was not sent.", standing)


def forget_old(*, now: datetime) -> int:
    """Deletes counts of windows long gone; returns how many."""
    before = int((now - KEEP).timestamp())
    return RateCount.objects.filter(window_start__lt=before).delete()[0]


def forget() -> None:
    """This process holds nothing any more; for tests, whose databases begin anew."""
    with _lock:
        _held.clear()


def _from_memory(name: str, limit: Limit, now: datetime) -> _Held | None:
    """What is held after one was handed out; None where the database has to be asked."""
    with _lock:
        held = _held.get(name)
        if held is None or held.window < limit.window(now) or (held.mine <= 0 and held.others > 0):
            return None
        handed = _Held(held.window, held.mine - 1, held.others)
        held.mine = max(handed.mine, 0)
        return handed


def _from_database(name: str, kind: Kind, limit: Limit, now: datetime) -> _Held:
    """The same, after a block was taken."""
    block = limit.block(kind)
    window, count = _count([(name, limit.window(now), block)])[name]
    got = max(0, min(block, limit.count - (count - block)))
    with _lock:
        held = _held.get(name)
        if held is None or held.window < window:
            _drop_old(now)
            held = _held[name] = _Held(window, 0, limit.count)
        held.mine += max(got - 1, 0)
        held.others = min(held.others, max(0, limit.count - count))
        return _Held(window, held.mine if got else -1, held.others)


def _drop_old(now: datetime) -> None:
    if len(_held) >= _MANY:
        before = int((now - KEEP).timestamp())
        for name in [name for name, held in _held.items() if held.window < before]:
            del _held[name]


def _count(rows: Sequence[tuple[str, int, int]]) -> dict[str, tuple[int, int]]:
    """Adds to counts, all in one statement; name -> (window, count) as they are then.

    A process whose clock is behind counts in the window the others have begun.
    """
    values = ", ".join(["(%s, %s, %s)"] * len(rows))
    with connection.cursor() as cursor:
        cursor.execute(_COUNT.format(rows=values), [value for row in rows for value in row])
        return {name: (window, count) for name, window, count in cursor.fetchall()}


_WHAT = {Kind.READ: "reading", Kind.WRITE: "changes", Kind.EXPORT: "files", Kind.REVEAL: "scripts shown"}
_PERIODS = {1: "a second", 60: "a minute", 3600: "an hour", 86_400: "a day"}


def _said(limit: Limit) -> str:
    return f"{limit.count:,} {_PERIODS[limit.period_s]}"


def _too_many(sentence: str, standing: Standing) -> TooMany:
    s = "" if standing.reset_s == 1 else "s"
    return TooMany(f"{sentence} Go on in {standing.reset_s:,} second{s}.", standing)
