"""Rows of disks: made equal to what the cloud lists, many servers with a few statements."""

import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ecsclient import snapshots, volumes
from ecsclient.errors import AuthRefused, CloudError, Refused, Throttled
from ecsclient.servers import AttachedVolume
from ecsclient.volumes import VolumeRecord
from reinstall.domain.redaction import plain_text
from reinstall.models import Disk, Server
from reinstall.services import links
from reinstall.services.inventory_reading import Reading, whole

#: What is kept of a volume until its server is read: a tuple, since there may be hundreds of thousands.
_FACTS = ("name", "size_gb", "volume_type", "encrypted", "cmkid", "shareable")
Facts = tuple[str, int | None, str, bool, str, bool]


class Volumes:
    """The project's volumes by id, and the number of snapshots of each.

    `snapshots` is None where they could not be read (what was known stays), `tells` False where the cloud
    does not tell of any.
    """

    def __init__(self) -> None:
        self.by_id: dict[str, Facts] = {}
        self.snapshots: Counter[str] | None = None
        self.tells = True

    def add(self, record: VolumeRecord) -> None:
        """Keeps what a disk's row says of it."""
        self.by_id[record.id] = _facts(record)

    def columns(self, attached: AttachedVolume) -> dict[str, Any]:
        """The row of a disk; only with the columns that are known."""
        index = attached.boot_index
        columns: dict[str, Any] = {
            "volume_id": attached.id,
            "device": plain_text(attached.device, 40),
            "boot_index": index if index is not None and abs(index) < 32_000 else None,
        }
        facts = self.by_id.get(attached.id)
        if facts is not None:
            columns |= dict(zip(_FACTS, facts, strict=True))
        if self.snapshots is not None:
            columns["snapshots"] = self.snapshots[attached.id]
        elif not self.tells:
            columns["snapshots"] = None
        return columns


def _facts(record: VolumeRecord) -> Facts:
    return (
        plain_text(record.name, 255),
        whole(record.size_gb),
        sys.intern(plain_text(record.volume_type, 40)),
        record.encrypted,
        sys.intern(plain_text(record.cmkid or "", 64)),
        record.shareable,
    )


def volume_columns(record: VolumeRecord) -> dict[str, Any]:
    """The columns of a disk's row that its volume tells."""
    return dict(zip(_FACTS, _facts(record), strict=True))


def read_volumes(reading: Reading) -> Volumes:
    """Volumes and snapshots; as much as could be read, what is missing is noted in `reading`.

    Nothing where the cloud has no such service: the server list names the disks at least.
    """
    found = Volumes()
    if "evs" not in links.endpoints_of(reading.project):
        found.tells = False
        return found
    _read_snapshots(reading, found)
    reading.begin("disks")
    try:
        for page in volumes.volume_pages(reading.session):
            for record in page.records:
                found.add(record)
            reading.unreadable("disks", page.unreadable)
            reading.progress(len(found.by_id), page.count)
    except AuthRefused:
        raise
    except CloudError as error:
        reading.missing.append(f"Reading disks ended early: {plain_text(str(error), 500)}.")
    return found


def _read_snapshots(reading: Reading, found: Volumes) -> None:
    reading.begin("snapshots")
    counted: Counter[str] = Counter()
    try:
        for page in snapshots.snapshot_pages(reading.session):
            counted.update(page.records)
            reading.unreadable("snapshots", page.unreadable)
            reading.progress(page.listed, page.count)
        found.snapshots = counted
    except AuthRefused:
        raise
    except CloudError as error:
        found.tells = not _does_not_tell(error)
        if found.tells:
            reading.missing.append(f"Reading snapshots ended early: {plain_text(str(error), 500)}.")


def _does_not_tell(error: CloudError) -> bool:
    """Whether the cloud has no such call, or not for this account."""
    return isinstance(error, Refused) and not isinstance(error, AuthRefused | Throttled)


def store_disks(server: Server, wanted: list[dict[str, Any]]) -> None:
    """Makes the rows of `server`'s disks equal to `wanted` (columns of Disk); touches nothing that fits."""
    store_disks_of([(server, list(server.disks.all()), wanted)])


def store_disks_of(
    servers: Iterable[tuple[Server, Sequence[Disk], list[dict[str, Any]]]],
) -> dict[Any, list[str]]:
    """As `store_disks` for many servers, each with its rows as they are; within a transaction.

    Returns what changed, by id of the server: "disks" for other disks, else names of columns.
    """
    stale: list[int] = []
    new: list[Disk] = []
    moved: list[Disk] = []
    displaced: list[int] = []
    changes: dict[Any, list[str]] = {}
    for server, rows, wanted in servers:
        current = {disk.volume_id: disk for disk in rows}
        by_id = {columns["volume_id"]: columns for columns in _one_system_disk(wanted)}
        gone = [disk.pk for volume_id, disk in current.items() if volume_id not in by_id]
        fresh = [Disk(server=server, **c) for volume_id, c in by_id.items() if volume_id not in current]
        stale += gone
        new += fresh
        if gone or fresh:
            changes[server.pk] = ["disks"]
        for disk in (current[volume_id] for volume_id in by_id if volume_id in current):
            names = _apply(disk, by_id[disk.volume_id], displaced)
            if names:
                moved.append(disk)
                changes.setdefault(server.pk, []).extend(names)
    _write(stale, displaced, moved, new)
    return {key: sorted(set(names)) for key, names in changes.items()}


def _apply(disk: Disk, columns: Mapping[str, Any], displaced: list[int]) -> list[str]:
    """Puts what differs into `disk`; the names of these columns."""
    names = [name for name, value in columns.items() if getattr(disk, name) != value]
    if "boot_index" in names and disk.boot_index == 0:
        displaced.append(disk.pk)
    for name in names:
        setattr(disk, name, columns[name])
    return names


def _write(stale: list[int], displaced: list[int], moved: list[Disk], new: list[Disk]) -> None:
    """In this order: a disk gives up its place as system disk before another takes it."""
    if stale:
        Disk.objects.filter(pk__in=stale).delete()
    if displaced:
        Disk.objects.filter(pk__in=displaced).update(boot_index=None)
    if moved:
        Disk.objects.bulk_update(moved, ["device", "boot_index", "snapshots", *_FACTS])
    if new:
        Disk.objects.bulk_create(new)


def _one_system_disk(wanted: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Where the cloud calls two disks the system disk, none is known to be it: it cannot be chosen then."""
    system = [columns["volume_id"] for columns in wanted if columns["boot_index"] == 0]
    if len(set(system)) < 2:
        return wanted
    return [columns | {"boot_index": None} if columns["boot_index"] == 0 else columns for columns in wanted]
