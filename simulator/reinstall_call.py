"""The call that wipes a system disk: its checks against the world, and its acceptance."""

from __future__ import annotations

import copy
import hashlib
import json
import re
from typing import Any

from simulator import traces
from simulator.calls import Call
from simulator.catalog import ACTION_REBUILD
from simulator.ecs import own_server
from simulator.gate import check_action
from simulator.jobs import ReinstallWish, start_reinstall
from simulator.messages import GatewayRefusal, Refusal, Response, answer, bad_parameter, ecs_refusal
from simulator.records import Accepted, Job, Server
from simulator.reinstall_body import Wanted, holds_user_name, read_body, read_wanted
from simulator.world import World


def reinstall_v1(call: Call) -> Response:
    """`POST /v1/{project_id}/cloudservers/{server_id}/reinstallos`: images without Cloud-Init."""
    if not call.world.scenario.rules.has_v1:
        raise GatewayRefusal(404, "APIGW.0101", "The API does not exist.")
    return _reinstall(call, "v1")


def reinstall_v2(call: Call) -> Response:
    """`POST /v2/{project_id}/cloudservers/{server_id}/reinstallos`: images with Cloud-Init."""
    return _reinstall(call, "v2")


def change_os(call: Call) -> Response:
    """`POST .../changeos`: this cloud's policy gives nobody the right to it."""
    own_server(call)
    raise ecs_refusal("Pdp.0001", "Policy doesn't allow ecs:cloudServers:changeOS to be performed.")


def _reinstall(call: Call, version: str) -> Response:
    check_action(call.caller, ACTION_REBUILD)
    server = own_server(call)
    trace_name = "reinstallOsV2" if version == "v2" else "reinstallOs"
    try:
        inner = read_body(call.request.body)
        wanted = read_wanted(inner, call.world.scenario.rules, version)
        _check(call, server, wanted, version)
    except Refusal as refusal:
        who = traces.Who(server.project_id, server.id, call.caller.user.id, call.request_id, trace_name)
        traces.add_refusal(call.world, who, refusal.response, _seen(call, ""))
        raise
    wish = ReinstallWish(wanted.key_name, wanted.cmk_id, trace_name)
    job = start_reinstall(call.world, server, call.order(), wish)
    call.ledger.accepted.append(_record(call, server, job, wanted))
    traces.add_call(call.world, job, _seen(call, json.dumps(_without_secrets(inner))))
    return answer({"job_id": job.id})


def _seen(call: Call, request: str) -> traces.CallSeen:
    return traces.CallSeen(request, call.request.peer, call.clock.gateway_now(), call.clock.now())


def _check(call: Call, server: Server, wanted: Wanted, version: str) -> None:
    _check_server(server)
    _check_image(call.world, server, version)
    _check_windows(server, wanted, version)
    _check_key_pair(call, wanted)
    _check_disk(call.world, server, wanted)
    _check_state(call.world, server, wanted)


def _check_server(server: Server) -> None:
    if server.locked:
        raise ecs_refusal("Ecs.0605")
    if server.busy_job or server.temporary or server.task_state:
        raise ecs_refusal("Ecs.0603")
    if server.frozen:
        raise ecs_refusal("Ecs.0030")
    if server.system_volume is None:
        raise ecs_refusal("Ecs.0105")


def _check_image(world: World, server: Server, version: str) -> None:
    image = world.images.get(server.image_id)
    if image is None:
        raise ecs_refusal("Ecs.0031")
    if image.status != "active":
        raise ecs_refusal("Ecs.0032")
    if version == "v2" and not image.cloud_init:
        raise bad_parameter(f"image {image.id} does not support Cloud-Init, use the v1 call.")
    if version == "v1" and image.cloud_init:
        raise bad_parameter(f"image {image.id} supports Cloud-Init, use the v2 call.")


def _check_windows(server: Server, wanted: Wanted, version: str) -> None:
    """Without Cloudbase-Init only a password gets in; it holds nothing of the user's name."""
    if server.os_type != "Windows":
        return
    if version == "v1" and wanted.password is None:
        raise bad_parameter("a Windows image without Cloudbase-Init needs adminpass.")
    if wanted.password is not None and holds_user_name(wanted.password):
        raise ecs_refusal("Ecs.0011")


def _check_key_pair(call: Call, wanted: Wanted) -> None:
    """The pair is looked up by its owner and its name together; another user's pair is private."""
    if wanted.key_name is None or wanted.user_id is None:
        return
    own = wanted.user_id == call.caller.user.id
    if not own or call.world.key_pair(wanted.user_id, wanted.key_name) is None:
        reason = f"the keypair {wanted.key_name} does not match the user_id {wanted.user_id}"
        text = f"call fsp to query keypair fail, error code : Ecs.0314, reason is : {reason}"
        raise ecs_refusal("Ecs.0314", text)


def _check_disk(world: World, server: Server, wanted: Wanted) -> None:
    scenario = world.scenario
    if wanted.byol and not scenario.byol:
        raise ecs_refusal("Ecs.0090")
    if wanted.cmk_id is not None:
        key = world.kms_keys.get(wanted.cmk_id) if re.fullmatch(r".{36}", wanted.cmk_id) else None
        if key is None or key.project_id != server.project_id or key.state != "2":
            raise bad_parameter("encrypted key id [***] is invalid.", "Ecs.0912")
        if not scenario.evs_may_use_kms:
            raise ecs_refusal("Ecs.0025")
    used = sum(v.project_id == server.project_id for v in world.volumes.values())
    if scenario.volume_quota is not None and used + 1 > scenario.volume_quota:
        raise ecs_refusal("Ecs.0021")


def _check_state(world: World, server: Server, wanted: Wanted) -> None:
    """Stopped, or left by a failed reinstall; running only where the mode is known and given."""
    running_is_fine = wanted.stop_first and world.scenario.rules.allows_mode
    if server.status in ("SHUTOFF", "ERROR") or (server.status == "ACTIVE" and running_is_fine):
        return
    raise ecs_refusal("Ecs.0100")


def _without_secrets(inner: dict[str, Any]) -> dict[str, Any]:
    shown = copy.deepcopy(inner)
    if "adminpass" in shown:
        shown["adminpass"] = "******"
    if isinstance(shown.get("metadata"), dict) and "user_data" in shown["metadata"]:
        shown["metadata"]["user_data"] = "******"
    return {"os-reinstall": shown}


def _record(call: Call, server: Server, job: Job, wanted: Wanted) -> Accepted:
    body = call.request.body
    return Accepted(
        n=call.n,
        at=call.at,
        project_id=server.project_id,
        server_id=server.id,
        job_id=job.id,
        user_id=call.caller.user.id,
        body=json.loads(body),
        user_data_base64=wanted.user_data,
        body_sha256=hashlib.sha256(body).hexdigest(),
        body_raw=body.decode("utf-8"),
        x_sdk_date=call.caller.x_sdk_date,
    )
