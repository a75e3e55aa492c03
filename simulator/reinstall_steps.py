"""What a reinstall does to a server and its disks, step by step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from simulator.clock import iso_seconds
from simulator.records import Job, Server, Volume
from simulator.world import World


def begin(server: Server, at: float) -> None:
    """The cloud starts to work: a running server is asked to power off, a stopped one is rebuilt at once."""
    server.updated_at = at
    if server.power_state == 1:
        server.task_state = "powering-off"
    else:
        server.status, server.task_state = "REBUILD", "rebuilding"


def _stop(world: World, job: Job, server: Server, at: float) -> None:
    server.status, server.vm_state, server.power_state = "REBUILD", "stopped", 4
    server.task_state, server.updated_at = "rebuilding", at
    world.add_action(server.id, "stop", job, at)


def _detach(world: World, job: Job, server: Server, at: float) -> None:
    job.old_volume = server.system_volume
    old = world.volumes.get(server.system_volume or "")
    if old is not None:
        old.status = "detaching"
    server.status, server.task_state = "REBUILD", "rebuild_block_device_mapping"


def _create(world: World, job: Job, server: Server, at: float) -> None:
    """The old disk comes off, a new one is made, and a temporary server shows up in the lists."""
    old = world.volumes.get(job.old_volume or "")
    if not job.keep_disk:
        job.new_volume = _new_system_disk(world, job, server, old, at).id
    if old is not None:
        old.attached, old.status = {}, "available"
    server.system_volume = None
    world.add_action(server.id, "detach_volume", job, at)
    _add_temporary(world, job, server, at)


def _new_system_disk(world: World, job: Job, server: Server, old: Volume | None, at: float) -> Volume:
    image = world.images.get(server.image_id)
    volume = Volume(
        id=world.new_uuid("system volume"),
        project_id=server.project_id,
        name=old.name if old else f"{server.name}-volume-0000",
        size=old.size if old else max(40, image.min_disk if image else 40),
        kind=old.kind if old else "SSD",
        zone=server.zone,
        status="creating",
        created_at=at,
        bootable=True,
        cmk_id=job.cmk_id,
        image_id=server.image_id,
    )
    world.volumes[volume.id] = volume
    return volume


def _add_temporary(world: World, job: Job, server: Server, at: float) -> None:
    helper = replace(
        server,
        id=world.new_uuid("temporary server"),
        name=f"{server.name}-reinstall-tmp",
        status="BUILD",
        vm_state="building",
        task_state="spawning",
        power_state=0,
        created_at=at,
        updated_at=at,
        addresses=[],
        tags=[],
        system_volume=None,
        data_volumes=[],
        temporary=True,
        locked=False,
    )
    world.servers[helper.id] = helper
    job.temporary_server = helper.id


def remove_temporary(world: World, job: Job) -> None:
    """The temporary server vanishes, whatever became of the job."""
    if job.temporary_server is not None:
        world.servers.pop(job.temporary_server, None)
        job.temporary_server = None


def _attach(world: World, job: Job, server: Server, at: float) -> None:
    """The new disk goes in; the old one and its snapshots are gone for good."""
    disk_id = job.old_volume if job.keep_disk else job.new_volume
    disk = world.volumes.get(disk_id or "")
    if disk is not None:
        disk.attached, disk.status = {server.id: "/dev/vda"}, "in-use"
        server.system_volume = disk.id
    if not job.keep_disk and job.old_volume is not None:
        _delete_volume(world, job.old_volume)
    if job.change_data_disk:
        _swap_data_disk(world, server, at)
    server.task_state, server.updated_at = "rebuild_spawning", at
    world.add_action(server.id, "attach_volume", job, at)
    remove_temporary(world, job)


def _delete_volume(world: World, volume_id: str) -> None:
    world.volumes.pop(volume_id, None)
    for snapshot in [s for s in world.snapshots.values() if s.volume_id == volume_id]:
        del world.snapshots[snapshot.id]


def _swap_data_disk(world: World, server: Server, at: float) -> None:
    """A cloud gone wrong: the first data disk is another one now, or there is one where none was."""
    gone = server.data_volumes[0] if server.data_volumes else None
    old = world.volumes.get(gone or "")
    device = old.attached.get(server.id, "/dev/vdb") if old else "/dev/vdb"
    new = Volume(
        id=world.new_uuid("data volume"),
        project_id=server.project_id,
        name=old.name if old else f"{server.name}-unexpected",
        size=old.size if old else 10,
        kind="SSD",
        zone=server.zone,
        status="in-use",
        created_at=at,
        attached={server.id: device},
    )
    world.volumes[new.id] = new
    if gone is not None:
        _delete_volume(world, gone)
    server.data_volumes = [new.id, *server.data_volumes[1:]]


def _boot(world: World, job: Job, server: Server, at: float) -> None:
    server.power_state, server.launched_at, server.updated_at = 1, at, at
    world.add_action(server.id, "start", job, at)


def _finish(world: World, job: Job, server: Server, at: float) -> None:
    server.status, server.vm_state, server.task_state = "ACTIVE", "active", None
    server.fault, server.updated_at = None, at
    server.key_name = job.key_name


def undo(world: World, job: Job, server: Server, at: float) -> None:
    """The end of a failed reinstall: the disk that can be kept is kept, the server shows ERROR."""
    if server.system_volume is None and job.old_volume in world.volumes:
        old = world.volumes[job.old_volume]
        old.attached, old.status = {server.id: "/dev/vda"}, "in-use"
        server.system_volume = old.id
        if job.new_volume is not None:
            world.volumes.pop(job.new_volume, None)
    server.status, server.vm_state, server.task_state = "ERROR", "error", None
    server.power_state, server.updated_at = 4, at
    server.fault = {"message": job.fail_reason, "code": 500, "created": iso_seconds(at)}


STEPS: dict[str, Callable[[World, Job, Server, float], None]] = {
    "stop": _stop,
    "detach": _detach,
    "create": _create,
    "attach": _attach,
    "boot": _boot,
    "finish": _finish,
}
