"""Orders that wait for a second person: who must agree, for how long that holds, and how it may end."""

from datetime import timedelta
from enum import StrEnum

from reinstall.domain.secondperson import SecondPerson

#: So long an order waits for somebody to agree.
WAITS = timedelta(hours=24)
#: So long an agreement may still be acted upon. The world has moved on after that.
HOLDS = timedelta(hours=24)


class ApprovalEnd(StrEnum):
    """How the wait ended; an open one has none. Void: what was asked for is not what it was any more."""

    APPROVED = "approved"
    OVERRIDDEN = "overridden"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"
    VOID = "void"


#: Ends after which the calls may be made.
GOOD = frozenset({ApprovalEnd.APPROVED, ApprovalEnd.OVERRIDDEN})


class ApprovalDecision(StrEnum):
    """What a person may do with an order that waits. Override takes two admins, one after the other."""

    APPROVE = "approve"
    DECLINE = "decline"
    WITHDRAW = "withdraw"
    OVERRIDE = "override"


def needs_approval(policy: str, environment: str) -> bool:
    """Whether orders in such a project wait for a second person (ECSPORTAL_SECOND_PERSON)."""
    if policy == SecondPerson.NEVER:
        return False
    return policy == SecondPerson.ALWAYS or environment == "production"


def decisions(*, requester: bool, approves: bool, manages: bool, overrides: bool) -> tuple[str, ...]:
    """What somebody may do with an open one.

    requester: they asked for it. overrides: they have begun an emergency override of it themselves.
    """
    D = ApprovalDecision
    mine: list[str] = []
    if approves and not requester:
        mine += [D.APPROVE, D.DECLINE]
    elif manages and not requester:
        mine += [D.DECLINE]
    if requester:
        mine += [D.WITHDRAW]
    if manages and not overrides:
        mine += [D.OVERRIDE]
    return tuple(mine)
