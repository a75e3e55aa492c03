"""What tells that this is the database of yesterday: deployment, epoch, timeline, a mark outside of it.

The mark is a file in the data directory: the newest audit entry this process saw. A database restored from a
backup does not have that entry, or has another one in its place.
"""

import json
import os
import tempfile
import uuid
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from django.conf import settings
from django.db import connection, transaction

from reinstall.domain.actors import ENGINE
from reinstall.models import AuditEvent, SystemFlag

DEPLOYMENT, EPOCH, TIMELINE, SCHEMA = "deployment", "epoch", "timeline", "schema"
#: Grows when older workers would misread the rows of newer ones; they then leave the work to the newer.
SCHEMA_EPOCH = 1


@dataclass(frozen=True, slots=True)
class Mark:
    """The newest audit entry seen (`seq` is its number, `entry` what it says), in which epoch."""

    epoch: str
    seq: int
    entry: str


def settle_identity(now: datetime) -> None:
    """On the first start writes down who this database belongs to; later starts change nothing."""
    firsts = {
        DEPLOYMENT: {"id": settings.DEPLOYMENT_ID},
        EPOCH: {"id": str(uuid.uuid4()), "before": []},
        SCHEMA: {"epoch": SCHEMA_EPOCH},
    }
    timeline = timeline_now()
    if timeline:
        firsts[TIMELINE] = {"id": timeline}
    known = set(SystemFlag.objects.filter(name__in=firsts).values_list("name", flat=True))
    if EPOCH not in known and _read() is not None:
        # The data directory knows a database, and this one knows nothing: it is not the same.
        del firsts[EPOCH]
    for name in firsts.keys() - known:
        SystemFlag.objects.get_or_create(
            name=name, defaults={"value": firsts[name], "set_by": ENGINE.name, "set_at": now}
        )


def contradiction(flags: dict[str, SystemFlag]) -> str:
    """A sentence when this is not the database it was, "" when nothing speaks against it."""
    return _other_timeline(flags) or _went_back(flags)


def _other_timeline(flags: dict[str, SystemFlag]) -> str:
    timeline, known = timeline_now(), flags.get(TIMELINE)
    if known is None or not timeline or known.value.get("id") == timeline:
        return ""
    return (
        f"PostgreSQL is on timeline {timeline}, and was on {known.value.get('id')}: a standby took over, or "
        "a backup was restored. The last commits may be missing."
    )


def _went_back(flags: dict[str, SystemFlag]) -> str:
    mark, epoch = _read(), flags.get(EPOCH)
    if mark is None:
        return ""
    value = epoch.value if epoch is not None else {}
    if mark.epoch != value.get("id"):
        # after_restore ran elsewhere: this host's mark belongs to an epoch that ended in order.
        if mark.epoch in value.get("before", []):
            return ""
        return "The database is not the one this portal worked with before."
    if mark.seq and _entry(mark.seq) != mark.entry:
        return f"The database went back in time: it does not have audit entry {mark.seq} as it was written."
    return ""


def remember() -> None:
    """Moves the mark to the newest audit entry. Call it only after `contradiction` found none."""
    epoch = SystemFlag.objects.filter(name=EPOCH).first()
    newest = AuditEvent.objects.order_by("-id").values_list("pk", flat=True).first()
    if epoch is None:
        return
    mark = Mark(epoch.value["id"], newest or 0, _entry(newest) if newest else "")
    if mark != _read():
        _write(mark)


def new_epoch(*, now: datetime, set_by: str, reason: str) -> None:
    """From now on the database as it is counts: a new epoch, this deployment, this timeline."""
    old = SystemFlag.objects.filter(name=EPOCH).first()
    mark = _read()
    before = [*(old.value.get("before", []) if old else []), *([old.value["id"]] if old else [])]
    before += [mark.epoch] if mark is not None else []
    values = {
        EPOCH: {"id": str(uuid.uuid4()), "before": list(dict.fromkeys(before))},
        DEPLOYMENT: {"id": settings.DEPLOYMENT_ID},
        SCHEMA: {"epoch": SCHEMA_EPOCH},
    }
    timeline = timeline_now()
    if timeline:
        values[TIMELINE] = {"id": timeline}
    for name, value in values.items():
        defaults = {"value": value, "set_by": set_by, "set_at": now, "reason": reason}
        SystemFlag.objects.update_or_create(name=name, defaults=defaults)
    transaction.on_commit(remember)


def timeline_now() -> str:
    """The history PostgreSQL writes, 8 hex digits; "" on SQLite and on a standby that only replays."""
    if connection.vendor != "postgresql":
        return ""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT CASE WHEN pg_is_in_recovery() THEN '' "
            "ELSE substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) END"
        )
        return str(cursor.fetchone()[0])


def _entry(seq: int) -> str:
    """What an audit entry says, in short: two entries of one number are told apart by it."""
    found = AuditEvent.objects.filter(pk=seq).values_list("at", "action", "object_type", "object_id").first()
    if found is None:
        return ""
    at, *rest = found
    return "|".join([at.isoformat(), *rest])


def _read() -> Mark | None:
    path = _path()
    if path is None:
        return None
    try:
        return Mark(**json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    except (ValueError, TypeError):
        # A file that says nothing readable is no reason to trust the database: it was a mark once.
        return Mark("unreadable", 0, "")


def _write(mark: Mark) -> None:
    path = _path()
    if path is None:
        return
    with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False, encoding="utf-8") as file:
        json.dump(asdict(mark), file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(file.name, path)


def _path() -> Path | None:
    return Path(settings.HIGH_WATER_MARK) if settings.HIGH_WATER_MARK else None
