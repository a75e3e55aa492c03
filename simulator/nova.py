"""The native compute interface: versions, servers, key pairs, actions."""

from __future__ import annotations

from typing import Any

from simulator.calls import Call
from simulator.clock import iso_micros
from simulator.messages import Response, answer, nova_refusal
from simulator.paging import after_marker, number
from simulator.records import KeyPair, Server
from simulator.server_view import nova_server


def version(call: Call) -> Response:
    """`GET /v2.1` and `GET /v2.1/{project_id}`"""
    return answer(
        {
            "version": {
                "id": "v2.1",
                "status": "CURRENT",
                "version": "2.60",
                "min_version": "2.1",
                "updated": "2013-07-23T11:33:21Z",
                "links": [{"rel": "self", "href": call.request.base_url + "/v2.1/"}],
            }
        }
    )


def _page(call: Call) -> tuple[list[Server], dict[str, Any]]:
    query = call.request.query
    limit = number(query, "limit", 1000, 1000)
    found = call.world.servers_of(call.project_id)
    if "name" in query:
        found = [s for s in found if query["name"] in s.name]
    rest = after_marker(found, query.get("marker"))
    links: dict[str, Any] = {}
    if 0 < limit < len(rest):
        href = f"{call.request.base_url}{call.request.path}?limit={limit}&marker={rest[limit - 1].id}"
        links = {"servers_links": [{"rel": "next", "href": href}]}
    return rest[:limit], links


def list_detail(call: Call) -> Response:
    servers, links = _page(call)
    rows = [nova_server(call.world, s, call.request.base_url) for s in servers]
    return answer({"servers": rows, **links})


def list_short(call: Call) -> Response:
    servers, links = _page(call)
    own = f"{call.request.base_url}/v2.1/{call.project_id}/servers/"
    rows = [{"id": s.id, "name": s.name, "links": [{"rel": "self", "href": own + s.id}]} for s in servers]
    return answer({"servers": rows, **links})


def _own_server(call: Call) -> Server:
    server = call.world.servers.get(call.params["server_id"])
    if server is None or server.project_id != call.project_id:
        raise nova_refusal(404, "itemNotFound", "Instance could not be found.")
    return server


def show_server(call: Call) -> Response:
    return answer({"server": nova_server(call.world, _own_server(call), call.request.base_url)})


def instance_actions(call: Call) -> Response:
    """Newest first; a reinstall leaves stop, detach_volume, attach_volume and start behind."""
    server = _own_server(call)
    rows = [
        {
            "instance_uuid": a.server_id,
            "user_id": a.user_id,
            "start_time": iso_micros(a.at),
            "request_id": a.request_id,
            "action": a.action,
            "message": None,
            "project_id": a.project_id,
        }
        for a in reversed(call.world.actions)
        if a.server_id == server.id
    ]
    return answer({"instanceActions": rows})


def _public(pair: KeyPair) -> dict[str, Any]:
    return {
        "fingerprint": pair.fingerprint,
        "name": pair.name,
        "public_key": pair.public_key,
        "type": "ssh",
    }


def list_key_pairs(call: Call) -> Response:
    """Only the caller's own: a key pair belongs to the user that made it."""
    own = [k for k in call.world.key_pairs if k.user_id == call.caller.user.id]
    return answer({"keypairs": [{"keypair": _public(k)} for k in own]})


def show_key_pair(call: Call) -> Response:
    pair = call.world.key_pair(call.caller.user.id, call.params["name"])
    if pair is None:
        user = call.caller.user.id
        text = f"Keypair {call.params['name']} not found for user {user}"
        raise nova_refusal(404, "itemNotFound", text)
    body = {
        **_public(pair),
        "user_id": pair.user_id,
        "id": pair.number,
        "deleted": False,
        "created_at": iso_micros(pair.created_at),
        "updated_at": None,
        "deleted_at": None,
    }
    return answer({"keypair": body})
