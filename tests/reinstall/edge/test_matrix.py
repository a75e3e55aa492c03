"""The tenancy matrix: every route, every role; one's own object, somebody else's, one that is not there."""

import re
from typing import Any

import pytest
from django.test import Client

from reinstall.models import Membership
from tests.reinstall.api.client import Caller, a_token
from tests.reinstall.edge.asking import Door, about_an_object
from tests.reinstall.edge.routes import Route, by_name
from tests.reinstall.edge.table import ALL, EVERY_METHOD, PAGES, REST, TABLE
from tests.reinstall.edge.world import (
    ANONYMOUS,
    FOREIGN,
    MISSING,
    NOBODY,
    OWN,
    PEOPLE,
    STRANGER,
    SUPERUSER,
    WHICH,
    World,
    a_world,
)

#: These close the connection of the database while they wait; test_streams asks them.
STREAMS = {"job-events", "api:job-events"}
ROUTES = by_name()
#: Elsewhere one's role makes no difference: those are asked who have the most to say where they are.
ASKED = {
    OWN: PEOPLE,
    FOREIGN: (ANONYMOUS, "viewer", "admin", SUPERUSER, STRANGER, NOBODY),
    MISSING: (ANONYMOUS, "admin", SUPERUSER),
}


@pytest.fixture
def world(db: None) -> World:
    return a_world()


def wrong_cells(door: Door, table: dict[str, Any]) -> list[str]:
    """Cells that are not as the table says, each as a sentence."""
    wrong = []
    for name in table.keys() - STREAMS:
        route = ROUTES[name]
        for method, expected in table[name].items():
            for which in WHICH if about_an_object(route, method) else (OWN,):
                for who in ASKED[which]:
                    status = door.ask(route, method, which, who).status_code
                    wanted = expected.status(who, which, rest=route.is_rest, by_token=door.by_token)
                    if status != wanted:
                        wrong.append(f"{name} {method}, {who}, {which}: {status}, not {wanted}")
    return sorted(wrong)


def test_every_route_stands_in_the_table() -> None:
    """A new page or address of REST is not finished before it is said here who may open it."""
    assert {name for name, route in ROUTES.items() if not route.is_admin} == set(TABLE)


def test_every_role_stands_in_the_table() -> None:
    assert set(Membership.Role.values) == ALL


def test_every_operation_of_the_openapi_document_stands_in_the_table(world: World) -> None:
    document = Caller(a_token(world.people[SUPERUSER])).get("openapi.json").json()
    described = {(path, method.upper()) for path, methods in document["paths"].items() for method in methods}
    ours = {
        (re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", ROUTES[name].path), method)
        for name, methods in REST.items()
        for method in methods
        if name not in ("api:openapi", "/api/v1/nothing-here/")
    }
    assert described == ours


@pytest.mark.timeout(600)
def test_pages(world: World) -> None:
    assert not (wrong := wrong_cells(Door(world), PAGES)), "\n".join(wrong)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("by_token", [False, True], ids=["session", "token"])
def test_rest(world: World, by_token: bool) -> None:
    assert not (wrong := wrong_cells(Door(world, by_token=by_token), REST)), "\n".join(wrong)


@pytest.mark.timeout(600)
def test_a_method_that_is_not_in_the_table_is_not_answered(world: World) -> None:
    door, wrong = Door(world), []
    for name, methods in TABLE.items():
        for method in set(EVERY_METHOD) - set(methods):
            status = door.ask(ROUTES[name], method, OWN, SUPERUSER).status_code
            if status != 405:
                wrong.append(f"{name} {method}: {status}")
    assert not wrong, "\n".join(sorted(wrong))


def blurred(answer: Any) -> str:
    """What was answered, without what names the object or the request."""
    if answer.status_code == 304:
        return ""
    text = answer.content.decode()
    text = re.sub(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}|\b[0-9a-f]{32}\b", "ID", text)
    text = re.sub(r"not-there|hushhush|preset-hushhush", "SLUG", text).replace("preset-SLUG", "SLUG")
    text = re.sub(r'(value|nonce)="[A-Za-z0-9_:.=+/-]{20,}"', 'value="TOKEN"', text)
    return re.sub(r"\d+", "N", text)


@pytest.mark.timeout(600)
def test_what_is_somebody_elses_is_answered_as_what_is_not_there(world: World) -> None:
    door, seen = Door(world), 0
    for name in TABLE.keys() - STREAMS:
        route = ROUTES[name]
        for method in TABLE[name]:
            if not about_an_object(route, method):
                continue
            for who in ("requester", NOBODY):
                theirs, nobodys = (door.ask(route, method, which, who) for which in (FOREIGN, MISSING))
                assert blurred(theirs) == blurred(nobodys), f"{name} {method}, {who}"
                seen += 1
    assert seen > 80


def admin_routes() -> list[Route]:
    return [route for route in ROUTES.values() if route.is_admin]


#: Where people sign in and out: open to everybody, as it has to be.
ADMIN_DOORS = {"/admin/login/", "/admin/logout/"}


def test_the_admin_is_for_staff(world: World) -> None:
    """Nobody else learns what is there, or whether: each address leads to the same sign-in."""
    door, wrong = Door(world), []
    for route in admin_routes():
        if route.path in ADMIN_DOORS:
            continue
        for who in (ANONYMOUS, "admin", SUPERUSER):
            for method in ("GET", "POST"):
                answer = door.ask(route, method, MISSING, who)
                led = answer.status_code == 302 and answer["Location"].startswith(
                    ("/admin/login/", "/sign-in/")
                )
                if led == (who == SUPERUSER) or answer.status_code >= 500:
                    wrong.append(f"{route.name} {method}, {who}: {answer.status_code}")
    assert not wrong, "\n".join(wrong)


def test_nobody_but_staff_is_let_in_by_staff_rights_alone(world: World) -> None:
    """Staff without a right sees the index, and no record."""
    world.people[NOBODY].is_staff = True
    world.people[NOBODY].save()
    client = Client(raise_request_exception=False)
    client.force_login(world.people[NOBODY])
    assert client.get("/admin/").status_code == 200
    for route in admin_routes():
        if route.name.startswith("admin:") and route.name.endswith("_changelist"):
            assert client.get(route.path).status_code == 403, route.name


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("name", sorted(STREAMS))
@pytest.mark.parametrize("which", WHICH)
def test_streams(name: str, which: str) -> None:
    door = Door(a_world())
    for who in (ANONYMOUS, "viewer", STRANGER, NOBODY):
        answer = door.send(ROUTES[name], "GET", which, who)
        wanted = TABLE[name]["GET"].status(who, which, rest=ROUTES[name].is_rest)
        assert answer.status_code == wanted, who
        answer.close()
