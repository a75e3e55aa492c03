"""A server of the simulated cloud with an image, a key pair and a KMS key of its own, to be spoiled."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from simulator.records import Image, KeyPair, KmsKey, Server, Snapshot, Volume
from simulator.server import RunningSimulator
from simulator.world import World

#: (method, path below /api/v1/, body) -> the answer's JSON. The caller is a superuser.
Rest = Callable[[str, str, dict[str, Any]], dict[str, Any]]


@dataclass
class Scene:
    """What a case may change. `words` fill the sentences and the values of a case."""

    simulator: RunningSimulator
    server_id: str
    words: dict[str, str]
    rest: Rest

    @property
    def world(self) -> World:
        return self.simulator.world

    @property
    def server(self) -> Server:
        return self.world.servers[self.server_id]

    @property
    def image(self) -> Image:
        return self.world.images[self.words["image_id"]]

    @property
    def kms_key(self) -> KmsKey:
        return self.world.kms_keys[self.words["cmkid"]]

    @property
    def system_volume(self) -> Volume:
        return self.world.volumes[self.words["volume_id"]]

    @property
    def key_pair(self) -> KeyPair:
        return next(pair for pair in self.world.key_pairs if pair.name == self.words["keyname"])

    def filled(self, value: Any) -> Any:
        """`value` with the words of this scene, where it is a text."""
        return value.format(**self.words) if isinstance(value, str) else value

    def asked(self, changes: dict[str, Any]) -> dict[str, Any]:
        """What is asked of the server: right in every field, but for `changes`."""
        right = {"keyname": "{keyname}", "userid": "{userid}", "mode": "withStopServer"}
        return {name: self.filled(value) for name, value in (right | changes).items()}


def furnished(simulator: RunningSimulator, name: str, person: str, rest: Rest) -> Scene:
    """The server `name`, running, plain, with things of its own. Before the portal reads the cloud."""
    with simulator.lock:
        world = simulator.world
        server = next(one for one in world.servers.values() if one.name == name)
        volume = world.volumes[server.system_volume or ""]
        volume.cmk_id = None
        for snapshot in [one for one in world.snapshots.values() if one.volume_id == volume.id]:
            del world.snapshots[snapshot.id]
        image = _own_image(world, server)
        server.image_id, server.image_name, server.image_kind = image.id, image.name, image.kind
        server.status, server.vm_state, server.power_state = "ACTIVE", "active", 1
        server.locked, server.os_type, server.key_name = False, image.os_type, None
        words = {
            "server": name,
            "person": person,
            "image": image.name,
            "image_id": image.id,
            "volume_id": volume.id,
            "address": server.addresses[0].value,
            "addresses": ", ".join(address.value for address in server.addresses),
            "stranger": world.user_by_name("ana.weber").id,
        }
        words |= _own_keys(world, server)
    return Scene(simulator, server.id, words, rest)


def _own_image(world: World, server: Server) -> Image:
    usual = next(image for image in world.images.values() if image.cloud_init and image.os_type == "Linux")
    image = replace(
        usual,
        id=world.new_uuid("image"),
        name=f"{server.name}-image",
        kind="private",
        owner=server.project_id,
    )
    world.images[image.id] = image
    return image


def _own_keys(world: World, server: Server) -> dict[str, str]:
    owner = world.user_by_name("svc-reinstall").id
    usual = next(pair for pair in world.key_pairs if pair.user_id == owner)
    pair = replace(usual, name=f"{server.name}-key", number=1000 + world.next_number())
    world.key_pairs.append(pair)
    enabled = next(k for k in world.kms_keys.values() if k.state == "2" and k.project_id == server.project_id)
    key = replace(enabled, id=world.new_uuid("kms"), alias=f"{server.name}-kms", is_default=False)
    world.kms_keys[key.id] = key
    return {"keyname": pair.name, "userid": owner, "cmkid": key.id, "kms": key.alias}


def a_snapshot(scene: Scene) -> Snapshot:
    """A new snapshot of the system disk."""
    volume = scene.system_volume
    snapshot = Snapshot(
        scene.world.new_uuid("snapshot"), volume.project_id, volume.id, "before", volume.size, 0.0
    )
    scene.world.snapshots[snapshot.id] = snapshot
    return snapshot
