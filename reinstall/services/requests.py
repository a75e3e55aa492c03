"""What is asked of the cloud for one server: the exact call, and the hash that binds it to the decision.

Hashes are shown: on pages, in REST, in the audit log. A plain SHA-256 over a body with a password in it would
let anybody who sees one try passwords until it fits. With a password every digest of the body is therefore an
HMAC whose key is made for that order and sealed beside the password. A secret of the whole portal would not
do: whoever may preview a request could compare its hash with that of another one.
"""

import hashlib
import hmac
import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from reinstall.domain.callversions import CallVersion, version_for
from reinstall.domain.identity import DiskFacts, ServerFacts
from reinstall.domain.spec import ReinstallSpec, call_path, canonical_json
from reinstall.models import Image, Job, Order, Project, Server
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
    adminpass: str = field(default="", repr=False)
    #: The preset the settings were taken from, as slug@version; "" for none.
    preset: str = ""
    reason: str = ""
    confirm: str = ""
    not_before: datetime | None = None
    #: The servers as the person was shown them; one that is another now is not reinstalled.
    reviewed: tuple[ServerFacts, ...] = ()


#: What stands for a field that says nothing, of those the checks read.
_NOTHING: dict[str, Any] = {
    "keyname": "",
    "userid": "",
    "mode": "",
    "byol": False,
    "user_data": b"",
    "encrypted": None,
    "cmkid": "",
    "adminpass": "",
}


def without(request: OrderRequest, refused: Collection[str]) -> OrderRequest:
    """The request without the fields `refused`; a key pair is none without its user, and the other way."""
    pair = {"keyname", "userid"}
    names = {*refused, *pair} if pair & set(refused) else set(refused)
    return replace(request, **{name: _NOTHING[name] for name in names & _NOTHING.keys()})


def confirm_phrase(names: Sequence[str]) -> str:
    """What a person types before the last button: the server's name, or the sentence with the count."""
    return names[0] if len(names) == 1 else f"wipe {len(names)} servers"


def typed_phrase(servers: Sequence[Server]) -> str:
    """As `confirm_phrase`; a server with a namesake in its project asks for the end of its id too."""
    phrase = confirm_phrase([server.name for server in servers])
    return f"{phrase} {str(servers[0].pk)[-4:]}" if len(servers) == 1 and has_namesake(servers[0]) else phrase


def has_namesake(server: Server) -> bool:
    """Whether another server that is there has this name, in the same project."""
    namesakes = Server.objects.filter(project=server.project_id, name=server.name, gone_at=None)
    return namesakes.exclude(pk=server.pk).exists()


def reinstall_path(project: Project, server_id: str, version: str = "v2") -> str:
    """The path of the one destructive call."""
    return call_path(project.project_id, server_id, version)


def bare_images(project: Project) -> frozenset[str]:
    """Ids of the project's images without Cloud-Init, as last read."""
    found = Image.objects.filter(project=project, cloud_init=False)
    return frozenset(found.values_list("image_id", flat=True))


def versions_of(project: Project, servers: Sequence[ServerFacts]) -> dict[str, CallVersion]:
    """Server id -> version of the call its image takes, as the images were last read; one query.

    An image nobody has read is taken for one with Cloud-Init; the last look before the call asks the cloud.
    """
    bare = bare_images(project)
    return {server.server_id: version_for(cloud_init=server.image_id not in bare) for server in servers}


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


def request_hash(
    project: Project,
    server: ServerFacts,
    spec: ReinstallSpec,
    version: CallVersion = "v2",
    pepper: bytes = b"",
) -> str:
    """SHA-256 over everything that was decided: where, which server as it stood, and the exact request.

    `pepper`: the order's own key for the digest of a body with a password.
    """
    return request_hashes(project, [server], spec, {server.server_id: version}, pepper)[0]


def request_hashes(
    project: Project,
    servers: Sequence[ServerFacts],
    spec: ReinstallSpec,
    versions: Mapping[str, CallVersion],
    pepper: bytes = b"",
) -> list[str]:
    """As `request_hash`, for each of the servers."""
    cloud = [project.cloud.profile, project.cloud.region, links.endpoints_of(project).get("ecs", "")]
    body = body_digest(spec.request_bytes(), pepper)
    paths = [reinstall_path(project, server.server_id, versions[server.server_id]) for server in servers]
    return [
        _hash(project, cloud, server, ["POST", path], body)
        for server, path in zip(servers, paths, strict=True)
    ]


def body_digest(body: bytes, pepper: bytes) -> str:
    """SHA-256 of a body; keyed where there is a key, which is where it holds a password."""
    return hmac.digest(pepper, body, "sha256").hex() if pepper else hashlib.sha256(body).hexdigest()


def new_pepper(spec: ReinstallSpec) -> bytes:
    """A key for the digests of an order; b"" for one without a password."""
    return secrets.token_bytes(32) if spec.adminpass else b""


def hash_of_job(job: Job, spec: ReinstallSpec) -> str:
    """The hash of what would be sent for `job` now, with the `spec` of its order. Raises CannotOpen."""
    return request_hash(job.project, snapshot_of(job), spec, version_of(job), pepper_of(job.order))


def version_of(job: Job) -> CallVersion:
    """The version of the call that was decided on for `job`."""
    return "v1" if job.call_version == "v1" else "v2"


def _hash(project: Project, cloud: list[str], server: ServerFacts, call: list[str], body: str) -> str:
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
        "call": call,
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
        adminpass=request.adminpass,
        limits=links.limits_of(project),
    )


def user_data_place(order: Order) -> str:
    """Where an order's script is sealed for."""
    return f"order:user_data:{order.pk}"


def password_place(order: Order) -> str:
    """Where an order's password is sealed for."""
    return f"order:adminpass:{order.pk}"


def sealed_password(order: Order, password: str, pepper: bytes) -> bytes:
    """The envelope of a password and of the key for the order's digests; b"" for none."""
    if not password:
        return b""
    return vault.seal_record({"adminpass": password, "pepper": pepper.hex()}, place=password_place(order))


def password_of(order: Order) -> str:
    """The password of an order, "" for none. Raises CannotOpen."""
    return _opened(order).get("adminpass", "")


def pepper_of(order: Order) -> bytes:
    """The key for the order's digests, b"" where there is no password. Raises CannotOpen."""
    return bytes.fromhex(_opened(order).get("pepper", ""))


def _opened(order: Order) -> dict[str, str]:
    sealed = bytes(order.adminpass_sealed)
    return vault.open_record(sealed, place=password_place(order)) if sealed else {}


def spec_of_order(order: Order) -> ReinstallSpec:
    """The spec an order was placed with, its script and password opened. Raises CannotOpen, RuleBroken."""
    return ReinstallSpec(
        keyname=order.keyname,
        userid=order.userid,
        mode=order.mode,
        byol=order.byol,
        user_data=vault.open_text(bytes(order.user_data_sealed), place=user_data_place(order)),
        encrypted=order.encrypted,
        cmkid=order.cmkid,
        adminpass=password_of(order),
        limits=links.limits_of(order.project),
    )


def snapshot_of(job: Job) -> ServerFacts:
    """The server as it stood when the job was placed."""
    facts = ServerFacts.from_json(job.snapshot)
    if facts is None:
        raise ValueError(f"job {job.pk} has no snapshot")
    return facts
