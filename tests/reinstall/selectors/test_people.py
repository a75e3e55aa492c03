"""Who belongs to a project, with what, since when; and to whom that is told."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.contrib.auth.models import User

from reinstall.domain.errors import NotAllowed, NotFound
from reinstall.models import Membership, Project
from reinstall.selectors.people import people_of
from reinstall.services import access
from tests.reinstall.conftest import OPERATOR
from tests.reinstall.rows import T0, a_person, a_project, an_actor

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop() -> Project:
    return a_project("shop")


def given(shop: Project, name: str, *roles: str) -> User:
    person = a_person(name)
    for day, role in enumerate(roles):
        when = T0 + timedelta(days=day)
        access.set_role(actor=OPERATOR, now=when, user_id=person.pk, project=shop, role=role)
    return person


def test_members_come_by_name_with_the_role_they_have_here(shop: Project) -> None:
    other = a_project("other")
    zoe = given(shop, "zoe", "viewer", "approver")
    Membership.objects.create(user=zoe, project=other, role="admin")
    a_person("bob", other, role="viewer")
    a_person("ann", shop, role="operator", first_name="Ann", last_name="Weber", is_active=False)
    found = people_of(OPERATOR, "shop")
    assert [(one.name, one.role, one.full_name, one.active) for one in found.page.items] == [
        ("ann", "operator", "Ann Weber", False),
        ("zoe", "approver", "", True),
    ]
    assert found.may_manage and found.page.next == ""


def test_since_when_is_told_as_far_as_the_history_tells(shop: Project) -> None:
    given(shop, "zoe", "viewer", "approver")
    a_person("ann", shop, role="operator")
    changed = given(shop, "bob", "viewer")
    Membership.objects.filter(user=changed).update(role="admin")
    ann, bob, zoe = people_of(OPERATOR, "shop").page.items
    assert (zoe.since, zoe.by) == (T0 + timedelta(days=1), OPERATOR.name)
    assert (ann.since, ann.by) == (bob.since, bob.by) == (None, "")


@pytest.mark.parametrize(
    ("role", "reads", "manages"),
    [
        ("viewer", 0, 0),
        ("requester", 0, 0),
        ("approver", 0, 0),
        ("operator", 0, 0),
        ("auditor", 1, 0),
        ("admin", 1, 1),
    ],
)
def test_auditors_and_admins_read_them(role: str, reads: int, manages: int, shop: Project) -> None:
    actor = an_actor(a_person("eve", shop, role=role))
    if reads:
        assert people_of(actor, "shop").may_manage == bool(manages)
    else:
        with pytest.raises(NotAllowed, match="needs the role auditor"):
            people_of(actor, "shop")
    with pytest.raises(NotFound):
        people_of(an_actor(a_person("mallory")), "shop")


def test_a_reading_token_of_an_admin_reads_no_people(shop: Project) -> None:
    actor = an_actor(a_person("eve", shop, role="admin"))
    with pytest.raises(NotAllowed):
        people_of(replace(actor, token_id=1, scopes=frozenset({"read"})), "shop")


def test_many_are_told_page_by_page(shop: Project) -> None:
    for number in range(60):
        a_person(f"p-{number:02}", shop, role="viewer")
    first = people_of(OPERATOR, "shop").page
    second = people_of(OPERATOR, "shop", cursor=first.next).page
    assert [one.name for one in (*first.items, *second.items)] == [f"p-{n:02}" for n in range(60)]
