"""The states of a job, which moves exist between them, and which of them hold the server."""

from enum import StrEnum


class JobState(StrEnum):
    """Where one server of one order stands. The values are public: REST and the database carry them."""

    AWAITING_APPROVAL = "awaiting_approval"
    QUEUED = "queued"
    PREFLIGHT = "preflight"
    STOPPING = "stopping"
    SUBMITTING = "submitting"
    UNCERTAIN = "uncertain"
    RUNNING = "running"
    VERIFYING = "verifying"
    ATTENTION = "attention"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    REJECTED = "rejected"
    NOT_APPLIED = "not_applied"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


class Verdict(StrEnum):
    """What is known of one attempt to call the cloud."""

    ARMED = "armed"
    NOT_SENT = "not_sent"
    THROTTLED = "throttled"
    AUTH_REFUSED = "auth_refused"
    REJECTED = "rejected"
    ACCEPTED = "accepted"
    UNKNOWN = "unknown"


S = JobState

#: States in which a job holds its server: no second job may be active on it.
ACTIVE = frozenset(
    {
        S.AWAITING_APPROVAL,
        S.QUEUED,
        S.PREFLIGHT,
        S.STOPPING,
        S.SUBMITTING,
        S.UNCERTAIN,
        S.RUNNING,
        S.VERIFYING,
        S.ATTENTION,
    }
)

#: States nobody leaves.
FINAL = frozenset(S) - ACTIVE

#: Ends of jobs that never got as far as the disks: what the form said would be wiped is still there.
UNTOUCHED = frozenset({S.REJECTED, S.NOT_APPLIED, S.CANCELLED, S.EXPIRED})

#: States in which the engine has something to do by itself; of what waits for approval, only to end the wait.
DRIVEN = frozenset(
    {
        S.AWAITING_APPROVAL,
        S.QUEUED,
        S.PREFLIGHT,
        S.STOPPING,
        S.SUBMITTING,
        S.UNCERTAIN,
        S.RUNNING,
        S.VERIFYING,
    }
)

#: Somebody has to decide, or the cloud has not said what happened.
UNCLEAR = frozenset({S.UNCERTAIN, S.ATTENTION})

#: A person may still call it off: nothing that cannot be taken back has left the portal.
CANCELLABLE = frozenset({S.AWAITING_APPROVAL, S.QUEUED, S.PREFLIGHT, S.STOPPING})

#: An attempt with one of these verdicts forbids every further attempt of its job.
LIVE_VERDICTS = frozenset({Verdict.ARMED, Verdict.UNKNOWN, Verdict.ACCEPTED})

#: From where to where a job may move. What is not here does not happen.
MOVES: dict[JobState, frozenset[JobState]] = {
    S.AWAITING_APPROVAL: frozenset({S.QUEUED, S.CANCELLED, S.EXPIRED}),
    S.QUEUED: frozenset({S.PREFLIGHT, S.REJECTED, S.CANCELLED, S.EXPIRED, S.ATTENTION}),
    S.PREFLIGHT: frozenset(
        {S.QUEUED, S.STOPPING, S.SUBMITTING, S.REJECTED, S.CANCELLED, S.EXPIRED, S.ATTENTION}
    ),
    S.STOPPING: frozenset({S.QUEUED, S.SUBMITTING, S.REJECTED, S.CANCELLED, S.EXPIRED, S.ATTENTION}),
    S.SUBMITTING: frozenset({S.RUNNING, S.REJECTED, S.QUEUED, S.UNCERTAIN, S.ATTENTION}),
    S.UNCERTAIN: frozenset({S.RUNNING, S.VERIFYING, S.REJECTED, S.NOT_APPLIED, S.ATTENTION}),
    S.RUNNING: frozenset({S.VERIFYING, S.FAILED, S.UNCERTAIN, S.ATTENTION}),
    S.VERIFYING: frozenset({S.SUCCEEDED, S.ATTENTION}),
    S.ATTENTION: frozenset({S.RUNNING, S.VERIFYING, S.SUCCEEDED, S.FAILED, S.NOT_APPLIED}),
} | {final: frozenset() for final in FINAL}


def may_move(before: JobState, after: JobState) -> bool:
    """True when `before` -> `after` is one of the moves of the state table."""
    return after in MOVES[before]


class OrderState(StrEnum):
    """Where an order stands, seen from the states of its jobs."""

    AWAITING_APPROVAL = "awaiting_approval"
    SCHEDULED = "scheduled"
    RUNNING = "running"
    PAUSED = "paused"
    FINISHED = "finished"
    CANCELLED = "cancelled"


def order_state(counts: dict[JobState, int]) -> OrderState:
    """The state of an order whose jobs are counted by state in `counts`."""
    present = {state for state, count in counts.items() if count}
    if present and present <= {S.CANCELLED, S.EXPIRED}:
        return OrderState.CANCELLED
    if present & {S.AWAITING_APPROVAL}:
        return OrderState.AWAITING_APPROVAL
    return OrderState.RUNNING if present & ACTIVE else OrderState.FINISHED
