"""`/_sim/`: the controls of the simulator, for tests and the curious. No login."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from simulator import traces
from simulator.catalog import DOMAIN
from simulator.clock import iso_millis
from simulator.cloud import Cloud
from simulator.faults import faults_from
from simulator.jobs import Effects, Order, ReinstallWish, start_reinstall
from simulator.messages import Request, Response, answer
from simulator.records import Server, User
from simulator.scenario import BadInput
from simulator.server_view import ecs_server

PREFIX = "/_sim/"
SERVICES = ("iam", "ecs", "evs", "ims", "kms", "cts", "kps")
MAX_STEP_S = 366 * 86_400.0


def control(cloud: Cloud, request: Request) -> Response:
    """Answers a control request; bad input is 400 with one sentence under `error`."""
    handler = TABLE.get((request.method, request.path))
    if handler is None:
        return answer(
            {"error": f"{request.method} {request.path} is not one of the simulator's controls"}, 404
        )
    with cloud.lock:
        try:
            cloud.settle()
            return answer(handler(cloud, request))
        except BadInput as error:
            return answer({"error": str(error)}, 400)


def _json(request: Request) -> Any:
    try:
        return json.loads(request.body)
    except ValueError:
        raise BadInput("the body is not JSON") from None


def _ledger(cloud: Cloud, request: Request) -> object:
    after = request.query.get("after", "0")
    if not after.isascii() or not after.isdigit():
        raise BadInput("after must be a whole number")
    return cloud.ledger.as_dict(int(after))


def _server(cloud: Cloud, server: Server) -> dict[str, Any]:
    return {
        **ecs_server(cloud.world, server),
        "temporary": server.temporary,
        "busy_job": server.busy_job,
        "volumes": [
            asdict(cloud.world.volumes[i])
            for i in ([server.system_volume] if server.system_volume else []) + server.data_volumes
            if i in cloud.world.volumes
        ],
    }


def _user(user: User) -> dict[str, Any]:
    return {
        "id": user.id,
        "name": user.name,
        "password": user.password,
        "access_key": user.access_key,
        "secret_key": user.secret_key,
        "denied": user.denied,
    }


def world_view(cloud: Cloud) -> dict[str, Any]:
    """Everything there is, as plain JSON. Secrets are shown: nothing here is real."""
    world = cloud.world
    return {
        "seed": cloud.seed,
        "scenario": cloud.scenario.as_dict(),
        "clock": clock_view(cloud),
        "domain": {"id": world.domain_id, "name": DOMAIN},
        "users": [_user(u) for u in world.users.values()],
        "projects": [asdict(p) for p in world.projects.values()],
        "servers": [_server(cloud, s) for s in world.servers.values()],
        "images": [asdict(i) for i in world.images.values()],
        "key_pairs": [asdict(k) for k in world.key_pairs],
        "kms_keys": [asdict(k) for k in world.kms_keys.values()],
        "snapshots": [asdict(s) for s in world.snapshots.values()],
        "jobs": [asdict(j) for j in world.jobs.values()],
    }


def cloud_json(cloud: Cloud, base_url: str, project: str, kind: str, user_name: str) -> dict[str, Any]:
    """What the portal's `cloud add` takes. Raises BadInput for an unknown project, kind or user."""
    found = cloud.world.project_by_name(project)
    if found is None:
        names = ", ".join(p.name for p in cloud.world.projects.values())
        raise BadInput(f"project must be one of {names}")
    user = next((u for u in cloud.world.users.values() if u.name == user_name), None)
    if user is None:
        raise BadInput(f"user must be one of {', '.join(u.name for u in cloud.world.users.values())}")
    if kind == "aksk":
        secret = {"access_key": user.access_key, "secret_key": user.secret_key}
    elif kind == "password":
        secret = {"user": user.name, "password": user.password, "domain": DOMAIN}
    else:
        raise BadInput("kind must be aksk or password")
    return {
        "name": project,
        "environment": "simulator",
        "profile": cloud.scenario.profile,
        "region": cloud.scenario.region,
        "project_id": found.id,
        "endpoints": dict.fromkeys(SERVICES, base_url),
        "credentials": {"kind": kind, **secret},
    }


def _cloud_json(cloud: Cloud, request: Request) -> object:
    query = request.query
    project, kind = query.get("project", "shop-prod"), query.get("kind", "aksk")
    return cloud_json(cloud, request.base_url, project, kind, query.get("user", "svc-reinstall"))


def _plant(cloud: Cloud, request: Request) -> object:
    new = faults_from(_json(request))
    cloud.faults.faults.extend(new)
    return {"faults": len(cloud.faults.faults)}


def _show_faults(cloud: Cloud, request: Request) -> object:
    return {
        "faults": [{"do": f.do, "path": f.path, "left": f.left, "met": f.met} for f in cloud.faults.faults]
    }


def _clear(cloud: Cloud, request: Request) -> object:
    cloud.faults.faults.clear()
    return {"faults": 0}


def clock_view(cloud: Cloud) -> dict[str, Any]:
    return {"now": iso_millis(cloud.clock.now()), "speed": cloud.clock.speed, "skew_s": cloud.clock.skew_s}


def _amount(body: dict[str, Any], name: str, low: float, high: float) -> float:
    value = body[name]
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise BadInput(f"{name} must be a number from {low:g} to {high:g}")
    return float(value)


def _set_clock(cloud: Cloud, request: Request) -> object:
    body = _json(request)
    if not isinstance(body, dict) or not body or set(body) - {"advance_s", "speed", "skew_s"}:
        raise BadInput("clock takes advance_s, speed and skew_s, at least one of them")
    amounts = {
        name: _amount(body, name, low, high)
        for name, low, high in (
            ("advance_s", 0.0, MAX_STEP_S),
            ("speed", 0.0, 1e6),
            ("skew_s", -MAX_STEP_S, MAX_STEP_S),
        )
        if name in body
    }
    cloud.clock.advance(amounts.get("advance_s", 0.0))
    cloud.clock.set_speed(amounts.get("speed", cloud.clock.speed))
    cloud.clock.skew_s = amounts.get("skew_s", cloud.clock.skew_s)
    cloud.settle()
    return clock_view(cloud)


def _reset(cloud: Cloud, request: Request) -> object:
    cloud.reset()
    return {"reset": True}


def _find(cloud: Cloud, body: dict[str, Any]) -> Server:
    server = cloud.world.servers.get(str(body.get("server_id")))
    if server is None:
        raise BadInput("server_id must be the id of a server of this world")
    return server


def _change_server(cloud: Cloud, request: Request) -> object:
    """`{"server_id", "delete": true}`, or any of locked, frozen, name: what others do at the console."""
    body = _json(request)
    if not isinstance(body, dict) or set(body) - {"server_id", "delete", "locked", "frozen", "name"}:
        raise BadInput("server takes server_id and delete, locked, frozen or name")
    if not all(isinstance(body.get(key, False), bool) for key in ("delete", "locked", "frozen")):
        raise BadInput("delete, locked and frozen must be true or false")
    if not isinstance(body.get("name", "x"), str) or not body.get("name", "x"):
        raise BadInput("name must be a text that is not empty")
    server = _find(cloud, body)
    server.locked = body.get("locked", server.locked)
    server.frozen = body.get("frozen", server.frozen)
    server.name = body.get("name", server.name)
    if body.get("delete"):
        cloud.world.delete_server(server.id)
    cloud.world.changed()
    return {"server_id": server.id}


def console_reinstall(cloud: Cloud, server_id: str, user_name: str) -> str:
    """Somebody reinstalls the server at the cloud's console; the id of the job. It is not in the ledger.

    Raises BadInput where the server or the user does not exist, or the server is busy.
    """
    server = _find(cloud, {"server_id": server_id})
    user = next((u for u in cloud.world.users.values() if u.name == user_name), None)
    if user is None:
        raise BadInput(f"user must be one of {', '.join(u.name for u in cloud.world.users.values())}")
    if server.busy_job is not None:
        raise BadInput("the server is busy")
    now = cloud.clock.now()
    order = Order(now, server.project_id, user.id, f"console-{cloud.world.next_number()}", Effects())
    job = start_reinstall(cloud.world, server, order, ReinstallWish(server.key_name, None, "reinstallOsV2"))
    traces.add_call(cloud.world, job, traces.CallSeen("", "203.0.113.7", cloud.clock.gateway_now(), now))
    return job.id


def _console_reinstall(cloud: Cloud, request: Request) -> object:
    body = _json(request)
    if not isinstance(body, dict) or set(body) != {"server_id", "user"}:
        raise BadInput("reinstall takes server_id and user")
    return {"job_id": console_reinstall(cloud, str(body["server_id"]), str(body["user"]))}


TABLE: dict[tuple[str, str], Callable[[Cloud, Request], object]] = {
    ("GET", PREFIX + "ledger"): _ledger,
    ("GET", PREFIX + "world"): lambda cloud, request: world_view(cloud),
    ("GET", PREFIX + "cloud.json"): _cloud_json,
    ("GET", PREFIX + "faults"): _show_faults,
    ("POST", PREFIX + "faults"): _plant,
    ("DELETE", PREFIX + "faults"): _clear,
    ("POST", PREFIX + "clock"): _set_clock,
    ("GET", PREFIX + "clock"): lambda cloud, request: clock_view(cloud),
    ("POST", PREFIX + "server"): _change_server,
    ("POST", PREFIX + "reinstall"): _console_reinstall,
    ("POST", PREFIX + "reset"): _reset,
}
