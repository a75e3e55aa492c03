"""The ten invariants, judged after every fault run from two sides that share no code: ledger and database."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from reinstall.domain.states import ACTIVE, DRIVEN, FINAL, LIVE_VERDICTS, JobState, may_move
from tests.faults.records import AcceptedPost, AttemptRow, Database, JobRow, Ledger

#: Both sides read the clock of one machine; SQLite keeps milliseconds.
ROUNDING = timedelta(milliseconds=5)
IDLE = timedelta(seconds=120)
#: Ends that say "nothing happened at the cloud".
SAYS_NOTHING_HAPPENED = frozenset(
    {JobState.REJECTED, JobState.NOT_APPLIED, JobState.CANCELLED, JobState.EXPIRED}
)
SAYS_IT_RAN = frozenset({JobState.SUCCEEDED, JobState.FAILED})


@dataclass(frozen=True, slots=True)
class Violation:
    """A promise that was not kept: which one, and what shows it."""

    invariant: str
    sentence: str

    def __str__(self) -> str:
        return f"{self.invariant}: {self.sentence}"


def judge(ledger: Ledger, database: Database) -> list[Violation]:
    """Everything that contradicts I1 to I10, in their order; an empty list is what a fault run wants."""
    run = _Run(ledger, database)
    return [Violation(name, sentence) for name, look in CHECKS.items() for sentence in look(run)]


class _Run:
    """Ledger and database, joined: which call belongs to which job."""

    def __init__(self, ledger: Ledger, database: Database) -> None:
        self.ledger, self.database = ledger, database
        self.jobs = database.jobs
        self.attempts: dict[int, list[AttemptRow]] = {job.id: [] for job in self.jobs}
        for attempt in sorted(database.attempts, key=lambda a: a.number):
            self.attempts.setdefault(attempt.job_id, []).append(attempt)
        self.of_server: dict[str, list[JobRow]] = {}
        for job in sorted(self.jobs, key=lambda job: job.id):
            self.of_server.setdefault(job.server_id, []).append(job)
        self.decided_by_person = {m.job_id for m in database.moves if m.by_person and m.before}

    def accepted_of(self, job: JobRow) -> list[AcceptedPost]:
        """Accepted calls made for the job: on its server, between its first intent and the next job's."""
        return [row for row in self.ledger.accepted if self._owner(row) is job]

    def strays(self) -> list[AcceptedPost]:
        """Accepted calls that no job wrote an intent for."""
        return [row for row in self.ledger.accepted if self._owner(row) is None]

    def _owner(self, row: AcceptedPost) -> JobRow | None:
        owner = None
        for job in self.of_server.get(row.server_id, []):
            if any(a.intent_at <= row.at + ROUNDING for a in self.attempts[job.id]):
                owner = job
        return owner

    def live_attempt(self, job: JobRow) -> AttemptRow | None:
        return next((a for a in self.attempts[job.id] if a.verdict in LIVE_VERDICTS), None)


def _once(run: _Run) -> Iterator[str]:
    """I1: at most one accepted call per job, hence per server and job."""
    for job in run.jobs:
        accepted = run.accepted_of(job)
        if len(accepted) > 1:
            yield f"job {job.id}: the cloud accepted {len(accepted)} calls for server {job.server_id}"
    for row in run.strays():
        yield f"server {row.server_id}: accepted at {row.at} without any intent"


def _never_again(run: _Run) -> Iterator[str]:
    """I2: no call after an attempt whose outcome is armed, unknown or accepted."""
    for job in run.jobs:
        attempts, live = run.attempts[job.id], run.live_attempt(job)
        if live is not None and live.number != len(attempts):
            yield f"job {job.id}: attempt {live.number} is {live.verdict}, yet attempt {len(attempts)} exists"
        if sum(a.verdict in LIVE_VERDICTS for a in attempts) > 1:
            yield f"job {job.id}: several attempts may have reached the cloud"
        if live is None:
            continue
        later = [p for p in _posts_of(run, job) if p >= live.intent_at - ROUNDING]
        if len(later) > 1:
            yield f"job {job.id}: {len(later)} calls since attempt {live.number}, which may have been taken"
    for server_id, jobs in run.of_server.items():
        calls = sum(post.server_id == server_id for post in run.ledger.posts)
        intents = sum(len(run.attempts[job.id]) for job in jobs)
        if calls > intents:
            yield f"server {server_id}: {calls} calls, {intents} intents"


def _posts_of(run: _Run, job: JobRow) -> list[datetime]:
    """Times of the calls on the job's server before a later job's first intent."""
    later = [
        a.intent_at
        for other in run.of_server[job.server_id]
        if other.id > job.id
        for a in run.attempts[other.id]
    ]
    end = min(later, default=None)
    return [p.at for p in run.ledger.posts if p.server_id == job.server_id and (end is None or p.at < end)]


def _labels(run: _Run) -> Iterator[str]:
    """I3: the word at the end of a job is not contradicted by the cloud, unless a person chose it."""
    for job in run.jobs:
        if job.id in run.decided_by_person:
            continue
        accepted = run.accepted_of(job)
        if accepted and job.state in SAYS_NOTHING_HAPPENED:
            yield f"job {job.id} is {job.state}, and the cloud took its call as {accepted[0].job_id}"
        if not accepted and job.state in SAYS_IT_RAN:
            yield f"job {job.id} is {job.state}, and the cloud never took its call"
        if accepted and job.cloud_job_id and job.cloud_job_id != accepted[0].job_id:
            yield f"job {job.id} follows {job.cloud_job_id}, and the cloud's job is {accepted[0].job_id}"


def _nobody_forgotten(run: _Run) -> Iterator[str]:
    """I4: each job ends, waits for a person, or is looked at in time."""
    for job in run.jobs:
        if job.state not in DRIVEN:
            continue
        if job.next_at is None or job.next_at < run.database.now - IDLE:
            yield f"job {job.id} is {job.state} and nobody looks at it (due {job.next_at})"


def _one_holder(run: _Run) -> Iterator[str]:
    """I5: at most one active job per server."""
    for server_id, jobs in run.of_server.items():
        holders = [job.id for job in jobs if job.state in ACTIVE]
        if len(holders) > 1:
            yield f"server {server_id} is held by jobs {holders}"


def _bytes(run: _Run) -> Iterator[str]:
    """I6: what arrived is, byte for byte and for the same server, what was decided."""
    for job in run.jobs:
        if job.hash_now != job.request_hash:
            yield f"job {job.id}: its request does not have the hash it was placed with"
        wrong = [a.number for a in run.attempts[job.id] if a.body_sha256 != job.approved_sha256]
        if wrong:
            yield f"job {job.id}: attempts {wrong} were armed with other bytes than ordered"
        for row in run.accepted_of(job):
            if row.body_sha256 != job.approved_sha256:
                yield f"job {job.id}: the cloud received other bytes than ordered"


def _history(run: _Run) -> Iterator[str]:
    """I7: one audit entry per move, without a gap, each a move of the state table; the chain is unbroken."""
    yield from run.database.misfits
    entries: dict[int, list[tuple[int, str, str]]] = {job.id: [] for job in run.jobs}
    for move in run.database.moves:
        entries.setdefault(move.job_id, []).append((move.seq, move.before, move.after))
    for job in run.jobs:
        chain = sorted(entries[job.id])
        if [seq for seq, _, _ in chain] != list(range(1, job.seq + 1)):
            yield f"job {job.id} is at move {job.seq}, its entries are {[seq for seq, _, _ in chain]}"
            continue
        if chain[-1][2] != job.state:
            yield f"job {job.id} is {job.state}, its last entry says {chain[-1][2]}"
        for (_, _, left), (seq, before, after) in zip(chain, chain[1:], strict=False):
            if before != left or not may_move(JobState(before), JobState(after)):
                yield f"job {job.id}: entry {seq} goes from {before} to {after} after {left}"


def _events(run: _Run) -> Iterator[str]:
    """I8: each move has one event, of one id, and it was delivered."""
    events = run.database.events
    for event_id, count in Counter(event.id for event in events).items():
        if count > 1:
            yield f"event {event_id} stands for {count} moves"
    told = Counter((event.job_id, event.seq) for event in events)
    for move in run.database.moves:
        if move.before and told[(move.job_id, move.seq)] != 1:
            yield f"job {move.job_id}: move {move.seq} has {told[(move.job_id, move.seq)]} events"
    waiting = [event.id for event in events if not event.delivered]
    if waiting:
        yield f"{len(waiting)} events were not delivered, the first {waiting[0]}"


def _secrets(run: _Run) -> Iterator[str]:
    """I9: no secret outside of the sealed columns."""
    for place, text in run.database.texts.items():
        for canary in run.database.canaries:
            if canary in text:
                yield f"{place} shows a secret ({canary[:6]}…)"


def _fences(run: _Run) -> Iterator[str]:
    """I10: a claim is taken one at a time, and only once the one before it had run out."""
    for claim in run.database.claims:
        if claim.fence_after != claim.fence_before + 1:
            yield f"job {claim.job_id}: its fence went from {claim.fence_before} to {claim.fence_after}"
        if claim.lease_until > claim.at + ROUNDING:
            yield f"job {claim.job_id}: fence {claim.fence_after} was taken while the lease still ran"


CHECKS: dict[str, Callable[[_Run], Iterator[str]]] = {
    "I1": _once,
    "I2": _never_again,
    "I3": _labels,
    "I4": _nobody_forgotten,
    "I5": _one_holder,
    "I6": _bytes,
    "I7": _history,
    "I8": _events,
    "I9": _secrets,
    "I10": _fences,
}


def unfinished(database: Database) -> list[JobRow]:
    """Jobs that neither ended nor wait for a person."""
    return [job for job in database.jobs if job.state not in FINAL and job.state != JobState.ATTENTION]
