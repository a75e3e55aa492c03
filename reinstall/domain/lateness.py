"""When a job takes longer than it should: a badge and an alarm, never a state."""

from datetime import datetime, timedelta
from enum import StrEnum

from reinstall.domain.states import FINAL, JobState

#: A reinstall takes one to two minutes, a busy cloud several.
OVERDUE_AFTER = timedelta(minutes=15)
STUCK_AFTER = timedelta(hours=2)


class Lateness(StrEnum):
    """How late a job is."""

    IN_TIME = ""
    OVERDUE = "overdue"
    STUCK = "stuck"


def lateness(state: str, since: datetime, now: datetime) -> Lateness:
    """How late a job in `state` is that was sent, or else asked for, at `since`."""
    if JobState(state) in FINAL or JobState(state) is JobState.AWAITING_APPROVAL:
        return Lateness.IN_TIME
    waited = now - since
    if waited < OVERDUE_AFTER:
        return Lateness.IN_TIME
    return Lateness.OVERDUE if waited < STUCK_AFTER else Lateness.STUCK
