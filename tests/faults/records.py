"""What a fault run leaves behind: the cloud's ledger and the portal's database, as rows to be judged."""

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Post:
    """A reinstall call that reached the cloud, whatever became of it."""

    at: datetime
    server_id: str


@dataclass(frozen=True, slots=True)
class AcceptedPost:
    """A reinstall call the cloud took on. `body_sha256` is of the bytes that arrived."""

    at: datetime
    server_id: str
    job_id: str
    body_sha256: str


@dataclass(frozen=True, slots=True)
class Ledger:
    """The cloud's side, written by the simulator and by nobody else."""

    posts: tuple[Post, ...] = ()
    accepted: tuple[AcceptedPost, ...] = ()


@dataclass(frozen=True, slots=True)
class JobRow:
    """A job as it stands. `approved_sha256` is of the body as it was ordered, `hash_now` computed anew."""

    id: int
    server_id: str
    state: str
    seq: int
    next_at: datetime | None
    cloud_job_id: str
    request_hash: str
    hash_now: str
    approved_sha256: str


@dataclass(frozen=True, slots=True)
class AttemptRow:
    """An intent to call, and what is known of it."""

    job_id: int
    number: int
    verdict: str
    body_sha256: str
    intent_at: datetime


@dataclass(frozen=True, slots=True)
class MoveRow:
    """An audit entry about a move of a job. `before` is empty for the placing of it."""

    job_id: int
    seq: int
    before: str
    after: str
    by_person: bool


@dataclass(frozen=True, slots=True)
class EventRow:
    """An event of the outbox."""

    id: str
    job_id: int
    seq: int
    delivered: bool


@dataclass(frozen=True, slots=True)
class ClaimRow:
    """A change of a job's fence, as a trigger of the database saw it."""

    job_id: int
    fence_before: int
    fence_after: int
    lease_until: datetime
    at: datetime


@dataclass(frozen=True, slots=True)
class Database:
    """The portal's side. `texts` is everything readable outside of sealed columns, by place."""

    now: datetime
    jobs: tuple[JobRow, ...] = ()
    attempts: tuple[AttemptRow, ...] = ()
    moves: tuple[MoveRow, ...] = ()
    events: tuple[EventRow, ...] = ()
    claims: tuple[ClaimRow, ...] = ()
    texts: dict[str, str] = field(default_factory=dict)
    canaries: tuple[str, ...] = ()
    #: What a verification of the audit history found that does not fit.
    misfits: tuple[str, ...] = ()
