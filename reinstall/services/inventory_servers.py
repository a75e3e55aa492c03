"""Servers of the inventory: read page by page, stored in batches; what is no longer there is marked gone."""

import uuid
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef

from ecsclient import servers
from ecsclient.errors import AuthRefused, CloudError, NotFound, Unsent
from ecsclient.servers import ServerRecord
from reinstall.domain.redaction import plain_text
from reinstall.domain.states import ACTIVE
from reinstall.domain.temporaries import SeenServer, Work
from reinstall.models import Disk, Job, Project, Server
from reinstall.services import temporaries
from reinstall.services.inventory_disks import Volumes, read_volumes, store_disks_of
from reinstall.services.inventory_reading import Reading, whole

#: Servers on a page, as the documents advise, and rows written in one transaction: long enough to be fast,
#: short enough that a form is not kept waiting.
BATCH = 200
#: Servers that are not listed any more and are asked for by id: one that is still there means that the list
#: left some out. If these are gone, so are the others.
ASKED = 20
#: With more reinstalls under way than this they are not read anew for each page.
_MANY, _GOOD_FOR = 500, timedelta(seconds=2)
_CHUNK = 500


def sync_servers(reading: Reading) -> None:
    """Reads and stores all servers with their disks. Raises CloudError where the cloud is away."""
    store = _Store(reading, read_volumes(reading))
    reading.begin("servers")
    before = len(reading.missing)
    try:
        _read_pages(reading, store)
    except CloudError as error:
        if isinstance(error, Unsent | AuthRefused) and not reading.report.servers:
            # One sentence says it all.
            reading.missing.clear()
            raise
        # What was read before the list broke off is stored; nothing is called gone.
        why = plain_text(str(error), 500)
        reading.missing.append(
            f"Reading servers and disks ended early: {why}. {reading.report.servers} servers were read."
        )
    temporaries.look_again(reading.project, since=reading.now)
    if len(reading.missing) == before:
        _mark_gone(reading, store)


def _read_pages(reading: Reading, store: "_Store") -> None:
    announced: int | None = None
    listed = 0
    for page in servers.server_pages(reading.session, page_size=BATCH):
        store.batch(page.records)
        reading.unreadable("servers", page.unreadable)
        announced, listed = page.count, page.listed
        reading.progress(reading.report.servers, announced)
    if announced is not None and listed < announced:
        reading.missing.append(f"The cloud announced {announced} servers and listed {listed}.")


class _Store:
    """Writes pages of servers; what it needs beside them is read once for each page."""

    def __init__(self, reading: Reading, volumes: Volumes) -> None:
        self.reading = reading
        self.volumes = volumes
        self._work: Work | None = None
        self._work_at = reading.now

    def batch(self, records: Sequence[ServerRecord]) -> None:
        """Stores a page, in one transaction of about ten statements."""
        listed = {key: record for record in records if (key := self._key(record)) is not None}
        if not listed:
            return
        reading = self.reading
        work = self._work_now()
        with transaction.atomic():
            # Readings, and the engine's looks at single servers, take turns here.
            Project.objects.select_for_update().get(pk=reading.project.pk)
            known = {row.pk: row for row in Server.objects.select_for_update().filter(pk__in=listed)}
            rows = list(self._rows(listed, known, work))
            self._write(rows)
            disks: dict[uuid.UUID, list[Disk]] = defaultdict(list)
            for disk in Disk.objects.filter(server__in=[row.pk for row, *_ in rows]).order_by():
                disks[disk.server_id].append(disk)
            of_disks = store_disks_of(
                (row, disks[row.pk], [self.volumes.columns(v) for v in record.volumes])
                for row, record, _, _ in rows
            )
        for row, _, is_new, names in rows:
            fields = names + of_disks.get(row.pk, [])
            if is_new:
                reading.differs("added", row.pk, row.name)
            elif fields:
                reading.differs("changed", row.pk, row.name, fields)
        reading.report.servers += len(listed)

    def _key(self, record: ServerRecord) -> uuid.UUID | None:
        try:
            return uuid.UUID(record.id)
        except ValueError:
            sentence = f"Server {record.id} was left out: its id is not 32 hexadecimal digits."
            self.reading.oddities.append(sentence)
            return None

    def _work_now(self) -> Work:
        now = self.reading.clock()
        many = self._work is not None and len(self._work.under_way) > _MANY
        if self._work is None or not many or now - self._work_at > _GOOD_FOR:
            self._work = temporaries.work_in(self.reading.project, since=self.reading.now)
            self._work_at = now
        return self._work

    def _rows(
        self, listed: dict[uuid.UUID, ServerRecord], known: dict[uuid.UUID, Server], work: Work
    ) -> Iterator[tuple[Server, ServerRecord, bool, list[str]]]:
        """(row with the new values, record, whether it is new, names of what changed)."""
        reading = self.reading
        for key, record in listed.items():
            row = known.get(key)
            if row is not None and row.project_id != reading.project.pk:
                # A server id is unique in a cloud; the same one in two projects is somebody's mistake.
                sentence = f"Server {key} belongs to another project of this portal already."
                reading.oddities.append(sentence)
                continue
            if row is not None and row.seen_at > reading.now:
                # The engine, or a later reading, has looked at it since this one began: a fresher word.
                continue
            columns = server_columns(record)
            seen = _seen(record, columns, reading.now if row is None else None)
            was = row is not None and row.temporary
            columns["temporary"] = work.makes(seen, was=was, now=reading.clock())
            if row is None:
                yield (
                    Server(id=key, project=reading.project, seen_at=reading.now, **columns),
                    record,
                    True,
                    [],
                )
                continue
            names = [name for name, value in columns.items() if getattr(row, name) != value]
            for name in names:
                setattr(row, name, columns[name])
            if row.gone_at is not None:
                names.append("gone_at")
            yield row, record, False, [name for name in names if name != "search"]

    def _write(self, rows: Sequence[tuple[Server, ServerRecord, bool, list[str]]]) -> None:
        Server.objects.bulk_create([row for row, _, is_new, _ in rows if is_new])
        changed = [(row, names) for row, _, is_new, names in rows if names and not is_new]
        wanted = {name for _, names in changed for name in names} - {"gone_at"}
        if wanted:
            Server.objects.bulk_update([row for row, _ in changed], sorted(wanted | {"search"}))
        old = [row.pk for row, _, is_new, _ in rows if not is_new]
        Server.objects.filter(pk__in=old).update(seen_at=self.reading.now, gone_at=None)


def _seen(record: ServerRecord, columns: dict[str, Any], first_seen: Any) -> SeenServer:
    return SeenServer(
        id=str(uuid.UUID(record.id)),
        name=columns["name"],
        status=columns["status"],
        task_state=columns["task_state"],
        has_key=bool(columns["keyname"]),
        has_address=bool(columns["addresses"]),
        image_id=columns["image_id"],
        flavor=columns["flavor"],
        appeared_at=record.created or first_seen,
    )


def server_columns(record: ServerRecord) -> dict[str, Any]:
    """The columns of a server's row that the cloud's list tells, cut to what they hold."""
    return {
        "name": plain_text(record.name, 255),
        "status": plain_text(record.status, 40),
        "task_state": plain_text(record.task_state, 60),
        "image_id": plain_text(record.image_id, 64),
        "image_name": plain_text(record.image_name, 255),
        "os_type": plain_text(record.os_type, 40),
        "flavor": plain_text(record.flavor_name or record.flavor_id, 80),
        "vcpus": whole(record.vcpus),
        "ram_mb": whole(record.ram_mb),
        "zone": plain_text(record.zone, 80),
        "keyname": plain_text(record.key_name or "", 255),
        "userid": plain_text(record.user_id, 64),
        "locked": record.locked,
        "tags": list(record.tags),
        "addresses": list(record.fixed_first),
        "created_at": record.created,
        "search": search_text(record),
    }


def search_text(record: ServerRecord) -> str:
    """What a search looks through: name, id, addresses and tags, in lower case."""
    return " ".join([record.name, record.id, *record.fixed_first, *record.tags]).lower()


def _mark_gone(reading: Reading, store: _Store) -> None:
    """Marks the servers that were not listed; none that a job holds, whose end is for the engine to find."""
    held = Exists(Job.objects.filter(server=OuterRef("pk"), state__in=sorted(ACTIVE)))
    unlisted = Server.objects.filter(project=reading.project, gone_at=None, seen_at__lt=reading.now)
    rows = list(unlisted.annotate(held=held).values_list("pk", "name", "held"))
    reading.oddities += [
        f"{name} is not listed any more. A job holds it, so it is not called gone yet."
        for _, name, is_held in rows
        if is_held
    ]
    free = [(key, name) for key, name, is_held in rows if not is_held]
    asked = [(key, name) for key, name in free[:ASKED] if _is_gone(reading, store, key)]
    gone = free if len(asked) == min(len(free), ASKED) else asked
    for first in range(0, len(gone), _CHUNK):
        chunk = [key for key, _ in gone[first : first + _CHUNK]]
        still = Server.objects.filter(pk__in=chunk, gone_at=None, seen_at__lt=reading.now)
        still.exclude(held).update(gone_at=reading.now)
    for key, name in gone:
        reading.differs("gone", key, name)


def _is_gone(reading: Reading, store: _Store, key: uuid.UUID) -> bool:
    """Asks for one server that was not listed; one that is there is stored."""
    try:
        record = servers.get_server(reading.session, str(key))
    except NotFound:
        return True
    except CloudError as error:
        reading.missing.append(
            f"Server {key} was not listed and could not be asked for: {plain_text(str(error), 300)}."
        )
        return False
    store.batch([record])
    reading.missing.append(
        f"{record.name} was left out of the list and is still there; others may be as well."
    )
    return False
