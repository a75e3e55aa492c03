"""Key Pair Service, version 3."""

from __future__ import annotations

from typing import Any

from simulator.calls import Call
from simulator.messages import Refusal, Response, answer
from simulator.paging import number
from simulator.records import KeyPair


def _public(pair: KeyPair) -> dict[str, Any]:
    return {
        "name": pair.name,
        "type": "ssh",
        "scope": "user",
        "public_key": pair.public_key,
        "fingerprint": pair.fingerprint,
        "is_key_protection": False,
    }


def list_key_pairs(call: Call) -> Response:
    """`GET /v3/{project_id}/keypairs`: the caller's own, `limit` (default 50) and `marker` (a name)."""
    query = call.request.query
    limit = number(query, "limit", 50, 1000)
    own = [k for k in call.world.key_pairs if k.user_id == call.caller.user.id]
    marker = query.get("marker")
    start = next((i + 1 for i, k in enumerate(own) if k.name == marker), 0)
    shown = own[start : start + limit]
    more = start + limit < len(own)
    page = {
        "next_marker": shown[-1].name if more and shown else "",
        "previous_marker": shown[0].name if start and shown else "",
        "current_count": len(shown),
    }
    rows = [{"keypair": {**_public(k), "frozen_state": "0"}} for k in shown]
    return answer({"keypairs": rows, "page_info": page})


def show_key_pair(call: Call) -> Response:
    """`GET /v3/{project_id}/keypairs/{name}`"""
    pair = call.world.key_pair(call.caller.user.id, call.params["name"])
    if pair is None:
        error = {"error_code": "KPS.0404", "error_msg": "The key pair does not exist."}
        raise Refusal(answer(error, 404))
    body = {
        **_public(pair),
        "id": pair.number,
        "user_id": pair.user_id,
        "deleted": False,
        "description": "",
        "create_time": int(pair.created_at),
        "delete_time": None,
        "update_time": None,
        "frozen_state": 0,
    }
    return answer({"keypair": body})
