"""Filters of the list beyond the search, the state of images, and what stands around one server."""

from datetime import timedelta

import pytest
from pytest_django.fixtures import DjangoAssertNumQueries

from reinstall.domain.actors import Actor
from reinstall.domain.errors import RuleBroken
from reinstall.domain.states import JobState
from reinstall.models import Disk, Image, Project, Server, SystemFlag
from reinstall.models.clock import database_now
from reinstall.selectors.images import CHOICES, image_names
from reinstall.selectors.server_about import (
    LOOKED_AT,
    NAMED,
    history_of,
    kms_aliases,
    rules_of,
    similar_servers,
)
from reinstall.selectors.servers import ServerFilters, get_server, server_page
from tests.reinstall.rows import T0, a_job, a_kms_key, a_person, a_project, a_server, an_actor, an_order


def names(actor: Actor, **filters: str) -> list[str]:
    return [row.name for row in server_page(actor, ServerFilters(**filters)).items]


def an_image(project: Project, **changes: object) -> Image:
    values = {"image_id": "image-1", "name": "Debian 12", "status": "active", "image_type": "private"}
    return Image.objects.create(project=project, seen_at=T0, **(values | changes))


def test_servers_by_their_last_reinstall(shop: Project, bob: Actor) -> None:
    person = a_person("carol", shop)
    never, failed, old = (a_server(shop, name) for name in ("never", "failed", "old"))
    assert never.name == "never"
    now = database_now()
    a_job(an_order(shop, person), failed, JobState.FAILED, created_at=now)
    a_job(an_order(shop, person), old, JobState.SUCCEEDED, created_at=now - timedelta(days=40))
    assert names(bob, last="never") == ["never"]
    assert names(bob, last="failed") == ["failed"]
    assert names(bob, last=">30d") == ["old"]
    assert names(bob, last=">90d") == []
    with pytest.raises(RuleBroken, match="Known: never, failed, >30d") as refused:
        names(bob, last="30 days")
    assert refused.value.errors[0].field == "last"


def test_servers_that_are_protected_and_those_that_are_not(shop: Project, bob: Actor) -> None:
    a_server(shop, "by-bob", protected_reason="live orders", protected_by_name="bob")
    a_server(shop, "by-tag", tags=["ecsportal:protected"])
    a_server(shop, "open")
    assert names(bob, protected="yes") == ["by-bob", "by-tag"]
    assert names(bob, protected="no") == ["open"]
    with pytest.raises(RuleBroken, match="yes or no"):
        names(bob, protected="maybe")


@pytest.mark.parametrize("ordering", ["status", "image", "seen_at"])
def test_orders_go_on_after_a_page_both_ways(shop: Project, bob: Actor, ordering: str) -> None:
    for number in range(7):
        facts = {"status": f"S{number % 2}", "image_name": f"i{number % 3}"}
        a_server(shop, f"s{number}", seen_at=T0 + timedelta(hours=number % 4), data_disks=0, **facts)
    for name in (ordering, f"-{ordering}"):
        filters = ServerFilters(project="shop", ordering=name)
        whole = [row.id for row in server_page(bob, filters).items]
        read, cursor = [], ""
        while True:
            page = server_page(bob, filters, cursor=cursor, limit=2)
            read += [row.id for row in page.items]
            if not (cursor := page.next):
                break
        assert read == whole


@pytest.mark.parametrize(
    ("facts", "state"),
    [
        ({}, ""),
        ({"status": ""}, ""),
        ({"gone_at": T0}, "gone"),
        ({"gone_at": T0, "image_type": "gold"}, "withdrawn"),
        ({"status": "killed"}, "inactive"),
    ],
)
def test_a_row_says_what_became_of_its_image(
    shop: Project, bob: Actor, facts: dict[str, object], state: str
) -> None:
    a_server(shop)
    an_image(shop, **facts)
    an_image(a_project("other"), gone_at=T0)
    [row] = server_page(bob, ServerFilters()).items
    assert row.image_state == state


def test_the_images_of_a_page_cost_one_query(
    shop: Project, bob: Actor, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(12):
        a_server(shop, image_id=f"image-{number}")
        an_image(shop, image_id=f"image-{number}", gone_at=T0)
    with django_assert_num_queries(5):
        page = server_page(bob, ServerFilters())
    assert [row.image_state for row in page.items] == ["gone"] * 12


def test_images_to_choose_from_are_ones_own_and_not_too_many(shop: Project, bob: Actor) -> None:
    an_image(a_project("other"), name="secret")
    for number in range(CHOICES + 5):
        an_image(shop, image_id=f"i-{number}", name=f"image {number:02}")
    found = image_names(bob, "", also="zz typed")
    assert len(found) == CHOICES + 1
    assert found[-1] == "zz typed"
    assert "secret" not in found


def test_servers_that_differ_in_their_last_digits_are_similar(shop: Project, bob: Actor) -> None:
    server = a_server(shop, "web-prod-11")
    for name in ("web-prod-1", "web-prod-12", "web-prod-", "web-prod-11b", "web-prod-x-1", "db-11"):
        a_server(shop, name)
    a_server(shop, "web-prod-13", gone_at=T0)
    a_server(shop, "web-prod-14", temporary=True)
    a_server(a_project("other"), "web-prod-15")
    found = similar_servers(get_server(bob, server.pk))
    assert (found.count, found.names) == (3, ("web-prod-", "web-prod-1", "web-prod-12"))
    assert not found.more


def test_a_name_of_digits_only_is_like_no_other(shop: Project, bob: Actor) -> None:
    server = a_server(shop, "4711")
    a_server(shop, "4712")
    assert similar_servers(get_server(bob, server.pk)).count == 0


def test_of_many_alike_some_are_named_by_one_query(
    shop: Project, bob: Actor, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    server = a_server(shop, "web-0")
    Server.objects.bulk_create(
        Server(project=shop, name=f"web-{n}", status="ACTIVE", seen_at=T0, id=f"{n:032x}")
        for n in range(1, LOOKED_AT + 3)
    )
    shown = get_server(bob, server.pk)
    with django_assert_num_queries(1):
        found = similar_servers(shown)
    assert (found.count, len(found.names), found.more) == (LOOKED_AT, NAMED, True)


def test_rules_say_who_may_and_what_holds(shop: Project, bob: Actor) -> None:
    server = get_server(bob, a_server(shop).pk)
    rules = rules_of(bob, server)
    assert (rules.environment, rules.role, rules.may_request) == ("staging", "requester", True)
    assert (rules.frozen, rules.second_person) == ("", False)
    SystemFlag.objects.create(name="freeze", value={}, reason="moving racks", set_by="ann", set_at=T0)
    rules = rules_of(bob, server)
    assert (rules.frozen, rules.frozen_by) == ("moving racks", "ann")


def test_production_needs_two_for_it_never_started(db: None) -> None:
    live = a_project("live", environment="production")
    viewer = an_actor(a_person("eve", live, role="viewer"))
    rules = rules_of(viewer, get_server(viewer, a_server(live).pk))
    assert (rules.role, rules.may_request, rules.second_person) == ("viewer", False, True)


def test_disks_tell_their_snapshots_and_keys(shop: Project, bob: Actor) -> None:
    server, key = a_server(shop), a_kms_key(shop, alias="evs/default")
    a_kms_key(a_project("other"), key_id="k-2", alias="foreign")
    Disk.objects.filter(server=server, boot_index=0).update(snapshots=2)
    Disk.objects.filter(server=server, boot_index=None).update(encrypted=True, cmkid=key.key_id)
    view = get_server(bob, server.pk)
    assert [disk.snapshots for disk in view.disks] == [2, None]
    assert kms_aliases(view) == {key.key_id: "evs/default"}


def test_the_history_is_whole_in_pages(shop: Project, bob: Actor) -> None:
    server, carol = a_server(shop), a_person("carol", shop)
    for number in range(25):
        a_job(an_order(shop, carol), server, JobState.FAILED, created_at=T0 + timedelta(hours=number))
    first = history_of(get_server(bob, server.pk))
    second = history_of(get_server(bob, server.pk), cursor=first.next)
    ids = [job.id for job in (*first.items, *second.items)]
    assert len(first.items) == 20
    assert ids == sorted(ids, reverse=True)
    assert len(ids) == 25
