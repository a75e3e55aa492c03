"""How a server looks in the answers of ECS and of Nova."""

from __future__ import annotations

import json
from typing import Any

from simulator.catalog import FLAVORS
from simulator.clock import iso_micros, iso_seconds
from simulator.ids import hex_of, uuid_of
from simulator.records import Server
from simulator.world import World


def _addresses(server: Server) -> list[dict[str, Any]]:
    return [
        {
            "version": "4",
            "addr": a.value,
            "OS-EXT-IPS-MAC:mac_addr": a.mac,
            "OS-EXT-IPS:port_id": a.port_id,
            "OS-EXT-IPS:type": a.kind,
        }
        for a in server.addresses
    ]


def attachments(world: World, server: Server) -> list[tuple[str, str, bool]]:
    """(volume id, device, is it the system disk) of every attached disk, system disk first."""
    ids = ([server.system_volume] if server.system_volume else []) + server.data_volumes
    rows = []
    for volume_id in ids:
        volume = world.volumes.get(volume_id)
        if volume is not None and server.id in volume.attached:
            rows.append((volume_id, volume.attached[server.id], volume_id == server.system_volume))
    return rows


def _metadata(world: World, server: Server) -> dict[str, str]:
    return {
        "charging_mode": "0",
        "metering.order_id": "",
        "metering.product_id": "",
        "vpc_id": server.vpc_id,
        "EcmResStatus": "freeze" if server.frozen else "",
        "metering.image_id": server.image_id,
        "metering.imagetype": server.image_kind,
        "metering.resourcespeccode": f"{server.flavor}.{server.os_type.lower()}",
        "metering.resourcetype": "1",
        "metering.cloudServiceType": "hws.service.type.ec2",
        "image_name": server.image_name,
        "os_bit": "64",
        "os_type": server.os_type,
        "lockCheckEndpoint": "",
        "lockSource": "",
        "lockSourceId": "",
        "lockScene": "",
        "virtual_env_type": "FusionCompute",
    }


def _state(server: Server) -> dict[str, Any]:
    return {
        "OS-DCF:diskConfig": "MANUAL",
        "OS-EXT-AZ:availability_zone": server.zone,
        "OS-EXT-STS:power_state": server.power_state,
        "OS-EXT-STS:task_state": server.task_state,
        "OS-EXT-STS:vm_state": server.vm_state,
        "OS-SRV-USG:launched_at": iso_micros(server.launched_at),
        "OS-SRV-USG:terminated_at": None,
    }


def _placement(world: World, server: Server) -> dict[str, Any]:
    short = hex_of(world.seed, "placement", server.id)
    return {
        "hostId": hex_of(world.seed, "host", server.zone) + short[:24],
        "OS-EXT-SRV-ATTR:host": f"pod01.{server.zone}",
        "OS-EXT-SRV-ATTR:instance_name": f"instance-{short[:8]}",
        "OS-EXT-SRV-ATTR:hypervisor_hostname": f"nova{int(short[:2], 16):03d}@1",
        "OS-EXT-SRV-ATTR:hostname": server.name,
        "OS-EXT-SRV-ATTR:reservation_id": f"r-{short[8:16]}",
        "OS-EXT-SRV-ATTR:launch_index": 0,
        "OS-EXT-SRV-ATTR:root_device_name": "/dev/vda",
        "OS-EXT-SRV-ATTR:kernel_id": "",
        "OS-EXT-SRV-ATTR:ramdisk_id": "",
        "OS-EXT-SRV-ATTR:user_data": None,
    }


def _flavor(server: Server) -> dict[str, str]:
    flavor = FLAVORS[server.flavor]
    return {
        "id": flavor.name,
        "name": flavor.name,
        "disk": "0",
        "vcpus": str(flavor.vcpus),
        "ram": str(flavor.ram_mb),
    }


def _core(world: World, server: Server) -> dict[str, Any]:
    """The fields that both interfaces show alike."""
    body: dict[str, Any] = {
        "id": server.id,
        "name": server.name,
        "status": server.status,
        "created": iso_seconds(server.created_at),
        "updated": iso_seconds(server.updated_at),
        "tenant_id": server.project_id,
        "user_id": server.user_id,
        "key_name": server.key_name,
        "image": {"id": server.image_id},
        "flavor": _flavor(server),
        "accessIPv4": "",
        "accessIPv6": "",
        "config_drive": "",
        "metadata": _metadata(world, server),
        "security_groups": [
            {"name": "default", "id": uuid_of(world.seed, "security group", server.project_id)}
        ],
        "host_status": "UP",
        "description": server.description,
        "tags": server.tags,
        "locked": server.locked,
        "os:scheduler_hints": {},
        **_state(server),
        **_placement(world, server),
    }
    if server.fault is not None:
        body["fault"] = server.fault
    return body


def ecs_server(world: World, server: Server) -> dict[str, Any]:
    """The object of ECS lists and of one server."""
    return {
        **_core(world, server),
        "addresses": {server.vpc_id: _addresses(server)},
        "os-extended-volumes:volumes_attached": [
            {
                "id": volume_id,
                "delete_on_termination": "false",
                "device": device,
                "bootIndex": "0" if is_system else None,
            }
            for volume_id, device, is_system in attachments(world, server)
        ],
        "enterprise_project_id": "0",
        "sys_tags": [{"key": "_sys_enterprise_project_id", "value": "0"}],
        "hypervisor": {"hypervisor_type": "QEMU", "csd_hypervisor": "kvm"},
    }


def ecs_server_json(world: World, server: Server) -> bytes:
    """The same as bytes, kept until the server changes: lists of thousands stay quick."""
    if server.rendered is None:
        text = json.dumps(ecs_server(world, server), separators=(",", ":"), ensure_ascii=False)
        server.rendered = text.encode()
    return server.rendered


def nova_server(world: World, server: Server, base_url: str) -> dict[str, Any]:
    """The object of the native compute interface."""
    own = f"{base_url}/v2.1/{server.project_id}"
    flavor = {**_flavor(server), "links": [{"rel": "bookmark", "href": f"{own}/flavors/{server.flavor}"}]}
    return {
        **_core(world, server),
        "flavor": flavor,
        "links": [{"rel": "self", "href": f"{own}/servers/{server.id}"}],
        "addresses": {
            server.vpc_id: [{**a, "version": int(a["version"])} for a in _addresses(server)],
        },
        "os-extended-volumes:volumes_attached": [
            {"id": volume_id, "delete_on_termination": False}
            for volume_id, _, _ in attachments(world, server)
        ],
    }
