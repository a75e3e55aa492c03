"""Examples of the shapes and bodies of projects, for the OpenAPI document."""

from typing import Any

_PROJECT = {
    "name": "shop-prod",
    "environment": "production",
    "profile": "otc",
    "region": "eu-de",
    "project_id": "0123456789abcdef0123456789abcdef",
    "endpoints": {"ecs": "https://ecs.eu-de.otc.t-systems.com"},
}
_PROJECT_SHOWN = {
    "slug": "shop-prod",
    **_PROJECT,
    "credential_kind": "aksk",
    "credentials_set_at": "2025-11-03T09:00:00Z",
    "credentials_set_by": "alice",
    "version": 3,
    "synced_at": "2026-01-02T03:00:00Z",
    "sync_error": "",
    "created_at": "2025-11-03T09:00:00Z",
}
_CHECK_STEP = {
    "name": "servers",
    "title": "List servers",
    "result": "passed",
    "ok": True,
    "sentence": "212 servers listed.",
    "duration_ms": 186,
}

PROJECT: dict[str, Any] = {
    "ProjectShape": _PROJECT_SHOWN,
    "ProjectBody": {
        **_PROJECT,
        "credentials": {"kind": "aksk", "access_key": "your access key", "secret_key": "your secret key"},
    },
    "ProjectChangeBody": {"name": "shop-prod", "environment": "production"},
    "RotationBody": {
        "credentials": {"kind": "aksk", "access_key": "your access key", "secret_key": "your secret key"}
    },
    "RotationShape": {"project": _PROJECT_SHOWN, "steps": [_CHECK_STEP]},
    "CheckShape": {
        "ok": True,
        "steps": [_CHECK_STEP],
        "writes": "Write rights are not tested; a reinstall is the only real test.",
    },
}
