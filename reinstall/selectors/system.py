"""The installation as a whole: what is stopped and why, whether work gets done."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q, QuerySet

from reinstall.domain.actors import Actor
from reinstall.domain.breakers import HELD, HOLDABLE, WINDOW
from reinstall.domain.states import Verdict
from reinstall.models import Attempt, Cloud, EngineTick, Job, Outbox
from reinstall.selectors import guards, health
from reinstall.selectors.guards import Guard
from reinstall.selectors.projects import in_projects

BROKEN = "The audit history does not fit together: see its integrity under Audit log."
#: Jobs behind one breaker that are named.
NAMED = 20


@dataclass(frozen=True, slots=True)
class BlamedJob:
    """A job whose call had no clear answer, or an error, in the minutes before a breaker opened."""

    id: int
    server_name: str
    state: str
    verdict: str


@dataclass(frozen=True, slots=True)
class OpenBreaker:
    """A cloud to which nothing new is sent, and the jobs the actor may see that opened its breaker."""

    cloud_id: int
    cloud: str
    reason: str
    set_by: str
    set_at: datetime
    jobs: tuple[BlamedJob, ...]


@dataclass(frozen=True, slots=True)
class Engine:
    """Whether work gets done. Ages are seconds, 0 where nothing waits; held_jobs wait for a guard."""

    ticked_at: datetime | None
    oldest_due_s: int
    oldest_event_s: int
    held_jobs: int


@dataclass(frozen=True, slots=True)
class SystemView:
    """The whole. `problems` are the sentences of /ready; `warnings` those about clocks and the audit."""

    freeze: Guard | None
    read_only: Guard | None
    breakers: tuple[OpenBreaker, ...]
    warnings: tuple[str, ...]
    engine: Engine
    problems: tuple[str, ...]


def system_view(actor: Actor, now: datetime) -> SystemView:
    """What holds work and whether it gets done. Everybody may know; jobs are those the actor may see."""
    found = guards.active_guards()
    by_kind = {guard.kind: guard for guard in found}
    ready = health.readiness(now)
    return SystemView(
        freeze=by_kind.get("freeze"),
        read_only=by_kind.get("read_only"),
        breakers=_breakers(actor, [guard for guard in found if guard.kind == "breaker"]),
        warnings=(
            *(guard.reason for guard in found if guard.kind == "skew"),
            *([BROKEN] if ready.audit == "broken" else []),
        ),
        engine=_engine(actor, now, ready.oldest_due_s),
        problems=ready.problems,
    )


def _engine(actor: Actor, now: datetime, oldest_due_s: int) -> Engine:
    held = Job.objects.filter(state__in=HOLDABLE, waiting_for__startswith=HELD)
    waiting = Outbox.objects.filter(next_at__isnull=False).order_by("next_at")
    oldest = waiting.values_list("next_at", flat=True).first()
    return Engine(
        ticked_at=EngineTick.objects.values_list("at", flat=True).first(),
        oldest_due_s=oldest_due_s,
        oldest_event_s=max(0, int((now - oldest).total_seconds())) if oldest else 0,
        held_jobs=in_projects(held, actor).count(),
    )


def _breakers(actor: Actor, opened: list[Guard]) -> tuple[OpenBreaker, ...]:
    if not opened:
        return ()
    clouds = Cloud.objects.in_bulk([_cloud_id(guard) for guard in opened])
    blamed = tuple(_blamed(actor, opened))
    return tuple(
        OpenBreaker(
            cloud_id=_cloud_id(guard),
            cloud=str(clouds.get(_cloud_id(guard), "")),
            reason=guard.reason,
            set_by=guard.set_by,
            set_at=guard.set_at,
            jobs=_jobs_of(guard, blamed),
        )
        for guard in opened
    )


def _cloud_id(guard: Guard) -> int:
    return int(guard.name.partition(":")[2])


def _blamed(actor: Actor, opened: list[Guard]) -> Iterable[Attempt]:
    """Attempts that opened one of these breakers, newest first, with their jobs."""
    when = Q()
    for guard in opened:
        before = Q(intent_at__gt=guard.set_at - WINDOW, intent_at__lte=guard.set_at)
        when |= before & Q(job__project__cloud=_cloud_id(guard))
    theirs: QuerySet[Job, Job] = in_projects(Job.objects.all(), actor)
    rows = Attempt.objects.filter(when).exclude(phase="").filter(job__in=theirs)
    # What was unclear then may have been found out since.
    unclear = Q(verdict=Verdict.UNKNOWN) | Q(status__gte=500) | Q(verdict=Verdict.ACCEPTED, status=None)
    found = rows.filter(unclear).select_related("job", "job__project").order_by("-intent_at", "-pk")
    return found[: NAMED * len(opened)]


def _jobs_of(guard: Guard, blamed: Iterable[Attempt]) -> tuple[BlamedJob, ...]:
    mine = [attempt for attempt in blamed if attempt.job.project.cloud_id == _cloud_id(guard)]
    jobs = {
        attempt.job_id: BlamedJob(attempt.job_id, attempt.job.server_name, attempt.job.state, attempt.verdict)
        for attempt in mine
    }
    return tuple(jobs.values())[:NAMED]
