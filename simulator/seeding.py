"""Makes the first state of the world out of a seed and a scenario."""

from __future__ import annotations

import base64
import hashlib

from simulator import catalog
from simulator.ids import access_key_of, dice, digest, hex_of, secret_of, uuid_of
from simulator.records import Address, Image, KeyPair, KmsKey, Project, Server, Snapshot, User, Volume
from simulator.scenario import Scenario
from simulator.world import World

DAY = 86_400.0
LOCKED, WITHOUT_CLOUD_INIT, IMAGE_GONE = 5, 9, 13  # places in the first project


def build_world(seed: int, scenario: Scenario) -> World:
    """The same seed and scenario give the same ids, names, addresses and secrets."""
    world = World(seed=seed, scenario=scenario, domain_id=hex_of(seed, "domain"))
    for name in scenario.servers:
        project_id = hex_of(seed, "project", name)
        world.projects[project_id] = Project(project_id, name)
    for name in ("svc-reinstall", "ana.weber"):
        _add_user(world, name)
    for plan in catalog.IMAGES:
        _add_image(world, plan)
    for pair, owner in (
        ("KeyPair-350b", "svc-reinstall"),
        ("ops-2025", "svc-reinstall"),
        ("break-glass", "svc-reinstall"),
        ("ana-laptop", "ana.weber"),
    ):
        _add_key_pair(world, pair, owner)
    for number, project in enumerate(world.projects.values()):
        _add_kms_keys(world, project)
        _add_servers(world, project, number)
    return world


def _add_user(world: World, name: str) -> None:
    seed = world.seed
    user = User(
        id=hex_of(seed, "user", name),
        name=name,
        password="Sim-" + secret_of(seed, "password", name, length=16),
        access_key=access_key_of(seed, name),
        secret_key=secret_of(seed, name),
        project_ids=list(world.projects),
        denied=list(world.scenario.deny.get(name, [])),
    )
    world.users[user.id] = user


def _add_image(world: World, plan: catalog.ImagePlan) -> None:
    owners = [""] if plan.kind == "gold" else list(world.projects)
    for owner in owners:
        image_id = uuid_of(world.seed, "image", owner, plan.key)
        world.images[image_id] = Image(
            id=image_id,
            name=plan.name,
            kind=plan.kind,
            owner=owner,
            os_type=plan.os_type,
            platform=plan.platform,
            os_version=plan.os_version,
            min_disk=plan.min_disk,
            cloud_init=plan.cloud_init,
            created_at=catalog.EPOCH - 40 * DAY,
        )


def _add_key_pair(world: World, name: str, owner: str) -> None:
    raw = digest(world.seed, "keypair", name)
    kind = b"ssh-ed25519"
    blob = len(kind).to_bytes(4, "big") + kind + len(raw).to_bytes(4, "big") + raw
    finger = hashlib.md5(blob, usedforsecurity=False).hexdigest()
    number = 164 + len(world.key_pairs)
    pair = KeyPair(
        name=name,
        user_id=world.user_by_name(owner).id,
        number=number,
        public_key=f"ssh-ed25519 {base64.b64encode(blob).decode()} Generated-by-Nova\n",
        fingerprint=":".join(finger[i : i + 2] for i in range(0, 32, 2)),
        created_at=catalog.EPOCH + number * 3600,
    )
    world.key_pairs.append(pair)


def _add_kms_keys(world: World, project: Project) -> None:
    for alias, state in (
        ("evs/default", "2"),
        ("disk-key-1", "2"),
        ("disk-key-2023", "3"),
        ("disk-key-old", "4"),
    ):
        key_id = uuid_of(world.seed, "kms", project.name, alias)
        world.kms_keys[key_id] = KmsKey(
            id=key_id,
            project_id=project.id,
            alias=alias,
            state=state,
            is_default=alias == "evs/default",
            created_at=catalog.EPOCH - 100 * DAY,
            deletion_at=catalog.EPOCH + 900 * DAY if state == "4" else None,
        )


def server_names(project: str, count: int, given: list[str]) -> list[str]:
    """The scenario's names first, then web-prod-01, db-prod-01, ... until there are `count`."""
    names = list(given[:count])
    stage = project.rsplit("-", 1)[-1]
    width = max(2, len(str(count // 4)))
    seen: dict[str, int] = {}
    index = 0
    while len(names) < count:
        role = catalog.ROLES[index % len(catalog.ROLES)]
        seen[role] = seen.get(role, 0) + 1
        names.append(f"{role}-{stage}-{seen[role]:0{width}d}")
        index += 1
    return names


def _add_servers(world: World, project: Project, number: int) -> None:
    given = world.scenario.names.get(project.name, [])
    names = server_names(project.name, world.scenario.servers[project.name], given)
    for index, name in enumerate(names):
        server = _make_server(world, project, name, index)
        _place(world, server, number, index)
        _add_disks(world, server, index)
        if number == 0:
            _make_special(world, server, index)
        world.servers[server.id] = server
    _share_a_disk(world, project)


def _role_of(name: str) -> str:
    role = name.split("-", 1)[0]
    return role if role in catalog.ROLE_IMAGES else "app"


def _image_for(world: World, project: Project, key: str) -> Image:
    gold = world.images.get(uuid_of(world.seed, "image", "", key))
    return gold or world.images[uuid_of(world.seed, "image", project.id, key)]


def _make_server(world: World, project: Project, name: str, index: int) -> Server:
    role, throw = _role_of(name), dice(world.seed, "server", project.name, name)
    image = _image_for(world, project, throw.choice(catalog.ROLE_IMAGES[role]))
    off = index % 6 == 4
    born = catalog.EPOCH + throw.randrange(200 * 86_400)
    return Server(
        id=uuid_of(world.seed, "server", project.name, name),
        project_id=project.id,
        name=name,
        status="SHUTOFF" if off else "ACTIVE",
        vm_state="stopped" if off else "active",
        power_state=4 if off else 1,
        image_id=image.id,
        image_name=image.name,
        image_kind=image.kind,
        os_type=image.os_type,
        flavor=throw.choice(catalog.ROLE_FLAVORS[role]),
        zone=throw.choice(catalog.ZONES),
        user_id=world.user_by_name(throw.choice(("svc-reinstall", "svc-reinstall", "ana.weber"))).id,
        created_at=born,
        updated_at=born + 300,
        launched_at=born + 42.123456,
        vpc_id=uuid_of(world.seed, "vpc", project.name),
        key_name=throw.choice(("KeyPair-350b", "ops-2025", None)),
        tags=[
            f"env={project.name.rsplit('-', 1)[-1]}",
            f"role={role}",
            "team=" + throw.choice(("ops", "shop")),
        ],
        description=f"{role} server" if throw.random() < 0.5 else "",
    )


def _place(world: World, server: Server, number: int, index: int) -> None:
    tail = digest(world.seed, "mac", server.id)
    mac = "fa:16:3e:" + tail[:3].hex(":")
    port = uuid_of(world.seed, "port", server.id)
    server.addresses = [Address(f"10.{20 + number}.{index // 200}.{10 + index % 200}", "fixed", mac, port)]
    if _role_of(server.name) in ("web", "mail"):
        floating = f"198.51.{100 + number}.{10 + index}" if index < 240 else f"203.0.113.{index % 250}"
        server.addresses = [*server.addresses, Address(floating, "floating", mac, port)]


def _add_disks(world: World, server: Server, index: int) -> None:
    throw = dice(world.seed, "disks", server.id)
    image = world.images[server.image_id]
    server.system_volume = _add_volume(world, server, "volume-0000", max(40, image.min_disk), "/dev/vda").id
    key = uuid_of(world.seed, "kms", world.projects[server.project_id].name, "disk-key-1")
    for place, (label, size) in enumerate(catalog.ROLE_DISKS[_role_of(server.name)]):
        volume = _add_volume(world, server, label, size, f"/dev/vd{'bcdefg'[place]}")
        volume.cmk_id = key if throw.random() < 0.35 else None
        server.data_volumes = [*server.data_volumes, volume.id]
    if throw.random() < 0.2:
        world.volumes[server.system_volume].cmk_id = key
    if index % 3 == 0:
        _add_snapshot(world, world.volumes[server.system_volume])
    if index % 4 == 1 and server.data_volumes:
        _add_snapshot(world, world.volumes[server.data_volumes[0]])


def _add_volume(world: World, server: Server, label: str, size: int, device: str) -> Volume:
    is_system = device == "/dev/vda"
    volume = Volume(
        id=uuid_of(world.seed, "volume", server.id, device),
        project_id=server.project_id,
        name=f"{server.name}-{label}",
        size=size,
        kind=dice(world.seed, "disk kind", server.id, device).choice(catalog.DISK_KINDS),
        zone=server.zone,
        status="in-use",
        created_at=server.created_at,
        attached={server.id: device},
        bootable=is_system,
        image_id=server.image_id if is_system else None,
    )
    world.volumes[volume.id] = volume
    return volume


def _add_snapshot(world: World, volume: Volume) -> None:
    snapshot = Snapshot(
        id=uuid_of(world.seed, "snapshot", volume.id),
        project_id=volume.project_id,
        volume_id=volume.id,
        name=f"{volume.name}-before-update",
        size=volume.size,
        created_at=volume.created_at + 30 * DAY,
    )
    world.snapshots[snapshot.id] = snapshot


def _make_special(world: World, server: Server, index: int) -> None:
    if index == LOCKED:
        server.locked = True
    elif index == WITHOUT_CLOUD_INIT:
        _use_image(server, world.images[uuid_of(world.seed, "image", server.project_id, "centos6")])
    elif index == IMAGE_GONE:
        server.image_id = uuid_of(world.seed, "image", server.project_id, "gone")
        server.image_name, server.image_kind = catalog.GONE_IMAGE_NAME, "private"


def _use_image(server: Server, image: Image) -> None:
    server.image_id, server.image_name, server.image_kind = image.id, image.name, image.kind
    server.os_type = image.os_type


def _share_a_disk(world: World, project: Project) -> None:
    """The first two database servers see one common disk, as a cluster would."""
    cluster = [s for s in world.servers_of(project.id) if _role_of(s.name) == "db"][:2]
    if len(cluster) < 2:
        return
    first, second = cluster
    volume = world.volumes[first.data_volumes[-1]]
    volume.shared, volume.name, volume.cmk_id = True, f"{project.name}-db-quorum", None
    device = f"/dev/vd{'bcdefg'[len(second.data_volumes)]}"
    volume.attached = {**volume.attached, second.id: device}
    second.data_volumes = [*second.data_volumes, volume.id]
