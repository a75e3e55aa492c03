"""The steps of a reinstall as people see them, derived from the job's row and its audit entries."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from reinstall.domain import words
from reinstall.domain.states import FINAL, JobState
from reinstall.models import Job

S = JobState


class StepState(StrEnum):
    """How far a step is."""

    DONE = "done"
    ACTIVE = "active"
    TODO = "todo"
    FAILED = "failed"
    UNKNOWN = "unknown"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class SubStep:
    """A sub-job of the cloud; `raw_name` is its type as the cloud wrote it, seconds None while it runs."""

    name: str
    raw_name: str
    state: StepState
    seconds: int | None


@dataclass(frozen=True, slots=True)
class StepView:
    """One numbered step; `note` is a sentence about how it went or what it waits for."""

    key: str
    name: str
    state: StepState
    started_at: datetime | None
    ended_at: datetime | None
    note: str
    subs: tuple[SubStep, ...] = ()


@dataclass(frozen=True, slots=True)
class Visit:
    """A stay in a state. `why` is the note of the move into it; `left_why` that of the move out."""

    state: JobState
    since: datetime
    why: str
    until: datetime | None = None
    left_why: str = ""


#: Key, name, and the states in which the step is at work.
_STEPS: tuple[tuple[str, str, frozenset[JobState]], ...] = (
    ("asked", "Asked for", frozenset({S.AWAITING_APPROVAL})),
    ("checked", "Checked before start", frozenset({S.PREFLIGHT})),
    ("locked", "Locked here", frozenset()),
    ("stopped", "Server stopped", frozenset({S.STOPPING})),
    ("sent", "Sent to the cloud, once", frozenset({S.SUBMITTING})),
    ("rebuilt", "Cloud is rebuilding the system disk", frozenset({S.RUNNING})),
    ("compared", "Compare disks and state", frozenset({S.VERIFYING})),
    ("unlocked", "Unlock and report", frozenset()),
)
_STATE_NAMES = frozenset(state.value for state in JobState)
_KEYS = [key for key, _, _ in _STEPS]
_NOTES = {
    "locked": "No other job in this portal can touch this server until the lock is released.",
    "rebuilt": "From here on the cloud decides. This step cannot be cancelled.",
    "compared": "The system disk must be a new one, every data disk the same as before.",
}


def visits_of(job: Job, entries: Sequence[Mapping[str, Any]]) -> tuple[Visit, ...]:
    """The job's stays in its states, oldest first, from its audit entries (action, at, note; by seq)."""
    moves = [
        (JobState(name), entry["at"], entry["note"])
        for entry in entries
        if (name := entry["action"].removeprefix("job.")) in _STATE_NAMES
    ]
    if not moves:
        moves = [(JobState(job.state), job.state_since, "")]
    ends: list[tuple[datetime | None, str]] = [(at, note) for _, at, note in moves[1:]]
    return tuple(
        Visit(state, at, note, until, left_why)
        for (state, at, note), (until, left_why) in zip(moves, [*ends, (None, "")], strict=True)
    )


def steps_of(job: Job, visits: Sequence[Visit]) -> tuple[StepView, ...]:
    """The numbered steps. Stopping is one only when this portal stops, or stopped, the server."""
    here = _here(job, visits)
    stops = bool(job.stop_job_id) or any(visit.state is S.STOPPING for visit in visits)
    return tuple(_step(job, visits, key, here) for key in _KEYS if key != "stopped" or stops)


def _here(job: Job, visits: Sequence[Visit]) -> str:
    """The step the job is at, or was at when it left the path."""
    at_work = {state: key for key, _, states in _STEPS for state in states}
    here = "checked"
    for visit in visits:
        if visit.state is S.QUEUED:
            # Back in the queue: the checks are made again before anything is sent.
            here = "checked"
        elif visit.state is S.UNCERTAIN:
            here = "rebuilt" if job.cloud_job_id else "sent"
        else:
            here = at_work.get(visit.state, here)
    return here


def _step(job: Job, visits: Sequence[Visit], key: str, here: str) -> StepView:
    state = _state(job, key, here)
    name, states = next((name, states) for found, name, states in _STEPS if found == key)
    own = [visit for visit in visits if visit.state in states]
    last = own[-1] if own and state is not StepState.TODO else None
    started, ended = (last.since, last.until) if last else _fixed_times(job, key, state)
    return StepView(
        key=key,
        name=name,
        state=state,
        started_at=started,
        ended_at=None if state is StepState.ACTIVE else ended,
        note=_note(job, key, state, last),
        subs=_subs(job.cloud_steps) if key == "rebuilt" else (),
    )


def _state(job: Job, key: str, here: str) -> StepState:
    state = JobState(job.state)
    if key == "locked" or (key == "asked" and state is not S.AWAITING_APPROVAL):
        return StepState.DONE
    if key == "unlocked":
        return StepState.DONE if state in FINAL else StepState.TODO
    if state is S.SUCCEEDED or _KEYS.index(key) < _KEYS.index(here):
        return StepState.DONE
    if key == here:
        return _state_here(state, here)
    return StepState.SKIPPED if state in FINAL else StepState.TODO


def _state_here(state: JobState, here: str) -> StepState:
    if state in (S.FAILED, S.REJECTED):
        return StepState.FAILED
    if state is S.ATTENTION:
        return StepState.UNKNOWN if here in ("sent", "rebuilt") else StepState.FAILED
    if state is S.UNCERTAIN:
        return StepState.UNKNOWN
    if state in FINAL:
        return StepState.SKIPPED
    return StepState.TODO if state is S.QUEUED else StepState.ACTIVE


def _fixed_times(job: Job, key: str, state: StepState) -> tuple[datetime | None, datetime | None]:
    if key in ("asked", "locked") and state is StepState.DONE:
        return job.created_at, job.created_at
    if key == "unlocked" and state is StepState.DONE:
        return job.ended_at, job.ended_at
    return None, None


def _note(job: Job, key: str, state: StepState, visit: Visit | None) -> str:
    if key == "asked":
        return " / ".join(part for part in (job.order.reason, visit.left_why if visit else "") if part)
    if key == "unlocked":
        return "" if state is StepState.DONE else _lock_note(job)
    if state is StepState.SKIPPED:
        return ""
    if key == "checked" and state is StepState.TODO:
        return job.waiting_for
    if state is StepState.ACTIVE:
        return job.waiting_for or _NOTES.get(key, "")
    if key == "sent" and state is StepState.DONE and job.cloud_job_id:
        return f"Accepted. Cloud job {job.cloud_job_id}."
    if visit is not None and visit.left_why and state is not StepState.TODO:
        return visit.left_why
    return _NOTES.get(key, "") if key == "locked" or state is StepState.TODO else ""


def _lock_note(job: Job) -> str:
    return "The lock is kept until somebody decides." if job.state == S.ATTENTION else ""


_SUB_STATES = {
    "SUCCESS": StepState.DONE,
    "RUNNING": StepState.ACTIVE,
    "INIT": StepState.TODO,
    "FAIL": StepState.FAILED,
}


def _subs(cloud_steps: Sequence[Mapping[str, Any]]) -> tuple[SubStep, ...]:
    return tuple(
        SubStep(
            name=words.sub_job_name(str(sub.get("type") or "")),
            raw_name=str(sub.get("type") or ""),
            state=_SUB_STATES.get(str(sub.get("status")), StepState.UNKNOWN),
            seconds=_seconds(sub.get("begin"), sub.get("end")),
        )
        for sub in cloud_steps
    )


def _seconds(begin: object, end: object) -> int | None:
    """Whole seconds between two times of the cloud as text; None where one is missing or not a time."""
    try:
        spent = datetime.fromisoformat(str(end)) - datetime.fromisoformat(str(begin))
    except (ValueError, TypeError):
        return None
    return max(0, int(spent.total_seconds()))
