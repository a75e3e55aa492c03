"""What has become of the servers on a page of the list since it was sent, for pages that stay open.

Nothing is remembered for a page: it says which rows it shows and which version of them, and the version tells
row by row what is other now. So the answer is the same from every process, and most answers are "nothing".
"""

import uuid
from base64 import urlsafe_b64encode
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import blake2s
from typing import Any

from reinstall.domain.actors import Actor
from reinstall.domain.errors import RuleBroken
from reinstall.models import Server
from reinstall.selectors.pages import ordering_of, page_of
from reinstall.selectors.projects import in_projects
from reinstall.selectors.server_rows import COLUMNS, ServerRow, server_rows
from reinstall.selectors.servers import ORDERINGS, ServerFilters, filtered_servers

#: Rows a page may ask about; a page of the list has fifty.
MOST = 60
#: Letters of the version that stand for one row.
_MARK = 6
_GONE = "-" * _MARK
_EPOCH = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Shown:
    """What a page shows: its rows in their order, when the cloud was read, and whether it has the column
    "Last seen"."""

    ids: tuple[uuid.UUID, ...]
    read_at: datetime | None
    seen: bool = False


@dataclass(frozen=True, slots=True)
class Changes:
    """version: of all the page shows; rows: those that are other than in the version it has; moved: at least
    so many servers came to this page of the list, left it or stand elsewhere; read: whether the cloud was
    read since."""

    version: str
    rows: tuple[ServerRow, ...]
    moved: int
    read: bool


def version_of(rows: Sequence[ServerRow], read_at: datetime | None, *, seen: bool = False) -> str:
    """The version of a page just read."""
    return _version(read_at, 0, [_mark(row, seen=seen) for row in rows])


def server_changes(
    actor: Actor, filters: ServerFilters, shown: Shown, *, cursor: str = "", known: str = ""
) -> Changes:
    """What differs from the version `known`, "" being none; a few queries, however many servers there are."""
    if len(shown.ids) > MOST:
        raise RuleBroken(f"A page shows at most {MOST} servers.", "ids", "range")
    ordering = ordering_of(filters.ordering or "name", ORDERINGS)
    listed = filtered_servers(actor, filters).values(*COLUMNS)
    found: tuple[Mapping[str, Any], ...] = page_of(listed, ordering, cursor=cursor, build=tuple).items
    facts = {one["id"]: one for one in found}
    elsewhere = [key for key in shown.ids if key not in facts]
    if elsewhere:
        there = in_projects(Server.objects.filter(pk__in=elsewhere), actor, filters.project)
        facts |= {one["id"]: one for one in there.values(*COLUMNS)}
    rows = {row.id: row for row in server_rows(actor, [facts[key] for key in shown.ids if key in facts])}
    marks = [_mark(rows[key], seen=shown.seen) if key in rows else _GONE for key in shown.ids]
    moved = _moved(shown.ids, [one["id"] for one in found])
    before_read, before = _known(known, len(marks))
    version = _version(shown.read_at, moved, marks)
    changed = [key for key, mark, old in zip(shown.ids, marks, before, strict=True) if mark != old]
    return Changes(
        version=version,
        rows=tuple(rows[key] for key in changed if key in rows),
        moved=moved,
        read=before_read != version.split(".")[0],
    )


def _mark(row: ServerRow, *, seen: bool) -> str:
    """Stands for all a row shows. Each reading sees every server, which not every page tells."""
    told = replace(row, synced_at=None, seen_at=row.seen_at if seen else _EPOCH)
    digest = blake2s(repr(told).encode(), digest_size=_MARK).digest()
    return urlsafe_b64encode(digest).decode()[:_MARK]


def _version(read_at: datetime | None, moved: int, marks: Sequence[str]) -> str:
    stamp = f"{read_at.timestamp():.6f}".replace(".", "") if read_at is not None else "0"
    return f"{stamp}.{moved}.{''.join(marks)}"


def _known(version: str, count: int) -> tuple[str, list[str]]:
    """(when the cloud was read, a mark for each row) of a version; nothing fits one of another page."""
    stamp, _, rest = version.partition(".")
    marks = rest.partition(".")[2]
    if len(marks) != count * _MARK:
        return "", [""] * count
    return stamp, [marks[at : at + _MARK] for at in range(0, len(marks), _MARK)]


def _moved(shown: Sequence[uuid.UUID], now: Sequence[uuid.UUID]) -> int:
    """At least so many servers have to move to make one list of the other. One that comes in at the top
    pushes one out at the bottom: that is one, and so is one that went to another place between the others.
    """
    place = {key: at for at, key in enumerate(shown)}
    came = sum(key not in place for key in now)
    stayed = [place[key] for key in now if key in place]
    run: list[int] = []
    for at in stayed:
        found = bisect_left(run, at)
        run[found : found + 1] = [at]
    return max(came, len(shown) - len(stayed)) + len(stayed) - len(run)
