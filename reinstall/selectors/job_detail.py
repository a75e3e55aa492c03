"""Everything there is to say about one job."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from reinstall.domain import words
from reinstall.domain.actors import Actor
from reinstall.domain.identity import DiskFacts, ServerFacts
from reinstall.domain.lateness import lateness
from reinstall.domain.looks import look_of
from reinstall.domain.states import CANCELLABLE, FINAL, UNTOUCHED, JobState
from reinstall.models import Attempt, AuditEvent, Job, Project
from reinstall.models.clock import database_now
from reinstall.selectors.approvals import approval_id, approved_by, begun_at
from reinstall.selectors.job_after import AfterView, after_of
from reinstall.selectors.job_asked import AskedFor, asked_for
from reinstall.selectors.job_steps import StepView, steps_of, visits_of
from reinstall.selectors.projects import may_request

#: Below this the project's own runs say too little, and those of its whole cloud are taken.
ENOUGH_OF_OUR_OWN = 20
ENOUGH_TO_ESTIMATE = 5
LAST_RUNS = 200
#: The bar waits here until the cloud says SUCCESS and the comparison agrees.
HELD_PERCENT = 97


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is, in seconds; the estimates are None under five earlier runs. percent 0 to 100."""

    elapsed_s: int
    half_s: int | None
    nine_of_ten_s: int | None
    left_s: int | None
    samples: int
    percent: int


@dataclass(frozen=True, slots=True)
class Failure:
    """The cloud's code and message (or this portal's), and what helps."""

    code: str
    message: str
    advice: str


@dataclass(frozen=True, slots=True)
class JobDisk:
    """A disk as it was before; `id_after` is what stands in its place since, "" where nobody has looked yet.

    fate: wiped (also while that only will or may be so), kept, or missing when a disk that should have
    stayed was not found afterwards.
    """

    id: str
    device: str
    size_gb: int | None
    role: str
    fate: str
    id_after: str
    name: str


@dataclass(frozen=True, slots=True)
class AttemptView:
    """One intent to call the cloud and what came of it."""

    number: int
    verdict: str
    sent_at: datetime
    answered_at: datetime | None
    status: int | None
    code: str
    message: str
    request_id: str


@dataclass(frozen=True, slots=True)
class JobView:
    """One job. `stamp` changes whenever something else of it does (but for the passing of time)."""

    id: int
    order_id: int
    project_slug: str
    project_name: str
    environment: str
    server_id: uuid.UUID
    server_name: str
    state: str
    state_since: datetime
    seq: int
    stamp: str
    cloud_job_id: str
    cloud_status: str
    polled_at: datetime | None
    poll_interval_s: int | None
    waiting_for: str
    steps: tuple[StepView, ...]
    progress: Progress
    failure: Failure | None
    disks: tuple[JobDisk, ...]
    attempts: tuple[AttemptView, ...]
    requested_by: str
    approved_by: str
    #: The approval it waits for, or rested on; None where it needed none.
    approval_id: int | None
    source: str
    reason: str
    asked: AskedFor
    request_id: str
    created_at: datetime
    sent_at: datetime | None
    ended_at: datetime | None
    can_cancel: bool
    done: bool
    headline: str
    explanation: str
    tone: str
    last_audit_note: str
    lateness: str
    after: AfterView | None


#: What the view takes from the row as it is.
_COLUMNS = (
    *("order_id", "server_id", "server_name", "state_since", "seq", "cloud_job_id", "cloud_status"),
    *("polled_at", "waiting_for", "created_at", "sent_at", "ended_at"),
)


def view_of(actor: Actor, job: Job, now: datetime | None, stamp: str) -> JobView:
    """The view of `job` (read with its order and project), which `actor` may see."""
    state = JobState(job.state)
    entries = _moves(job)
    order = job.order
    at = now or database_now()
    columns: dict[str, Any] = {name: getattr(job, name) for name in _COLUMNS}
    return JobView(
        **columns,
        id=job.pk,
        project_slug=job.project.slug,
        project_name=job.project.name,
        environment=job.project.environment,
        state=state,
        stamp=stamp,
        poll_interval_s=_poll_interval(job),
        steps=steps_of(job, visits_of(job, entries)),
        progress=_progress(job, at),
        failure=_failure(job, state),
        disks=_disks(job),
        attempts=_attempts(job),
        requested_by=order.requested_by_name,
        approved_by=approved_by(order),
        approval_id=approval_id(order),
        source=order.source,
        reason=order.reason,
        asked=asked_for(job),
        request_id=next((entry["request_id"] for entry in entries if entry["request_id"]), ""),
        can_cancel=state in CANCELLABLE and may_request(actor, job.project),
        done=state in FINAL,
        headline=words.HEADLINES[state],
        explanation=words.EXPLANATIONS.get(state, ""),
        tone=look_of("job", state).tone,
        last_audit_note=entries[-1]["note"] if entries else "",
        lateness=lateness(state, job.sent_at or begun_at(order) or job.created_at, at),
        after=after_of(job),
    )


def _moves(job: Job) -> list[dict[str, Any]]:
    """The audit entries of its moves, in their order."""
    moves = AuditEvent.objects.filter(object_type="job", object_id=str(job.pk), seq__isnull=False)
    return [dict(row) for row in moves.order_by("seq").values("action", "at", "note", "request_id")]


def _attempts(job: Job) -> tuple[AttemptView, ...]:
    columns = ("number", "verdict", "intent_at", "answered_at", "status", "code", "message", "request_id")
    rows = Attempt.objects.filter(job=job).order_by("number").values_list(*columns)
    return tuple(AttemptView(*row) for row in rows)


def _poll_interval(job: Job) -> int | None:
    if job.polled_at is None or job.next_at is None or job.next_at <= job.polled_at:
        return None
    return max(1, round((job.next_at - job.polled_at).total_seconds()))


def _failure(job: Job, state: JobState) -> Failure | None:
    if not (job.failure_code or job.failure_message):
        return None
    return Failure(job.failure_code, job.failure_message, words.advice(state, job.failure_code))


def _progress(job: Job, now: datetime) -> Progress:
    """Elapsed runs from the cloud's acceptance; before that from the sending, before that from the order."""
    begun = job.accepted_at or job.sent_at or job.created_at
    elapsed = max(0, int(((job.ended_at or now) - begun).total_seconds()))
    runs = _earlier_runs(job)
    half, nine = (
        (_percentile(runs, 50), _percentile(runs, 90)) if len(runs) >= ENOUGH_TO_ESTIMATE else (None, None)
    )
    runs_now = job.accepted_at is not None and job.ended_at is None
    left = max(0, half - elapsed) if runs_now and half is not None else None
    return Progress(elapsed, half, nine, left, len(runs), _percent(job, elapsed, nine))


def _percent(job: Job, elapsed: int, nine_of_ten: int | None) -> int:
    if job.state == JobState.SUCCEEDED:
        return 100
    if job.accepted_at is None or not nine_of_ten:
        return 0
    return min(HELD_PERCENT, 100 * elapsed // nine_of_ten)


def _earlier_runs(job: Job) -> list[timedelta]:
    """Durations of the last successful runs, sorted: of this project, or of its cloud where those are few."""
    own = _durations([job.project_id])
    if len(own) >= ENOUGH_OF_OUR_OWN:
        return own
    siblings = Project.objects.filter(cloud=job.project.cloud_id).values_list("pk", flat=True)
    return _durations(list(siblings))


def _durations(projects: Sequence[int]) -> list[timedelta]:
    done = Job.objects.filter(
        project__in=projects, state=JobState.SUCCEEDED, accepted_at__isnull=False, ended_at__isnull=False
    )
    newest = done.order_by("-created_at", "-id").values_list("accepted_at", "ended_at")[:LAST_RUNS]
    return sorted(ended - accepted for accepted, ended in newest if accepted and ended)


def _percentile(ranked: Sequence[timedelta], percent: int) -> int:
    """Nearest rank: the smallest duration that `percent` of the runs did not exceed. Seconds, at least 1."""
    rank = max(1, -(-len(ranked) * percent // 100))
    return max(1, round(ranked[rank - 1].total_seconds()))


def _disks(job: Job) -> tuple[JobDisk, ...]:
    before = ServerFacts.from_json(job.baseline) or ServerFacts.from_json(job.snapshot)
    after = ServerFacts.from_json(job.found_after)
    if before is None:
        return ()
    ranked = sorted(before.disks, key=lambda disk: (not disk.is_system, disk.device, disk.volume_id))
    return tuple(_disk(disk, after, untouched=job.state in UNTOUCHED) for disk in ranked)


def _disk(disk: DiskFacts, after: ServerFacts | None, *, untouched: bool) -> JobDisk:
    id_after, fate = "", "wiped" if disk.is_system and not untouched else "kept"
    if after is not None and disk.is_system:
        id_after = after.system_disk.volume_id if after.system_disk else ""
    elif after is not None:
        attached = any(found.volume_id == disk.volume_id for found in after.disks)
        id_after, fate = (disk.volume_id, "kept") if attached else ("", "missing")
    return JobDisk(
        id=disk.volume_id,
        device=disk.device,
        size_gb=disk.size_gb,
        role="system" if disk.is_system else "data",
        fate=fate,
        id_after=id_after,
        name=disk.name,
    )
