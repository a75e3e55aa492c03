"""Selections: ticks survive, all that match are frozen, and they are one person's in one project."""

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.utils.timezone import now

from reinstall.domain.actors import Actor
from reinstall.domain.errors import NotAllowed, NotFound, RuleBroken
from reinstall.domain.states import JobState
from reinstall.models import Membership, Project, Selection
from reinstall.selectors.selections import get_chosen, matching, selection_bar
from reinstall.selectors.servers import ServerFilters
from reinstall.services import selections
from tests.reinstall.rows import a_job, a_person, a_project, a_server, an_actor, an_order

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop() -> Project:
    return a_project("shop")


@pytest.fixture
def bob(shop: Project) -> Actor:
    return an_actor(a_person("bob", shop))


def ticked(actor: Actor, ids: list[Any], *, shown: list[Any] | None = None, **changes: Any) -> Selection:
    asked: dict[str, Any] = {"project": "shop", "selection": None} | changes
    return selections.tick(
        actor=actor,
        now=now(),
        shown=[str(key) for key in (shown or ids)],
        ticked=[str(key) for key in ids],
        **asked,
    )


def test_ticks_of_a_second_page_leave_those_of_the_first(bob: Actor, shop: Project) -> None:
    one, two, three = (a_server(shop).pk for _ in range(3))
    first = ticked(bob, [one, two])
    second = ticked(bob, [three], selection=first.pk)
    assert second.pk == first.pk
    assert second.server_ids == [str(one), str(two), str(three)]
    fewer = ticked(bob, [two], shown=[one, two], selection=first.pk)
    assert set(fewer.server_ids) == {str(two), str(three)}


def test_all_that_match_are_those_of_now(bob: Actor, shop: Project) -> None:
    one = a_server(shop, "web-1")
    held = a_server(shop, "web-2")
    a_server(shop, "db-1")
    order = an_order(shop, a_person("carol", shop))
    job = a_job(order, held, JobState.ATTENTION, sent_at=now())
    ids, left = matching(bob, ServerFilters(q="web", project="shop"), selections.MOST)
    made = selections.take_all(
        actor=bob, now=now(), project="shop", selection=None, ids=ids, left_out=left, query="q=web"
    )
    a_server(shop, "web-3")
    bar = selection_bar(bob, shop, made.pk)
    assert bar is not None
    assert (bar.selected, bar.usable, bar.ids) == (2, 1, frozenset({str(one.pk)}))
    assert [(out.name, f"#{job.pk}" in out.why) for out in bar.left_out] == [("web-2", True)]


def test_more_than_an_order_takes_is_refused(bob: Actor, shop: Project) -> None:
    for _ in range(3):
        a_server(shop)
    with pytest.raises(RuleBroken, match="More than 2 servers match"):
        matching(bob, ServerFilters(project="shop"), 2)


def test_what_became_unusable_is_left_out(bob: Actor, shop: Project) -> None:
    one, two = a_server(shop), a_server(shop)
    made = ticked(bob, [one.pk, two.pk])
    two.protected_reason, two.protected_by_name = "the till", "carol"
    two.save()
    chosen = get_chosen(bob, made.pk)
    assert chosen.ids == (str(one.pk),)
    assert [out.name for out in chosen.left_out] == [two.name]
    assert (chosen.system_gb, chosen.data_disks) == (40, 1)


def test_a_server_of_another_project_is_refused_with_a_sentence(bob: Actor, shop: Project) -> None:
    other = a_server(a_project("other"))
    with pytest.raises(RuleBroken, match="servers of one project"):
        ticked(bob, [a_server(shop).pk, other.pk])
    assert Selection.objects.count() == 0


@pytest.mark.parametrize("text", ["x", "", "' OR 1=1"])
def test_what_is_no_id_is_refused(bob: Actor, text: str) -> None:
    with pytest.raises(RuleBroken, match="not the id of a server"):
        ticked(bob, [text])


def test_a_selection_is_one_persons(bob: Actor, shop: Project) -> None:
    made = ticked(bob, [a_server(shop).pk])
    carol = an_actor(a_person("carol", shop))
    assert selection_bar(carol, shop, made.pk) is None
    with pytest.raises(NotFound):
        get_chosen(carol, made.pk)
    assert ticked(carol, [a_server(shop).pk], selection=made.pk).pk != made.pk
    selections.clear(actor=carol, selection=made.pk)
    assert Selection.objects.filter(pk=made.pk).exists()
    Membership.objects.all().delete()
    with pytest.raises(NotFound):
        get_chosen(bob, made.pk)


def test_choosing_needs_the_right_to_reinstall(shop: Project) -> None:
    viewer = an_actor(a_person("vera", shop, role="viewer"))
    with pytest.raises(NotAllowed, match="requester"):
        ticked(viewer, [a_server(shop).pk])


def test_selections_are_kept_for_a_day_after_the_last_change(bob: Actor, shop: Project) -> None:
    made = ticked(bob, [a_server(shop).pk])
    assert selections.forget_old(now=now() + timedelta(hours=23)) == 0
    assert selections.forget_old(now=now() + timedelta(hours=25)) == 1
    assert selection_bar(bob, shop, made.pk) is None
    assert selection_bar(bob, shop, uuid.uuid4()) is None
