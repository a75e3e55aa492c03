"""Elastic Cloud Server: lists, one server, its disks, limits, jobs."""

from __future__ import annotations

import json
import re
from typing import Any

from simulator.calls import Call
from simulator.catalog import FLAVORS
from simulator.clock import iso_millis, iso_seconds
from simulator.ids import job_id_of
from simulator.messages import JSON_TYPE, Response, answer, bad_parameter, ecs_refusal
from simulator.paging import number
from simulator.records import Job, Server
from simulator.server_view import attachments, ecs_server, ecs_server_json

MAX_IDS = 100
# Asking for a status also brings what is on its way through that status.
INCLUDED = {
    "ACTIVE": ("ACTIVE", "REBOOT", "HARD_REBOOT", "REBUILD", "MIGRATING", "RESIZE", "VERIFY_RESIZE"),
    "SHUTOFF": ("SHUTOFF", "RESIZE", "REBUILD"),
    "ERROR": ("ERROR", "REBUILD"),
}


def own_server(call: Call) -> Server:
    """The server in the address, if it is in the project; else the documented 404."""
    server = call.world.servers.get(call.params["server_id"])
    if server is None or server.project_id != call.project_id:
        raise ecs_refusal("Ecs.0114")
    return server


def list_detail(call: Call) -> Response:
    """`GET /v1/{project_id}/cloudservers/detail`. `offset` is a page number; 0 means the first page too."""
    query = call.request.query
    limit = number(query, "limit", 25, 1000)
    page = max(1, number(query, "offset", 1, 1_000_000))
    if "server_id" in query:
        return _by_ids(call, query["server_id"].split(","))
    filters = {name: value for name, value in query.items() if name not in ("limit", "offset")}
    found = call.world.listed(
        (call.project_id, tuple(sorted(filters.items()))),
        lambda: [s for s in call.world.servers_of(call.project_id) if _matches(s, filters)],
    )
    shown = found[(page - 1) * limit : page * limit]
    parts = [ecs_server_json(call.world, s) for s in shown]
    body = b'{"count":%d,"servers":[%s]}' % (len(found), b",".join(parts))
    return Response(200, body, {"Content-Type": JSON_TYPE})


def _by_ids(call: Call, ids: list[str]) -> Response:
    if len(ids) > MAX_IDS:
        raise bad_parameter(f"server_id may hold at most {MAX_IDS} ids.")
    parts = []
    for server_id in ids:
        server = call.world.servers.get(server_id)
        if server is None or server.project_id != call.project_id:
            missing = {"message": "Instance could not be found.", "code": 404}
            fault = {**missing, "created": iso_seconds(call.clock.now())}
            parts.append(json.dumps({"id": server_id, "fault": fault}).encode())
        else:
            parts.append(ecs_server_json(call.world, server))
    body = b'{"count":%d,"servers":[%s]}' % (len(parts), b",".join(parts))
    return Response(200, body, {"Content-Type": JSON_TYPE})


def _matches(server: Server, query: dict[str, str]) -> bool:
    if "name" in query and not _like(query["name"], server.name):
        return False
    if not _address_matches(server, query):
        return False
    if "status" in query and server.status not in INCLUDED.get(query["status"], (query["status"],)):
        return False
    if "flavor" in query and server.flavor != query["flavor"]:
        return False
    return _tags_match(server, query)


def _like(wanted: str, name: str) -> bool:
    """A part of the name; a dot stands for any character, as the documents warn."""
    pattern = ".".join(re.escape(part) for part in wanted.split("."))
    return re.search(pattern, name) is not None


def _address_matches(server: Server, query: dict[str, str]) -> bool:
    values = [a.value for a in server.addresses]
    if "ip" in query and not any(query["ip"] in v for v in values):
        return False
    return "ip_eq" not in query or query["ip_eq"] in values


def _has_tag(server: Server, wanted: str) -> bool:
    return any(tag == wanted or tag.split("=", 1)[0] == wanted for tag in server.tags)


def _tags_match(server: Server, query: dict[str, str]) -> bool:
    wanted = [t for t in query.get("tags", "").split(",") if t]
    unwanted = [t for t in query.get("not-tags", "").split(",") if t]
    return all(_has_tag(server, t) for t in wanted) and not any(_has_tag(server, t) for t in unwanted)


def show_server(call: Call) -> Response:
    """`GET /v1/{project_id}/cloudservers/{server_id}`"""
    return answer({"server": ecs_server(call.world, own_server(call))})


def block_devices(call: Call) -> Response:
    """`GET .../{server_id}/block_device`: here bootIndex is a number, 0 for the system disk."""
    server = own_server(call)
    rows = [
        {
            "id": volume_id,
            "volumeId": volume_id,
            "serverId": server.id,
            "size": call.world.volumes[volume_id].size,
            "device": device,
            "pciAddress": f"0000:02:{place:02x}.0",
            "bootIndex": 0 if is_system else -1,
            "bus": "virtio",
        }
        for place, (volume_id, device, is_system) in enumerate(attachments(call.world, server), 1)
    ]
    free = {"free_scsi": 60 - len(rows), "free_blk": 24 - len(rows), "free_disk": 24 - len(rows)}
    return answer({"attachableQuantity": free, "volumeAttachments": rows})


def limits(call: Call) -> Response:
    """`GET /v1/{project_id}/cloudservers/limits`"""
    servers = call.world.servers_of(call.project_id)
    flavors = [FLAVORS[s.flavor] for s in servers]
    absolute = {
        "maxServerMeta": 128,
        "maxPersonality": 5,
        "maxImageMeta": 128,
        "maxPersonalitySize": 10240,
        "maxSecurityGroupRules": -1,
        "maxTotalKeypairs": -1,
        "maxSecurityGroups": -1,
        "maxTotalFloatingIps": -1,
        "maxTotalCores": 400_000,
        "maxTotalInstances": 100_000,
        "maxTotalRAMSize": 4_096_000_000,
        "maxServerGroups": 10,
        "maxServerGroupMembers": 16,
        "totalInstancesUsed": len(servers),
        "totalCoresUsed": sum(f.vcpus for f in flavors),
        "totalRAMUsed": sum(f.ram_mb for f in flavors),
        "totalFloatingIpsUsed": sum(a.kind == "floating" for s in servers for a in s.addresses),
        "totalSecurityGroupsUsed": 1,
        "totalServerGroupsUsed": 0,
    }
    return answer({"absolute": absolute})


def show_job(call: Call) -> Response:
    """`GET /v1/{project_id}/jobs/{job_id}`: unknown, foreign and forgotten ids are all Common.0011."""
    job = call.world.jobs.get(call.params["job_id"])
    if job is None or job.lost or job.project_id != call.project_id:
        raise ecs_refusal("Common.0011")
    return answer(job_body(job, call.world.seed, flat=call.world.scenario.flat_jobs))


def _outcome(job: Job, code: str | None, reason: str | None) -> dict[str, Any]:
    if job.end is None:
        return {}
    return {"error_code": code, "fail_reason": reason}


def job_body(job: Job, seed: int, *, flat: bool) -> dict[str, Any]:
    """The outer job. A failure there says only that a sub-job failed; the cause is inside."""
    end = iso_millis(job.end + 0.9) if job.end is not None else ""
    failed = job.status == "FAIL"
    entities: dict[str, Any] = {}
    if flat and job.sub_begin is not None:
        entities = {"server_id": job.server_ids[0]}
    elif job.sub_begin is not None:
        subs = [_sub_job(job, seed, i) for i in job.server_ids]
        entities = {"sub_jobs_total": len(subs), "sub_jobs": subs}
    code, reason = (job.error_code, job.error_text) if flat else ("Common.0021", "SubJob fail!")
    return {
        "status": job.status,
        "entities": entities,
        "job_id": job.id,
        "job_type": job.kind,
        "begin_time": iso_millis(job.begin),
        "end_time": end,
        **_outcome(job, code if failed else None, reason if failed else None),
    }


def _sub_job(job: Job, seed: int, server_id: str) -> dict[str, Any]:
    entities = {"server_id": server_id}
    if job.error_text:
        entities["errorcode_message"] = job.error_text
    return {
        "status": job.status,
        "entities": entities,
        "job_id": job_id_of(seed, job.id, server_id),
        "job_type": job.kind + "Single" if job.kind == "reInitOs" else job.kind,
        "begin_time": iso_millis(job.sub_begin or job.begin),
        "end_time": iso_millis(job.end) if job.end is not None else "",
        **_outcome(job, job.error_code, job.error_text),
    }
