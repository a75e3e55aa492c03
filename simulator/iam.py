"""Identity (IAM, Keystone v3): versions, tokens, projects, access keys."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from simulator.calls import Call
from simulator.catalog import DOMAIN
from simulator.clock import DAY_S
from simulator.ids import digest
from simulator.messages import Refusal, Response, answer, iam_refusal
from simulator.records import Project, Token, User
from simulator.world import World

WRONG_PASSWORD = "The username or password is wrong."


def versions(call: Call) -> Response:
    """`GET /` and `GET /v3`: what Keystone clients look for first."""
    version = {
        "id": "v3.14",
        "status": "stable",
        "updated": "2020-04-07T00:00:00Z",
        "links": [{"rel": "self", "href": call.request.base_url + "/v3/"}],
        "media-types": [{"base": "application/json", "type": "application/vnd.openstack.identity-v3+json"}],
    }
    if call.request.path.startswith("/v3"):
        return answer({"version": version})
    return answer({"versions": {"values": [version]}}, 300)


def _stamp(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def create_token(call: Call) -> Response:
    """`POST /v3/auth/tokens` with a password or with another token."""
    try:
        auth = json.loads(call.request.body)["auth"]
        identity = auth["identity"]
        user = _user_of(call, identity)
        project = _scope_of(call.world, user, auth.get("scope") or {})
    except (ValueError, KeyError, TypeError, AttributeError):
        raise iam_refusal(
            400, "Bad Request", "Expecting to find auth.identity in the request body."
        ) from None
    now = call.clock.login_now()
    raw = digest(call.world.seed, "token", call.world.next_number(), now).hex()
    token = Token("MIIF" + raw * 4, user.id, project.id if project else None, now, now + DAY_S)
    _forget_old(call.world, now)
    call.world.tokens[token.value] = token
    call.world.changed()
    body = _token_body(call, token, user, project, identity["methods"])
    return answer({"token": body}, 201, {"X-Subject-Token": token.value})


def _forget_old(world: World, now: float) -> None:
    for old in [t for t in world.tokens.values() if t.expires_at + DAY_S < now]:
        del world.tokens[old.value]


def _user_of(call: Call, identity: dict[str, Any]) -> User:
    methods = identity["methods"]
    if methods == ["password"]:
        return _by_password(call.world, identity["password"]["user"])
    if methods == ["token"]:
        token = call.world.tokens.get(identity["token"]["id"])
        if token is None or token.expires_at <= call.clock.login_now():
            raise iam_refusal(401, "Unauthorized", "The token is invalid or has expired.")
        return call.world.users[token.user_id]
    raise iam_refusal(401, "Unauthorized", "Attempted to authenticate with an unsupported method.")


def _by_password(world: World, given: dict[str, Any]) -> User:
    domain = given.get("domain") or {}
    in_domain = domain.get("name") == DOMAIN or domain.get("id") == world.domain_id
    for user in world.users.values():
        same = given.get("id") == user.id if "id" in given else given["name"] == user.name and in_domain
        if same and given["password"] == user.password:
            return user
    raise iam_refusal(401, "Unauthorized", WRONG_PASSWORD)


def _scope_of(world: World, user: User, scope: dict[str, Any]) -> Project | None:
    wanted = scope.get("project")
    if wanted is None:
        return None
    found = world.projects.get(wanted["id"]) if "id" in wanted else world.project_by_name(wanted["name"])
    if found is None or found.id not in user.project_ids:
        raise iam_refusal(401, "Unauthorized", "User has no access to the project named in the scope.")
    return found


def _token_body(
    call: Call, token: Token, user: User, project: Project | None, methods: list[str]
) -> dict[str, Any]:
    domain = {"id": call.world.domain_id, "name": DOMAIN}
    body: dict[str, Any] = {
        "expires_at": _stamp(token.expires_at),
        "issued_at": _stamp(token.issued_at),
        "methods": methods,
        "user": {"domain": domain, "id": user.id, "name": user.name, "password_expires_at": ""},
        "roles": [{"id": "0", "name": "te_admin"}],
        "catalog": [] if "nocatalog" in call.request.query else _catalog(call, project),
    }
    if project is None:
        body["domain"] = domain
    else:
        body["project"] = {"domain": domain, "id": project.id, "name": project.name}
    return body


def _catalog(call: Call, project: Project | None) -> list[dict[str, Any]]:
    base, region = call.request.base_url, call.world.scenario.region
    paths = {"identity": "/v3"}
    if project is not None:
        tail = "/" + project.id
        paths |= {
            "compute": "/v2.1" + tail,
            "ecs": "/v1" + tail,
            "volumev2": "/v2" + tail,
            "evs": "/v2" + tail,
            "kms": "/v1.0",
            "kps": "/v3" + tail,
            "image": "",
            "ims": "",
            "cts": "/v3" + tail,
        }
    entries = []
    for number, (kind, path) in enumerate(paths.items(), 1):
        endpoint = {
            "id": f"{number + 100:032x}",
            "interface": "public",
            "region": region,
            "region_id": region,
            "url": base + path,
        }
        entries.append({"type": kind, "name": kind, "id": f"{number:032x}", "endpoints": [endpoint]})
    return entries


def show_token(call: Call) -> Response:
    """`GET /v3/auth/tokens`: the token in X-Subject-Token, seen by the caller."""
    token = call.world.tokens.get(call.request.headers.get("x-subject-token", ""))
    if token is None or token.expires_at <= call.clock.login_now():
        raise iam_refusal(404, "Not Found", "Could not find token.")
    user = call.world.users[token.user_id]
    project = call.world.projects.get(token.project_id or "")
    body = _token_body(call, token, user, project, ["password"])
    return answer({"token": body}, 200, {"X-Subject-Token": token.value})


def list_projects(call: Call) -> Response:
    """`GET /v3/projects` and `/v3/auth/projects`: the caller's own, by name when one is given."""
    base, name = call.request.base_url + "/v3/projects", call.request.query.get("name")
    found = [call.world.projects[i] for i in call.caller.user.project_ids]
    rows = [
        {
            "id": p.id,
            "name": p.name,
            "domain_id": call.world.domain_id,
            "parent_id": call.world.domain_id,
            "is_domain": False,
            "description": "",
            "enabled": True,
            "links": {"self": f"{base}/{p.id}"},
        }
        for p in found
        if name in (None, p.name)
    ]
    return answer({"projects": rows, "links": {"self": base, "previous": None, "next": None}})


def show_access_key(call: Call) -> Response:
    """`GET /v3.0/OS-CREDENTIAL/credentials/{access_key}`: whose key it is; own keys only."""
    user = call.caller.user
    if call.params["access_key"] != user.access_key:
        raise _not_found("credential")
    credential = {
        "access": user.access_key,
        "user_id": user.id,
        "status": "active",
        "create_time": "2025-03-01T00:00:00.000000Z",
        "last_use_time": "2025-03-01T00:00:00.000000Z",
        "description": "",
    }
    return answer({"credential": credential})


def show_user(call: Call) -> Response:
    """`GET /v3/users/{user_id}`: the caller itself."""
    user = call.caller.user
    if call.params["user_id"] != user.id:
        raise _not_found("user")
    body = {"id": user.id, "name": user.name, "domain_id": call.world.domain_id, "enabled": True}
    return answer({"user": body})


def _not_found(what: str) -> Refusal:
    return iam_refusal(404, "Not Found", f"Could not find {what}.")
