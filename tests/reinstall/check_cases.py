"""Every check before a reinstall, failing and passing: how it comes to fail, and what people read."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from reinstall.domain.verdicts import Level
from tests.reinstall.check_scenes import Scene, a_snapshot

#: Puts right what was spoiled.
Undo = Callable[[], object]
SCRIPT = "#!/bin/sh\necho ready\n"
ENCRYPTED = {"encrypted": True, "cmkid": "{cmkid}"}
LEFT_OUT = {"encrypted": None, "cmkid": ""}


@dataclass(frozen=True)
class CheckCase:
    """One way a check fails. check: its name in REST; fails, passes: the sentences; level: how it fails.

    spoil changes the cloud or the portal; wrong stands in the request in place of right. on_form: the passing
    sentence of the form, where that is another one.
    """

    id: str
    check: str
    fails: str
    passes: str
    level: Level = Level.MUST_FIX
    spoil: Callable[[Scene], Undo] | None = None
    wrong: dict[str, Any] = field(default_factory=dict)
    right: dict[str, Any] = field(default_factory=dict)
    on_form: str = ""

    def spoiled(self, scene: Scene) -> Undo:
        """Spoils; what is returned puts it right again."""
        with scene.simulator.lock:
            undo = self.spoil(scene) if self.spoil is not None else lambda: None

        def put_right() -> None:
            with scene.simulator.lock:
                undo()

        return put_right


def gone(scene: Scene) -> Undo:
    server = scene.world.servers.pop(scene.server_id)
    return lambda: scene.world.servers.update({server.id: server})


def set_to(what: str, name: str, value: Any) -> Callable[[Scene], Undo]:
    """Gives `name` of the scene's server, image, key … another value."""

    def spoil(scene: Scene) -> Undo:
        thing = getattr(scene, what)
        before, after = getattr(thing, name), scene.filled(value)
        setattr(thing, name, after(before) if callable(after) else after)
        return lambda: setattr(thing, name, before)

    return spoil


def another_system_disk(scene: Scene) -> Undo:
    old, server = scene.system_volume, scene.server
    new = replace(old, id=scene.world.new_uuid("volume"))
    scene.world.volumes[new.id] = new
    server.system_volume = new.id

    def undo() -> None:
        server.system_volume = old.id
        del scene.world.volumes[new.id]

    return undo


def held(scene: Scene) -> Undo:
    """By an order that waits because everything new is stopped."""
    scene.rest("POST", "system/freeze/", {"on": True, "reason": "a check"})
    order: dict[str, Any] = {"project": "shop-prod", "servers": [scene.server_id], "reason": "OPS-1"}
    order |= {"spec": scene.asked({}), "confirm": scene.words["server"]}
    number = scene.rest("POST", "orders/", order)["jobs"][0]["id"]
    scene.words["job"] = str(number)

    def undo() -> None:
        scene.rest("POST", f"jobs/{number}/cancel/", {})
        scene.rest("POST", "system/freeze/", {"on": False, "reason": "a check"})

    return undo


def protected(scene: Scene) -> Undo:
    where = f"servers/{scene.server_id}"
    scene.rest("POST", f"{where}/protect/", {"reason": "live orders"})
    return lambda: scene.rest("POST", f"{where}/unprotect/", {"reason": "moved away"})


def without_image(scene: Scene) -> Undo:
    image = scene.world.images.pop(scene.words["image_id"])
    return lambda: scene.world.images.update({image.id: image})


def without_key_pair(scene: Scene) -> Undo:
    pair = scene.key_pair
    scene.world.key_pairs.remove(pair)
    return lambda: scene.world.key_pairs.append(pair)


def without_kms_key(scene: Scene) -> Undo:
    key = scene.world.kms_keys.pop(scene.words["cmkid"])
    return lambda: scene.world.kms_keys.update({key.id: key})


def quota_used_up(scene: Scene) -> Undo:
    scenario = scene.world.scenario
    scenario.volume_quota = 0
    return lambda: setattr(scenario, "volume_quota", None)


def snapshot_made(scene: Scene) -> Undo:
    snapshot = a_snapshot(scene)
    return lambda: scene.world.snapshots.pop(snapshot.id)


FITS = "The running state fits."
AS_SHOWN = "It is what it was when you looked at it."
ANEW = "Look at it anew."
IMAGE_THERE = "The original image {image} is still there."
ONE_DISK = "One system disk attached; it is the only one that is wiped."
SAME_KEY = "The key pair exists for this user ID."
NO_PROTECTION = "It is not protected."
encrypted_now = set_to("system_volume", "cmk_id", "{cmkid}")

CASES = (
    CheckCase(
        "quota",
        "quota",
        "The project's quota of disks is used up; a reinstall needs room for one more while it swaps them. "
        "Raise the quota or delete a disk, then ask again.",
        "The project has no limit of disks that is known.",
        spoil=quota_used_up,
    ),
    CheckCase(
        "there",
        "server",
        "{server} is not at the cloud any more. Choose another.",
        "Server found, state ACTIVE.",
        spoil=gone,
    ),
    CheckCase(
        "name",
        "changed",
        "{server}-b changed since you looked at it: its name was {server} and is {server}-b. " + ANEW,
        AS_SHOWN,
        spoil=set_to("server", "name", "{server}-b"),
    ),
    CheckCase(
        "address",
        "changed",
        "{server} changed since you looked at it: its addresses were {addresses} and are {address}. " + ANEW,
        AS_SHOWN,
        spoil=set_to("server", "addresses", lambda before: before[:1]),
    ),
    CheckCase(
        "disk-swapped",
        "changed",
        "{server} changed since you looked at it: its system disk is another one. " + ANEW,
        AS_SHOWN,
        spoil=another_system_disk,
    ),
    CheckCase(
        "stopped",
        "changed",
        "{server} changed since you looked at it: it was running and is stopped now. " + ANEW,
        AS_SHOWN,
        spoil=set_to("server", "status", "SHUTOFF"),
    ),
    CheckCase(
        "mode",
        "running",
        "{server} is running. Choose to stop it first, or stop it at the cloud.",
        FITS,
        wrong={"mode": ""},
        right={"mode": "withStopServer"},
    ),
    CheckCase(
        "state",
        "running",
        "{server} was SUSPENDED when last read; only ACTIVE, SHUTOFF or ERROR will do. "
        "It is read again before anything is sent.",
        FITS,
        Level.TO_KNOW,
        spoil=set_to("server", "status", "SUSPENDED"),
    ),
    CheckCase(
        "locked",
        "locked",
        "{server} is locked at the cloud. Unlock it there first.",
        "It is not locked at the cloud.",
        spoil=set_to("server", "locked", True),
    ),
    CheckCase(
        "held",
        "held",
        "{server} is held by job #{job} of {person}, in state “Queued”.",
        "No other job holds this server.",
        spoil=held,
    ),
    CheckCase(
        "system-disk",
        "system_disk",
        "{server} has no system disk that is known here, or more than one. Put that right at the cloud.",
        ONE_DISK,
        spoil=set_to("server", "system_volume", None),
    ),
    CheckCase(
        "image-gone",
        "image",
        "The image that {server} was made from is not at the cloud any more ({image_id}). "
        "A reinstall takes no other image; change the OS at the cloud instead.",
        IMAGE_THERE,
        spoil=without_image,
    ),
    CheckCase(
        "image-state",
        "image",
        "The image of {server} is saving, not active. Wait until it is, or restore it.",
        IMAGE_THERE,
        spoil=set_to("image", "status", "saving"),
    ),
    CheckCase(
        "cloud-init",
        "call",
        "The image of {server} has no Cloud-Init, so it takes no first-boot script. Leave the script out.",
        "The image has Cloud-Init.",
        spoil=set_to("image", "cloud_init", False),
        wrong={"user_data": SCRIPT},
        right={"user_data": SCRIPT},
    ),
    CheckCase(
        "key-gone",
        "key_pair",
        "There is no key pair {keyname} in shop-prod as last read. Choose another.",
        SAME_KEY,
        spoil=without_key_pair,
    ),
    CheckCase(
        "key-owner",
        "key_pair",
        "The key pair {keyname} does not belong to user {stranger}; its owner is {userid}.",
        SAME_KEY,
        wrong={"userid": "{stranger}"},
    ),
    CheckCase(
        "kms-disabled",
        "kms_key",
        "The KMS key {kms} is disabled. Choose an enabled one, or enable it at the cloud.",
        "The KMS key is enabled.",
        spoil=set_to("kms_key", "state", "3"),
        wrong=ENCRYPTED,
        right=ENCRYPTED,
    ),
    CheckCase(
        "kms-gone",
        "kms_key",
        "There is no KMS key {cmkid} in this project. Choose another.",
        "The KMS key is enabled.",
        spoil=without_kms_key,
        wrong=ENCRYPTED,
        right=ENCRYPTED,
    ),
    CheckCase(
        "encryption",
        "encryption_lost",
        "The system disk is encrypted now with KMS key {cmkid}. Left out, the new one may come back in clear "
        "text. Choose to encrypt it, or choose not to.",
        "The new system disk will be encrypted.",
        spoil=encrypted_now,
        wrong=LEFT_OUT,
        right=ENCRYPTED,
    ),
    CheckCase(
        "encryption-waived",
        "encryption_lost",
        "The system disk is encrypted now with KMS key {cmkid}; the new one will not be, as chosen here.",
        "The system disk is not encrypted now, so no encryption is lost.",
        Level.TO_KNOW,
        spoil=encrypted_now,
        wrong={"encrypted": False},
    ),
    CheckCase(
        "snapshots",
        "snapshots",
        "1 snapshot of the system disk is deleted with it. Snapshots of data disks stay.",
        "The system disk has no snapshots that would be lost.",
        Level.TO_KNOW,
        spoil=snapshot_made,
    ),
    CheckCase(
        "script",
        "user_data",
        "The first line is neither #! nor #cloud-config: Cloud-Init will not run it.",
        "Nothing stands out in the first-boot script.",
        Level.TO_KNOW,
        wrong={"user_data": "echo ready\n"},
        right={"user_data": SCRIPT},
        on_form="The first line is right, and nothing stands out.",
    ),
    CheckCase(
        "script-too-long",
        "user_data",
        "The first-boot script has 32,778 bytes, 10 too many. The cloud takes 32,768 bytes before base64.",
        "Nothing stands out in the first-boot script.",
        wrong={"user_data": "#!/bin/sh\n" + "#" * 32_768},
        right={"user_data": SCRIPT},
        on_form="The first line is right, and nothing stands out.",
    ),
    CheckCase(
        "protected",
        "protected",
        '{server} is protected by {person}: "live orders". Remove the protection first; that is logged.',
        NO_PROTECTION,
        spoil=protected,
    ),
    CheckCase(
        "tag",
        "protected",
        "{server} is protected at the cloud by the tag ecsportal:protected. Remove the tag there, then sync.",
        NO_PROTECTION,
        spoil=set_to("server", "tags", lambda before: [*before, "ecsportal:protected"]),
    ),
)
