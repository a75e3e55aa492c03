"""Disks of the project. Source: Elastic Volume Service API reference, "Querying Details About All Disks"."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from ecsclient.fields import (
    JsonObject,
    child,
    demand,
    flag,
    instant,
    objects,
    path_id,
    required_id,
    string_map,
    text,
    whole,
)
from ecsclient.listing import ListPage, pages_by_rows
from ecsclient.session import CloudSession

_PAGE: Final = 500
_MOST_PAGES: Final = 2000


@dataclass(frozen=True, slots=True)
class VolumeRecord:
    """One disk. `encrypted` comes from the metadata: the field of that name is documented as not supported.
    `cmkid` is the key it is encrypted with, `attached_to` the ids of the servers that use it, `snapshot_id`
    and `image_id` what it was made from."""

    id: str
    name: str
    size_gb: int
    status: str
    volume_type: str
    bootable: bool
    shareable: bool
    encrypted: bool
    cmkid: str
    attached_to: tuple[str, ...]
    zone: str
    created: datetime | None
    snapshot_id: str
    image_id: str


def parse_volume(volume: JsonObject) -> VolumeRecord:
    """A `volume` object of the detail call. Raises BadAnswer naming a field of an undocumented type."""
    metadata = string_map(volume, "metadata")
    return VolumeRecord(
        id=required_id(volume, "id"),
        name=text(volume, "name"),
        size_gb=whole(volume, "size") or 0,
        status=text(volume, "status"),
        volume_type=text(volume, "volume_type"),
        bootable=flag(volume, "bootable"),
        # Two spellings: `multiattach` is the native one, `shareable` may be a string.
        shareable=flag(volume, "multiattach") or flag(volume, "shareable"),
        encrypted=metadata.get("__system__encrypted") == "1",
        cmkid=metadata.get("__system__cmkid", ""),
        attached_to=tuple(required_id(entry, "server_id") for entry in objects(volume, "attachments")),
        zone=text(volume, "availability_zone"),
        created=instant(volume, "created_at"),
        snapshot_id=text(volume, "snapshot_id"),
        image_id=text(child(volume, "volume_image_metadata"), "image_id"),
    )


def list_volumes(session: CloudSession, *, server_id: str | None = None) -> Iterator[VolumeRecord]:
    """All disks of the project, or those attached to one server, each once.

    Here `offset` counts rows. Ends at an empty page, at one that brings nothing new, or when the announced
    count has been seen. Raises CloudError.
    """
    params: dict[str, str | int] = {"limit": _PAGE}
    if server_id is not None:
        params["server_id"] = path_id(server_id, "server_id")
    seen: set[str] = set()
    offset = 0
    for _ in range(_MOST_PAGES):
        answer = session.get(
            "evs", f"/v2/{session.project_id}/cloudvolumes/detail", {**params, "offset": offset}
        )
        demand(answer, "volumes")
        entries = list(objects(answer, "volumes"))
        offset += len(entries)
        new = [entry for entry in entries if required_id(entry, "id") not in seen]
        for entry in new:
            seen.add(required_id(entry, "id"))
            yield parse_volume(entry)
        count = whole(answer, "count")
        if not new or (len(entries) < _PAGE and (count is None or len(seen) >= count)):
            return


def volume_pages(session: CloudSession) -> Iterator[ListPage[VolumeRecord]]:
    """All disks of the project, page by page; one whose entry cannot be read is named and does not end it."""
    path = f"/v2/{session.project_id}/cloudvolumes/detail"
    return pages_by_rows(session, path, "volumes", parse_volume, _PAGE)


def room_for_volumes(session: CloudSession) -> int | None:
    """How many more disks the project may have; None where there is no limit or the cloud names none.

    Source: Elastic Volume Service API reference, "Querying Detailed Quotas of a Tenant" (limit -1: none).
    """
    path = f"/v2/{session.project_id}/os-quota-sets/{session.project_id}"
    answer = session.get("evs", path, {"usage": "True"})
    demand(answer, "quota_set")
    disks = child(child(answer, "quota_set"), "volumes")
    limit = whole(disks, "limit")
    if limit is None or limit < 0:
        return None
    return limit - (whole(disks, "in_use") or 0) - (whole(disks, "reserved") or 0)


def count_snapshots(session: CloudSession, volume_id: str) -> int | None:
    """How many snapshots were made of a disk; None where the cloud lists them without a count.

    Source: Elastic Volume Service API reference, "Querying Details About EVS Snapshots".
    """
    params: dict[str, str | int] = {"volume_id": path_id(volume_id, "volume_id"), "limit": 1}
    answer = session.get("evs", f"/v2/{session.project_id}/cloudsnapshots/detail", params)
    demand(answer, "snapshots")
    return whole(answer, "count")
