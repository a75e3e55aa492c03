"""One example for every shape of the OpenAPI document; a test holds each against its schema."""

from typing import Any

from reinstall.api.job_examples import ASKED
from reinstall.api.sync_examples import IMAGE, SYNC, SYNC_RUN

_ID = "bae51750-0089-41a1-9d5a-6a4d5a7a9b1f"
_PATH = f"/v2/0123456789abcdef0123456789abcdef/cloudservers/{_ID}/reinstallos"
_JOB = {
    "id": 2210,
    "order": 1842,
    "project": "shop-prod",
    "environment": "production",
    "server": {"id": _ID, "name": "web-prod-11"},
    "state": "running",
    "state_since": "2026-01-02T03:04:07.412000Z",
}
_TIMES = {"created_at": "2026-01-02T03:04:05Z", "sent_at": "2026-01-02T03:04:07Z", "ended_at": None}
_JOB_ROW = {
    **_JOB,
    "step": "Cloud is rebuilding the system disk (RUNNING)",
    "requested_by": "alice",
    "reason": "OPS-4417",
    **_TIMES,
    "took_s": None,
    "cloud_job_id": "ff80808288d41e1b018990260955686a",
    "lateness": "",
}
_ORDER = {
    "id": 1842,
    "state": "running",
    "project": "shop-prod",
    "environment": "production",
    "reason": "OPS-4417",
    "requested_by": "alice",
    "source": "token",
    "preset": "",
    "request_hash": "5b6f0c6d4f0b4c39a1d5e2b7c8f9a0b15b6f0c6d4f0b4c39a1d5e2b7c8f9a0b1",
    "created_at": "2026-01-02T03:04:05Z",
    "counts": {"running": 1},
}
_SERVER = {
    "id": _ID,
    "name": "web-prod-11",
    "project": "shop-prod",
    "environment": "production",
    "state": "running",
    "status": "ACTIVE",
    "image": "Standard_Ubuntu_22.04_latest",
    "flavor": "s3.large.2",
    "tags": ["tier=web"],
    "seen_at": "2026-01-02T03:00:00Z",
    "active_job": None,
    "why_not": "",
    "image_state": "",
}
_SEEN = {
    "id": _ID,
    "name": "web-prod-11",
    "status": "ACTIVE",
    "addresses": ["10.20.0.10"],
    "image_id": "e215580f-73ad-429d-b6f2-5433947433b0",
    "disks": [{"id": "3f9a2c58-0f0e-4b7c-9b55-5a4d3c2b1a00", "system": True, "encrypted": False}],
}
_STEP = {
    "key": "rebuilt",
    "name": "Cloud is rebuilding the system disk",
    "state": "active",
    "started_at": "2026-01-02T03:04:07.412000Z",
    "ended_at": None,
    "note": "From here on the cloud decides. This step cannot be cancelled.",
    "subs": [{"name": "Reinstall", "raw_name": "reInitOsSingle", "state": "active", "seconds": None}],
}
_PROGRESS = {"elapsed_s": 72, "half_s": 112, "nine_of_ten_s": 190, "left_s": 40, "samples": 57, "percent": 37}
_TOKEN = {
    "id": 7,
    "name": "nightly rebuild",
    "prefix": "ecsp_Zk3xq",
    "scopes": ["read", "request"],
    "projects": ["shop-staging"],
    "networks": ["10.20.0.0/16"],
    "created_at": "2026-01-02T03:04:05Z",
    "expires_at": "2026-04-02T03:04:05Z",
    "last_used_at": "2026-01-03T03:00:00Z",
    "last_used_from": "10.20.0.7",
    "revoked_at": None,
}
#: Name of the shape or body -> a value of it.
EXAMPLES: dict[str, Any] = {
    "SyncShape": SYNC,
    "SyncRunShape": SYNC_RUN,
    "ImageShape": IMAGE,
    "ServerRowShape": {
        **_SERVER,
        "system_gb": 40,
        "data_disks": 2,
        "address": "10.20.1.21",
        "synced_at": "2026-01-02T03:00:00Z",
        "last_job": {"id": 2204, "state": "succeeded", "state_since": "2025-12-01T10:00:00Z"},
    },
    "ServerShape": {
        **_SERVER,
        "task_state": "",
        "image_id": "67f433d8-ed0e-4321-a8a2-a71838539e09",
        "os_type": "Linux",
        "vcpus": 2,
        "ram_mb": 4096,
        "zone": "eu-de-01",
        "addresses": ["10.20.1.21"],
        "keyname": "ops-2026",
        "userid": "7e25b1da389f4697a79df3a0e5bd494e",
        "locked": False,
        "created_at": "2025-06-01T08:00:00Z",
        "gone_at": None,
        "protected_reason": "",
        "protected_by": "",
        "protected_at": None,
        "tag_protected": False,
        "disks": [
            {
                "volume_id": "3f9a2c58-0f0e-4b7c-9b55-5a4d3c2b1a00",
                "device": "/dev/vda",
                "size_gb": 40,
                "role": "system",
                "fate": "wiped",
                "name": "web-prod-11-system",
                "volume_type": "SSD",
                "encrypted": False,
                "cmkid": "",
                "shareable": False,
                "snapshots": 2,
            }
        ],
        "history": [_JOB_ROW],
    },
    "KeyPairShape": {
        "name": "KeyPair-350b",
        "userid": "7e25b1da389f4697a79df3a0e5bd494e",
        "project": "shop-prod",
        "fingerprint": "79:a9:4f:11:0c:8e:5d:aa:51:61:2f:3a:b0:7c:de:01",
        "type": "ssh",
        "used_on": 12,
        "seen_at": "2026-01-02T03:00:00Z",
    },
    "KmsKeyShape": {
        "id": "83cdb52d-9ebf-4469-9cfa-e7b5b80da846",
        "alias": "disks",
        "project": "shop-prod",
        "enabled": True,
        "state": 2,
        "is_default": False,
        "seen_at": "2026-01-02T03:00:00Z",
    },
    "OrderRowShape": _ORDER,
    "OrderShape": {
        **_ORDER,
        "jobs": [
            {
                "id": 2210,
                "server": _ID,
                "name": "web-prod-11",
                "state": "running",
            }
        ],
    },
    "ProtectionBody": {"reason": "live orders"},
    "OrderBody": {
        "project": "shop-prod",
        "servers": [_ID],
        "spec": {
            "keyname": "KeyPair-350b",
            "userid": "7e25b1da389f4697a79df3a0e5bd494e",
            "mode": "withStopServer",
            "byol": False,
            "user_data": "#!/bin/sh\necho hello\n",
            "encrypted": True,
            "cmkid": "83cdb52d-9ebf-4469-9cfa-e7b5b80da846",
        },
        "reason": "OPS-4417",
        "confirm": "web-prod-11",
        "seen": [_SEEN],
        "dry_run": False,
    },
    "PreviewShape": {
        "checks": [{"name": "held", "level": "passed", "sentence": "No other job holds it.", "field": ""}],
        "requests": [
            {
                "server_id": _ID,
                "server_name": "web-prod-11",
                "method": "POST",
                "path": _PATH,
                "body": {"os-reinstall": {"keyname": "KeyPair-350b", "mode": "withStopServer"}},
                "request_hash": "5b6f0c6d4f0b4c39a1d5e2b7c8f9a0b15b6f0c6d4f0b4c39a1d5e2b7c8f9a0b1",
                "seen": _SEEN,
            }
        ],
        "warnings": [],
        "curl": f'curl -X POST https://ecs.eu-de.otc.t-systems.com{_PATH} \\\n  -H "X-Auth-Token: $TOKEN" …',
    },
    "JobRowShape": _JOB_ROW,
    "JobShape": {
        **_JOB,
        "headline": "Cloud is rebuilding the system disk",
        "done": False,
        "can_cancel": False,
        "seq": 4,
        "cloud_job_id": "ff80808288d41e1b018990260955686a",
        "cloud_status": "RUNNING",
        "polled_at": "2026-01-02T03:05:12Z",
        "waiting_for": "",
        "lateness": "",
        "after": None,
        "steps": [_STEP],
        "progress": _PROGRESS,
        "failure": None,
        "disks": [
            {
                "id": "3f9a2c58-0f0e-4b7c-9b55-5a4d3c2b1a00",
                "device": "/dev/vda",
                "size_gb": 40,
                "role": "system",
                "fate": "wiped",
                "id_after": "",
                "name": "web-prod-11-system",
            }
        ],
        "attempts": [
            {
                "number": 1,
                "verdict": "accepted",
                "sent_at": "2026-01-02T03:04:07Z",
                "answered_at": "2026-01-02T03:04:07.412000Z",
                "status": 200,
                "code": "",
                "message": "",
                "request_id": "a0b1c2d3e4f5061728394a5b6c7d8e9f",
            }
        ],
        "asked": ASKED,
        "reason": "OPS-4417",
        "requested_by": "alice",
        "approved_by": "",
        "source": "token",
        "request_id": "5f2b6c0e9d5d4a0f8f8f6a9f0c0b1a2d",
        **_TIMES,
    },
    "ExchangeListShape": {
        "results": [
            {
                "id": 14,
                "at": "2026-01-02T03:04:07Z",
                "last_at": "2026-01-02T03:04:07Z",
                "times": 1,
                "method": "POST",
                "path": _PATH,
                "status": 200,
                "outcome": "accepted",
                "duration_ms": 412,
                "request_id": "a0b1c2d3e4f5061728394a5b6c7d8e9f",
                "request_body": "{}",
                "response_body": '{"job_id": "ff80808288d41e1b018990260955686a"}',
                "error": "",
            }
        ]
    },
    "TokenShape": _TOKEN,
    "NewTokenShape": {**_TOKEN, "secret": "ecsp_ shown once, 48 characters in all"},
    "TokenBody": {
        "name": "nightly rebuild",
        "scopes": ["read", "request"],
        "projects": ["shop-staging"],
        "networks": ["10.20.0.0/16"],
        "days": 30,
    },
    "AuditShape": {
        "id": 48210,
        "at": "2026-01-02T03:04:05Z",
        "actor": "alice",
        "source": "token",
        "token": "nightly rebuild",
        "address": "10.20.0.5",
        "request_id": "5f2b6c0e9d5d4a0f8f8f6a9f0c0b1a2d",
        "action": "order.placed",
        "object_type": "order",
        "object_id": "1842",
        "object_label": "order 1842: web-prod-11",
        "project": "shop-prod",
        "before": {},
        "after": {"server_count": 1},
        "note": "OPS-4417",
    },
}
