"""Who may do what with an order that waits."""

import pytest

from reinstall.domain.approvals import decisions, needs_approval


@pytest.mark.parametrize(
    ("policy", "environment", "needed"),
    [
        ("production", "production", True),
        ("production", "staging", False),
        ("production", "simulator", False),
        ("always", "simulator", True),
        ("never", "production", False),
    ],
)
def test_where_a_second_person_is_needed(policy: str, environment: str, needed: bool) -> None:
    assert needs_approval(policy, environment) is needed


@pytest.mark.parametrize(
    ("who", "may"),
    [
        ({}, ()),
        ({"approves": True}, ("approve", "decline")),
        ({"approves": True, "requester": True}, ("withdraw",)),
        ({"requester": True}, ("withdraw",)),
        ({"manages": True}, ("decline", "override")),
        ({"manages": True, "requester": True}, ("withdraw", "override")),
        ({"manages": True, "overrides": True}, ("decline",)),
        ({"manages": True, "approves": True}, ("approve", "decline", "override")),
    ],
)
def test_what_somebody_may_do(who: dict[str, bool], may: tuple[str, ...]) -> None:
    asked = {"requester": False, "approves": False, "manages": False, "overrides": False} | who
    assert decisions(**asked) == may
