"""Lists, searches, counts, exports: nothing of a project shows to whoever is not in it, not even a number."""

import re
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.test import Client

from tests.reinstall.edge.asking import Door, about_an_object
from tests.reinstall.edge.routes import Route, by_name
from tests.reinstall.edge.table import TABLE
from tests.reinstall.edge.world import NOBODY, SUPERUSER, TRACE, a_world, half_a_world, with_the_other

LISTS = [
    route
    for name, route in by_name().items()
    if name in TABLE and "GET" in TABLE[name] and TABLE[name]["GET"].reach == "people"
    # The sessions of a person, and a new secret for an app, are others each time and of no project.
    if not about_an_object(route, "GET")
    and name not in ("home", "sign-in", "security", "app-new", "passkey-new")
]
QUERIES = [
    {},
    {"q": TRACE},
    {"project": TRACE},
    {"format": "csv"},
    {"tab": "all"},
    {"tab": "all", "q": TRACE},
]
#: The least and the most one may in the first project.
INSIDE = ("viewer", "admin")
#: Rows of the other project that tell from the superuser's page that there was something to be hidden.
AT_LEAST = 12


def texts(client: Client, route: Route) -> list[str]:
    """What a list answers to each of QUERIES; those it does not know are refused, and say nothing either."""
    answers: list[Any] = [client.get(route.path, query) for query in QUERIES]
    return [_text(answer) for answer in answers]


def _text(answer: Any) -> str:
    if not answer.streaming:
        return str(answer.content.decode())

    async def whole() -> bytes:
        return b"".join([chunk async for chunk in answer.streaming_content])

    return async_to_sync(whole)().decode()


def shown(client: Client, route: Route) -> list[str]:
    """Answers in which the other project can be seen; what was asked for is not counted as an answer."""
    said = [
        re.sub(rf"(q|project)=[^\"&]*|value=\"{TRACE}\"|project {TRACE}\b", "", text)
        for text in texts(client, route)
    ]
    return [text for text in said if TRACE in text]


@pytest.mark.timeout(600)
def test_no_list_shows_anything_of_another_project(db: None) -> None:
    door = Door(a_world())
    for who in (*INSIDE, NOBODY):
        for route in LISTS:
            assert shown(door.client(who), route) == [], f"{route.name}, {who}"
    seen = sum(bool(shown(door.client(SUPERUSER), route)) for route in LISTS)
    assert seen >= AT_LEAST, "the lists show nothing to anybody, so nothing was tested"


def without_moments(text: str) -> str:
    """The same text whenever, and by whomever signed in, it was made."""
    return re.sub(r"\d{4}-\d\d-\d\d[T ][\d:.]+Z?|(value|nonce)=\"[^\"]{20,}\"|\b[0-9a-f]{32}\b", "", text)


@pytest.mark.timeout(600)
def test_no_number_tells_that_there_is_another_project(db: None) -> None:
    """Counts, pages and filters are the same to the letter, whether another project is there or not."""
    alone = half_a_world()
    before = {(who, route.name): _all(Door(alone), who, route) for who in INSIDE for route in LISTS}
    both = with_the_other(alone)
    for (who, name), texts_before in before.items():
        assert _all(Door(both), who, by_name()[name]) == texts_before, f"{name}, {who}"


def _all(door: Door, who: str, route: Route) -> list[str]:
    return [without_moments(text) for text in texts(door.client(who), route)]
