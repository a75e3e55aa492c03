"""Lists under a name: each person's own."""

import pytest
from django.contrib.auth.models import User

from reinstall.domain.errors import Conflict, NotFound, RuleBroken
from reinstall.models import AuditEvent, SavedView
from reinstall.selectors.views import saved_views
from reinstall.services.views import MAX_NAME, MAX_QUERY, MAX_VIEWS, delete_view, save_view
from tests.reinstall.rows import T0, a_person, an_actor


@pytest.fixture
def bob(db: None) -> User:
    return a_person("bob")


def keep(person: User, name: str = "web tier", query: str = "tag=tier%3Dweb") -> SavedView:
    return save_view(actor=an_actor(person), now=T0, page="servers", name=name, query=query)


def test_a_view_is_kept_and_forgotten_with_an_entry_each(bob: User) -> None:
    view = keep(bob, "  web tier ")
    [tab] = saved_views(an_actor(bob), "servers")
    assert (tab.name, tab.query) == ("web tier", "tag=tier%3Dweb")
    delete_view(actor=an_actor(bob), now=T0, view_id=view.pk)
    assert saved_views(an_actor(bob), "servers") == ()
    assert list(AuditEvent.objects.order_by("id").values_list("action", "object_label")) == [
        ("view.saved", "web tier"),
        ("view.deleted", "web tier"),
    ]


def test_views_are_ones_own(bob: User) -> None:
    view, eve = keep(bob), a_person("eve")
    assert saved_views(an_actor(eve), "servers") == ()
    with pytest.raises(NotFound):
        delete_view(actor=an_actor(eve), now=T0, view_id=view.pk)
    assert keep(eve).pk != view.pk
    assert SavedView.objects.count() == 2


@pytest.mark.parametrize(
    ("name", "query", "field"),
    [
        ("", "", "name"),
        (" \t", "", "name"),
        ("x" * (MAX_NAME + 1), "", "name"),
        ("x", "q" * (MAX_QUERY + 1), "query"),
    ],
)
def test_what_cannot_be_kept_is_named(bob: User, name: str, query: str, field: str) -> None:
    with pytest.raises(RuleBroken) as refused:
        keep(bob, name, query)
    assert refused.value.errors[0].field == field
    assert not AuditEvent.objects.exists()


def test_a_name_is_taken_once_and_views_are_not_without_end(bob: User) -> None:
    keep(bob)
    with pytest.raises(Conflict, match="Take another name"):
        keep(bob)
    for number in range(MAX_VIEWS - 1):
        keep(bob, f"view {number}")
    with pytest.raises(Conflict, match="Delete one first"):
        keep(bob, "one more")
    assert AuditEvent.objects.count() == MAX_VIEWS
