"""Reads servers, disks, key pairs and KMS keys from the cloud into the database."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction

from ecsclient import keypairs, kms, servers, volumes
from ecsclient.errors import CloudError
from ecsclient.keypairs import KeyPairRecord
from ecsclient.kms import KmsKeyRecord
from ecsclient.servers import ServerRecord
from ecsclient.session import CloudSession
from ecsclient.volumes import VolumeRecord
from reinstall.domain.actors import Actor
from reinstall.domain.redaction import plain_text
from reinstall.domain.sealing import CannotOpen
from reinstall.models import Disk, KeyPair, KmsKey, Project, Server
from reinstall.services import access, history, links

#: Rows written in one transaction: long enough to be fast, short enough that a form is not kept waiting.
BATCH = 200


@dataclass
class SyncReport:
    """What a sync found. `problems` are sentences on what could not be read; what was read is kept."""

    servers: int = 0
    added: int = 0
    changed: int = 0
    gone: int = 0
    key_pairs: int = 0
    kms_keys: int = 0
    problems: tuple[str, ...] = field(default=())


def sync_project(*, actor: Actor, now: datetime, project: Project) -> SyncReport:
    """Reads the inventory of `project` now. Needs a role that may request reinstalls there."""
    project = access.project_for_requests(actor, project.slug)
    try:
        session = links.session_of(project)
    except CannotOpen:
        report = SyncReport(problems=(links.SEALED_SHUT,))
        _finish(actor, project, now, report, complete=False)
        return report
    run = _Run(project, session, now)
    parts: list[tuple[str, Callable[[_Run], None]]] = [
        ("servers and disks", _sync_servers),
        ("key pairs", _sync_key_pairs),
        ("KMS keys", _sync_kms_keys),
    ]
    problems = []
    for name, part in parts:
        try:
            part(run)
        except CloudError as error:
            problems.append(f"Reading {name} ended early: {plain_text(str(error), 500)}.")
    run.report.problems = (*problems, *run.oddities)
    _finish(actor, project, now, run.report, complete=not problems)
    return run.report


@dataclass
class _Run:
    """One reading: the project, the way to its cloud, the moment, and what was found so far."""

    project: Project
    session: CloudSession
    now: datetime
    report: SyncReport = field(default_factory=SyncReport)
    volumes: dict[str, VolumeRecord] = field(default_factory=dict)
    #: Sentences on servers that were listed and cannot be taken over.
    oddities: list[str] = field(default_factory=list)


def _finish(actor: Actor, project: Project, now: datetime, report: SyncReport, *, complete: bool) -> None:
    with transaction.atomic():
        project.sync_error = " ".join(report.problems)
        # The age that pages show is that of the last complete reading.
        if complete:
            project.synced_at = now
        project.save(update_fields=["sync_error", "synced_at"])
        act = history.Act(
            action="project.synced",
            object_type="project",
            object_id=project.slug,
            object_label=project.name,
            project_slug=project.slug,
            after={name: getattr(report, name) for name in ("servers", "added", "changed", "gone")},
            note=project.sync_error,
        )
        history.record(actor=actor, now=now, act=act)


def _sync_servers(run: _Run) -> None:
    run.volumes = _volumes_by_id(run)
    batch: list[ServerRecord] = []
    try:
        for record in servers.list_servers(run.session):
            batch.append(record)
            if len(batch) == BATCH:
                _store_servers(run, batch)
                batch = []
    finally:
        # Also what was read before the list broke off; nothing is called gone then.
        _store_servers(run, batch)
    missing = Server.objects.filter(project=run.project, gone_at=None, seen_at__lt=run.now)
    run.report.gone = missing.update(gone_at=run.now)


def _volumes_by_id(run: _Run) -> dict[str, VolumeRecord]:
    """Volumes by id; empty where the cloud has no such service: the server list names the disks at least."""
    if "evs" not in links.endpoints_of(run.project):
        return {}
    return {volume.id: volume for volume in volumes.list_volumes(run.session)}


def _store_servers(run: _Run, batch: list[ServerRecord]) -> None:
    if not batch:
        return
    with transaction.atomic():
        # Two readings of one project at once take turns here; the second then knows the rows of the first.
        Project.objects.select_for_update().get(pk=run.project.pk)
        records = {key: record for record in batch if (key := _server_key(run, record)) is not None}
        known = {row.id: row for row in Server.objects.filter(id__in=records).prefetch_related("disks")}
        for server_id, record in records.items():
            row = known.get(server_id)
            if row is not None and row.project_id != run.project.pk:
                # A server id is unique in a cloud; the same one in two projects is somebody's mistake.
                run.oddities.append(f"Server {server_id} belongs to another project of this portal already.")
                continue
            _store_server(run, row, server_id, record)


def _server_key(run: _Run, record: ServerRecord) -> uuid.UUID | None:
    try:
        return uuid.UUID(record.id)
    except ValueError:
        run.oddities.append(f"Server {record.id} was left out: its id is not 32 hexadecimal digits.")
        return None


def _store_server(run: _Run, row: Server | None, server_id: uuid.UUID, record: ServerRecord) -> None:
    columns = _server_columns(record)
    run.report.servers += 1
    if row is None:
        run.report.added += 1
        row = Server.objects.create(id=server_id, project=run.project, seen_at=run.now, **columns)
    else:
        changed = {name: value for name, value in columns.items() if getattr(row, name) != value}
        older = Server.objects.filter(pk=row.pk, seen_at__lte=run.now)
        if not older.update(seen_at=run.now, gone_at=None, **changed):
            # The engine, or a later reading, has looked at it since this one began: that is the fresher word.
            return
        run.report.changed += bool(changed)
    store_disks(row, [_disk_columns(d.id, d.device, d.boot_index, run.volumes) for d in record.volumes])


def store_disks(server: Server, wanted: list[dict[str, Any]]) -> None:
    """Makes the rows of `server`'s disks equal to `wanted` (columns of Disk); touches nothing that fits."""
    current = {disk.volume_id: disk for disk in server.disks.all()}
    by_id = {columns["volume_id"]: columns for columns in _one_system_disk(wanted)}
    stale = [disk.pk for volume_id, disk in current.items() if volume_id not in by_id]
    if stale:
        # First: the new system disk may not stand beside the old one.
        Disk.objects.filter(pk__in=stale).delete()
    for volume_id, columns in by_id.items():
        disk = current.get(volume_id)
        if disk is None:
            Disk.objects.create(server=server, **columns)
        elif any(getattr(disk, name) != value for name, value in columns.items()):
            Disk.objects.filter(pk=disk.pk).update(**columns)


def _one_system_disk(wanted: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Data disks first, so that a disk gives up its place before another takes it.

    Where the cloud calls two disks the system disk, none is known to be it: such a server cannot be chosen.
    """
    system = [columns for columns in wanted if columns["boot_index"] == 0]
    data = [columns for columns in wanted if columns["boot_index"] != 0]
    if len(system) > 1:
        system = [columns | {"boot_index": None} for columns in system]
    return data + system


def _disk_columns(
    volume_id: str, device: str, boot_index: int | None, attached: dict[str, VolumeRecord]
) -> dict[str, Any]:
    columns: dict[str, Any] = {
        "volume_id": volume_id,
        "device": plain_text(device, 40),
        "boot_index": boot_index,
    }
    volume = attached.get(volume_id)
    if volume is not None:
        columns |= {
            "name": plain_text(volume.name, 255),
            "size_gb": volume.size_gb,
            "volume_type": plain_text(volume.volume_type, 40),
            "encrypted": volume.encrypted,
            "cmkid": plain_text(volume.cmkid or "", 64),
            "shareable": volume.shareable,
        }
    return columns


def _server_columns(record: ServerRecord) -> dict[str, Any]:
    addresses = [a.addr for a in sorted(record.addresses, key=lambda a: a.kind != "fixed")]
    return {
        "name": plain_text(record.name, 255),
        "status": plain_text(record.status, 40),
        "task_state": plain_text(record.task_state, 60),
        "image_id": plain_text(record.image_id, 64),
        "image_name": plain_text(record.image_name, 255),
        "os_type": plain_text(record.os_type, 40),
        "flavor": plain_text(record.flavor_name or record.flavor_id, 80),
        "vcpus": record.vcpus,
        "ram_mb": record.ram_mb,
        "zone": plain_text(record.zone, 80),
        "keyname": plain_text(record.key_name or "", 255),
        "userid": plain_text(record.user_id, 64),
        "locked": record.locked,
        "tags": list(record.tags),
        "addresses": addresses,
        "created_at": record.created,
        "search": search_text(record),
        "temporary": _is_temporary(record),
    }


def search_text(record: ServerRecord) -> str:
    """What a search looks through: name, id, addresses and tags, in lower case."""
    addresses = [a.addr for a in sorted(record.addresses, key=lambda a: a.kind != "fixed")]
    return " ".join([record.name, record.id, *addresses, *record.tags]).lower()


def _is_temporary(record: ServerRecord) -> bool:
    """Whether this looks like the helper a running reinstall makes: being built, with nobody's key.

    The documents say only that it appears and vanishes by itself, so what is being built is never offered.
    """
    return record.status == "BUILD" and not record.key_name


def _sync_key_pairs(run: _Run) -> None:
    found: list[KeyPairRecord] = list(keypairs.list_keypairs(run.session))
    with transaction.atomic():
        for record in found:
            KeyPair.objects.update_or_create(
                project=run.project,
                userid=record.user_id or "",
                name=record.name,
                defaults={
                    "fingerprint": plain_text(record.fingerprint, 255),
                    "key_type": plain_text(record.type, 20),
                    "created_at": record.created,
                    "seen_at": run.now,
                    "gone_at": None,
                },
            )
        KeyPair.objects.filter(project=run.project, gone_at=None, seen_at__lt=run.now).update(gone_at=run.now)
    run.report.key_pairs = len(found)


def _sync_kms_keys(run: _Run) -> None:
    if "kms" not in links.endpoints_of(run.project):
        return
    found: list[KmsKeyRecord] = list(kms.list_keys(run.session))
    with transaction.atomic():
        for record in found:
            KmsKey.objects.update_or_create(
                project=run.project,
                key_id=record.key_id,
                defaults={
                    "alias": plain_text(record.alias, 255),
                    "state": record.state,
                    "is_default": record.default,
                    "seen_at": run.now,
                    "gone_at": None,
                },
            )
        KmsKey.objects.filter(project=run.project, gone_at=None, seen_at__lt=run.now).update(gone_at=run.now)
    run.report.kms_keys = len(found)
