"""Tokens in the search of servers."""

from datetime import timedelta

import pytest
from django.utils.timezone import now

from reinstall.domain.actors import Actor
from reinstall.domain.errors import RuleBroken
from reinstall.domain.states import JobState
from reinstall.selectors.servers import ServerFilters, server_page
from tests.reinstall.rows import T0, a_job, a_person, a_project, a_server, an_actor, an_order

pytestmark = pytest.mark.django_db


@pytest.fixture
def watcher() -> Actor:
    shop = a_project("shop")
    person = a_person("bob", shop)
    a_server(shop, "new", status="SHUTOFF", image_name="Ubuntu 24", tags=["tier=db"], addresses=["fd00::7"])
    a_server(shop, "kept", protected_reason="live", protected_by_name="bob")
    a_server(shop, "tagged", tags=["ecsportal:protected=1"])
    a_server(shop, "away", gone_at=T0)
    old, fresh = a_server(shop, "old"), a_server(shop, "fresh")
    a_job(an_order(shop, person), old, JobState.FAILED, created_at=T0)
    a_job(an_order(shop, person), fresh, JobState.FAILED, created_at=now() - timedelta(days=40))
    a_job(an_order(shop, person), fresh, JobState.SUCCEEDED, created_at=now() - timedelta(days=1))
    return an_actor(person)


@pytest.mark.parametrize(
    ("typed", "names"),
    [
        ("is:stopped", ["new"]),
        ("is:protected", ["kept", "tagged"]),
        ("is:gone", ["away"]),
        ("is:stopped is:running", []),
        ("tag:tier=db", ["new"]),
        ("image:ubuntu", ["new"]),
        ("last:failed", ["old"]),
        ("last:>30d", ["old"]),
        ("last:never", ["kept", "new", "tagged"]),
        ("last:never is:running tag", ["tagged"]),
    ],
)
def test_a_token_narrows(watcher: Actor, typed: str, names: list[str]) -> None:
    assert [row.name for row in server_page(watcher, ServerFilters(q=typed)).items] == names


@pytest.mark.parametrize("typed", ["is:happy", "last:week", "last:>x", "owner:bob"])
def test_an_unknown_token_is_told_the_known_ones(watcher: Actor, typed: str) -> None:
    with pytest.raises(RuleBroken, match=r"does not know .* Known: is:STATE") as refused:
        server_page(watcher, ServerFilters(q=typed))
    assert refused.value.errors[0].field == "q"


def test_an_address_is_no_token(watcher: Actor) -> None:
    assert server_page(watcher, ServerFilters(q="fe80::1")).items == ()
