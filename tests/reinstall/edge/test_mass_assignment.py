"""Names of columns in a body: refused by REST, without effect in a form."""

import json
import re
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.db import transaction
from django.test import Client

from reinstall.models import Job, Order, Server
from reinstall.web.forms import ReinstallForm
from tests.reinstall.api.client import Caller, a_token, problem_of
from tests.reinstall.edge.asking import BODIES, Door, address_of, body_of
from tests.reinstall.edge.routes import by_name
from tests.reinstall.edge.table import PAGES, REST
from tests.reinstall.edge.test_effects import everything
from tests.reinstall.edge.world import OWN, SUPERUSER, World, a_world
from tests.reinstall.web.conftest import filled_in, form_address

#: Found again in a row, it says that a column was written.
WORD = "424242"
ROUTES = by_name()


def columns() -> set[str]:
    """The names of all columns and relations of all tables, with and without the _id."""
    fields = [
        field for model in apps.get_models(include_auto_created=True) for field in model._meta.get_fields()
    ]
    names = {name for field in fields for name in (field.name, getattr(field, "attname", field.name))}
    assert {"approved_by", "state", "is_superuser", "project_id", "credentials_sealed"} - names <= {
        "approved_by"
    }
    return names


@pytest.fixture
def world(db: None) -> World:
    return a_world()


def declared(document: dict[str, Any], path: str, method: str) -> dict[str, Any]:
    """The properties of an operation's body, {} where it takes none."""
    operation = document["paths"][path][method]
    content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    name = content.get("schema", {}).get("$ref", "").rpartition("/")[2]
    found: dict[str, Any] = document["components"]["schemas"].get(name, {}).get("properties", {})
    return found


def test_rest_refuses_every_column_it_does_not_declare(world: World) -> None:
    caller = Caller(a_token(world.people[SUPERUSER]), **{"If-Match": "*", "Idempotency-Key": "k"})
    document = caller.get("openapi.json").json()
    door, before, asked = Door(world), everything(), 0
    for name, methods in REST.items():
        for method in methods.keys() & {"POST", "PATCH", "PUT"} if "nothing-here" not in name else ():
            route = ROUTES[name]
            known = declared(document, _described(route.path), method.lower())
            extra = dict.fromkeys(sorted(columns() - set(known)), WORD)
            body = body_of(route, method, world, OWN, SUPERUSER) | extra
            client = door.client(SUPERUSER)
            address = address_of(route, world, OWN, SUPERUSER)
            answer = client.generic(
                method, address, json.dumps(body), "application/json", headers=dict(caller.headers)
            )
            named = {error["field"] for error in problem_of(answer, 400)["errors"]}
            assert named >= set(extra), f"{method} {name}"
            asked += 1
    assert asked == sum(len({"post", "patch", "put"} & set(path)) for path in document["paths"].values())
    assert everything() == before


@pytest.mark.parametrize("part", ["spec", "credentials"])
def test_rest_refuses_them_inside_of_a_part_too(world: World, part: str) -> None:
    door, before, asked = Door(world), everything(), 0
    for key, body in BODIES.items():
        name, method = key.split(" ")
        if part not in body or name not in REST:
            continue
        route = ROUTES[name]
        sent = body_of(route, method, world, OWN, SUPERUSER)
        sent[part] |= {"state": WORD, "credentials_sealed": WORD, "project_id": WORD}
        address = address_of(route, world, OWN, SUPERUSER)
        answer = door.client(SUPERUSER).generic(
            method, address, json.dumps(sent), "application/json", headers={"If-Match": "*"}
        )
        named = {error["field"].rpartition(".")[2] for error in problem_of(answer, 400)["errors"]}
        assert named >= {"state", "credentials_sealed", "project_id"}, key
        asked += 1
    assert asked == {"spec": 3, "credentials": 2}[part]
    assert everything() == before


#: Signing in writes the session; an export writes down what it was narrowed by, in the words of the asker.
ELSEWHERE = {"sign-in", "audit-export"}


@pytest.mark.timeout(600)
def test_a_form_takes_its_own_fields_only(world: World) -> None:
    door, asked = Door(world), 0
    for name, methods in PAGES.items():
        if "POST" not in methods or methods["POST"].reach == "everybody" or name in ELSEWHERE:
            continue
        route = ROUTES[name]
        body = body_of(route, "POST", world, OWN, SUPERUSER)
        address = address_of(route, world, OWN, SUPERUSER)
        extra = dict.fromkeys(columns() - set(body), WORD)
        with transaction.atomic():
            answer = door.client(SUPERUSER).post(address, body | extra)
            rows = [row for table in everything().values() for row in table if WORD in row]
            transaction.set_rollback(True)
        assert answer.status_code < 500, name
        assert rows == [], name
        asked += 1
    assert asked > 25


def test_an_order_holds_nothing_of_what_a_form_does_not_ask(requester: User, server: Server) -> None:
    browser = Client()
    browser.force_login(requester)
    form = filled_in(browser, server)
    extra = dict.fromkeys(columns() - set(form) - set(ReinstallForm.base_fields), WORD)
    assert browser.post(form_address(server), form | extra).status_code == 303
    order, job = Order.objects.get(), Job.objects.get()
    told = {**_row(order), **_row(job)}
    assert [name for name, value in told.items() if WORD in str(value)] == []
    assert (job.state, order.requested_by_name, job.server_id) == ("queued", "alice", server.pk)


def _row(row: Any) -> dict[str, object]:
    return {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}


def _described(path: str) -> str:
    return re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", path)
