"""Constraints about people: roles, and who may agree to what."""

from typing import Any

import pytest
from django.contrib.auth.models import User

from reinstall.models import Approval, Membership
from tests.reinstall.models.test_constraints import NOW, order, project, put, refused

pytestmark = pytest.mark.django_db


def test_a_role_is_one_of_the_table(django_user_model: Any) -> None:
    someone = django_user_model.objects.create_user("eve")
    with refused():
        Membership.objects.create(user=someone, project=project(), role="owner")


def test_an_approval_is_of_two_people_and_ends_in_one_way() -> None:
    asked = order(project())
    made = Approval.objects.create(
        order=asked,
        project=asked.project,
        request_hash="0" * 64,
        requested_by=asked.requested_by,
        asked_at=NOW,
        expires_at=NOW,
    )
    bob = User.objects.create_user("bob")
    done: dict[str, Any] = {"end": "approved", "ended_at": NOW, "good_until": NOW, "ended_by": bob}
    for wrong in (
        {"ended_by": asked.requested_by},
        {"ended_by": None},
        {"good_until": None},
        {"ended_at": None},
        {"end": "sometime", "good_until": None},
        {"end": "overridden"},
        {"end": "overridden", "override_by": bob},
    ):
        with refused():
            put(Approval.objects.filter(pk=made.pk), **(done | wrong))
    put(Approval.objects.filter(pk=made.pk), **done)
