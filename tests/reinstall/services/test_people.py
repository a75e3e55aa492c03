"""Roles by account name: what is wrong is named by its field, and told to nobody without the right."""

import pytest
from django.utils.timezone import now

from reinstall.domain.errors import NeedsSecondFactor, NotAllowed, NotFound, RuleBroken
from reinstall.models import AuditEvent, Membership, Project
from reinstall.services.people import give_role, take_role
from tests.reinstall.conftest import OPERATOR
from tests.reinstall.rows import a_person, a_project, an_actor

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop() -> Project:
    return a_project("shop")


def test_a_role_is_given_and_taken_by_name(shop: Project) -> None:
    a_person("bob")
    given = give_role(actor=OPERATOR, now=now(), slug="shop", user="bob", role="operator")
    assert (given.user.username, given.project, given.role) == ("bob", shop, "operator")
    for _ in range(2):
        take_role(actor=OPERATOR, now=now(), slug="shop", user="bob")
    assert not Membership.objects.exists()
    told = AuditEvent.objects.filter(object_id="shop/bob").order_by("id")
    assert [entry.action for entry in told] == ["role.given", "role.ended"]


@pytest.mark.parametrize(
    ("user", "role", "wrong"),
    [
        ("", "viewer", {"user": "Write a user name."}),
        ("bob", "viewer", {"user": "There is no account bob. Write a user name."}),
        ("ANN", "viewer", {"user": "There is no account ANN. Write a user name."}),
        ("ann", "owner", {"role": "Choose one of viewer, requester, approver, operator, auditor, admin."}),
        ("bob", "", {"user": "There is no account bob. Write a user name.", "role": "Choose one of"}),
    ],
)
def test_all_that_is_wrong_is_named_at_once(
    user: str, role: str, wrong: dict[str, str], shop: Project
) -> None:
    a_person("ann")
    with pytest.raises(RuleBroken) as caught:
        give_role(actor=OPERATOR, now=now(), slug="shop", user=user, role=role)
    found = {error.field: error.message for error in caught.value.errors}
    assert found.keys() == wrong.keys()
    assert all(found[field].startswith(sentence) for field, sentence in wrong.items())
    assert not Membership.objects.exists()


def test_who_may_not_is_told_nothing_of_accounts(shop: Project) -> None:
    eve = an_actor(a_person("eve", shop, role="operator"))
    for user in ("eve", "nobody"):
        with pytest.raises(NotAllowed, match="role admin"):
            give_role(actor=eve, now=now(), slug="shop", user=user, role="admin")
        with pytest.raises(NotAllowed, match="role admin"):
            take_role(actor=eve, now=now(), slug="shop", user=user)
    with pytest.raises(NotFound):
        give_role(actor=an_actor(a_person("mallory")), now=now(), slug="shop", user="eve", role="admin")


def test_without_a_second_factor_nothing_is_told_either(policy: str, shop: Project) -> None:
    ada = an_actor(a_person("ada", shop, role="admin"), second_factor=False)
    with pytest.raises(NeedsSecondFactor):
        give_role(actor=ada, now=now(), slug="shop", user="nobody", role="viewer")
