"""What each role may do."""

import pytest

from reinstall.domain.roles import PEOPLE_ONLY, RIGHTS, Right, missing_right, roles_with
from reinstall.models import Membership


def test_every_role_of_the_table_is_one_of_the_model_and_the_other_way() -> None:
    assert set(RIGHTS) == set(Membership.Role.values)


@pytest.mark.parametrize(
    ("right", "roles"),
    [
        (Right.REQUEST, {"requester", "operator", "admin"}),
        (Right.SETTLE, {"operator", "admin"}),
        (Right.APPROVE, {"approver"}),
        (Right.AUDIT, {"auditor", "admin"}),
        (Right.MANAGE, {"admin"}),
    ],
)
def test_who_has_a_right(right: Right, roles: set[str]) -> None:
    assert set(roles_with(right)) == roles


def test_nobody_asks_and_approves_in_one_role() -> None:
    assert not [role for role, rights in RIGHTS.items() if {Right.REQUEST, Right.APPROVE} <= rights]


def test_the_narrowest_role_is_the_one_that_is_named() -> None:
    assert missing_right(Right.SETTLE, "shop") == (
        "Settling jobs in shop needs the role operator. An admin of the project gives it."
    )
    assert {Right.APPROVE, Right.SETTLE} == PEOPLE_ONLY
