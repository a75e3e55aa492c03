"""Watches all running jobs together: one list tells of many, and questions to single jobs go out in batches.

A batch is claimed by one UPDATE under a name used once, which stands for the fence: who finds another name in
the row has lost it. Answers that bring nothing new are written by one UPDATE; each of the others takes the
same way as if its job had been asked alone.
"""

import uuid
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from time import monotonic

from django.db.models import F, Q

from ecsclient import jobs
from ecsclient.errors import CloudError
from ecsclient.exchange import Exchange
from reinstall.domain.budgets import Share
from reinstall.domain.sealing import CannotOpen
from reinstall.domain.states import JobState
from reinstall.models import Job, Project
from reinstall.services import (
    budget,
    engine,
    exchanges,
    guards,
    links,
    lists,
    plans,
    polling,
    stopping,
    turns,
    wake,
)
from reinstall.services.crashpoints import crashpoint

Clock = Callable[[], datetime]

#: Jobs one batch asks, and batches one look asks before it lets lists and others have a turn.
BATCH, BATCHES = 256, 8
#: Due jobs one batch chooses from, of all clouds.
CONSIDERED = 2000
#: Questions that have not begun this many seconds after the claim are left to the next batch.
BEGIN_WITHIN_S = 60.0
#: Answers of so few jobs are announced to live pages one by one.
ANNOUNCED = 50


@dataclass(frozen=True, slots=True)
class Watched:
    """What one look did: jobs a list pointed at, and jobs asked."""

    pointed_at: int
    asked: int


def watch(*, clock: Clock, owner: str, pool: Executor) -> Watched:
    """One look at all running jobs that are due. `pool`: threads the questions are asked in."""
    if guards.standing_by():
        return Watched(0, 0)
    pointed_at = lists.look_around(clock=clock)
    asked = 0
    for _ in range(BATCHES):
        due = _due(clock())
        now_asked = sum(_batch(cloud_id, ids, clock, owner, pool) for cloud_id, ids in due.items())
        asked += now_asked
        if now_asked < BATCH:
            break
    return Watched(pointed_at, asked)


def _due(now: datetime) -> dict[int, list[int]]:
    """Due running jobs by cloud: first those whose server came to rest, then the longest overdue."""
    due = Q(state=JobState.RUNNING, next_at__lte=now, lease_until__lte=now, crash_count=0)
    rows = Job.objects.filter(due).order_by(F("idle_seen_at").asc(nulls_last=True), "next_at")
    found: dict[int, list[int]] = defaultdict(list)
    for pk, cloud_id in rows.values_list("pk", "project__cloud_id")[:CONSIDERED]:
        found[cloud_id].append(pk)
    return found


@dataclass(slots=True)
class _Answer:
    """What came back for one job; neither `found` nor `error` where it was not asked any more."""

    job: Job
    found: jobs.CloudJob | None = None
    error: CloudError | CannotOpen | None = None
    calls: list[Exchange] = field(default_factory=list)


def _batch(cloud_id: int, ids: list[int], clock: Clock, owner: str, pool: Executor) -> int:
    """Asks as many of the jobs as the budget has calls for; how many were asked."""
    with stopping.step() as go:
        return _asked(cloud_id, ids, clock, owner, pool) if go else 0


def _asked(cloud_id: int, ids: list[int], clock: Clock, owner: str, pool: Executor) -> int:
    now = clock()
    turn = budget.take(cloud_id=cloud_id, share=Share.POLL, now=now, calls=min(len(ids), BATCH), least=1)
    if turn.calls < min(len(ids), BATCH):
        _, rate, _ = budget.line(cloud_id=cloud_id, share=Share.POLL, now=now)
        turns.put_off(ids[turn.calls :], now=now, start=turn.again_at, rate=rate, cost=1)
    if not turn.calls:
        return 0
    name, claimed = _claim(ids[: turn.calls], now, owner)
    begin_by = monotonic() + BEGIN_WITHIN_S
    answers = list(pool.map(lambda job: _ask(job, begin_by), claimed))
    asked = [answer for answer in answers if answer.calls]
    budget.give_back(cloud_id=cloud_id, share=Share.POLL, calls=turn.calls - len(asked))
    _settle(answers, name, clock)
    return len(asked)


def _claim(ids: list[int], now: datetime, owner: str) -> tuple[str, list[Job]]:
    """Takes those of the jobs that are still free, under a name nobody used before."""
    name = f"{owner[:60]}#{uuid.uuid4().hex[:16]}"
    free = Job.objects.filter(pk__in=ids, state=JobState.RUNNING, next_at__lte=now, lease_until__lte=now)
    free.update(
        owner=name,
        fence=F("fence") + 1,
        lease_until=now + engine.LEASE,
        crash_count=F("crash_count") + 1,
    )
    crashpoint("K5")
    # What a quiet answer does not need is read when it is needed.
    taken = list(Job.objects.filter(pk__in=ids, owner=name).defer("snapshot", "baseline", "found_after"))
    projects = Project.objects.select_related("cloud").in_bulk({job.project_id for job in taken})
    for job in taken:
        job.project = projects[job.project_id]
    return name, taken


def _ask(job: Job, begin_by: float) -> _Answer:
    """In a thread of the pool: one call, and nothing of the database."""
    answer = _Answer(job)
    if monotonic() > begin_by:
        return answer
    try:
        with links.listening(answer.calls.append):
            session = links.session_of(job.project, patient=False)
            answer.found = jobs.get_job(session, job.cloud_job_id)
    except (CloudError, CannotOpen) as error:
        answer.error = error
    return answer


def _settle(answers: list[_Answer], name: str, clock: Clock) -> None:
    now = clock()
    quiet = [a for a in answers if a.found is not None and polling.keeps_on(a.job, a.found, now)]
    _keep_on(quiet, name, now)
    unasked = [a.job.pk for a in answers if a.found is None and a.error is None]
    Job.objects.filter(pk__in=unasked, owner=name).update(lease_until=now, crash_count=0)
    done = {a.job.pk for a in quiet}.union(unasked)
    for answer in answers:
        if answer.job.pk not in done:
            engine.carry(answer.job, clock, partial(_tell, answer, clock))


def _keep_on(quiet: list[_Answer], name: str, now: datetime) -> None:
    """Still running, as before: when to ask again, in as few statements as there are different times."""
    times: dict[datetime, list[int]] = defaultdict(list)
    for answer in quiet:
        plan = plans.plan_of(cloud_id=answer.job.project.cloud_id, now=now)
        wait = plan.wait_s(answer.job, now)
        # On the half second, so that one statement serves many.
        times[now + timedelta(seconds=max(round(wait * 2) / 2, 0.5))].append(answer.job.pk)
    for at, ids in times.items():
        ours = Job.objects.filter(pk__in=ids, owner=name, state=JobState.RUNNING)
        ours.update(next_at=at, polled_at=now, lease_until=now, crash_count=0)
    exchanges.note_again({a.job.pk: a.calls[-1] for a in quiet if a.calls})
    for answer in quiet if len(quiet) <= ANNOUNCED else ():
        wake.ring(answer.job.pk, due=False)


def _tell(answer: _Answer, clock: Clock, job: Job) -> None:
    """Something new: noted, and judged as if the job had been asked alone."""
    for call in answer.calls:
        turns.heard(job, call, clock())
    if isinstance(answer.error, CannotOpen):
        raise answer.error
    if answer.error is not None:
        polling.not_told(job, answer.error, clock())
    elif answer.found is not None:
        session = links.session_of(job.project, patient=False)
        polling.told(job, answer.found, session, clock)
