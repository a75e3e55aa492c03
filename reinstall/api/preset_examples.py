"""Examples of the shapes and bodies of presets, for the OpenAPI document."""

from typing import Any

_SPEC = {
    "keyname": "",
    "userid": "",
    "mode": "withStopServer",
    "byol": False,
    "encrypted": True,
    "cmkid": "83cdb52d-9ebf-4469-9cfa-e7b5b80da846",
}
_VERSION = {
    "number": 14,
    "spec": {
        **_SPEC,
        "user_data_bytes": 21,
        "user_data_sha256": "5b6f0c6d4f0b4c39a1d5e2b7c8f9a0b15b6f0c6d4f0b4c39a1d5e2b7c8f9a0b1",
    },
    "note": "chrony in place of ntpd",
    "changed": ["First-boot script"],
    "created_at": "2026-01-02T03:04:05Z",
    "created_by": "alice",
}
_PRESET = {
    "slug": "base-hardening",
    "name": "Base hardening",
    "project": "shop-prod",
    "environment": "production",
    "latest": {**_VERSION, "changed": []},
    "used": 61,
    "last_used_at": "2026-01-02T03:04:05Z",
    "created_at": "2025-11-03T09:00:00Z",
    "created_by": "alice",
    "retired_at": None,
    "retired_by": "",
}
_BODY = {**_SPEC, "user_data": "#!/bin/sh\necho hello\n"}
PRESET: dict[str, Any] = {
    "PresetRowShape": _PRESET,
    "PresetShape": {**_PRESET, "versions": [_VERSION]},
    "PresetVersionShape": _VERSION,
    "PresetBody": {"project": "shop-prod", "name": "Base hardening", "spec": _BODY, "note": ""},
    "PresetVersionBody": {"spec": _BODY, "note": "chrony in place of ntpd"},
}
