"""Elastic Volume Service: disks and their snapshots."""

from __future__ import annotations

from typing import Any

from simulator.calls import Call
from simulator.clock import iso_micros
from simulator.messages import Refusal, Response, answer
from simulator.paging import after_marker, number
from simulator.records import Volume


def _body(call: Call, volume: Volume) -> dict[str, Any]:
    secret = {"__system__encrypted": "1", "__system__cmkid": volume.cmk_id} if volume.cmk_id else {}
    body = {
        "id": volume.id,
        "name": volume.name,
        "status": volume.status,
        "size": volume.size,
        "bootable": "true" if volume.bootable else "false",
        "volume_type": volume.kind,
        "availability_zone": volume.zone,
        "multiattach": volume.shared,
        "encrypted": False,
        "description": "",
        "created_at": iso_micros(volume.created_at),
        "updated_at": iso_micros(volume.created_at),
        "snapshot_id": None,
        "source_volid": None,
        "os-vol-tenant-attr:tenant_id": volume.project_id,
        "metadata": {**secret, "readonly": "False"},
        "attachments": [
            {
                "server_id": server_id,
                "device": device,
                "volume_id": volume.id,
                "id": volume.id,
                "attachment_id": volume.id,
                "attached_at": iso_micros(volume.created_at),
            }
            for server_id, device in volume.attached.items()
        ],
    }
    if volume.image_id:
        body["volume_image_metadata"] = {"image_id": volume.image_id}
    return body


def _matches(volume: Volume, query: dict[str, str]) -> bool:
    if "server_id" in query and query["server_id"] not in volume.attached:
        return False
    if "id" in query and query["id"] != volume.id:
        return False
    if "ids" in query and volume.id not in query["ids"].strip("[]").replace("'", "").replace(" ", "").split(
        ","
    ):
        return False
    if "name" in query and query["name"] not in volume.name:
        return False
    return query.get("status", volume.status) == volume.status


#: Parameters that choose a page and leave nothing out.
_PAGING = {"limit", "offset", "marker"}


def list_detail(call: Call) -> Response:
    """`GET /v2/{project_id}/cloudvolumes/detail`: here `offset` counts rows."""
    query = call.request.query
    limit, offset = number(query, "limit", 1000, 1000), number(query, "offset", 0, 1_000_000)
    found = [v for v in call.world.volumes.values() if v.project_id == call.project_id]
    if not query.keys() <= _PAGING:
        found = [v for v in found if _matches(v, query)]
    rest = after_marker(found[offset:], query.get("marker"))
    return answer({"count": len(found), "volumes": [_body(call, v) for v in rest[:limit]]})


def show(call: Call) -> Response:
    """`GET /v2/{project_id}/cloudvolumes/{volume_id}`"""
    volume = call.world.volumes.get(call.params["volume_id"])
    if volume is None or volume.project_id != call.project_id:
        raise _not_found(call.params["volume_id"])
    return answer({"volume": _body(call, volume)})


def _not_found(volume_id: str) -> Refusal:
    message = f"Volume {volume_id} could not be found."
    return Refusal(answer({"error": {"code": "EVS.5404", "message": message}}, 404))


def list_snapshots(call: Call) -> Response:
    """`GET /v2/{project_id}/cloudsnapshots/detail?volume_id=`"""
    query = call.request.query
    limit, offset = number(query, "limit", 1000, 1000), number(query, "offset", 0, 1_000_000)
    found = [
        s
        for s in call.world.snapshots.values()
        if s.project_id == call.project_id and query.get("volume_id", s.volume_id) == s.volume_id
    ]
    rows = [
        {
            "id": s.id,
            "name": s.name,
            "volume_id": s.volume_id,
            "size": s.size,
            "status": "available",
            "description": "",
            "created_at": iso_micros(s.created_at),
            "updated_at": iso_micros(s.created_at),
            "metadata": {},
            "os-extended-snapshot-attributes:project_id": s.project_id,
            "os-extended-snapshot-attributes:progress": "100%",
        }
        for s in found[offset : offset + limit]
    ]
    return answer({"count": len(found), "snapshots": rows})


def show_quota(call: Call) -> Response:
    """`GET /v2/{project_id}/os-quota-sets/{target_project_id}?usage=True`: only that value is supported."""
    if call.request.query.get("usage") != "True" or call.params["target"] != call.project_id:
        message = "usage should be True and the target project the project of the call."
        raise Refusal(answer({"badRequest": {"code": 400, "message": message}}, 400))
    world = call.world
    limit = world.scenario.volume_quota
    mine = [volume for volume in world.volumes.values() if volume.project_id == call.project_id]
    room = {"limit": -1 if limit is None else limit, "in_use": len(mine), "reserved": 0}
    size = {"limit": -1, "in_use": sum(volume.size for volume in mine), "reserved": 0}
    return answer({"quota_set": {"id": call.project_id, "volumes": room, "gigabytes": size}})
