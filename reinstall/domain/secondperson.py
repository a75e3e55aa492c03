"""Which answers about an unclear job need a second person, and how a proposal of one may end."""

from enum import StrEnum


class SecondPerson(StrEnum):
    """Where "it never started" is believed of two people only (ECSPORTAL_SECOND_PERSON)."""

    PRODUCTION = "production"
    ALWAYS = "always"
    NEVER = "never"


class ProposalEnd(StrEnum):
    """How a proposal ended; open ones have none. Void: the job moved without it."""

    CONFIRMED = "confirmed"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    VOID = "void"


class Decision(StrEnum):
    """What a person may do with an open proposal: withdraw one's own, confirm or reject somebody else's."""

    CONFIRM = "confirm"
    REJECT = "reject"
    WITHDRAW = "withdraw"


#: The answer that frees a server without any proof: wrong, it lets a second request reach a working server.
NEEDS_TWO = "never_ran"


def needs_second_person(policy: str, environment: str, *, in_doubt: bool) -> bool:
    """Whether "it never started" needs two people. `in_doubt`: a call may have left the portal at all."""
    if not in_doubt or policy == SecondPerson.NEVER:
        return False
    return policy == SecondPerson.ALWAYS or environment == "production"


def decisions_for(*, proposer: bool) -> tuple[str, ...]:
    """What somebody with the right in the project may do with an open proposal."""
    return (Decision.WITHDRAW.value,) if proposer else (Decision.CONFIRM.value, Decision.REJECT.value)
