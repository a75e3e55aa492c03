"""Whose turn it is: due jobs, as many as the budget of calls has room for, fair to all clouds."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import chain, zip_longest

from django.db.models import Q, QuerySet

from ecsclient.exchange import Exchange
from reinstall.domain.budgets import Rate, Share
from reinstall.domain.states import DRIVEN, JobState
from reinstall.models import Cloud, Job
from reinstall.services import budget, exchanges, guards, moves

#: What a step of a job in that state spends, in calls, and from which share.
COSTS: dict[JobState, tuple[Share, int]] = {
    # Server, disks, its actions, the newest trace, and the call. What else is looked at before the call
    # (services.preconditions) holds for a minute and a whole project, and is not counted.
    JobState.QUEUED: (Share.SUBMIT, 5),
    JobState.PREFLIGHT: (Share.SUBMIT, 5),
    JobState.STOPPING: (Share.SUBMIT, 5),
    JobState.UNCERTAIN: (Share.EVIDENCE, 5),
    JobState.VERIFYING: (Share.EVIDENCE, 2),
    JobState.RUNNING: (Share.POLL, 1),
}
#: Due jobs one look considers: of all clouds, and of each that is not among them. A line is given its times
#: in one go: two goes would lay the second half over the first.
CONSIDERED, OF_OTHERS = 20_000, 200
#: Jobs that must wait are given times this far apart, so a long line is not counted anew each second.
_SLOT_S = 10.0
_MOST_AT_ONCE = 500


def due(*, now: datetime) -> list[int]:
    """Ids of jobs to move now, but for running ones, which are watched together by services.watching.

    Of each cloud and share as many as its budget holds, oldest first, one cloud after the other; the rest is
    given a time later on and a sentence that says why.
    """
    states = sorted(DRIVEN - {JobState.RUNNING})
    # A running job whose last step died with its process goes alone: only the one to blame is counted.
    mine = Q(state__in=states) | Q(state=JobState.RUNNING, crash_count__gt=0)
    due_now = Job.objects.filter(_free(now), mine).order_by("next_at")
    rows = _first(due_now, CONSIDERED)
    if len(rows) == CONSIDERED:
        # A line that long may hide the jobs of other clouds behind it.
        for cloud_id in Cloud.objects.exclude(pk__in={row[2] for row in rows}).values_list("pk", flat=True):
            rows += _first(due_now.filter(project__cloud_id=cloud_id), OF_OTHERS)
    lines: dict[tuple[int, Share | None], list[int]] = defaultdict(list)
    for pk, state, cloud_id in rows:
        lines[(cloud_id, COSTS[JobState(state)][0] if state in COSTS else None)].append(pk)
    chosen = [_in_turn(cloud_id, share, ids, now) for (cloud_id, share), ids in lines.items()]
    return [pk for pk in chain.from_iterable(zip_longest(*chosen)) if pk is not None]


def suspects(ids: list[int]) -> set[int]:
    """Those of the jobs whose last step died with its process.

    Each is moved alone: a job that kills its process would otherwise take the jobs beside it along, death by
    death, until all of them count as the cause.
    """
    return set(Job.objects.filter(pk__in=ids, crash_count__gt=0).values_list("pk", flat=True))


def _first(jobs: QuerySet[Job], count: int) -> list[tuple[int, str, int]]:
    return list(jobs.values_list("pk", "state", "project__cloud_id")[:count])


def _in_turn(cloud_id: int, share: Share | None, ids: list[int], now: datetime) -> list[int]:
    """Those of a line that may go now; a job that calls nobody always may."""
    if share is None:
        return ids
    cost = max(calls for of, calls in COSTS.values() if of is share)
    calls, rate, ready = budget.line(cloud_id=cloud_id, share=share, now=now)
    fit = calls // cost
    put_off(ids[fit:], now=now, start=ready, rate=rate, cost=cost)
    return ids[:fit]


def put_off(ids: Sequence[int], *, now: datetime, start: datetime, rate: Rate, cost: int) -> None:
    """Gives due jobs, in this order, times from `start` on at which the budget will have room for them."""
    size = min(max(1, int(_SLOT_S * rate.per_s / cost)), _MOST_AT_ONCE)
    for first in range(0, len(ids), size):
        at = start + timedelta(seconds=(first + 1) * cost / rate.per_s)
        held = Job.objects.filter(_free(now), pk__in=ids[first : first + size])
        held.exclude(state=JobState.RUNNING).update(next_at=at, waiting_for=_sentence(rate))
        held.filter(state=JobState.RUNNING).update(next_at=at)


def may_call(job: Job, now: datetime) -> bool:
    """Takes what a step of the job spends. False: the job has been given a later time."""
    share, calls = COSTS[JobState(job.state)]
    turn = budget.take(cloud_id=job.project.cloud_id, share=share, now=now, calls=calls)
    if turn.calls:
        return True
    changes = {} if share is Share.POLL else {"waiting_for": "Waiting for its turn at the cloud."}
    moves.touch(job, announce=False, next_at=turn.again_at, **changes)
    return False


def heard(job: Job, call: Exchange, now: datetime) -> None:
    """Keeps a call made for the job, and brakes everybody where the cloud said "too many"."""
    exchanges.note_call(job, call)
    share = COSTS.get(JobState(job.state), (Share.EVIDENCE, 0))[0]
    budget.heard(job.project.cloud_id, share, call, now)
    guards.note_cloud_time(job.project.cloud_id, call, now)


def _free(now: datetime) -> Q:
    return Q(next_at__lte=now, lease_until__lte=now)


def _sentence(rate: Rate) -> str:
    return f"Waiting for its turn: the cloud is asked at most {rate.per_s:g} times a second."
