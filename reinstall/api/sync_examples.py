"""Examples of readings and images, for the REST documentation."""

from typing import Any

SYNC: dict[str, Any] = {
    "servers": 212,
    "added": 3,
    "changed": 2,
    "gone": 1,
    "key_pairs": 8,
    "kms_keys": 2,
    "images": 14,
    "problems": [],
}
_SERVER = {"id": "bae51750-0089-41a1-9d5a-6a4d5a7a9b1f", "name": "web-prod-11"}
SYNC_RUN: dict[str, Any] = {
    **SYNC,
    "id": 77,
    "project": "shop-prod",
    "state": "complete",
    "requested_by": "alice",
    "requested_at": "2026-01-02T03:04:05Z",
    "started_at": "2026-01-02T03:04:05.210000Z",
    "ended_at": "2026-01-02T03:04:09.870000Z",
    "phase": "",
    "read": 212,
    "announced": None,
    "added_servers": [{**_SERVER, "fields_changed": []}],
    "changed_servers": [
        {"id": "0d7f6a1e-7f0c-4f2b-9f57-0d6b5b1a7c11", "name": "db-1", "fields_changed": ["status"]}
    ],
    "gone_servers": [],
}
IMAGE: dict[str, Any] = {
    "id": "67f433d8-ed0e-4321-a8a2-a71838539e09",
    "name": "Standard_Debian_12_latest",
    "project": "shop-prod",
    "type": "gold",
    "status": "active",
    "os_type": "Linux",
    "min_disk_gb": 10,
    "cloud_init": True,
    "cmkid": "",
    "servers": 48,
    "seen_at": "2026-01-02T03:04:09Z",
    "gone_at": None,
}
