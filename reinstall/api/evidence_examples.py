"""Examples of the evidence on an unclear outcome, for the OpenAPI document."""

from typing import Any

_SHA256 = "5b6f0c6d4f0b4c39a1d5e2b7c8f9a0b15b6f0c6d4f0b4c39a1d5e2b7c8f9a0b1"
_DISK = "3f9a2c58-0f0e-4b7c-9b55-5a4d3c2b1a00"
_SERVER = "bae51750-0089-41a1-9d5a-6a4d5a7a9b1f"
_TOLD = "Nothing has changed on the server. The cloud's audit traces cannot be read."

EVIDENCE: dict[str, Any] = {
    "SettleBody": {
        "answer": "never_ran",
        "cloud_job_id": "",
        "reason": "OTC console, 14:20: up since May, the same system disk",
    },
    "EvidenceShape": {
        "job": 2211,
        "server_name": "mail-prod-01",
        "state": "attention",
        "state_since": "2026-01-02T03:25:07Z",
        "waiting_for": _TOLD,
        "sent": {
            "number": 1,
            "verdict": "unknown",
            "intent_at": "2026-01-02T03:04:07Z",
            "signed_at": "2026-01-02T03:04:07Z",
            "may_arrive_until": None,
            "path": f"/v2/0123456789abcdef0123456789abcdef/cloudservers/{_SERVER}/reinstallos",
            "body": '{"os-reinstall": {"keyname": "KeyPair-350b", "mode": "withStopServer"}}',
            "body_sha256": _SHA256,
        },
        "answer": {
            "phase": "sent",
            "status": None,
            "code": "",
            "message": "The connection ended before an answer came",
            "request_id": "",
            "body": "",
            "error": "read: connection reset by peer",
            "at": "2026-01-02T03:04:37Z",
        },
        "compared": [
            {"name": "system_disk", "label": "System disk", "before": _DISK, "now": _DISK, "changed": False}
        ],
        "compared_at": "2026-01-02T03:24:07Z",
        "evidence": [
            {
                "kind": "verdict",
                "grade": "E4'",
                "observed_at": "2026-01-02T03:25:07Z",
                "summary": _TOLD,
                "data": {"decision": "attention", "job_id": "", "code": ""},
            }
        ],
        "proposal": {"answer": "never_ran", "cloud_job_id": "", "grade": "E4'", "sentence": _TOLD},
        "answers": ["ran_job", "ran_unknown", "never_ran", "ran_well", "ran_badly"],
        "next_look_at": None,
        "second_person": True,
        "others": True,
        "pending": {
            "id": 7,
            "answer": "never_ran",
            "reason": "OTC console, 14:20: up since May, the same system disk",
            "by": "alice",
            "at": "2026-01-02T03:31:00Z",
            "decisions": ["confirm", "reject"],
            "others": True,
        },
    },
    "ProposalBody": {
        "decision": "confirm",
        "reason": "Looked at it at 14:40: the same disk, up since May",
        "proposal_id": 7,
    },
}
