"""Key Management Service: list-keys and describe-key. Every value in the answers is a string."""

from __future__ import annotations

import json
import re
from typing import Any

from simulator.calls import Call
from simulator.messages import Response, answer, kms_refusal
from simulator.records import KmsKey


def _body(call: Call, key: KmsKey) -> dict[str, str]:
    return {
        "key_id": key.id,
        "domain_id": call.world.domain_id,
        "key_alias": key.alias,
        "realm": call.world.scenario.region,
        "key_description": "",
        "creation_date": str(int(key.created_at * 1000)),
        "scheduled_deletion_date": str(int(key.deletion_at * 1000)) if key.deletion_at else "",
        "key_state": key.state,
        "default_key_flag": "1" if key.is_default else "0",
        "key_type": "1",
        "key_spec": "AES_256",
        "key_usage": "ENCRYPT_DECRYPT",
        "expiration_time": "",
        "origin": "kms",
    }


def _read(call: Call) -> dict[str, Any]:
    try:
        body = json.loads(call.request.body or b"{}")
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise kms_refusal(400, "KMS.0201", "Invalid request format.")
    return body


def _number(body: dict[str, Any], name: str, default: int, code: str) -> int:
    text = str(body.get(name, default))
    if not text.isascii() or not text.isdigit() or len(text) > 6:
        raise kms_refusal(400, code, f"Invalid {name}.")
    return int(text)


def list_keys(call: Call) -> Response:
    """`POST /v1.0/{project_id}/kms/list-keys` with limit, marker (a row number) and key_state."""
    body = _read(call)
    limit, marker = _number(body, "limit", 1000, "KMS.1601"), _number(body, "marker", 0, "KMS.1602")
    if not 1 <= limit <= 1000:
        raise kms_refusal(400, "KMS.1601", "Invalid limit.")
    keys = [k for k in call.world.kms_keys.values() if k.project_id == call.project_id]
    if body.get("key_state"):
        keys = [k for k in keys if k.state == str(body["key_state"])]
    shown = keys[marker : marker + limit]
    more = marker + limit < len(keys)
    return answer(
        {
            "keys": [k.id for k in shown],
            "key_details": [_body(call, k) for k in shown],
            "next_marker": str(marker + limit) if more else "",
            "truncated": "true" if more else "false",
            "total": len(keys),
        }
    )


def describe_key(call: Call) -> Response:
    """`POST /v1.0/{project_id}/kms/describe-key` with key_id."""
    key_id = _read(call).get("key_id")
    if not isinstance(key_id, str) or not re.fullmatch(r"[0-9a-z-]{36}", key_id):
        raise kms_refusal(400, "KMS.0205", "Invalid key ID.")
    key = call.world.kms_keys.get(key_id)
    if key is None or key.project_id != call.project_id:
        raise kms_refusal(404, "KMS.0207", "The key does not exist.")
    return answer({"key_info": _body(call, key)})
