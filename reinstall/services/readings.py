"""Reads a server from the cloud, as the facts the engine compares."""

from datetime import datetime
from typing import Any

from django.db import transaction

from ecsclient import servers
from ecsclient.session import CloudSession
from reinstall.domain.identity import DiskFacts, ServerFacts
from reinstall.domain.redaction import plain_text
from reinstall.models import Job, Server
from reinstall.services import inventory


def look_at(session: CloudSession, server_id: str) -> tuple[ServerFacts, servers.ServerRecord]:
    """The server and its disks now: two reads. Raises CloudError (NotFound when it is gone)."""
    record = servers.get_server(session, server_id)
    devices = servers.block_devices(session, server_id)
    disks = tuple(
        DiskFacts(volume_id=d.volume_id, device=d.device, size_gb=d.size_gb, boot_index=d.boot_index)
        for d in devices
    )
    facts = ServerFacts(
        server_id=record.id,
        # Cut as in the inventory: what was reviewed there is compared with this.
        name=plain_text(record.name, 255),
        status=record.status,
        task_state=record.task_state or "",
        addresses=record.fixed_first,
        disks=disks,
        keyname=record.key_name or "",
        image_id=record.image_id or "",
        launched_at=record.launched_at.isoformat() if record.launched_at else "",
        updated=record.updated.isoformat() if record.updated else "",
    )
    return facts, record


def attached_columns(disk: DiskFacts) -> dict[str, Any]:
    """The columns of a disk's row that its attachment tells."""
    columns: dict[str, Any] = {
        "volume_id": disk.volume_id,
        "device": plain_text(disk.device, 40),
        "boot_index": disk.boot_index,
    }
    return columns | ({"size_gb": disk.size_gb} if disk.size_gb is not None else {})


def keep_facts(job: Job, facts: ServerFacts, now: datetime) -> None:
    """Lets the inventory say what was just read: state, key pair, disks."""
    with transaction.atomic():
        Server.objects.filter(pk=job.server_id).update(
            status=plain_text(facts.status, 40),
            task_state=plain_text(facts.task_state, 60),
            keyname=plain_text(facts.keyname, 255),
            seen_at=now,
            gone_at=None,
        )
        server = Server.objects.prefetch_related("disks").get(pk=job.server_id)
        known = {disk.volume_id: disk for disk in server.disks.all()}
        wanted = []
        for disk in facts.disks:
            columns = attached_columns(disk)
            if disk.volume_id not in known and disk.is_system:
                columns |= _encryption_asked_for(job)
            wanted.append(columns)
        inventory.store_disks(server, wanted)


def _encryption_asked_for(job: Job) -> dict[str, object]:
    """A new system disk has what the order said, until the next sync reads it."""
    return {"encrypted": bool(job.order.encrypted), "cmkid": job.order.cmkid}


def mark_gone(job: Job, now: datetime) -> None:
    """The cloud does not know the server any more."""
    Server.objects.filter(pk=job.server_id, gone_at=None).update(gone_at=now)
