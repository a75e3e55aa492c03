"""Starting, stopping and rebooting servers, many at once."""

from __future__ import annotations

import json
from typing import Any

from simulator.calls import Call
from simulator.jobs import POWER_KINDS, start_power
from simulator.messages import Refusal, Response, answer, bad_parameter, ecs_refusal
from simulator.records import Server

MAX_SERVERS = 1000
WANTED_STATUS = {"os-stop": ("ACTIVE", "ERROR"), "os-start": ("SHUTOFF",), "os-reboot": ("ACTIVE",)}


def act(call: Call) -> Response:
    """`POST /v1/{project_id}/cloudservers/action`: all servers or none, one job for all."""
    action, wanted = _read(call)
    servers, problems = [], []
    for server_id in wanted:
        server = call.world.servers.get(server_id)
        code = _problem(call, action, server)
        if code is None and server is not None:
            servers.append(server)
        else:
            text = json.loads(ecs_refusal(code or "Ecs.0114").response.body)["error"]["message"]
            problems.append({"id": server_id, "error_code": code, "error_message": text})
    if problems:
        error = {"code": "Ecs.0611", "message": "Batch operation failed."}
        raise Refusal(answer({"error": error, "internalError": problems}, 400))
    job = start_power(call.world, servers, call.order(), action)
    return answer({"job_id": job.id})


def _read(call: Call) -> tuple[str, list[str]]:
    if not call.request.body.strip():
        raise ecs_refusal("Common.0002")
    try:
        body = json.loads(call.request.body)
        (action, given), *rest = body.items()
        ids = [_id_of(s) for s in given["servers"]]
    except (ValueError, KeyError, TypeError, AttributeError):
        raise bad_parameter("the request body must hold one action with a list of servers.") from None
    if rest or action not in POWER_KINDS:
        raise bad_parameter(f"the action must be one of {', '.join(POWER_KINDS)}.")
    if given.get("type", "SOFT") not in ("SOFT", "HARD"):
        raise bad_parameter("type must be SOFT or HARD.")
    if not ids:
        raise bad_parameter("servers must not be empty.")
    if len(ids) > MAX_SERVERS:
        raise ecs_refusal("Ecs.0118")
    return action, list(dict.fromkeys(ids))


def _id_of(item: dict[str, Any]) -> str:
    value = item["id"]
    if not isinstance(value, str):
        raise TypeError("id")
    return value


def _problem(call: Call, action: str, server: Server | None) -> str | None:
    """The code that forbids the action on this server, or None."""
    if server is None or server.project_id != call.project_id:
        return "Ecs.0114"
    if server.locked:
        return "Ecs.0605"
    if server.busy_job or server.temporary:
        return "Ecs.0603"
    return None if server.status in WANTED_STATUS[action] else "Ecs.0100"
