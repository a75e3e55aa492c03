"""Servers as the cloud describes them, and stopping one.

Source: Elastic Cloud Server API reference: "Querying Details About ECSs", "Querying Details About an ECS",
"Querying Information About the Disks Attached to an ECS", "Stopping ECSs in a Batch".
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from ecsclient.errors import BadAnswer
from ecsclient.fields import (
    JsonObject,
    child,
    demand,
    flag,
    instant,
    objects,
    optional_text,
    path_id,
    required_id,
    string_map,
    strings,
    text,
    whole,
)
from ecsclient.listing import ListPage, page_of
from ecsclient.session import CloudSession

_MOST_PAGES: Final = 2000


@dataclass(frozen=True, slots=True)
class Address:
    addr: str
    kind: Literal["fixed", "floating"]
    version: int
    mac: str


@dataclass(frozen=True, slots=True)
class AttachedVolume:
    """A disk of a server; `boot_index` 0 is the system disk, None and -1 a data disk."""

    id: str
    device: str
    boot_index: int | None


@dataclass(frozen=True, slots=True)
class BlockDevice:
    """A disk as the disk query describes it; `boot_index` 0 is the system disk, -1 a data disk."""

    volume_id: str
    device: str
    size_gb: int
    boot_index: int
    bus: str


@dataclass(frozen=True, slots=True)
class ServerRecord:
    """One server. Texts the cloud left out are empty, times are UTC, `image_type` is gold, private or shared,
    `charging_mode` "0" pay per use, "1" prepaid, "2" spot."""

    id: str
    name: str
    status: str
    task_state: str
    vm_state: str
    power_state: int | None
    key_name: str | None
    user_id: str
    image_id: str
    image_name: str
    image_type: str
    flavor_id: str
    flavor_name: str
    vcpus: int
    ram_mb: int
    locked: bool
    tags: tuple[str, ...]
    addresses: tuple[Address, ...]
    zone: str
    created: datetime | None
    updated: datetime | None
    launched_at: datetime | None
    os_type: str
    charging_mode: str
    enterprise_project_id: str
    volumes: tuple[AttachedVolume, ...]
    metadata: Mapping[str, str]
    fault: str
    description: str

    @property
    def fixed_first(self) -> tuple[str, ...]:
        """All addresses as text, those of the server itself before floating ones."""
        return tuple(a.addr for a in sorted(self.addresses, key=lambda a: a.kind != "fixed"))

    @property
    def system_volume_id(self) -> str | None:
        """The id of the disk a reinstall replaces; None where the cloud names none or more than one."""
        roots = [volume.id for volume in self.volumes if volume.boot_index == 0]
        return roots[0] if len(roots) == 1 else None


def _addresses(server: JsonObject) -> tuple[Address, ...]:
    networks = child(server, "addresses")
    return tuple(
        Address(
            addr=text(entry, "addr"),
            kind="floating" if text(entry, "OS-EXT-IPS:type") == "floating" else "fixed",
            version=whole(entry, "version") or 4,
            mac=text(entry, "OS-EXT-IPS-MAC:mac_addr"),
        )
        for network in networks
        for entry in objects(networks, network)
    )


def _volumes(server: JsonObject) -> tuple[AttachedVolume, ...]:
    return tuple(
        AttachedVolume(required_id(entry, "id"), text(entry, "device"), whole(entry, "bootIndex"))
        for entry in objects(server, "os-extended-volumes:volumes_attached")
    )


def parse_server(server: JsonObject) -> ServerRecord:
    """A `server` object of the detail calls. Raises BadAnswer naming a field of an undocumented type."""
    metadata, flavor = string_map(server, "metadata"), child(server, "flavor")
    return ServerRecord(
        id=required_id(server, "id"),
        name=text(server, "name"),
        status=text(server, "status"),
        task_state=text(server, "OS-EXT-STS:task_state"),
        vm_state=text(server, "OS-EXT-STS:vm_state"),
        power_state=whole(server, "OS-EXT-STS:power_state"),
        # Absent, null and empty all say: made without a key pair.
        key_name=optional_text(server, "key_name") or None,
        user_id=text(server, "user_id"),
        image_id=_image_id(server) or metadata.get("metering.image_id", ""),
        image_name=metadata.get("image_name", ""),
        image_type=metadata.get("metering.imagetype", ""),
        flavor_id=text(flavor, "id"),
        flavor_name=text(flavor, "name"),
        vcpus=whole(flavor, "vcpus") or 0,
        ram_mb=whole(flavor, "ram") or 0,
        locked=flag(server, "locked"),
        tags=strings(server, "tags"),
        addresses=_addresses(server),
        zone=text(server, "OS-EXT-AZ:availability_zone"),
        created=instant(server, "created"),
        updated=instant(server, "updated"),
        launched_at=instant(server, "OS-SRV-USG:launched_at"),
        os_type=metadata.get("os_type", ""),
        charging_mode=metadata.get("charging_mode", ""),
        enterprise_project_id=text(server, "enterprise_project_id"),
        volumes=_volumes(server),
        metadata=metadata,
        fault=text(child(server, "fault"), "message"),
        description=text(server, "description"),
    )


def _image_id(server: JsonObject) -> str:
    # The native compute API prints "" instead of an object for a server that boots from a volume.
    return "" if server.get("image") == "" else text(child(server, "image"), "id")


def list_servers(session: CloudSession, *, page_size: int = 200) -> Iterator[ServerRecord]:
    """All servers of the project, each once, bare metal left out.

    The parameter `offset` of this call is the number of a page, not of a row. Pages are not a snapshot: a
    server may appear on two of them or, when others are deleted meanwhile, be missed. Ends at an empty page,
    at a page that brings nothing new, or when the announced count has been seen. Raises CloudError.
    """
    seen: set[str] = set()
    for page in range(1, _MOST_PAGES + 1):
        params: dict[str, str | int] = {"offset": page, "limit": page_size, "not-tags": "__type_baremetal"}
        answer = session.get("ecs", f"/v1/{session.project_id}/cloudservers/detail", params)
        demand(answer, "servers")
        entries = list(objects(answer, "servers"))
        new = [entry for entry in entries if required_id(entry, "id") not in seen]
        for entry in new:
            seen.add(required_id(entry, "id"))
            # Ids that were asked for and do not exist come back as a shell with nothing but the id.
            if entry.get("status") is not None:
                yield parse_server(entry)
        count = whole(answer, "count")
        if not new or (len(entries) < page_size and (count is None or len(seen) >= count)):
            return


def server_pages(session: CloudSession, *, page_size: int = 200) -> Iterator[ListPage[ServerRecord]]:
    """As `list_servers`, page by page; a server whose entry cannot be read is named and does not end it."""
    seen: set[str] = set()
    for number in range(1, _MOST_PAGES + 1):
        params: dict[str, str | int] = {"offset": number, "limit": page_size, "not-tags": "__type_baremetal"}
        answer = session.get("ecs", f"/v1/{session.project_id}/cloudservers/detail", params)
        page = page_of(answer, "servers", seen, _listed_server)
        yield page
        if page.is_last(page_size):
            return


def _listed_server(entry: JsonObject) -> ServerRecord | None:
    # Ids that were asked for and do not exist come back as a shell with nothing but the id.
    return parse_server(entry) if entry.get("status") is not None else None


@dataclass(frozen=True, slots=True)
class ServerState:
    """What a list tells of a server's work; `task_state` is empty when it does nothing."""

    id: str
    status: str
    task_state: str


@dataclass(frozen=True, slots=True)
class StatePage:
    """A page of states; `count` is what the cloud says all pages hold, None where it does not say."""

    states: tuple[ServerState, ...]
    count: int | None


def state_page(session: CloudSession, *, page: int, size: int) -> StatePage:
    """Page 1, 2, ... of the project's servers, `size` (at most 1000) each, read for their state alone."""
    params: dict[str, str | int] = {"offset": page, "limit": size, "not-tags": "__type_baremetal"}
    return _state_page(session, params)


def states_of(session: CloudSession, ids: Sequence[str]) -> StatePage:
    """The states of up to 100 servers by id, where the cloud's profile says it lists by id."""
    return _state_page(session, {"server_id": ",".join(path_id(i, "server_id") for i in ids)})


def _state_page(session: CloudSession, params: dict[str, str | int]) -> StatePage:
    answer = session.get("ecs", f"/v1/{session.project_id}/cloudservers/detail", params)
    demand(answer, "servers")
    states = tuple(
        ServerState(required_id(entry, "id"), text(entry, "status"), text(entry, "OS-EXT-STS:task_state"))
        for entry in objects(answer, "servers")
        # Ids that were asked for and do not exist come back as a shell with nothing but the id.
        if entry.get("status") is not None
    )
    return StatePage(states, whole(answer, "count"))


def get_server(session: CloudSession, server_id: str) -> ServerRecord:
    """The server of that id. Raises NotFound where the cloud has none, ValueError for what is no id."""
    server_id = path_id(server_id, "server_id")
    answer = session.get("ecs", f"/v1/{session.project_id}/cloudservers/{server_id}")
    demand(answer, "server")
    record = parse_server(child(answer, "server"))
    if record.id != server_id:
        raise BadAnswer(f"asked for server {server_id}, the cloud described {record.id}")
    return record


def block_devices(session: CloudSession, server_id: str) -> tuple[BlockDevice, ...]:
    """The disks attached to a server, system disk and data disks, with their size in GB."""
    server_id = path_id(server_id, "server_id")
    answer = session.get("ecs", f"/v1/{session.project_id}/cloudservers/{server_id}/block_device")
    demand(answer, "volumeAttachments")
    return tuple(_block_device(entry) for entry in objects(answer, "volumeAttachments"))


def _block_device(entry: JsonObject) -> BlockDevice:
    boot_index = whole(entry, "bootIndex")
    return BlockDevice(
        volume_id=required_id(entry, "volumeId" if entry.get("volumeId") is not None else "id"),
        device=text(entry, "device"),
        size_gb=whole(entry, "size") or 0,
        boot_index=-1 if boot_index is None else boot_index,
        bus=text(entry, "bus"),
    )


def stop_server(session: CloudSession, server_id: str) -> str:
    """Ask the cloud to shut the server down by its operating system; the id of the cloud's job.

    Sent once. Stopping a stopped server changes nothing, so the caller may ask again after Unclear.
    """
    payload = {"os-stop": {"type": "SOFT", "servers": [{"id": path_id(server_id, "server_id")}]}}
    answer = session.post("ecs", f"/v1/{session.project_id}/cloudservers/action", payload)
    return required_id(answer, "job_id")
