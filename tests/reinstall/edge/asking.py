"""One request of the matrix: which address, which body, and what came of it, undone afterwards."""

import json
from typing import Any

from django.apps import apps
from django.conf import settings
from django.db import transaction
from django.test import Client

from tests.reinstall.api.client import a_token
from tests.reinstall.edge.routes import Route
from tests.reinstall.edge.world import ANONYMOUS, MISSING, World
from tests.reinstall.signing import proved

CREDENTIALS = {"kind": "aksk", "access_key": "AK", "secret_key": "SK"}
SPEC = {"keyname": "ops", "userid": "7e25b1da389f4697a79df3a0e5bd494e", "mode": "withStopServer"}
#: The least that is read as far as to the question who may do it. {slug} and {server_id} are filled in.
BODIES: dict[str, dict[str, Any]] = {
    "api:orders POST": {"project": "{slug}", "servers": ["{server_id}"], "spec": SPEC, "dry_run": True},
    "api:presets POST": {"project": "{slug}", "name": "night", "spec": SPEC},
    "api:preset-versions POST": {"spec": SPEC},
    "api:tokens POST": {"name": "mine", "scopes": ["read"], "projects": ["{slug}"]},
    "api:project-credentials POST": {"credentials": CREDENTIALS},
    "api:project PATCH": {"name": "shop two"},
    "api:server-protect POST": {"reason": "OPS-1"},
    "api:server-unprotect POST": {"reason": "OPS-1"},
    "api:job-settle POST": {"answer": "ran_well", "reason": "OPS-1"},
    "api:job-proposal POST": {"decision": "confirm", "reason": "OPS-1"},
    "api:projects POST": {
        "name": "another",
        "environment": "staging",
        "profile": "otc",
        "region": "eu-de",
        "project_id": "0" * 32,
        "credentials": CREDENTIALS,
    },
    "api:system-freeze POST": {"on": True, "reason": "OPS-1"},
    "api:system-breaker-close POST": {"reason": "OPS-1"},
    "select POST": {"project": "{slug}", "action": "tick", "server": "{server_id}", "shown": "{server_id}"},
    "api:approval-decide POST": {"decision": "decline", "request_hash": "0" * 64, "reason": "OPS-1"},
    "approval-decide POST": {"decision": "decline", "request_hash": "0" * 64, "reason": "OPS-1"},
    "audit-export POST": {"format": "csv"},
    "job-settle POST": {"answer": "ran_well", "reason": "OPS-1"},
    "job-second POST": {"decision": "confirm", "reason": "OPS-1", "proposal_id": 1},
    "view-save POST": {"name": "mine", "query": "q=web"},
    "tokens POST": {"name": "mine", "scopes": "read", "days": 30},
    "protect POST": {"reason": "OPS-1"},
    "unprotect POST": {"reason": "OPS-1"},
    "freeze POST": {"on": "1", "reason": "OPS-1"},
    "breaker-close POST": {"reason": "OPS-1"},
    "cloud POST": {"name": "shop two", "environment": "staging", "version": 1},
    "cloud-credentials POST": CREDENTIALS,
    "people POST": {"user": "viewer", "role": "viewer"},
    "people-end POST": {"user": "nobody"},
    "cloud-new POST": {
        "name": "another",
        "environment": "staging",
        "profile": "otc",
        "region": "eu-de",
        "project_id": "0" * 32,
        **CREDENTIALS,
    },
}
#: Addresses that say in their query what they are about.
QUERIES = {
    "reinstall-many": "?selection={selection}",
    "reinstall-many-check": "?selection={selection}",
    "preset-new": "?project={slug}",
}


def names_in_body(route: Route, method: str) -> bool:
    """Whether the object stands in the body, not in the address."""
    return "{" in json.dumps(BODIES.get(f"{route.name} {method}", {})).replace('{"', "").replace("{}", "")


def about_an_object(route: Route, method: str) -> bool:
    return bool(route.parameters) or route.name in QUERIES or names_in_body(route, method)


def _values(route: Route, world: World, which: str, who: str) -> dict[str, object]:
    values = world.values(which, who)
    if which != MISSING and route.is_admin:
        values = values | _first_row(route)
    is_preset = "preset" in route.name and route.parameters and route.name != "preset-check"
    return values | {"slug": values["preset"]} if is_preset else values


def _first_row(route: Route) -> dict[str, object]:
    """For the pages of the admin, which show the rows of one model: a row of it."""
    _, _, app, model, *_ = [*route.path.split("/"), "", ""]
    known = apps.all_models.get(app, {}).get(model)
    row = known._default_manager.order_by("pk").first() if known else None
    return {"object_id": row.pk, "id": row.pk} if row else {"object_id": 1}


def address_of(route: Route, world: World, which: str, who: str) -> str:
    values = _values(route, world, which, who)
    return route.address(values) + QUERIES.get(route.name, "").format(**values)


def body_of(route: Route, method: str, world: World, which: str, who: str) -> dict[str, Any]:
    values = {name: str(value) for name, value in _values(route, world, which, who).items()}
    filled: dict[str, Any] = _filled(BODIES.get(f"{route.name} {method}", {}), values)
    return filled


def _filled(part: Any, values: dict[str, str]) -> Any:
    if isinstance(part, dict):
        return {name: _filled(inner, values) for name, inner in part.items()}
    if isinstance(part, list):
        return [_filled(inner, values) for inner in part]
    return part.format(**values) if isinstance(part, str) else part


class Door:
    """Sends requests as a person, by their session or by a token of theirs. A session is never used up."""

    def __init__(self, world: World, *, by_token: bool = False) -> None:
        self.world = world
        self.by_token = by_token
        self.keys = {who: self._key(who) for who in (ANONYMOUS, *world.people)}

    def _key(self, who: str) -> str:
        if who == ANONYMOUS:
            return ""
        if self.by_token:
            return a_token(self.world.people[who])
        client = Client()
        client.force_login(self.world.people[who])
        proved(client)
        return client.cookies[settings.SESSION_COOKIE_NAME].value

    def client(self, who: str, **options: Any) -> Client:
        """A client that was never used: what an answer does to its cookies is of no consequence."""
        client = Client(raise_request_exception=False, **options)
        if self.by_token:
            client.defaults["HTTP_AUTHORIZATION"] = f"Bearer {self.keys[who]}" if self.keys[who] else ""
        elif self.keys[who]:
            client.cookies[settings.SESSION_COOKIE_NAME] = self.keys[who]
        return client

    def send(self, route: Route, method: str, which: str, who: str, **options: Any) -> Any:
        """The answer; what the request changed stays."""
        address = address_of(route, self.world, which, who)
        body = body_of(route, method, self.world, which, who)
        client = self.client(who, **options)
        if route.is_rest and method != "GET":
            # What is asked is who may, not whether they saw the newest.
            return client.generic(
                method, address, json.dumps(body), "application/json", headers={"If-Match": "*"}
            )
        return client.post(address, body) if method == "POST" else client.generic(method, address)

    def ask(self, route: Route, method: str, which: str, who: str, **options: Any) -> Any:
        """The answer; what the request changed is taken back."""
        with transaction.atomic():
            answer = self.send(route, method, which, who, **options)
            transaction.set_rollback(True)
        return answer
