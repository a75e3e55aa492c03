"""Image Management Service."""

from __future__ import annotations

from typing import Any

from simulator.calls import Call
from simulator.clock import iso_seconds
from simulator.messages import Response, answer
from simulator.paging import after_marker, number
from simulator.records import Image


def _body(image: Image) -> dict[str, Any]:
    body = {
        "schema": "/v2/schemas/image",
        "id": image.id,
        "name": image.name,
        "status": image.status,
        "owner": image.owner or "0" * 32,
        "min_disk": image.min_disk,
        "min_ram": 0,
        "visibility": "public" if image.kind == "gold" else "private",
        "protected": image.kind == "gold",
        "created_at": iso_seconds(image.created_at),
        "updated_at": iso_seconds(image.created_at),
        "container_format": "bare",
        "disk_format": "zvhd2",
        "file": f"/v2/images/{image.id}/file",
        "self": f"/v2/images/{image.id}",
        "size": 0,
        "virtual_size": None,
        "virtual_env_type": "FusionCompute",
        "tags": [],
        "hw_firmware_type": "bios",
        "__image_source_type": "uds",
        "__isregistered": "true",
        "__imagetype": image.kind,
        "__os_type": image.os_type,
        "__os_bit": "64",
        "__platform": image.platform,
        "__os_version": image.os_version,
        "__support_kvm": "true",
        "__os_feature_list": '{"onekey_resetpasswd": "true"}',
    }
    if not image.cloud_init:
        # The name misleads: "true" says that Cloud-Init can NOT inject a password or a key.
        body["__support_fc_inject"] = "true"
    return body


FILTERS = {
    "id": "id",
    "name": "name",
    "status": "status",
    "owner": "owner",
    "visibility": "visibility",
    "__imagetype": "__imagetype",
    "__os_type": "__os_type",
    "__platform": "__platform",
}


def list_images(call: Call) -> Response:
    """`GET /v2/cloudimages`: public images and the project's own; a gone image is an empty list."""
    query, caller = call.request.query, call.caller
    own = [caller.token.project_id or ""] if caller.token else caller.user.project_ids
    named = call.request.headers.get("x-project-id")
    if caller.token is None and named in own:
        own = [named]
    limit = number(query, "limit", 500, 1000)
    visible = [i for i in call.world.images.values() if i.owner == "" or i.owner in own]
    rows = [_body(i) for i in after_marker(visible, query.get("marker"))]
    wanted = {field: query[name] for name, field in FILTERS.items() if name in query}
    found = [r for r in rows if all(r[field] == value for field, value in wanted.items())]
    return answer({"images": found[:limit]})
