"""What an operator should know of the engine at a glance: each finding a sentence with its jobs."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q, QuerySet

from reinstall.domain.lateness import STUCK_AFTER
from reinstall.domain.states import DRIVEN, JobState, Verdict
from reinstall.models import Job, Outbox
from reinstall.selectors import guards, health

#: Longer than the wall clock of a call, the lease and the sweep that follows.
ARMED_FOR = timedelta(minutes=5)
UNPOLLED_FOR = timedelta(minutes=10)
UNSURE_FOR = timedelta(hours=2)
EVENT_LATE = timedelta(minutes=1)
LISTED = 20


@dataclass(frozen=True, slots=True)
class Finding:
    """Something to look at. `jobs` names the first 20 of `count`; `bad` fails the command."""

    sentence: str
    count: int = 0
    jobs: tuple[int, ...] = ()
    bad: bool = True


def findings(now: datetime) -> tuple[Finding, ...]:
    """All there is to say, the most serious first; empty when the engine is well and nobody is waited for."""
    found = [Finding(problem) for problem in health.readiness(now).problems]
    found += [
        Finding(f"{guards.title_of(g)} {g.reason} ({g.name}, {g.set_by})") for g in guards.active_guards()
    ]
    found += _of_jobs(now)
    found += _of_events(now)
    return tuple(found)


def _of_jobs(now: datetime) -> list[Finding]:
    driven = Job.objects.filter(state__in=sorted(DRIVEN))
    looks: list[tuple[str, QuerySet[Job, Job], bool]] = [
        (
            "may have been sent, and no worker has noted the outcome",
            Job.objects.filter(attempts__verdict=Verdict.ARMED, attempts__intent_at__lt=now - ARMED_FOR),
            True,
        ),
        ("were left by a worker that stopped", driven.filter(~Q(owner=""), _expired(now)), True),
        ("failed in a step of this portal and are tried again", driven.filter(crash_count__gt=1), True),
        (
            "are unclear for more than two hours",
            Job.objects.filter(state=JobState.UNCERTAIN, state_since__lt=now - UNSURE_FOR),
            True,
        ),
        (
            "run and were not asked for in ten minutes",
            Job.objects.filter(state=JobState.RUNNING).filter(_unpolled(now)),
            True,
        ),
        (
            "are stuck: under way for more than two hours",
            driven.filter(
                Q(sent_at__lt=now - STUCK_AFTER) | Q(sent_at=None, created_at__lt=now - STUCK_AFTER)
            ),
            True,
        ),
        (
            "wait for a person, who alone frees their servers",
            Job.objects.filter(state=JobState.ATTENTION),
            False,
        ),
    ]
    return [found for words, rows, bad in looks for found in _counted(words, rows, bad)]


def _expired(now: datetime) -> Q:
    late = now - timedelta(minutes=5)
    return Q(next_at__lt=late, lease_until__lt=now)


def _unpolled(now: datetime) -> Q:
    """Old jobs are asked less often by design; they are late when their own time is past."""
    seen = Q(polled_at__lt=now - UNPOLLED_FOR) | Q(polled_at=None, state_since__lt=now - UNPOLLED_FOR)
    return seen & Q(next_at__lt=now - timedelta(minutes=1))


def _counted(words: str, rows: QuerySet[Job, Job], bad: bool) -> Iterable[Finding]:
    ids = tuple(rows.order_by("pk").values_list("pk", flat=True).distinct()[:LISTED])
    if ids:
        count = rows.distinct().count()
        yield Finding(f"{count} {'job' if count == 1 else 'jobs'}: {words}", count, ids, bad)


def _of_events(now: datetime) -> Iterable[Finding]:
    late = Outbox.objects.filter(next_at__lt=now - EVENT_LATE).count()
    if late:
        yield Finding(f"{late} events were not delivered for a minute or more", late)
    dead = Outbox.objects.filter(dead_at__isnull=False).count()
    if dead:
        yield Finding(f"{dead} events were given up after three days", dead)
