"""Which address belongs to which service."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote

from simulator import actions, cts, ecs, evs, iam, images, kms, kps, nova, reinstall_call
from simulator.calls import Handler

PROJECT = "/{project_id}"
SERVER = PROJECT + "/cloudservers/{server_id}"


@dataclass(frozen=True, slots=True)
class Route:
    """`kind` is what the throttle counts the call as; `service` decides the shape of refusals."""

    method: str
    pattern: re.Pattern[str]
    handler: Handler
    service: str = "ecs"
    kind: str = "other"
    login: bool = True


def _route(
    method: str, path: str, handler: Handler, *, service: str = "ecs", kind: str = "other", login: bool = True
) -> Route:
    pattern = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path)
    return Route(method, re.compile(f"^{pattern}/?$"), handler, service, kind, login)


ROUTES = (
    _route("GET", "/v1" + PROJECT + "/cloudservers/detail", ecs.list_detail, kind="list"),
    _route("GET", "/v1" + PROJECT + "/jobs/{job_id}", ecs.show_job, kind="job"),
    _route("POST", "/v2" + SERVER + "/reinstallos", reinstall_call.reinstall_v2, kind="reinstall"),
    _route("POST", "/v1" + SERVER + "/reinstallos", reinstall_call.reinstall_v1, kind="reinstall"),
    _route("POST", "/v1" + SERVER + "/changeos", reinstall_call.change_os),
    _route("POST", "/v2" + SERVER + "/changeos", reinstall_call.change_os),
    _route("POST", "/v1" + PROJECT + "/cloudservers/action", actions.act, kind="action"),
    _route("GET", "/v1" + PROJECT + "/cloudservers/limits", ecs.limits),
    _route("GET", "/v1" + SERVER + "/block_device", ecs.block_devices),
    _route("GET", "/v1" + SERVER, ecs.show_server),
    _route("GET", "/", iam.versions, service="iam", login=False),
    _route("GET", "/v3", iam.versions, service="iam", login=False),
    _route("POST", "/v3/auth/tokens", iam.create_token, service="iam", login=False),
    _route("GET", "/v3/auth/tokens", iam.show_token, service="iam"),
    _route("GET", "/v3/auth/projects", iam.list_projects, service="iam"),
    _route("GET", "/v3/projects", iam.list_projects, service="iam"),
    _route("GET", "/v3/users/{user_id}", iam.show_user, service="iam"),
    _route("GET", "/v3.0/OS-CREDENTIAL/credentials/{access_key}", iam.show_access_key, service="iam"),
    _route("GET", "/v2.1", nova.version, login=False),
    _route("GET", "/v2.1" + PROJECT, nova.version),
    _route("GET", "/v2.1" + PROJECT + "/servers", nova.list_short, kind="list"),
    _route("GET", "/v2.1" + PROJECT + "/servers/detail", nova.list_detail, kind="list"),
    _route("GET", "/v2.1" + PROJECT + "/servers/{server_id}", nova.show_server),
    _route("GET", "/v2.1" + PROJECT + "/servers/{server_id}/os-instance-actions", nova.instance_actions),
    _route("GET", "/v2.1" + PROJECT + "/os-keypairs", nova.list_key_pairs),
    _route("GET", "/v2.1" + PROJECT + "/os-keypairs/{name}", nova.show_key_pair),
    _route("GET", "/v2" + PROJECT + "/cloudvolumes/detail", evs.list_detail, kind="list"),
    _route("GET", "/v2" + PROJECT + "/cloudvolumes/{volume_id}", evs.show),
    _route("GET", "/v2" + PROJECT + "/cloudsnapshots/detail", evs.list_snapshots),
    _route("GET", "/v2" + PROJECT + "/os-quota-sets/{target}", evs.show_quota),
    _route("GET", "/v2/cloudimages", images.list_images, service="ims"),
    _route("POST", "/v1.0" + PROJECT + "/kms/list-keys", kms.list_keys, service="kms"),
    _route("POST", "/v1.0" + PROJECT + "/kms/describe-key", kms.describe_key, service="kms"),
    _route("GET", "/v3" + PROJECT + "/keypairs", kps.list_key_pairs, service="kps"),
    _route("GET", "/v3" + PROJECT + "/keypairs/{name}", kps.show_key_pair, service="kps"),
    _route("GET", "/v3" + PROJECT + "/traces", cts.list_traces, service="cts"),
)


def find(method: str, path: str) -> tuple[Route, Mapping[str, str]] | None:
    """The route and the decoded parts of the address, or None."""
    for route in ROUTES:
        if route.method == method and (match := route.pattern.match(path)):
            return route, {name: unquote(text) for name, text in match.groupdict().items()}
    return None
