"""What is asked of the cloud for one server: the exact call, and the hash that binds it to the decision."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from reinstall.domain.identity import DiskFacts, ServerFacts
from reinstall.domain.spec import ReinstallSpec, call_path, canonical_json
from reinstall.models import Job, Order, Project, Server
from reinstall.services import links, vault

#: The version of what `request_hash` covers; a change of the recipe changes it.
HASH_VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRequest:
    """What a form or a tool asks for, parsed but not judged. `servers` are the cloud's ids, as text."""

    project: str
    servers: tuple[str, ...]
    keyname: str = ""
    userid: str = ""
    mode: str = ""
    byol: bool = False
    user_data: bytes = b""
    encrypted: bool | None = None
    cmkid: str = ""
    reason: str = ""
    confirm: str = ""
    not_before: datetime | None = None


def confirm_phrase(names: Sequence[str]) -> str:
    """What a person types before the last button: the server's name, or the sentence with the count."""
    return names[0] if len(names) == 1 else f"wipe {len(names)} servers"


def reinstall_path(project: Project, server_id: str) -> str:
    """The path of the one destructive call."""
    return call_path(project.project_id, server_id)


def facts_of(server: Server) -> ServerFacts:
    """A server as the portal last read it."""
    disks = tuple(
        DiskFacts(d.volume_id, d.device, d.size_gb, d.boot_index, d.name, d.encrypted, d.shareable)
        for d in server.disks.all()
    )
    return ServerFacts(
        server_id=str(server.pk),
        name=server.name,
        status=server.status,
        task_state=server.task_state,
        addresses=tuple(server.addresses),
        disks=disks,
        keyname=server.keyname,
        image_id=server.image_id,
    )


def request_hash(project: Project, server: ServerFacts, spec: ReinstallSpec) -> str:
    """SHA-256 over everything that was decided: where, which server as it stood, and the exact request."""
    return request_hashes(project, [server], spec)[0]


def request_hashes(project: Project, servers: Sequence[ServerFacts], spec: ReinstallSpec) -> list[str]:
    """As `request_hash`, for each of the servers."""
    cloud = [project.cloud.profile, project.cloud.region, links.endpoints_of(project).get("ecs", "")]
    body = hashlib.sha256(spec.request_bytes()).hexdigest()
    return [_hash(project, cloud, server, body) for server in servers]


def _hash(project: Project, cloud: list[str], server: ServerFacts, body: str) -> str:
    covered = {
        "version": HASH_VERSION,
        "cloud": cloud,
        "project": project.project_id,
        "server": {
            "id": server.server_id,
            "name": server.name,
            "addresses": sorted(server.addresses),
            "disks": sorted([disk.volume_id, bool(disk.is_system)] for disk in server.disks),
        },
        "call": ["POST", reinstall_path(project, server.server_id)],
        "body": body,
    }
    return hashlib.sha256(canonical_json(covered)).hexdigest()


def spec_of(project: Project, request: OrderRequest) -> ReinstallSpec:
    """The request as a spec of its cloud. Raises RuleBroken naming every field that is wrong."""
    return ReinstallSpec(
        keyname=request.keyname,
        userid=request.userid,
        mode=request.mode,
        byol=request.byol,
        user_data=request.user_data,
        encrypted=request.encrypted,
        cmkid=request.cmkid,
        limits=links.limits_of(project),
    )


def user_data_place(order: Order) -> str:
    """Where an order's script is sealed for."""
    return f"order:user_data:{order.pk}"


def spec_of_order(order: Order) -> ReinstallSpec:
    """The spec an order was placed with, its script opened. Raises CannotOpen, RuleBroken."""
    return ReinstallSpec(
        keyname=order.keyname,
        userid=order.userid,
        mode=order.mode,
        byol=order.byol,
        user_data=vault.open_text(bytes(order.user_data_sealed), place=user_data_place(order)),
        encrypted=order.encrypted,
        cmkid=order.cmkid,
        limits=links.limits_of(order.project),
    )


def snapshot_of(job: Job) -> ServerFacts:
    """The server as it stood when the job was placed."""
    facts = ServerFacts.from_json(job.snapshot)
    if facts is None:
        raise ValueError(f"job {job.pk} has no snapshot")
    return facts
