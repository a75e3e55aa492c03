"""When the breaker of a cloud opens: too many unclear answers or errors at once. What it holds."""

from datetime import timedelta

from reinstall.domain.states import JobState

WINDOW = timedelta(minutes=10)
UNCLEAR_ANSWERS = 3
SERVER_ERRORS_SHARE, SERVER_ERRORS_FROM = 0.05, 20

#: States in which a job can be held: nothing was sent for it yet.
HOLDABLE = (JobState.QUEUED, JobState.PREFLIGHT, JobState.STOPPING)
#: What the `waiting_for` of a held job begins with.
HELD = "Held: "


def why_open(*, every: int, unclear: int, errors: int) -> str:
    """Why the breaker opens after so many answers in WINDOW, "" when it stays closed.

    every: all calls of that time; unclear: those of which nobody knows whether they were taken; errors: 5xx.
    """
    minutes = round(WINDOW.total_seconds() / 60)
    if unclear >= UNCLEAR_ANSWERS:
        return (
            f"{unclear} answers in {minutes} minutes did not say whether the request was taken. "
            "Look at these jobs first, then close the breaker."
        )
    if every >= SERVER_ERRORS_FROM and errors >= SERVER_ERRORS_SHARE * every:
        return f"{errors} of {every} requests in {minutes} minutes failed at the cloud."
    return ""
