"""How a cloud's running jobs are watched just now: by lists, at learned times, or at fixed ones."""

import threading
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache

from django.conf import settings

from reinstall.domain.budgets import Share
from reinstall.domain.intervals import UNKNOWN, Schedule, fallback, learn
from reinstall.domain.states import JobState
from reinstall.models import Budget, Job, Watch

#: Jobs the list was right about before it is believed, and how often it may mislead after that.
BELIEVED_AFTER, RIGHT_OF_TEN = 5, 9
#: While the list shows the server at work, its job is asked this seldom; the cloud keeps jobs for a day.
SLOW_S, SLOWER_S, SLOWER_AFTER_S = 600.0, 3600.0, 7200.0
#: A list older than this says nothing.
FRESH_S = 30.0
#: Lists in a row that may fail before the jobs are asked one by one again.
FAILURES = 3
#: The first look at a job; where lists are believed they have shown the server at work by then.
FIRST_S, FIRST_LISTED_S = 3.0, 15.0
#: After its server came to rest a job that has not ended yet is asked this soon.
SOON_S = 2.0
_KEPT = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class Plan:
    """Of one cloud. `listed` are the projects whose servers were listed a moment ago; `pressure_s` is the
    time in which the budget can ask every job once that is not watched by a list."""

    at: datetime
    schedule: Schedule
    believed: bool
    listed: frozenset[int]
    pressure_s: float

    def wait_s(self, job: Job, now: datetime) -> float:
        """Seconds until a job that is still running is asked again."""
        return max(self._wanted(job, now), self.pressure_s)

    def _wanted(self, job: Job, now: datetime) -> float:
        age = max((now - (job.accepted_at or job.state_since)).total_seconds(), 0.0)
        if job.idle_seen_at is not None:
            return min(max((now - job.idle_seen_at).total_seconds(), SOON_S), fallback(age))
        if self.follows(job):
            return SLOW_S if age < SLOWER_AFTER_S else SLOWER_S
        return self.schedule.wait_s(age)

    def follows(self, job: Job) -> bool:
        """Whether the list will say when this job's server comes to rest."""
        return self.believed and job.busy_seen_at is not None and job.project_id in self.listed

    def first_s(self) -> float:
        """Seconds from acceptance to the first look."""
        return max(FIRST_LISTED_S if self.believed else FIRST_S, self.pressure_s)


_plans: dict[int, Plan] = {}
_making = threading.Lock()


def plan_of(*, cloud_id: int, now: datetime) -> Plan:
    """The cloud's plan, made anew every few seconds."""
    with _making:
        known = _plans.get(cloud_id)
        if known is None or abs(now - known.at) > _KEPT:
            known = _plans[cloud_id] = _made(cloud_id, now)
        return known


def forget() -> None:
    """Drops what is kept (tests, a new database)."""
    _plans.clear()


def _made(cloud_id: int, now: datetime) -> Plan:
    rows = list(Watch.objects.filter(project__cloud_id=cloud_id))
    durations = [d for row in rows for d in row.durations]
    believed = is_believed(rows)
    return Plan(
        at=now,
        schedule=_learned(tuple(durations)) if durations else UNKNOWN,
        believed=believed,
        listed=frozenset(row.pk for row in rows if is_listed(row, now)),
        pressure_s=_pressure_s(cloud_id, believed),
    )


@lru_cache(maxsize=16)
def _learned(durations: tuple[float, ...]) -> Schedule:
    return learn(durations)


def is_believed(rows: list[Watch]) -> bool:
    """Whether a server that comes to rest has meant, on this cloud, that its job had ended."""
    agreed, misled = sum(row.agreed for row in rows), sum(row.misled for row in rows)
    return agreed >= BELIEVED_AFTER and agreed * (10 - RIGHT_OF_TEN) >= misled * RIGHT_OF_TEN


def is_listed(row: Watch, now: datetime) -> bool:
    """Whether the project's servers were listed a moment ago."""
    fresh = row.listed_at is not None and now - row.listed_at <= timedelta(seconds=FRESH_S)
    return fresh and row.failures < FAILURES


def _pressure_s(cloud_id: int, believed: bool) -> float:
    # With a time, which every running job has: so the index of what is due some time is read, not the table.
    rows = Job.objects.filter(project__cloud_id=cloud_id, state=JobState.RUNNING, next_at__isnull=False)
    if believed:
        rows = rows.exclude(busy_seen_at__isnull=False, idle_seen_at__isnull=True)
    per_s: float = settings.CALLS_PER_SECOND[Share.POLL]
    row = Budget.objects.filter(cloud_id=cloud_id, share=Share.POLL).first()
    if row is not None and row.limit_per_s is not None:
        per_s = min(per_s, row.limit_per_s)
    return rows.count() / per_s
